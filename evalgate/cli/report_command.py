"""`evalgate report`."""

from __future__ import annotations

import argparse
from pathlib import Path

from evalgate.cli.output import tell_bytes, tell_lines
from evalgate.core.visible import terminal_line


def handle(options: argparse.Namespace) -> int:
    """Make a report; 0 when it was made, whatever verdict stands in it."""
    from evalgate.pipeline.reporting import ReportRequest, make_report

    made = make_report(ReportRequest(Path(options.run), options.format, options.part, options.out))
    if isinstance(made, str):
        return tell_bytes(made.encode("utf-8"))
    return tell_lines(0, [] if options.quiet else [f"report: {terminal_line(str(path))}" for path in made])
