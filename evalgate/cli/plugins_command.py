"""`evalgate plugins`."""

from __future__ import annotations

import argparse

from evalgate.cli.output import tell, tell_lines
from evalgate.core.canonical import pretty_json
from evalgate.core.visible import terminal_line


def handle(options: argparse.Namespace) -> int:
    """List what is installed."""
    from evalgate.pipeline.listing import installed

    rows = installed()
    if options.json:
        return tell(0, pretty_json(rows), None, product=True)
    lines = []
    for row in rows:
        cells = [terminal_line(row[key]) for key in ("kind", "name", "distribution", "version", "reference")]
        cards = f"  card: {', '.join(row['cards'])}" if row.get("cards") else ""
        lines.append(f"{cells[0]:<10} {cells[1]:<20} {cells[2]} {cells[3]}  {cells[4]}{cards}")
    return tell_lines(0, lines, product=True)
