"""`evalgate dataset verify`."""

from __future__ import annotations

import argparse
from pathlib import Path

from evalgate.core.visible import terminal_line


def handle(options: argparse.Namespace) -> int:
    """Prove datasets; 0 when every one of them is what it was locked to."""
    from evalgate.pipeline.dataset_verify import verify_datasets

    for card, dataset in verify_datasets(options.paths, Path.cwd()):
        if not options.quiet:
            named = f"{terminal_line(card.name)}@{terminal_line(card.version)}"
            print(f"verify: {named}, {dataset.rows} cases, {dataset.digest}")
    return 0
