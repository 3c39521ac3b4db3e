"""What a forecast looks like on a stream."""

from __future__ import annotations

from typing import TextIO

from evalgate.core.plan_report import PlanReport

FEWEST_COLUMNS = 140
"""Width in a file or a log: narrower tables break names in two."""


def print_forecast(report: PlanReport, stream: TextIO) -> None:
    """Print the tables; colour only on a terminal."""
    from evalgate.report.console import open_console
    from evalgate.report.plan_table import print_plan

    print_plan(report, open_console(stream, FEWEST_COLUMNS))
