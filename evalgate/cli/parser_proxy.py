"""The command line of `evalgate proxy`."""

from __future__ import annotations

import argparse

from evalgate.cli.number_options import whole
from evalgate.cli.parser_parts import Commands, command

MODES = ("replay", "record", "mock", "refresh", "live")
SMALLEST_BODY, LARGEST_BODY = 1 << 10, 256 << 20


def add_proxy(commands: Commands, shared: argparse.ArgumentParser) -> None:
    """Add the command to the parser."""
    parser = command(commands, shared, "proxy", "serve an OpenAI-compatible endpoint that records, replays or mocks")
    parser.add_argument("--mode", choices=MODES, default="replay", metavar="MODE", help="replay (default), record or mock")
    parser.add_argument(
        "--recording", metavar="NAME", help="a name under datasets/recordings/, or the path of a folder (replay, record)"
    )
    _add_upstream(parser)
    _add_listening(parser)
    parser.add_argument("--mock", metavar="FILE", help="rules and faults of the mock, YAML (mock)")


def _add_upstream(parser: argparse.ArgumentParser) -> None:
    upstream = parser.add_argument_group("upstream (record)")
    upstream.add_argument(
        "--upstream",
        metavar="URL",
        help="OpenAI-compatible server up to and including /v1 (default: OPENAI_BASE_URL, else OpenAI)",
    )
    upstream.add_argument(
        "--api-key-env", metavar="NAME", help="environment variable that holds its key (default: OPENAI_API_KEY)"
    )


def _add_listening(parser: argparse.ArgumentParser) -> None:
    listening = parser.add_argument_group("listening")
    listening.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1, this machine alone)")
    listening.add_argument("--port", type=whole("a port", 0, 65535), default=0, metavar="N", help="default: 0, a free port")
    listening.add_argument(
        "--token-env", metavar="NAME", help="environment variable with the token for clients (default: one is made and printed)"
    )
    listening.add_argument(
        "--max-body",
        type=whole("a number of bytes", SMALLEST_BODY, LARGEST_BODY),
        default=8 << 20,
        metavar="BYTES",
        help="largest request body (default: 8388608)",
    )
