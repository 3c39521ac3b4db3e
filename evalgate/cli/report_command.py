"""`evalgate report`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from evalgate.core.visible import terminal_line


def handle(options: argparse.Namespace) -> int:
    """Make a report; 0 when it was made, whatever verdict stands in it."""
    from evalgate.pipeline.reporting import ReportRequest, make_report

    made = make_report(ReportRequest(Path(options.run), options.format, options.part, options.out))
    if isinstance(made, str):
        sys.stdout.flush()
        # Bytes: a report is UTF-8 with line feeds, whatever the locale says.
        sys.stdout.buffer.write(made.encode("utf-8"))
        sys.stdout.buffer.flush()
    elif not options.quiet:
        for path in made:
            print(f"report: {terminal_line(str(path))}")
    return 0
