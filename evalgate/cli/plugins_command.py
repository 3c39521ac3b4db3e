"""`evalgate plugins`."""

from __future__ import annotations

import argparse
import sys

from evalgate.core.canonical import pretty_json
from evalgate.core.visible import terminal_line


def handle(options: argparse.Namespace) -> int:
    """List what is installed."""
    from evalgate.pipeline.listing import installed

    rows = installed()
    if options.json:
        sys.stdout.write(pretty_json(rows))
        return 0
    for row in rows:
        cells = [terminal_line(row[key]) for key in ("kind", "name", "distribution", "version", "reference")]
        cards = f"  card: {', '.join(row['cards'])}" if row.get("cards") else ""
        print(f"{cells[0]:<10} {cells[1]:<20} {cells[2]} {cells[3]}  {cells[4]}{cards}")
    return 0
