"""`evalgate report`: any report of a finished run, or the history of all runs in a folder; nothing is measured."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from evalgate.core.errors import BadInput
from evalgate.core.files import write_whole
from evalgate.core.plugins import known_names, suggestion
from evalgate.pipeline.finished_run import read_record
from evalgate.pipeline.history import INDEX, history_page, is_finished, is_run, write_history
from evalgate.report.catalog import BUILTINS, GROUP, Part, chosen_part, rendered, report_parts
from evalgate.report.escape import html_without_commands

STDOUT = "-"


@dataclass(frozen=True, slots=True)
class ReportRequest:
    """Which report of which run, and where it goes."""

    run: Path
    format: str
    part: str | None = None
    """One file of it; None: all for a folder, the first for a file or standard output."""
    out: str | None = None
    """A file, a folder that exists or ends with `/`, or `-`. None: `-`, and for a folder of runs the page in it."""


def make_report(request: ReportRequest) -> str | tuple[Path, ...]:
    """The text for standard output, or the files that were written.

    Raises:
        BadInput: no such report, no finished run, or a place inside the run's folder, which is evidence.
        Incomplete: an extension fails, or the disk refuses.
    """
    known = known_names(GROUP, BUILTINS)
    if request.format not in known:
        raise BadInput(f"unknown report {request.format!r}", where="--format", hint=suggestion(request.format, known))
    parts = report_parts(request.format)
    if request.part is not None:
        parts = (chosen_part(request.format, request.part),)
    if request.format == "html" and request.run.is_dir() and not is_run(request.run):
        return _history(request)
    request = replace(request, out=request.out or STDOUT)
    if request.out != STDOUT:
        _refuse_inside(request)
    record = read_record(request.run)
    if request.out == STDOUT:
        text = rendered(request.format, parts[0], record)
        return html_without_commands(text) if request.format == "html" else text
    made = [(path, rendered(request.format, part, record)) for path, part in _places(request, parts)]
    for path, text in made:
        write_whole(path, text)
    return tuple(path for path, _ in made)


def _history(request: ReportRequest) -> str | tuple[Path, ...]:
    if request.out == STDOUT:
        return html_without_commands(history_page(request.run, request.run))
    if request.out is None:
        return (write_history(request.run, request.run / INDEX),)
    place = Path(request.out)
    return (write_history(request.run, place / INDEX if _is_folder(request.out) else place),)


def _is_folder(out: str) -> bool:
    return out.endswith(("/", os.sep)) or Path(out).is_dir()


def _places(request: ReportRequest, parts: tuple[Part, ...]) -> Iterator[tuple[Path, Part]]:
    out = request.out or STDOUT
    place = Path(out)
    if _is_folder(out):
        yield from ((place / part.file, part) for part in parts if request.part is not None or not part.on_request)
    else:
        yield place, parts[0]


def _refuse_inside(request: ReportRequest) -> None:
    place, run = Path(request.out or STDOUT).resolve(), request.run.resolve()
    if any(folder == run or is_finished(folder) for folder in (place, *place.parents)):
        hint = "choose another place, or name the report under `reports:` of the gate, so that the run writes it itself"
        raise BadInput("the folder of a run is evidence, to which nothing is added", where=request.out, hint=hint)
