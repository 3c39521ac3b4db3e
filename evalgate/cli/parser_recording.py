"""The command line of `evalgate recording`."""

from __future__ import annotations

import argparse

from evalgate.cli.parser_parts import Commands, command


def add_recording(commands: Commands, shared: argparse.ArgumentParser) -> None:
    """Add the command to the parser."""
    command(commands, shared, "recording", "show, verify, import, export or prune recordings")
