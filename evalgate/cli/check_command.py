"""`evalgate check`."""

from __future__ import annotations

import argparse
from pathlib import Path

from evalgate.cli.loading import loading
from evalgate.cli.output import tell_lines
from evalgate.core.visible import terminal_line


def handle(options: argparse.Namespace) -> int:
    """Validate files; 0 when all are right."""
    with loading():
        from evalgate.pipeline.check import check_paths

    lines = []
    for checked in check_paths([Path(path) for path in options.paths] or _of_the_project()):
        lines.append(f"ok  {checked.kind:<13} {terminal_line(checked.path)}  ({terminal_line(checked.note)})")
        lines += [f"    {terminal_line(line)}" for line in checked.health]
    return tell_lines(0, [] if options.quiet else lines)


def _of_the_project() -> list[Path]:
    """What stands where a project keeps its gates, prompts and datasets; `configs` is named as missing where neither is there."""
    return [path for path in (Path("configs"), Path("datasets")) if path.exists()] or [Path("configs")]
