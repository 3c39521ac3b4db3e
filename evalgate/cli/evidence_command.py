"""`evalgate evidence export`."""

from __future__ import annotations

import argparse
from pathlib import Path

from evalgate.cli.loading import loading
from evalgate.cli.output import tell_lines
from evalgate.core.visible import terminal_line


def handle(options: argparse.Namespace) -> int:
    """Pack a run for a record system; 0 when the archive was written, whatever verdict stands in it."""
    with loading():
        from evalgate.pipeline.evidence_export import ExportRequest, export_evidence

    project = None if options.project is None else Path(options.project)
    made = export_evidence(ExportRequest(Path(options.run), Path(options.out), project, data=not options.without_data))
    lines = [f"evidence: {terminal_line(str(made.out))}, {made.files} files, {made.digest}", f"root: {terminal_line(made.root)}"]
    lines += [f"not in it: {terminal_line(said)}" for said in made.left_out]
    return tell_lines(0, [] if options.quiet else lines)
