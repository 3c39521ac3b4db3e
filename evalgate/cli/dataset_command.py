"""`evalgate dataset`."""

from __future__ import annotations

import argparse
from pathlib import Path

from evalgate.core.visible import terminal_line


def handle(options: argparse.Namespace) -> int:
    """Lock or verify a golden dataset."""
    from evalgate.pipeline.lock import lock_dataset, verify_dataset

    if options.action == "lock":
        card, dataset = lock_dataset(options.path, Path.cwd(), replace_lock=options.replace)
    else:
        card, dataset = verify_dataset(options.path, Path.cwd())
    if not options.quiet:
        print(
            f"{options.action}: {terminal_line(card.name)}@{terminal_line(card.version)}, {dataset.rows} cases, {dataset.digest}"
        )
    return 0
