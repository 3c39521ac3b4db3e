"""`evalgate prompt test`."""

from __future__ import annotations

import argparse
from pathlib import Path

from evalgate.cli.output import tell_lines
from evalgate.core.canonical import pretty_json
from evalgate.core.credentials import without_secrets
from evalgate.core.errors import BadInput, ExitCode
from evalgate.core.files import write_whole


def handle(options: argparse.Namespace) -> int:
    """Run the tests of prompts; 0 when there are some and all pass."""
    from evalgate.pipeline.prompt_show import result_document, result_junit, result_lines
    from evalgate.pipeline.prompt_test import run_template_tests

    if options.json and options.junit == "-":
        raise BadInput("--json and --junit - both want the standard output", hint="name a file for --junit")
    paths = [Path(path) for path in options.paths or ["configs/prompts"]]
    report = run_template_tests(paths, update=options.update)
    if options.junit is not None and options.junit != "-":
        write_whole(Path(options.junit), without_secrets(result_junit(report)))
    text = None
    if options.json:
        text = without_secrets(pretty_json(result_document(report)))
    elif options.junit == "-":
        text = without_secrets(result_junit(report))
    lines = [] if options.quiet else [without_secrets(line) for line in result_lines(report)]
    return tell_lines(int(ExitCode.BAD_INPUT) if report.failed else 0, lines, text)
