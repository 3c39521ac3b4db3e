"""`evalgate dataset`."""

from __future__ import annotations

import argparse
from pathlib import Path

from evalgate.core.visible import terminal_line


def handle(options: argparse.Namespace) -> int:
    """Lock or verify a golden dataset."""
    from evalgate.pipeline.lock import lock_dataset, verify_dataset

    act = lock_dataset if options.action == "lock" else verify_dataset
    card, dataset = act(options.path, Path.cwd())
    if not options.quiet:
        print(
            f"{options.action}: {terminal_line(card.name)}@{terminal_line(card.version)}, {dataset.rows} cases, {dataset.digest}"
        )
    return 0
