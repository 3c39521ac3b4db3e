"""The command line of `evalgate recording`."""

from __future__ import annotations

import argparse

from evalgate.cli.number_options import whole
from evalgate.cli.parser_parts import Commands, action, command

FORMATS = ("openai-batch", "promptfoo", "outputs", "vcr", "lines")
_RECORDING = "name under datasets/recordings/, or a folder"


def add_recording(commands: Commands, shared: argparse.ArgumentParser) -> None:
    """Add the command to the parser."""
    parser = command(commands, shared, "recording", "show, verify, import, export or prune recordings")
    actions: Commands = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for add in (_show, _verify, _import, _export, _prune):
        add(actions, shared)


def _show(actions: Commands, shared: argparse.ArgumentParser) -> None:
    parser = action(actions, shared, "show", "what a recording holds")
    parser.add_argument("recording", metavar="RECORDING", help=_RECORDING)
    parser.add_argument("--key", metavar="PREFIX", help="one exchange in full: the beginning of its key")
    parser.add_argument("--json", action="store_true", help="as JSON")


def _verify(actions: Commands, shared: argparse.ArgumentParser) -> None:
    parser = action(actions, shared, "verify", "prove every line of recordings from scratch")
    parser.add_argument("recordings", metavar="RECORDING", nargs="*", help=f"{_RECORDING} (default: all)")
    parser.add_argument("--json", action="store_true", help="as JSON")


def _import(actions: Commands, shared: argparse.ArgumentParser) -> None:
    parser = action(actions, shared, "import", "append answers that already exist; all of a file or nothing of it")
    parser.add_argument("file", metavar="FILE", help="what to import")
    parser.add_argument("--into", metavar="RECORDING", required=True, help=f"{_RECORDING}; made when it is not there")
    parser.add_argument("--format", choices=FORMATS, help="default: told from the file, where that is clear")
    parser.add_argument(
        "--repeats", action="store_true", help="a request that stands in the file k times becomes samples 0 to k - 1"
    )
    parser.add_argument("--requests", metavar="INPUT", help="openai-batch: the file that was sent as the batch's input")
    parser.add_argument("--model", metavar="NAME", help="promptfoo: the model, whatever the provider is called")
    parser.add_argument(
        "--parameter",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        help="promptfoo: a parameter of every request that the file does not name; VALUE is JSON or text; repeatable",
    )
    _gate(parser, "outputs: ")
    parser.add_argument("--json", action="store_true", help="as JSON")


def _export(actions: Commands, shared: argparse.ArgumentParser) -> None:
    parser = action(actions, shared, "export", "plain JSON lines: the recording, or the outputs of one variant of a gate")
    parser.add_argument("recording", metavar="RECORDING", help=_RECORDING)
    parser.add_argument("--out", metavar="FILE", required=True, help="file to write; - is standard output")
    _gate(parser, "outputs for `evalgate compare`: ")


def _prune(actions: Commands, shared: argparse.ArgumentParser) -> None:
    parser = action(actions, shared, "prune", "keep only what gates ask for; says what would go, until --apply")
    parser.add_argument("recording", metavar="RECORDING", help=_RECORDING)
    parser.add_argument(
        "--config", metavar="GATE", action="append", required=True, help="gate configuration that is still used; repeatable"
    )
    parser.add_argument("--apply", action="store_true", help="do it; what goes is kept in a folder beside the recording")
    parser.add_argument("--json", action="store_true", help="as JSON")


def _gate(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument("--config", metavar="GATE", help=f"{what}the gate whose requests are answered")
    parser.add_argument("--variant", choices=["baseline", "candidate"], help=f"{what}which side of it")
    parser.add_argument("--sample", metavar="K", type=whole("a repeat"), default=0, help=f"{what}which repeat (default: 0)")
