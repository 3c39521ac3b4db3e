"""`evalgate dataset`."""

from __future__ import annotations

import argparse
from pathlib import Path

from evalgate.cli.output import tell_lines
from evalgate.core.visible import terminal_line


def handle(options: argparse.Namespace) -> int:
    """Lock or verify a golden dataset."""
    from evalgate.pipeline.lock import lock_dataset, verify_dataset

    if options.action == "lock":
        card, dataset = lock_dataset(options.path, Path.cwd(), replace_lock=options.replace)
    else:
        card, dataset = verify_dataset(options.path, Path.cwd())
    named = f"{terminal_line(card.name)}@{terminal_line(card.version)}"
    return tell_lines(0, [] if options.quiet else [f"{options.action}: {named}, {dataset.rows} cases, {dataset.digest}"])
