"""The command line: what can be asked. Only the standard library is imported here, so that --help stays instant."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from evalgate.cli.number_options import decimal, whole
from evalgate.cli.parser_dataset import add_dataset
from evalgate.cli.parser_detectors import add_detectors
from evalgate.cli.parser_evidence import add_evidence
from evalgate.cli.parser_parts import EXIT_CODES, Commands, command, shared_flags
from evalgate.cli.parser_plan import add_plan
from evalgate.cli.parser_prompt import add_prompt
from evalgate.cli.parser_proxy import add_proxy
from evalgate.cli.parser_recording import add_recording
from evalgate.cli.parser_report import add_report
from evalgate.cli.parser_sign import add_approve, add_attest
from evalgate.cli.parser_verify import add_verify
from evalgate.cli.parser_workers import add_workers
from evalgate.cli.usage import Parser

Handler = Callable[[argparse.Namespace], int]


def build_parser() -> argparse.ArgumentParser:
    """The parser of every command."""
    shared = shared_flags()
    parser: argparse.ArgumentParser = Parser(
        prog="evalgate",
        description="The evaluation gate for LLM prompts: may this candidate replace that baseline?",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[shared],
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for add in (
        _run,
        _compare,
        _check,
        add_report,
        add_verify,
        add_evidence,
        add_attest,
        add_approve,
        add_plan,
        add_dataset,
        add_prompt,
        add_proxy,
        add_recording,
        add_detectors,
        _init,
        _schema,
        _plugins,
    ):
        add(commands, shared)
    return parser


def _run(commands: Commands, shared: argparse.ArgumentParser) -> None:
    parser = command(commands, shared, "run", "execute a gate: both variants, metrics, safety, statistics, verdict, reports")
    parser.add_argument("config", metavar="CONFIG", help="gate configuration (configs/<gate>.yaml)")
    parser.add_argument("--mode", choices=["replay", "record", "refresh", "mock", "live"], help="where answers come from")
    parser.add_argument("--out", metavar="DIR", help="exact run folder (default: reports/<gate>/<run-id>)")
    add_workers(parser, configured=True)
    _again(parser)
    parser.add_argument("--profile", action="store_true", help="write where the time went (profile.json) and show it")
    parser.add_argument("--json", action="store_true", help="verdict document on stdout, summary on stderr")


def _compare(commands: Commands, shared: argparse.ArgumentParser) -> None:
    parser = command(commands, shared, "compare", "judge outputs that already exist (.jsonl, .csv, .parquet, .arrow, .txt)")
    parser.add_argument("baseline", metavar="BASELINE", help="outputs of the baseline, or the folder of a finished run")
    parser.add_argument("candidate", metavar="CANDIDATE", help="outputs of the candidate, or the folder of a finished run")
    references = "one or more reference files; runs bring their own"
    parser.add_argument("--references", metavar="REF", nargs="+", action="extend", help=references)
    _compare_rules(parser)
    _compare_columns(parser)
    add_workers(parser, configured=False)
    parser.add_argument("--out", metavar="DIR", help="keep verdict, reports and rows in this folder")
    _again(parser)
    parser.add_argument("--profile", action="store_true", help="write where the time went (profile.json) and show it")
    parser.add_argument("--json", action="store_true", help="verdict document on stdout, summary on stderr")


def _again(parser: argparse.ArgumentParser) -> None:
    again = parser.add_mutually_exclusive_group()
    again.add_argument("--resume", action="store_true", help="keep finished shards of the same plan (the default)")
    again.add_argument("--fresh", action="store_true", help="start over")


def _compare_rules(parser: argparse.ArgumentParser) -> None:
    rules = parser.add_argument_group("rules")
    rules.add_argument(
        "--metric",
        metavar="NAME[:KEY=VALUE,…]",
        action="append",
        default=[],
        help="repeatable; default: exact_match, token_f1, rougeL, chrf",
    )
    rules.add_argument("--safety", metavar="NAME[:KEY=VALUE,…]", action="append", default=[], help="repeatable")
    rules.add_argument(
        "--threshold",
        metavar="NAME:BOUND=VALUE[,KEY=VALUE…]",
        action="append",
        default=[],
        help="repeatable; NAME is a metric, safety.CATEGORY or run.NAME; slice=each or slice=COLUMN:VALUE",
    )
    rules.add_argument("--waivers", metavar="FILE", help="allow file: findings judged acceptable, with owner and last day")
    rules.add_argument("--show-findings", action="store_true", help="show what detectors found in reports (default: masked)")
    rules.add_argument(
        "--confidence", type=decimal("a level of confidence"), default=0.95, help="one-sided, per threshold (default: 0.95)"
    )
    rules.add_argument("--seed", type=whole("a seed"), default=0, help="seed of the resampling (default: 0)")
    rules.add_argument(
        "--resamples",
        type=whole("a number of resamples"),
        help="bootstrap replicates (default: 10,000; fewer above 10,000 cases)",
    )


def _compare_columns(parser: argparse.ArgumentParser) -> None:
    columns = parser.add_argument_group("columns")
    columns.add_argument("--id-field", metavar="COLUMN", default="id", help="default: id")
    columns.add_argument("--output-field", metavar="COLUMN", default="output", help="default: output")
    columns.add_argument("--reference-field", metavar="COLUMN", default="reference", help="default: reference")
    columns.add_argument(
        "--slice",
        metavar="COLUMN",
        action="append",
        default=[],
        help="slice column of the first reference file; repeatable",
    )
    columns.add_argument("--group", metavar="COLUMN", help="cluster column of the first reference file")


def _check(commands: Commands, shared: argparse.ArgumentParser) -> None:
    parser = command(commands, shared, "check", "validate configurations, prompts, datasets and recordings; no model is called")
    parser.add_argument("paths", metavar="PATH", nargs="*", help="files or folders (default: configs/ and datasets/)")


def _init(commands: Commands, shared: argparse.ArgumentParser) -> None:
    parser = command(commands, shared, "init", "write a small working gate to start from")
    parser.add_argument(
        "folder", metavar="DIR", nargs="?", default=".", help="where (default: here); existing files are never replaced"
    )


def _schema(commands: Commands, shared: argparse.ArgumentParser) -> None:
    parser = command(commands, shared, "schema", "print the JSON Schema of gate configurations, for editors")
    kinds = "gate configurations (default), policies, or lists of trusted keys"
    parser.add_argument("--of", choices=["gate", "policy", "keys"], default="gate", help=kinds)
    parser.add_argument("--out", metavar="FILE", default="-", help="file to write (default: -, standard output)")


def _plugins(commands: Commands, shared: argparse.ArgumentParser) -> None:
    parser = command(commands, shared, "plugins", "list installed metrics, detectors, providers and reports")
    parser.add_argument("--json", action="store_true", help="as JSON")
