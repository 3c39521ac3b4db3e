"""`evalgate plan`."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

from evalgate.cli.loading import loading
from evalgate.cli.output import say, tell
from evalgate.core.errors import BadInput


def handle(options: argparse.Namespace) -> int:
    """Forecast a gate; 0 when the forecast was made, whatever it says."""
    with loading():
        from evalgate.pipeline.planning import PlanOptions, plan_gate, plan_text
        from evalgate.pipeline.planning_show import print_forecast

    if options.arms is not None and not options.a_a:
        raise BadInput("says what --a-a compares, and --a-a was not asked for", where="--arms", hint="add --a-a")
    if options.a_a and not options.quiet:
        say(f"running the gate {options.replicates:,} times where there is nothing to find")
    wanted = PlanOptions(tuple(options.expect), options.a_a, options.arms, options.replicates)
    report = plan_gate(Path(options.config), wanted)
    summary = None if options.quiet else partial(print_forecast, report)
    return tell(0, plan_text(report) if options.json else None, summary, product=True)
