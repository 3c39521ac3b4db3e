"""The command line of `evalgate proxy`."""

from __future__ import annotations

import argparse

from evalgate.cli.parser_parts import Commands, command


def add_proxy(commands: Commands, shared: argparse.ArgumentParser) -> None:
    """Add the command to the parser."""
    command(commands, shared, "proxy", "serve an OpenAI-compatible endpoint that records, replays or mocks")
