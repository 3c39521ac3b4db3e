"""Rows of data files, one at a time and strictly: JSON lines, CSV, Parquet, Arrow, text; data formats only, no code."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evalgate.core.errors import BadInput
from evalgate.core.files import open_for_reading, read_json_values
from evalgate.golden.arrow_files import arrow_batches, parquet_batches
from evalgate.golden.case_digests import row_bytes

CSV_FIELD_LIMIT = 16 << 20
TEXT_COLUMN = "text"
ID_COLUMN = "id"
_CSV_PLACE = re.compile(r"\.csv:[0-9]+\Z", re.IGNORECASE)
_CONFLICT = ("<<<<<<< ", ">>>>>>> ")


@dataclass(frozen=True, slots=True)
class Row:
    """One row with its place."""

    fields: Mapping[str, Any]
    place: str
    """`file:line`, or `file row n` for Parquet and Arrow."""
    canonical: bytes = field(default=b"", compare=False, repr=False)
    """The fields as canonical JSON where that was made already; empty otherwise."""


Placed = tuple[Mapping[str, Any], str]
"""The fields of a row and its place, as a reader of one format gives them."""


def read_rows(path: Path, shown: str | None = None) -> Iterator[Row]:
    """Read a data file by its ending.

    `.txt` gives one row a line: `id` is the line number, `text` the line.

    Raises: BadInput for an unknown ending, an unreadable file, or a row that is not plain data; names the place.
    """
    name = shown or str(path)
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise BadInput(
            f"cannot read {path.suffix or 'a file without ending'}",
            where=name,
            hint=f"use {', '.join(sorted(_READERS))}",
        )
    if reader in _TEXTS_ONLY:
        for fields, place in reader(path, name):
            yield Row(fields, place)
    else:
        for fields, place in reader(path, name):
            yield checked_row(fields, place)


def empty_means_missing(row: Row) -> bool:
    """Whether an empty cell of this row may stand for no value at all, as in CSV."""
    return _CSV_PLACE.search(row.place) is not None


def checked_row(fields: Mapping[str, Any], place: str) -> Row:
    """A row of plain data.

    Raises: BadInput for a value that JSON does not have.
    """
    try:
        return Row(fields, place, row_bytes(fields))
    except ValueError as error:
        raise BadInput(f"not plain data: {error}", where=place) from error


def _json_lines(path: Path, name: str) -> Iterator[Placed]:
    for number, value in read_json_values(path, name):
        where = f"{name}:{number}"
        if not isinstance(value, dict):
            raise BadInput("a row is an object of columns", where=where, hint='write {"id": …, …} on each line')
        yield value, where


def _text_lines(path: Path, name: str) -> Iterator[Placed]:
    with open_for_reading(path, name) as handle:
        for number, raw in enumerate(handle, start=1):
            body = raw.rstrip(b"\n").removesuffix(b"\r")
            text = _decode(body.removeprefix(b"\xef\xbb\xbf") if number == 1 else body, f"{name}:{number}")
            yield {ID_COLUMN: str(number), TEXT_COLUMN: text}, f"{name}:{number}"


def _decode(body: bytes, where: str) -> str:
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadInput(f"not UTF-8 at byte {error.start + 1} of the line", where=where, hint="save the file as UTF-8") from error
    if "\0" in text:
        raise BadInput("NUL character", where=where, hint="is this a text file?")
    if text.startswith(_CONFLICT):
        hint = "resolve the merge and try again; a text that really begins like this belongs into .jsonl"
        raise BadInput("this is a Git conflict marker", where=where, hint=hint)
    return text


def _csv_rows(path: Path, name: str) -> Iterator[Placed]:
    csv.field_size_limit(CSV_FIELD_LIMIT)
    with open_for_reading(path, name) as handle:
        lines = _csv_lines(handle, name)
        first = next(lines, None)
        if first is None:
            raise BadInput("the file is empty", where=name)
        delimiter = ";" if ";" in first and "," not in first else "\t" if "\t" in first and "," not in first else ","
        header = _csv_header(first, delimiter, name)
        yield from _csv_body(csv.reader(lines, delimiter=delimiter, strict=True), header, name)


def _csv_lines(handle: Any, name: str) -> Iterator[str]:
    # csv.reader must get lines with their ends, so that a line break inside quotes survives byte for byte.
    for number, raw in enumerate(handle, start=1):
        yield _decode(raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw, f"{name}:{number}")


def _csv_header(first: str, delimiter: str, name: str) -> list[str]:
    try:
        header = next(csv.reader([first], delimiter=delimiter, strict=True))
    except csv.Error as error:
        hint = "lines end with a line feed; names of columns have no line breaks"
        raise BadInput(f"not a valid CSV header: {error}", where=f"{name}:1", hint=hint) from error
    names = [column.strip() for column in header]
    if any(not column for column in names) or len(set(names)) != len(names):
        raise BadInput("the header needs a distinct name for every column", where=f"{name}:1")
    return names


def _csv_body(reader: Any, header: list[str], name: str) -> Iterator[Placed]:
    try:
        for cells in reader:
            where = f"{name}:{reader.line_num + 1}"
            if not cells:
                continue
            if len(cells) != len(header):
                raise BadInput(
                    f"{len(cells)} cells, the header has {len(header)}",
                    where=where,
                    hint="quote cells that hold the delimiter",
                )
            yield dict(zip(header, cells, strict=True)), where
    except csv.Error as error:
        raise BadInput(f"not valid CSV: {error}", where=f"{name}:{reader.line_num + 1}") from error


def _parquet_rows(path: Path, name: str) -> Iterator[Placed]:
    return _numbered(parquet_batches(path, name), name)


def _arrow_rows(path: Path, name: str) -> Iterator[Placed]:
    return _numbered(arrow_batches(path, name), name)


def _numbered(batches: Iterator[list[dict[str, Any]]], name: str) -> Iterator[Placed]:
    number = 0
    for batch in batches:
        for fields in batch:
            number += 1
            yield fields, f"{name} row {number}"


_READERS: Mapping[str, Callable[[Path, str], Iterator[Placed]]] = {
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".csv": _csv_rows,
    ".parquet": _parquet_rows,
    ".arrow": _arrow_rows,
    ".feather": _arrow_rows,
    ".txt": _text_lines,
}
_TEXTS_ONLY = (_csv_rows, _text_lines)
"""Their values are decoded texts: always plain data."""
DATA_ENDINGS = tuple(ending for ending in _READERS if ending != ".txt")
"""Endings of files with columns."""
