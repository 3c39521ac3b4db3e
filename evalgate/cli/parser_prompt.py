"""The command line of `evalgate prompt`."""

from __future__ import annotations

import argparse

from evalgate.cli.number_options import whole
from evalgate.cli.parser_parts import Commands, action, command

_PROMPT = "name@version under configs/prompts/, or the path of a prompt file"


def add_prompt(commands: Commands, shared: argparse.ArgumentParser) -> None:
    """Add the command to the parser."""
    parser = command(commands, shared, "prompt", "work with prompts as versioned files")
    actions: Commands = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for add in (_render, _release, _test, _lint, _diff):
        add(actions, shared)


def _render(actions: Commands, shared: argparse.ArgumentParser) -> None:
    summary = "show the messages of a prompt for given inputs"
    parser = action(actions, shared, "render", summary, handler="evalgate.cli.prompt_render:handle")
    parser.add_argument("prompt", metavar="PROMPT", help=f"{_PROMPT}, or promptfoo://CONFIG#LABEL")
    parser.add_argument("--inputs", metavar="FILE", help="JSON object of inputs")
    parser.add_argument("--case", metavar="DATASET:ID", help="inputs of a case of a golden dataset")
    parser.add_argument("--input", metavar="NAME=TEXT", action="append", default=[], help="one input, as text; repeatable")
    parser.add_argument("--json", action="store_true", help="messages and parameters as JSON")


def _release(actions: Commands, shared: argparse.ArgumentParser) -> None:
    summary = "list a version as released: from then on its meaning may not change"
    parser = action(actions, shared, "release", summary, handler="evalgate.cli.prompt_release:handle")
    parser.add_argument("prompt", metavar="NAME@VERSION", help="a version under configs/prompts/")
    parser.add_argument("--owner", metavar="TEXT", default="", help="who answers for it (default: what the prompt says)")
    parser.add_argument("--note", metavar="TEXT", default="", help="what is new in it")
    parser.add_argument("--json", action="store_true", help="as JSON")


def _test(actions: Commands, shared: argparse.ArgumentParser) -> None:
    summary = "run the tests beside prompts: rendered messages, properties, snapshots, sample answers"
    parser = action(actions, shared, "test", summary, handler="evalgate.cli.prompt_test:handle")
    parser.add_argument("paths", metavar="PATH", nargs="*", help="test files, prompts or folders (default: configs/prompts)")
    parser.add_argument("--update", action="store_true", help="write the snapshots instead of holding prompts against them")
    parser.add_argument("--junit", metavar="FILE", help="also write JUnit XML (-: standard output)")
    parser.add_argument("--json", action="store_true", help="results as JSON on stdout, summary on stderr")


def _lint(actions: Commands, shared: argparse.ArgumentParser) -> None:
    summary = "hold the rules of docs/lint-rules.md against prompt files; no model is called"
    parser = action(actions, shared, "lint", summary, handler="evalgate.cli.prompt_lint:handle")
    parser.add_argument("paths", metavar="PATH", nargs="*", help="files or folders (default: configs/prompts)")
    forms = ["text", "json", "github", "sarif", "junit"]
    parser.add_argument("--format", choices=forms, default="text", help="default: text")
    parser.add_argument("--out", metavar="FILE", default="-", help="file to write (default: -, standard output)")
    codes = "a code, the beginning of one (EP3) or a name; repeatable"
    parser.add_argument("--select", metavar="CODE", action="append", default=[], help=f"run only these rules: {codes}")
    parser.add_argument("--ignore", metavar="CODE", action="append", default=[], help=f"leave these rules out: {codes}")
    parser.add_argument("--strict", action="store_true", help="refuse warnings too")
    counts = "tokenizer.json to count tokens with (extra tokenizers; default: an estimate)"
    parser.add_argument("--tokenizer", metavar="FILE", help=counts)
    parser.add_argument("--fix", action="store_true", help="repair what can be repaired without changing what a prompt means")


def _diff(actions: Commands, shared: argparse.ArgumentParser) -> None:
    summary = "two prompts side by side, template and rendered cases, with the version bump that the change asks for"
    parser = action(actions, shared, "diff", summary, handler="evalgate.cli.prompt_diff:handle")
    parser.add_argument("before", metavar="A", help=_PROMPT)
    parser.add_argument("after", metavar="B", help=_PROMPT)
    parser.add_argument(
        "--dataset", metavar="D", help="name@version, or the path of a card (default: of the gate that uses them)"
    )
    parser.add_argument(
        "--cases",
        metavar="N",
        type=whole("a number of cases", 0, 1000),
        default=3,
        help="render the first N cases (default: 3; 0: none)",
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="comparison as JSON on stdout, summary on stderr")
    form.add_argument("--markdown", action="store_true", help="as Markdown for a pull request")
