"""`evalgate init`."""

from __future__ import annotations

import argparse
from pathlib import Path

from evalgate.core.visible import terminal_line


def handle(options: argparse.Namespace) -> int:
    """Write the starter project."""
    from evalgate.pipeline.starter import write_starter

    written = write_starter(Path(options.folder))
    if not options.quiet:
        for path in written:
            print(f"wrote {terminal_line(str(path))}")
        print("next: evalgate check, then evalgate run configs/first-gate.yaml")
    return 0
