"""What the parsers of all commands share."""

from __future__ import annotations

import argparse
from typing import TypeAlias

from evalgate import __version__

DECIDING = ("run", "compare")
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

EXIT_CODES = """exit codes:
  0  PASS: complete evidence, every blocking threshold passed
  1  FAIL: a blocking threshold was broken
  2  bad input: usage, configuration, prompt, dataset, recording file, reference mismatch
  3  incomplete: could not be evaluated (recording miss, lost answers or rows, plugin failure, disk full)
  4  INCONCLUSIVE: evidence too thin or noisy for a blocking threshold
 70  internal error (a bug)
130 / 143  interrupted / terminated; the same command continues"""
OTHER_EXIT_CODES = """exit codes:
  0  done, and nothing that was looked at is wrong; this says nothing about a verdict
  2  bad input: usage, or a file that is missing or wrong; each fault is named
  3  incomplete: it could not be done (disk full, no permission, a package is missing), or what it prints was cut
 70  internal error (a bug)
130 / 143  interrupted / terminated"""


def shared_flags() -> argparse.ArgumentParser:
    """Flags of every command."""
    shared = argparse.ArgumentParser(add_help=False)
    loudness = shared.add_mutually_exclusive_group()
    loudness.add_argument("--quiet", action="store_true", default=argparse.SUPPRESS, help="no progress and no summary")
    loudness.add_argument(
        "--verbose", action="store_true", default=argparse.SUPPRESS, help="say more; tracebacks of internal errors"
    )
    shared.add_argument("--version", action="version", version=f"evalgate {__version__}")
    return shared


def command(
    commands: Commands,
    shared: argparse.ArgumentParser,
    name: str,
    summary: str,
) -> argparse.ArgumentParser:
    """A command whose handler is `evalgate.cli.<name>_command:handle`, imported when it is called.

    Only `run` and `compare` end with a verdict; what other commands end with stands in their help.
    """
    parser = commands.add_parser(
        name,
        help=summary,
        description=summary[0].upper() + summary[1:] + ".",
        epilog=EXIT_CODES if name in DECIDING else OTHER_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[shared],
        allow_abbrev=False,
    )
    parser.set_defaults(handler=f"evalgate.cli.{name}_command:handle")
    return parser


def action(
    actions: Commands, shared: argparse.ArgumentParser, name: str, summary: str, handler: str | None = None
) -> argparse.ArgumentParser:
    """An action of a command, such as `dataset lock`; `handler` where it is not the command's own."""
    description = summary[0].upper() + summary[1:] + "."
    parser = actions.add_parser(
        name,
        help=summary,
        description=description,
        epilog=OTHER_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[shared],
        allow_abbrev=False,
    )
    if handler is not None:
        parser.set_defaults(handler=handler)
    return parser
