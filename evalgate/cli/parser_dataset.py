"""The command line of `evalgate dataset`."""

from __future__ import annotations

import argparse

from evalgate.cli.number_options import whole
from evalgate.cli.parser_parts import Commands, action, command

_DATASET = "name@version under datasets/, the path of a card, or the hf:// reference that a card has as its data"
_LIMIT = whole("a number of cases", 0, 999_999_999)


def add_dataset(commands: Commands, shared: argparse.ArgumentParser) -> None:
    """Add the command to the parser."""
    parser = command(commands, shared, "dataset", "lock, verify or compare golden datasets")
    actions: Commands = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for add in (_lock, _verify, _show, _diff, _add):
        add(actions, shared)


def _lock(actions: Commands, shared: argparse.ArgumentParser) -> None:
    parser = action(actions, shared, "lock", "write rows and digest into the card, digests of cases beside it")
    parser.add_argument("path", metavar="DATASET", help=_DATASET)
    what = "lock the same version to other content or another meaning of its columns; without it that is refused"
    parser.add_argument("--replace", action="store_true", help=what)


def _verify(actions: Commands, shared: argparse.ArgumentParser) -> None:
    summary = "prove that datasets are what they were locked to"
    parser = action(actions, shared, "verify", summary, handler="evalgate.cli.dataset_verify:handle")
    parser.add_argument("paths", metavar="DATASET", nargs="*", help=f"{_DATASET} (default: all under datasets/)")


def _show(actions: Commands, shared: argparse.ArgumentParser) -> None:
    summary = "show card, columns, slices and cases of a dataset"
    parser = action(actions, shared, "show", summary, handler="evalgate.cli.dataset_show:handle")
    parser.add_argument("path", metavar="DATASET", help=_DATASET)
    parser.add_argument("--case", metavar="ID", help="this case alone, whole")
    parser.add_argument("--json", action="store_true", help="as JSON")


def _diff(actions: Commands, shared: argparse.ArgumentParser) -> None:
    parser = action(
        actions, shared, "diff", "what changed between two versions of a dataset", handler="evalgate.cli.dataset_diff:handle"
    )
    parser.add_argument("before", metavar="A", help=_DATASET)
    parser.add_argument("after", metavar="B", help=_DATASET)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="as JSON")
    form.add_argument("--markdown", action="store_true", help="as Markdown for a pull request")
    parser.add_argument(
        "--limit", metavar="N", type=_LIMIT, default=50, help="cases of each kind that come with their texts (default: 50)"
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="exit 2 when the version of B is too small a step for the changes, or a card does not match its lock",
    )


def _add(actions: Commands, shared: argparse.ArgumentParser) -> None:
    summary = "stage new cases from a run or a production log, for a person to label"
    parser = action(actions, shared, "add", summary, handler="evalgate.cli.dataset_add:handle")
    parser.add_argument("dataset", metavar="DATASET", help=_DATASET)
    parser.add_argument(
        "--from",
        dest="source",
        metavar="SOURCE",
        required=True,
        help="folder of a finished run, or a log (.jsonl, .csv, .parquet, .arrow)",
    )
    parser.add_argument(
        "--cases", choices=["regressed", "newly_failing", "violating", "all"], help="which cases of the run; needed for a run"
    )
    parser.add_argument(
        "--input",
        metavar="COLUMN=FIELD",
        action="append",
        default=[],
        help="where an input of the dataset stands in the source, a dotted path such as request.body.question; repeatable",
    )
    parser.add_argument("--output", metavar="FIELD", help="where a log has the answer that was given")
    parser.add_argument("--limit", metavar="N", type=_LIMIT, default=500, help="most cases to stage (default: 500)")
    parser.add_argument("--dry-run", action="store_true", help="say what would be staged, write nothing")
    parser.add_argument("--json", action="store_true", help="as JSON")
