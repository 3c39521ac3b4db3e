"""`evalgate compare`."""

from __future__ import annotations

import argparse

from evalgate.cli.loading import loading
from evalgate.cli.output import print_profile, print_result, progress, say


def handle(options: argparse.Namespace) -> int:
    """Judge existing outputs and exit with the verdict."""
    with loading():
        from evalgate.pipeline.api import compare

    with progress(options) as update:
        result = compare(
            options.baseline,
            options.candidate,
            references=options.references or (),
            metrics=options.metric,
            safety=options.safety,
            thresholds=options.threshold,
            out=options.out,
            jobs=options.jobs,
            backend=options.backend,
            address=options.address,
            storage=options.storage,
            fresh=options.fresh,
            progress=update.measuring,
            working=update.working,
            profile=options.profile,
            id_field=options.id_field,
            output_field=options.output_field,
            reference_field=options.reference_field,
            slices=options.slice,
            group=options.group,
            confidence=options.confidence,
            seed=options.seed,
            resamples=options.resamples,
            waivers=options.waivers,
            show_findings=options.show_findings,
            notice=say,
        )
    print_profile(result, options)
    return print_result(result, options, kept=options.out is not None)
