"""`evalgate approve`."""

from __future__ import annotations

import argparse
from pathlib import Path

from evalgate.cli.loading import loading
from evalgate.cli.output import say, tell_lines
from evalgate.core.visible import terminal_line


def handle(options: argparse.Namespace) -> int:
    """Sign an approval; 0 when it was signed."""
    with loading():
        from evalgate.pipeline.signing import SignRequest, approve

    prompt = Path(options.prompt) if options.prompt is not None else None
    request = SignRequest(Path(options.run), Path(options.key), options.passphrase_env, prompt)
    signed = approve(request, options.role, options.reason, options.by)
    lines = [f"approval: {terminal_line(str(signed.path))}", f"as {terminal_line(options.role)}, key {signed.keyid}"]
    code = tell_lines(0, [] if options.quiet else lines)
    if signed.verdict != "pass":
        say(f"the verdict of this run is {signed.verdict}: an approval does not change it")
    return code
