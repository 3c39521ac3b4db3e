"""The command line of `evalgate detectors`."""

from __future__ import annotations

import argparse

from evalgate.cli.number_options import decimal
from evalgate.cli.parser_parts import Commands, action, command


def add_detectors(commands: Commands, shared: argparse.ArgumentParser) -> None:
    """Add the command to the parser."""
    parser = command(commands, shared, "detectors", "measure how good safety detectors are")
    actions: Commands = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    _measure(actions, shared)


def _measure(actions: Commands, shared: argparse.ArgumentParser) -> None:
    summary = "precision, recall and F1 of a detector on labelled outputs, written to a card that reports cite"
    parser = action(actions, shared, "measure", summary, handler="evalgate.cli.detectors_measure:handle")
    named = "detector with its parameters, as under --safety; none with --config"
    parser.add_argument("detector", metavar="NAME[:KEY=VALUE,…]", nargs="?", help=named)
    parser.add_argument(
        "--data",
        metavar="FILE",
        required=True,
        help="labelled outputs (.jsonl, .csv, .parquet, .arrow): id, text, and spans [{type, start, end}] or a label",
    )
    parser.add_argument("--out", metavar="CARD.json", help="card to write (default: none, the table alone)")
    parser.add_argument("--data-name", metavar="TEXT", help="what the data is called on the card (default: its file's name)")
    spans = parser.add_argument_group("labelled spans")
    spans.add_argument(
        "--map",
        metavar="TYPE=RULE[,RULE…]",
        action="append",
        default=[],
        help="rules that look for a labelled type (default: the rule of the same name); repeatable",
    )
    spans.add_argument("--types", metavar="TYPE,…", type=_names, default=(), help="only these types, and their rules")
    outputs = parser.add_argument_group("labelled outputs")
    outputs.add_argument(
        "--violating", metavar="VALUE,…", type=_names, default=(), help="labels that mean a violation (default: true)"
    )
    judges = parser.add_argument_group("a model as judge")
    judges.add_argument("--config", metavar="CONFIG", help="gate whose judge is measured; with --category")
    judges.add_argument("--category", metavar="NAME", help="safety category that it judges")
    judges.add_argument(
        "--mode", choices=["replay", "record"], default="replay", help="record: ask for what is not recorded (default: replay)"
    )
    columns = parser.add_argument_group("columns and figures")
    columns.add_argument("--text-field", metavar="COLUMN", help="default: text or output")
    columns.add_argument("--label-field", metavar="COLUMN", help="default: label")
    columns.add_argument("--spans-field", metavar="COLUMN", help="default: spans")
    columns.add_argument(
        "--confidence",
        type=decimal("a level of confidence"),
        default=0.95,
        help="level of the two-sided intervals (default: 0.95)",
    )
    parser.add_argument("--json", action="store_true", help="the card on stdout, the table on stderr")


def _names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    if not all(names) or len(set(names)) != len(names):
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of distinct names with commas between them")
    return names
