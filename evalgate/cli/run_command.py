"""`evalgate run`."""

from __future__ import annotations

import argparse

from evalgate.cli.output import print_result, progress, say


def handle(options: argparse.Namespace) -> int:
    """Run a gate and exit with its verdict."""
    from evalgate.pipeline.api import run

    with progress(options) as update:
        result = run(
            options.config,
            mode=options.mode,
            out=options.out,
            jobs=options.jobs,
            backend=options.backend,
            fresh=options.fresh,
            progress=update.measuring,
            answering=update.answering,
            notice=None if options.quiet else say,
        )
    return print_result(result, options, kept=True)
