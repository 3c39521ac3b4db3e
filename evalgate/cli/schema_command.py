"""`evalgate schema`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def handle(options: argparse.Namespace) -> int:
    """Print or write the JSON Schema of gate configurations, policies or lists of trusted keys."""
    from evalgate.pipeline.listing import schema_text, write_schema

    if options.out == "-":
        sys.stdout.write(schema_text(options.of))
    else:
        write_schema(Path(options.out), options.of)
    return 0
