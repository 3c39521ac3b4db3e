"""`evalgate dataset show`."""

from __future__ import annotations

import argparse
from pathlib import Path

from evalgate.cli.output import tell, tell_lines
from evalgate.core.canonical import pretty_json
from evalgate.core.visible import terminal_line

LINE = 400


def handle(options: argparse.Namespace) -> int:
    """Show a golden dataset; whether its lock holds is said, and proven by `dataset verify`."""
    from evalgate.pipeline.dataset_show import dataset_show, show_lines

    document = dataset_show(options.path, Path.cwd(), options.case)
    if options.json:
        return tell(0, pretty_json(document), None, product=True)
    # One case was asked for: all of it. Otherwise an overview.
    lines = [line if options.case or len(line) <= LINE else line[:LINE] + "…" for line in show_lines(document)]
    return tell_lines(0, map(terminal_line, lines), product=True)
