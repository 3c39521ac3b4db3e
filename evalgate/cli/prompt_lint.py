"""`evalgate prompt lint`."""

from __future__ import annotations

import argparse
import sys
from contextlib import suppress
from pathlib import Path

from evalgate.cli.output import tell
from evalgate.core.credentials import without_secrets
from evalgate.core.errors import ExitCode


def handle(options: argparse.Namespace) -> int:
    """Hold the rules against prompt files; 0 when nothing of the level error was found."""
    from evalgate.pipeline.prompt_lint import LintChoice, lint_paths
    from evalgate.pipeline.prompt_lint_show import lint_summary, show_lint

    tokens = None
    if options.tokenizer is not None:
        from evalgate.pipeline.prompt_tokens import token_counter

        tokens = token_counter(Path(options.tokenizer))
    choice = LintChoice(tuple(options.select), tuple(options.ignore), options.fix, tokens)
    report = lint_paths(options.paths or ["configs/prompts"], choice)
    text = without_secrets(show_lint(report, options.format, strict=options.strict))
    code = int(ExitCode.BAD_INPUT if report.fails(strict=options.strict) else ExitCode.PASS)
    if options.out != "-":
        from evalgate.core.files import write_whole

        write_whole(Path(options.out), text)
    elif options.format != "text" or not options.quiet:
        code = tell(code, text, None)
    if not options.quiet and (options.format not in ("text", "github") or options.out != "-"):
        with suppress(OSError):
            print(f"lint: {lint_summary(report, strict=options.strict)}", file=sys.stderr)
    return code
