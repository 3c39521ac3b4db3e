"""`evalgate dataset verify`."""

from __future__ import annotations

import argparse
from pathlib import Path

from evalgate.cli.output import tell_lines
from evalgate.core.visible import terminal_line


def handle(options: argparse.Namespace) -> int:
    """Prove datasets; 0 when every one of them is what it was locked to."""
    from evalgate.pipeline.dataset_verify import verify_datasets

    lines = []
    for card, dataset in verify_datasets(options.paths, Path.cwd()):
        named = f"{terminal_line(card.name)}@{terminal_line(card.version)}"
        lines.append(f"verify: {named}, {dataset.rows} cases, {dataset.digest}")
    return tell_lines(0, [] if options.quiet else lines)
