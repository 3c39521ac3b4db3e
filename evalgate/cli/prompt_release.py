"""`evalgate prompt release`."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path

from evalgate.cli.output import tell_lines
from evalgate.core.canonical import pretty_json
from evalgate.core.visible import terminal_line


def handle(options: argparse.Namespace) -> int:
    """List a version of a prompt as released; 0 when it is listed, now or before."""
    from evalgate.pipeline.prompt_releases import release_prompt

    today = datetime.now(UTC).date().isoformat()
    done = release_prompt(options.prompt, Path.cwd(), released=today, owner=options.owner.strip(), note=options.note.strip())
    state = "released" if done.written else f"was released on {done.release.released} already, unchanged since"
    document = {
        "schema": "evalgate.release/1",
        "prompt": done.reference,
        "digest": done.release.digest,
        "released": done.release.released,
        "file": str(done.path),
        "written": done.written,
    }
    lines = [] if options.quiet else [terminal_line(f"release: {done.reference} {state}, {done.release.digest}")]
    return tell_lines(0, lines, pretty_json(document) if options.json else None)
