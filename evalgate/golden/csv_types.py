"""Values of CSV cells: what the card's schema declares is read as JSON, so that equal data has equal digests everywhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from evalgate.core.errors import BadInput
from evalgate.core.strict_json import parse_json
from evalgate.golden.tables import Row, checked_row, empty_means_missing

_TYPES: Mapping[str, tuple[tuple[type, ...], str]] = {
    "integer": ((int,), "42"),
    "number": ((int, float), "0.5"),
    "boolean": ((bool,), "true or false"),
    "list": ((list,), '["a", "b"]'),
    "object": ((dict,), '{"a": 1}'),
}


def typed_rows(rows: Iterable[Row], schema: Mapping[str, str]) -> Iterator[Row]:
    """Rows with the cells of CSV files turned into what the schema declares; `string`, `any` and the rest stay texts.

    Numbers, booleans, lists and objects are written as in JSON: `007`, `1,5`, `TRUE` and `NaN` are none.

    Raises: BadInput for a cell that is not what is declared, with column and place.
    """
    wanted = {column: kind for column, kind in schema.items() if kind in _TYPES}
    for row in rows:
        if wanted and empty_means_missing(row):
            changed = {column: _value(row, column, kind) for column, kind in wanted.items() if column in row.fields}
            yield checked_row({**row.fields, **changed}, row.place)
        else:
            yield row


def _value(row: Row, column: str, kind: str) -> Any:
    cell = row.fields[column]
    types, example = _TYPES[kind]
    try:
        value = parse_json(cell)
    except ValueError:
        value = None
    # bool is an int to Python, not to JSON.
    if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
        said = f"column {column!r} is declared {kind}, the cell is {cell[:40]!r}"
        raise BadInput(said, where=row.place, hint=f"write it as JSON does: {example}")
    return value
