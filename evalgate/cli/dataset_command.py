"""`evalgate dataset`."""

from __future__ import annotations

import argparse
from pathlib import Path

from evalgate.core.visible import visible


def handle(options: argparse.Namespace) -> int:
    """Lock or verify a golden dataset."""
    from evalgate.pipeline.lock import lock_dataset, verify_dataset

    act = lock_dataset if options.action == "lock" else verify_dataset
    card, dataset = act(options.path, Path.cwd())
    if not options.quiet:
        print(f"{options.action}: {visible(card.name)}@{visible(card.version)}, {dataset.rows} cases, {dataset.digest}")
    return 0
