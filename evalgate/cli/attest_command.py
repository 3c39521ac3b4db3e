"""`evalgate attest`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from evalgate.cli.loading import loading
from evalgate.core.visible import terminal_line


def handle(options: argparse.Namespace) -> int:
    """Sign a run; 0 when it was signed, whatever its verdict."""
    with loading():
        from evalgate.pipeline.signing import SignRequest, attest

    prompt = Path(options.prompt) if options.prompt is not None else None
    request = SignRequest(Path(options.run), Path(options.key), options.passphrase_env, prompt)
    signed = attest(request, authors=options.author, url=options.url, out=options.out)
    if signed.path is None:
        print(signed.text, end="", flush=True)
    elif not options.quiet:
        print(f"attestation: {terminal_line(str(signed.path))}")
    if not options.quiet:
        stream = sys.stderr if signed.path is None else sys.stdout
        print(f"result: {signed.result} (verdict {terminal_line(signed.verdict)}), key {signed.keyid}", file=stream)
    return 0
