"""The command line of `evalgate dataset`."""

from __future__ import annotations

import argparse

from evalgate.cli.parser_parts import Commands, action, command

_DATASET = "name@version under datasets/, or the path of a card"


def add_dataset(commands: Commands, shared: argparse.ArgumentParser) -> None:
    """Add the command to the parser."""
    parser = command(commands, shared, "dataset", "lock or verify a golden dataset")
    actions: Commands = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for add in (_lock, _verify):
        add(actions, shared)


def _lock(actions: Commands, shared: argparse.ArgumentParser) -> None:
    parser = action(actions, shared, "lock", "write rows and digest into the card")
    parser.add_argument("path", metavar="DATASET", help=_DATASET)


def _verify(actions: Commands, shared: argparse.ArgumentParser) -> None:
    parser = action(actions, shared, "verify", "prove rows and digest of a card")
    parser.add_argument("path", metavar="DATASET", help=_DATASET)
