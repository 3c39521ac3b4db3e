"""The rows of a golden dataset, wherever its card says they are: a file, a folder, or the Hugging Face hub."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from evalgate.core.errors import BadInput
from evalgate.golden.card import Card
from evalgate.golden.csv_types import typed_rows
from evalgate.golden.hugging_face import hub_rows
from evalgate.golden.local_folders import folder_rows
from evalgate.golden.tables import Row, read_rows

ROW_ID = "@row"
"""As `id` of a card: cases are named by their row number, for data that comes without ids."""


def card_rows(card: Card) -> Iterator[Row]:
    """The rows of a dataset in order, read as a stream; the same data gives the same rows in every format.

    Cells of CSV files become what the card's schema declares. With `id: "@row"` every row gets a column of that name with
    its number, from 1.

    Raises: BadInput when the data cannot be read, is damaged, or is no plain data; names file and line or row.
    """
    rows = typed_rows(_rows(card), card.schema)
    yield from (_numbered(rows) if card.id_column == ROW_ID else rows)


def _rows(card: Card) -> Iterator[Row]:
    if card.remote is not None:
        return hub_rows(card.remote, str(card.path or card.data))
    if card.data.is_dir():
        return folder_rows(card.data, str(card.data))
    return read_rows(card.data, str(card.data))


def _numbered(rows: Iterable[Row]) -> Iterator[Row]:
    for number, row in enumerate(rows, start=1):
        if ROW_ID in row.fields:
            raise BadInput(f"the data has a column {ROW_ID!r} of its own", where=row.place, hint="name another column as id")
        yield Row({ROW_ID: str(number), **row.fields}, row.place)
