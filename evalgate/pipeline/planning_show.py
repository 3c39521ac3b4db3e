"""What a forecast looks like on a stream."""

from __future__ import annotations

import shutil
from typing import TextIO

from evalgate.core.plan_report import PlanReport

FEWEST_COLUMNS = 140
"""Width in a file or a log: narrower tables break names in two."""


def print_forecast(report: PlanReport, stream: TextIO) -> None:
    """Print the tables; colour only on a terminal."""
    from rich.console import Console

    from evalgate.report.plan_table import print_plan

    width = None if stream.isatty() else max(FEWEST_COLUMNS, shutil.get_terminal_size().columns)
    print_plan(report, Console(file=stream, width=width, highlight=False, soft_wrap=False, emoji=False, markup=False))
