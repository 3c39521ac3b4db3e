"""Cases from reference files, for `compare`: several files give several references, joined by id."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalgate.core.errors import BadInput, Problem
from evalgate.golden.card import Card
from evalgate.golden.cases import ContentDigest, IdRegister, read_cases
from evalgate.golden.outputs import Columns, cell, id_column
from evalgate.golden.tables import TEXT_COLUMN, Row, read_rows

SHOWN_IDS = 5


@dataclass(frozen=True, slots=True)
class ReferenceTable:
    """The rows of the first reference file with the references of all files."""

    card: Card
    rows: tuple[Row, ...]
    digest: str


def read_references(paths: Sequence[Path], columns: Columns, *, slices: tuple[str, ...], group: str | None) -> ReferenceTable:
    """Read one or more reference files; the first one gives order, slices and group.

    Raises: BadInput when a file is unreadable or empty, ids repeat, or the files do not have the same ids.
    """
    content = ContentDigest()
    tables = [_table(path, columns, content) for path in paths]
    for path, table in zip(paths[1:], tables[1:], strict=True):
        require_same_ids(tables[0], table, paths[0].name, path.name)
    names = [reference_column(path, columns) for path in paths]
    rows = tuple(
        _joined(row, [(t[key], n) for t, n in zip(tables[1:], names[1:], strict=True)], names[0])
        for key, row in tables[0].items()
    )
    return ReferenceTable(references_card(paths, columns, slices, group), rows, content.hexdigest())


def references_card(paths: Sequence[Path], columns: Columns, slices: tuple[str, ...], group: str | None) -> Card:
    """The card of a dataset that is made of reference files: what each of their columns is for."""
    extra = tuple(f"reference {number}" for number in range(2, len(paths) + 1))
    return Card(
        name=paths[0].stem,
        version="-",
        data=paths[0],
        id_column=id_column(paths[0], columns),
        inputs=(),
        reference=(reference_column(paths[0], columns), *extra),
        slices=slices,
        group=group,
        schema={},
        rows=None,
        digest=None,
        fields={"name": paths[0].stem, "version": "-", "files": [path.name for path in paths]},
    )


def reference_column(path: Path, columns: Columns) -> str:
    """The column with the reference: the whole line in `.txt`."""
    return TEXT_COLUMN if path.suffix.lower() == ".txt" else columns.reference


def table_cases(table: ReferenceTable) -> Iterator[Any]:
    """The checked cases of a reference table."""
    return read_cases(table.card, table.rows)


def require_same_ids(expected: Mapping[str, Any], found: Mapping[str, Any], expected_name: str, found_name: str) -> None:
    """Refuse files that are not about the same cases.

    Raises: BadInput that lists what is missing and what is too many.
    """
    missing = [i for i in expected if i not in found]
    extra = [i for i in found if i not in expected]
    problems = mismatch((len(missing), missing), (len(extra), extra), len(expected), expected_name, found_name)
    if problems:
        raise BadInput(problems)


def mismatch(
    missing: tuple[int, Sequence[str]], extra: tuple[int, Sequence[str]], cases: int, expected_name: str, found_name: str
) -> list[Problem]:
    """What to say about cases without a row and rows without a case, each as their number and the ids of the first ones."""
    problems = []
    if missing[0]:
        problems.append(Problem(f"{missing[0]} of {cases} cases have no row: {_some(*missing)}", found_name))
    if extra[0]:
        problems.append(Problem(f"{extra[0]} rows have no case in {expected_name}: {_some(*extra)}", found_name))
    if problems:
        problems.append(Problem("every case needs its reference and both outputs, joined by id", hint="see --id-field"))
    return problems


def _some(count: int, ids: Sequence[str]) -> str:
    return ", ".join(ids[:SHOWN_IDS]) + (" …" if count > SHOWN_IDS else "")


def _table(path: Path, columns: Columns, content: ContentDigest) -> dict[str, Row]:
    register, rows = IdRegister(), {}
    for row in read_rows(path):
        content.add(row.fields, row.canonical)
        cell(row, reference_column(path, columns))
        rows[register.take(cell(row, id_column(path, columns)), row.place)] = row
    blank = path.suffix.lower() == ".txt" and not any(row.fields[TEXT_COLUMN].strip() for row in rows.values())
    if not rows or blank:
        raise BadInput("the file has 0 references", where=str(path), hint="a comparison needs at least one case")
    return rows


def _joined(row: Row, others: Sequence[tuple[Row, str]], column: str) -> Row:
    if not others:
        return row
    more = {f"reference {number}": other.fields[name] for number, (other, name) in enumerate(others, start=2)}
    return Row({**row.fields, column: row.fields[column], **more}, row.place)
