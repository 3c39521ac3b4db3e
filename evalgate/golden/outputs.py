"""Outputs that already exist: one file a variant, joined to their cases by id."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalgate.core.errors import BadInput
from evalgate.core.plugins import suggestion
from evalgate.core.values import Output, Status
from evalgate.golden.cases import ContentDigest, IdRegister
from evalgate.golden.tables import ID_COLUMN, TEXT_COLUMN, Row, empty_means_missing, read_rows

_NUMBERS = ("latency_ms", "cost_usd")
_COUNTS = ("prompt_tokens", "completion_tokens")
_FIGURES = frozenset((*_NUMBERS, *_COUNTS))


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns hold what."""

    id: str = ID_COLUMN
    output: str = "output"
    reference: str = "reference"
    labels: tuple[str, ...] = ()
    """Other columns of the outputs that detectors read."""


@dataclass(frozen=True, slots=True)
class OutputFile:
    """All outputs of one variant."""

    name: str
    outputs: Mapping[str, Output]
    """Id → output."""
    digest: str


def read_outputs(path: Path, columns: Columns) -> OutputFile:
    """Read the outputs of one variant.

    A null output, an empty cell in `.csv`, or a row whose `error` column is not null, is a lost answer: it is kept and
    counted. `latency_ms`, `prompt_tokens`, `completion_tokens` and `cost_usd` are taken from columns of that name when
    present.

    Raises: BadInput for an unreadable file, no rows, duplicate ids, a missing column.
    """
    content, register = ContentDigest(), IdRegister()
    outputs: dict[str, Output] = {}
    named, answered = id_column(path, columns), output_column(path, columns)
    for row in read_rows(path):
        content.add(row.fields, row.canonical)
        output = output_of(row, answered, columns.labels)
        outputs[register.take(cell(row, named), row.place)] = output
    if not outputs:
        raise BadInput("the file has 0 outputs", where=str(path))
    return OutputFile(path.name, outputs, content.hexdigest())


def output_column(path: Path, columns: Columns) -> str:
    """The column with the output: the whole line in `.txt`."""
    return TEXT_COLUMN if path.suffix.lower() == ".txt" else columns.output


def id_column(path: Path, columns: Columns) -> str:
    """The column with the id: the line number in `.txt`."""
    return ID_COLUMN if path.suffix.lower() == ".txt" else columns.id


def cell(row: Row, column: str) -> Any:
    """One value of a row.

    Raises: BadInput when the row has no such column.
    """
    if column not in row.fields:
        hint = suggestion(column, [str(name) for name in row.fields])
        raise BadInput(
            f"no column {column!r}",
            where=row.place,
            hint=f"{hint} (choose with --id-field, --output-field, --reference-field)",
        )
    return row.fields[column]


def output_of(row: Row, column: str, labels: tuple[str, ...]) -> Output:
    """The answer in one row, lost or not.

    Raises: BadInput for a missing column, or a figure that is no number.
    """
    if row.fields.get("error"):
        return Output(text="", status=Status.ERROR, error=str(row.fields["error"])[:500])
    value = cell(row, column)
    if value is None:
        return Output(text="", status=Status.ERROR, error="no answer (null)")
    if value == "" and empty_means_missing(row):
        # CSV cannot tell an empty answer from none, and no answer must never look harmless.
        return Output(text="", status=Status.ERROR, error="no answer (empty cell; use .jsonl for an empty answer)")
    figures: dict[str, Any] = {}
    if not _FIGURES.isdisjoint(row.fields):
        figures = {name: _number(row, name) for name in _NUMBERS} | {name: _count(row, name) for name in _COUNTS}
    said = {name: row.fields[name] for name in labels if name in row.fields}
    if isinstance(value, str):
        return Output(text=value, labels=said, **figures)
    return Output(text=json.dumps(value, ensure_ascii=False), value=value, labels=said, **figures)


def _number(row: Row, name: str) -> float | None:
    value = row.fields.get(name)
    if value is None or value == "":
        return None
    try:
        wrong = isinstance(value, (bool, list, dict)) or "_" in str(value)
        number = -1.0 if wrong else float(value)
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise BadInput(f"{name} {value!r} is not a number ≥ 0", where=row.place)
    return number


def _count(row: Row, name: str) -> int | None:
    number = _number(row, name)
    if number is not None and number != int(number):
        raise BadInput(f"{name} {number!r} is not a whole number", where=row.place)
    return None if number is None else int(number)
