"""What commands print: the summary, the verdict document, progress."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO, TypeAlias

from evalgate.cli.pace import Pace, reached_text
from evalgate.cli.streams import silence_stdout
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
Summary: TypeAlias = Callable[[TextIO], object]
"""Prints something on a stream."""


def print_result(result: RunResult, options: argparse.Namespace, kept: bool) -> int:
    """Print a finished run and give its exit code; a closed stdout does not change the code, one that is full forbids 0."""
    from evalgate.pipeline.show import print_summary

    def summary(stream: TextIO) -> None:
        print_summary(result.finished, stream)
        if kept:
            print(f"evidence: {terminal_line(str(result.folder))}", file=stream)

    document = pretty_json(result.document) if options.json else None
    return tell(result.exit_code, document, None if options.quiet else summary)


def tell(code: int, document: str | None, summary: Summary | None, *, product: bool = False) -> int:
    """Print what a command has to say, and give its exit code.

    The document goes to stdout, and the summary to stderr then; without a document the summary goes to stdout. Stderr may be
    lost. Stdout that cannot be written forbids 0. A reader of it who went away changes nothing, because decision, files or
    signature stand; with `product` there is nothing but what is printed, and cut short it is not there: 3 then.
    """
    if document is not None:
        code = _printed(code, lambda out: print(document, end="", file=out), product)
        if summary is not None:
            with suppress(OSError):
                summary(sys.stderr)
    elif summary is not None:
        code = _printed(code, summary, product)
    return code


def tell_lines(code: int, lines: Iterable[str], document: str | None = None, *, product: bool = False) -> int:
    """Print lines, beside a document or alone, and give the exit code: see `tell`."""
    text = "".join(f"{line}\n" for line in lines)
    return tell(code, document, (lambda out: print(text, end="", file=out)) if text else None, product=product)


def tell_bytes(data: bytes) -> int:
    """Print a report, which is UTF-8 with line feeds whatever the locale says; the exit code is that of `tell` with `product`."""
    return _printed(0, lambda out: _write_bytes(out, data), product=True)


def _write_bytes(out: TextIO, data: bytes) -> None:
    out.flush()
    out.buffer.write(data)


def _printed(code: int, write: Summary, product: bool) -> int:
    try:
        write(sys.stdout)
        sys.stdout.flush()
    except OSError as error:
        return lost_output(error, code, product)
    return code


def lost_output(error: OSError, code: int, product: bool) -> int:
    """The exit code of a command whose stdout could not be written, which is said unless it makes no difference.

    Side effects: nothing is written to stdout any more.
    """
    silence_stdout()
    if not isinstance(error, BrokenPipeError):
        say(f"standard output cannot be written: {error.strerror}")
    elif product:
        say("standard output was closed before all was written: what was printed is not whole")
    else:
        return code
    return code or int(ExitCode.INCOMPLETE)


def say(text: str) -> None:
    """Tell something on stderr."""
    with suppress(OSError):
        print(f"evalgate: {terminal_line(without_secrets(text))}", file=sys.stderr, flush=True)


def print_error_document(code: int, problems: Sequence[Problem]) -> None:
    """With --json: one JSON document also when there is no verdict."""
    from evalgate.pipeline.show import error_text

    _printed(code, lambda out: print(without_secrets(error_text(code, problems)), end="", file=out), product=False)


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
