"""`evalgate dataset show`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from evalgate.core.canonical import pretty_json
from evalgate.core.visible import terminal_line

LINE = 400


def handle(options: argparse.Namespace) -> int:
    """Show a golden dataset; whether its lock holds is said, and proven by `dataset verify`."""
    from evalgate.pipeline.dataset_show import dataset_show, show_lines

    document = dataset_show(options.path, Path.cwd(), options.case)
    if options.json:
        sys.stdout.write(pretty_json(document))
        return 0
    for line in show_lines(document):
        # One case was asked for: all of it. Otherwise an overview.
        print(terminal_line(line if options.case or len(line) <= LINE else line[:LINE] + "…"))
    return 0
