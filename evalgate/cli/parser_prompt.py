"""The command line of `evalgate prompt`."""

from __future__ import annotations

import argparse

from evalgate.cli.parser_parts import Commands, action, command

_PROMPT = "name@version under configs/prompts/, or the path of a prompt file"


def add_prompt(commands: Commands, shared: argparse.ArgumentParser) -> None:
    """Add the command to the parser."""
    parser = command(commands, shared, "prompt", "work with prompts as versioned files")
    actions: Commands = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for add in (_release,):
        add(actions, shared)


def _release(actions: Commands, shared: argparse.ArgumentParser) -> None:
    summary = "list a version as released: from then on its meaning may not change"
    parser = action(actions, shared, "release", summary, handler="evalgate.cli.prompt_release:handle")
    parser.add_argument("prompt", metavar="NAME@VERSION", help="a version under configs/prompts/")
    parser.add_argument("--owner", metavar="TEXT", default="", help="who answers for it (default: what the prompt says)")
    parser.add_argument("--note", metavar="TEXT", default="", help="what is new in it")
    parser.add_argument("--json", action="store_true", help="as JSON")
