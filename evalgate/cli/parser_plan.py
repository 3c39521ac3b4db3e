"""The command line of `evalgate plan`."""

from __future__ import annotations

import argparse

from evalgate.cli.number_options import whole
from evalgate.cli.parser_parts import Commands, command

MOST_REPLICATES = 100_000


def add_plan(commands: Commands, shared: argparse.ArgumentParser) -> None:
    """Add the command to the parser."""
    summary = "before spending: detectable effects, cases needed, calls, tokens, cost; no model is called"
    parser = command(commands, shared, "plan", summary)
    parser.add_argument("config", metavar="CONFIG", help="gate configuration (configs/<gate>.yaml)")
    parser.add_argument(
        "--expect",
        metavar="METRIC=AMOUNT",
        action="append",
        default=[],
        help="true improvement to plan for, 5%% of the baseline or in the metric's unit; negative: a loss; repeatable "
        "(default: a candidate as good as the baseline)",
    )
    trials = parser.add_argument_group("the gate on the baseline against itself")
    trials.add_argument("--a-a", action="store_true", help="run the gate where there is nothing to find: measured false alarms")
    trials.add_argument(
        "--arms",
        choices=["repeats", "split", "swap"],
        help="what is compared: repeats of the baseline (the default with samples of 2 or more), resampled cases paired at "
        "random (the default otherwise), or both variants' answers with swapped labels",
    )
    trials.add_argument(
        "--replicates",
        metavar="N",
        type=whole("a number of runs", 1, MOST_REPLICATES),
        default=200,
        help="how often (default: 200)",
    )
    parser.add_argument("--json", action="store_true", help="plan document on stdout, tables on stderr")
