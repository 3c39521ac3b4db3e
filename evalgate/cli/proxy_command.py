"""`evalgate proxy`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from evalgate.cli.output import tell_lines
from evalgate.core.errors import Incomplete
from evalgate.core.visible import terminal_line

if TYPE_CHECKING:
    from evalgate.pipeline.serve import Ready


def handle(options: argparse.Namespace) -> int:
    """Serve until a signal ends it; the exit code is that of the signal."""
    from evalgate.pipeline.serve import ServeOptions, serve

    asked = ServeOptions(
        mode=options.mode,
        recording=options.recording,
        upstream=options.upstream,
        api_key_env=options.api_key_env,
        host=options.host,
        port=options.port,
        token_env=options.token_env,
        mock=options.mock,
        max_body=options.max_body,
    )

    def announce(ready: Ready) -> None:
        lines = [f"OPENAI_BASE_URL={ready.base_url}"]
        if ready.token is not None:
            lines.append(f"OPENAI_API_KEY={ready.token}")
        if tell_lines(0, lines, product=True) != 0:
            raise Incomplete("nobody was told where the proxy listens", hint="keep its standard output open")
        if not options.quiet:
            _say(ready.summary)

    serve(asked, Path.cwd(), announce, _say)


def _say(line: str) -> None:
    try:
        print(f"evalgate: {terminal_line(line)}", file=sys.stderr, flush=True)
    except (BrokenPipeError, OSError):
        return  # nobody reads the diagnostics; the answers go on
