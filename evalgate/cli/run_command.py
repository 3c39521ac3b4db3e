"""`evalgate run`."""

from __future__ import annotations

import argparse

from evalgate.cli.loading import loading
from evalgate.cli.output import print_profile, print_result, progress, say


def handle(options: argparse.Namespace) -> int:
    """Run a gate and exit with its verdict."""
    with loading():
        from evalgate.pipeline.api import run

    with progress(options) as update:
        result = run(
            options.config,
            mode=options.mode,
            out=options.out,
            jobs=options.jobs,
            backend=options.backend,
            address=options.address,
            storage=options.storage,
            fresh=options.fresh,
            progress=update.measuring,
            answering=update.answering,
            working=update.working,
            profile=options.profile,
            notice=None if options.quiet else say,
        )
    print_profile(result, options)
    return print_result(result, options, kept=True)
