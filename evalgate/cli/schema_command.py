"""`evalgate schema`."""

from __future__ import annotations

import argparse
from pathlib import Path

from evalgate.cli.output import tell


def handle(options: argparse.Namespace) -> int:
    """Print or write the JSON Schema of gate configurations, policies or lists of trusted keys."""
    from evalgate.pipeline.listing import schema_text, write_schema

    if options.out == "-":
        return tell(0, schema_text(options.of), None, product=True)
    write_schema(Path(options.out), options.of)
    return 0
