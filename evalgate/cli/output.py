"""What commands print: the summary, the verdict document, progress."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

from evalgate.core.canonical import pretty_json
from evalgate.core.credentials import without_secrets
from evalgate.core.errors import Problem
from evalgate.core.visible import terminal_line

if TYPE_CHECKING:
    from evalgate.pipeline.api import RunResult

Progress = Callable[[int, int], None]


def print_result(result: RunResult, options: argparse.Namespace, kept: bool) -> int:
    """Print a finished run and give its exit code; a closed stdout does not change the code."""
    from evalgate.pipeline.show import print_summary

    if options.json:
        _write(sys.stdout, pretty_json(result.document))
    if not options.quiet:
        stream = sys.stderr if options.json else sys.stdout
        try:
            print_summary(result.finished, stream)
            if kept:
                print(f"evidence: {result.folder}", file=stream)
        except (BrokenPipeError, OSError):
            pass  # the reader went away; the verdict stands
    return result.exit_code


def say(text: str) -> None:
    """Tell something on stderr."""
    _write(sys.stderr, f"evalgate: {terminal_line(without_secrets(text))}\n")


def print_error_document(code: int, problems: Sequence[Problem]) -> None:
    """With --json: one JSON document also when there is no verdict."""
    from evalgate.pipeline.show import error_text

    _write(sys.stdout, without_secrets(error_text(code, problems)))


def _write(stream: TextIO, text: str) -> None:
    try:
        print(text, end="", file=stream, flush=True)
    except (BrokenPipeError, OSError):
        return


@dataclass(frozen=True, slots=True)
class Updates:
    """What is told of a run under way."""

    measuring: Progress
    """Cases."""
    answering: Progress
    """Answers, in the modes that call a model."""


@contextmanager
def progress(options: argparse.Namespace) -> Iterator[Updates]:
    """Progress on stderr: a bar on a terminal, a line now and then elsewhere, nothing with --quiet or --json."""
    if options.quiet or options.json:
        yield Updates(lambda done, total: None, lambda done, total: None)
    elif sys.stderr.isatty():
        with _bars() as updates:
            yield updates
    else:
        yield Updates(_lines("cases measured"), _lines("answers are there"))


@contextmanager
def _bars() -> Iterator[Updates]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as RichProgress

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with RichProgress(*columns, console=Console(stderr=True), transient=True) as bars:
        answers = bars.add_task("asking", total=None, visible=False)
        cases = bars.add_task("measuring", total=None)
        yield Updates(
            lambda done, total: bars.update(cases, completed=done, total=total),
            lambda done, total: bars.update(answers, completed=done, total=total, visible=True),
        )


def _lines(what: str) -> Progress:
    said = {"at": 0.0, "done": -1}

    def say(done: int, total: int) -> None:
        now = time.monotonic()
        if done != said["done"] and (done == total or now - said["at"] > 5):
            said.update(at=now, done=done)
            print(f"evalgate: {done} of {total} {what}", file=sys.stderr, flush=True)

    return say
