"""`evalgate report`: any report of a finished run, without measuring anything."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from evalgate.core.errors import BadInput
from evalgate.core.files import write_whole
from evalgate.core.plugins import known_names, suggestion
from evalgate.pipeline.finished_run import read_record
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
    out: str = STDOUT
    """A file, a folder that exists or ends with `/`, or `-`."""


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


def _places(request: ReportRequest, parts: tuple[Part, ...]) -> Iterator[tuple[Path, Part]]:
    place = Path(request.out)
    if request.out.endswith(("/", os.sep)) or place.is_dir():
        yield from ((place / part.file, part) for part in parts if request.part is not None or not part.on_request)
    else:
        yield place, parts[0]


def _refuse_inside(request: ReportRequest) -> None:
    place, run = Path(request.out).resolve(), request.run.resolve()
    if place == run or run in place.parents:
        hint = "choose another place, or name the report under `reports:` of the gate, so that the run writes it itself"
        raise BadInput("the folder of a run is evidence, to which nothing is added", where=request.out, hint=hint)
