"""`evalgate init`."""

from __future__ import annotations

import argparse
from pathlib import Path

from evalgate.cli.output import tell_lines
from evalgate.core.visible import terminal_line


def handle(options: argparse.Namespace) -> int:
    """Write the starter project."""
    from evalgate.pipeline.starter import write_starter

    written = write_starter(Path(options.folder))
    lines = [f"wrote {terminal_line(str(path))}" for path in written]
    lines.append("next: evalgate check, then evalgate run configs/first-gate.yaml")
    return tell_lines(0, [] if options.quiet else lines)
