"""What commands print: the summary, the verdict document, progress."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

from evalgate.cli.pace import Pace, reached_text
from evalgate.core.canonical import pretty_json
from evalgate.core.credentials import without_secrets
from evalgate.core.errors import ExitCode, Problem
from evalgate.core.progress import Reached, Watching, unheard, unwatched
from evalgate.core.visible import terminal_line

if TYPE_CHECKING:
    from rich.progress import TaskID

    from evalgate.pipeline.api import RunResult

EVERY_S = 5.0
"""Between two lines of progress."""


def print_result(result: RunResult, options: argparse.Namespace, kept: bool) -> int:
    """Print a finished run and give its exit code; a closed stdout does not change the code, one that is full forbids 0."""
    from evalgate.pipeline.show import print_summary

    code = result.exit_code
    if options.json and not _write(sys.stdout, pretty_json(result.document)):
        code = code or int(ExitCode.INCOMPLETE)
    if not options.quiet:
        stream = sys.stderr if options.json else sys.stdout
        try:
            print_summary(result.finished, stream)
            if kept:
                print(f"evidence: {terminal_line(str(result.folder))}", file=stream)
        except (BrokenPipeError, OSError):
            pass  # the reader went away; the verdict stands
    return code


def say(text: str) -> None:
    """Tell something on stderr."""
    _write(sys.stderr, f"evalgate: {terminal_line(without_secrets(text))}\n")


def print_error_document(code: int, problems: Sequence[Problem]) -> None:
    """With --json: one JSON document also when there is no verdict."""
    from evalgate.pipeline.show import error_text

    _write(sys.stdout, without_secrets(error_text(code, problems)))


def _write(stream: TextIO, text: str) -> bool:
    """Whether a text was written, or nobody is there to read it; what else keeps it from being written is said."""
    try:
        print(text, end="", file=stream, flush=True)
    except BrokenPipeError:
        return True
    except OSError as error:
        if stream is not sys.stderr:
            say(f"standard output cannot be written: {error.strerror}")
        return False
    return True


@dataclass(frozen=True, slots=True)
class Updates:
    """What is told of a run under way."""

    measuring: Watching = unwatched
    """Cases."""
    answering: Watching = unwatched
    """Answers, in the modes that call a model."""
    working: Callable[[str], None] = unheard
    """How the work is done."""


@contextmanager
def progress(options: argparse.Namespace) -> Iterator[Updates]:
    """Progress on stderr: a bar on a terminal, a line now and then elsewhere, nothing with --quiet or --json."""
    if options.quiet or options.json:
        yield Updates()
    elif sys.stderr.isatty():
        with _bars() as updates:
            yield updates
    else:
        yield Updates(_lines("cases measured"), _lines("answers"), say)


@contextmanager
def _bars() -> Iterator[Updates]:
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as RichProgress

    columns = (BarColumn(bar_width=20), TextColumn("{task.description}", markup=False))
    with RichProgress(*columns, console=Console(stderr=True), transient=True) as bars:
        answers = bars.add_task("answers", total=None, visible=False)
        cases = bars.add_task("cases measured", total=None, visible=False)
        paces = {answers: Pace(), cases: Pace()}

        def watching(bar: TaskID, what: str) -> Watching:
            def tell(reached: Reached) -> None:
                said = reached_text(what, reached, paces[bar].rate(reached))
                bars.update(bar, completed=reached.done, total=reached.total, description=said, visible=True)

            return tell

        yield Updates(watching(cases, "cases measured"), watching(answers, "answers"), say)


def _lines(what: str) -> Watching:
    """A line every few seconds and one at the end."""
    pace, said = Pace(), {"at": time.monotonic(), "done": -1}

    def tell(reached: Reached) -> None:
        now, rate = time.monotonic(), pace.rate(reached)
        ended = reached.done == reached.total
        if reached.done != said["done"] and (ended or now - said["at"] >= EVERY_S):
            said.update(at=now, done=reached.done)
            say(reached_text(what, reached, rate))

    return tell


def print_profile(result: RunResult, options: argparse.Namespace) -> None:
    """Print where the time went, if that was asked for."""
    if result.profile is None or options.quiet:
        return
    from evalgate.pipeline.time_spent import profile_lines

    for line in profile_lines(result.profile):
        say(line)
