"""`evalgate attest`."""

from __future__ import annotations

import argparse
from pathlib import Path

from evalgate.cli.loading import loading
from evalgate.cli.output import tell_lines
from evalgate.core.visible import terminal_line


def handle(options: argparse.Namespace) -> int:
    """Sign a run; 0 when it was signed, whatever its verdict."""
    with loading():
        from evalgate.pipeline.signing import SignRequest, attest

    prompt = Path(options.prompt) if options.prompt is not None else None
    request = SignRequest(Path(options.run), Path(options.key), options.passphrase_env, prompt)
    signed = attest(request, authors=options.author, url=options.url, out=options.out)
    printed = signed.path is None
    lines = [] if printed else [f"attestation: {terminal_line(str(signed.path))}"]
    lines.append(f"result: {signed.result} (verdict {terminal_line(signed.verdict)}), key {signed.keyid}")
    return tell_lines(0, [] if options.quiet else lines, signed.text if printed else None, product=printed)
