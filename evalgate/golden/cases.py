"""Cases: rows of a golden dataset that were checked against its card."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from evalgate.core.errors import BadInput
from evalgate.core.values import Case
from evalgate.golden.card import Card
from evalgate.golden.case_digests import row_bytes
from evalgate.golden.tables import Row, empty_means_missing

_PYTHON_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "list": (list,),
    "object": (dict,),
    "any": (object,),
}
MAX_ID_CHARACTERS = 256
_PLACE_BITS = 48
_PLACE_MASK = (1 << _PLACE_BITS) - 1


def id_text(value: Any, place: str) -> str:
    """An id as text.

    Raises: BadInput for one that is neither text nor a whole number, is empty, too long, or has a line break.
    """
    if type(value) is not str and (isinstance(value, bool) or not isinstance(value, (str, int))):
        raise BadInput(f"id {value!r} is neither text nor a whole number", where=place)
    text = str(value)
    if not text or text.isspace() or len(text) > MAX_ID_CHARACTERS or "\n" in text or "\r" in text:
        raise BadInput(
            f"id {text[:40]!r} is empty, longer than {MAX_ID_CHARACTERS} characters or has a line break",
            where=place,
        )
    return text


def folded_id(text: str) -> str:
    """The same text for all ids that could be taken for equal."""
    if text.isascii():
        return text.lower().strip()
    # Folding case can undo normalisation, so it is normalised again.
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold()).strip()


@dataclass(slots=True)
class IdRegister:
    """Refuses ids that are equal, or that could be taken for equal (`1` and "1", other case, other Unicode form)."""

    seen: dict[int, int] = field(default_factory=dict)
    """Digest of the folded id → number of its place: a million ids take some 150 MB, whatever their length."""
    files: list[str] = field(default_factory=list)
    """What stands before the number in a place; one entry for each file."""

    def take(self, value: Any, place: str) -> str:
        """Check one id and give it as text.

        Raises: BadInput naming both places when it was there before.
        """
        text = id_text(value, place)
        folded = folded_id(text)
        # 128 bits: that two ids share them by chance is less likely than a faulty memory.
        key = int.from_bytes(hashlib.blake2b(folded.encode("utf-8", "surrogatepass"), digest_size=16).digest())
        number = self._number(place)
        earlier = self.seen.setdefault(key, number)
        if earlier != number:
            where = self.files[earlier >> _PLACE_BITS] + str(earlier & _PLACE_MASK or "")
            raise BadInput(f"id {text!r} is already used at {where}", where=place, hint="every case needs an id of its own")
        return text

    def _number(self, place: str) -> int:
        """A place as one number: the file in the high bits, the line or row in the low ones."""
        file = place.rstrip("0123456789")
        line = place[len(file) :]
        if not line.isascii() or line.startswith("0") or len(line) > 14:
            file, line = place, ""
        if not self.files or self.files[-1] != file:
            self.files.append(file)
        return (len(self.files) - 1) << _PLACE_BITS | int(line or 0)


def read_cases(card: Card, rows: Iterable[Row]) -> Iterator[Case]:
    """Turn rows into cases, in order.

    Raises: BadInput for a duplicate id, a missing column, a null reference or a value of another type than declared.
    """
    register = IdRegister()
    for row in rows:
        yield checked_case(card, row, register.take)


def checked_case(card: Card, row: Row, take: Callable[[Any, str], str] = id_text) -> Case:
    """One row as a case; `take` gets its id and place, and gives the id as text.

    Raises: BadInput for a missing column, a null reference, a value of another type than declared, a malformed id.
    """
    fields = row.fields
    for column in (card.id_column, *card.inputs, *card.reference, *card.slices, *((card.group,) if card.group else ())):
        if fields.get(column) is None:
            state = "is null" if column in fields else "is missing"
            raise BadInput(
                f"column {column!r} {state}", where=row.place, hint=f"columns here: {', '.join(map(str, fields))[:200]}"
            )
    _check_types(card, row)
    # CSV cannot tell an empty cell from a missing one, so an empty reference there is taken for missing.
    if empty_means_missing(row) and any(fields[column] == "" for column in card.reference):
        raise BadInput("the reference is empty", where=row.place, hint="use .jsonl if an empty answer is expected")
    kept_out = {card.id_column, *card.reference, *({card.group} if card.group else set())}
    inputs = card.inputs or tuple(column for column in fields if column not in kept_out)
    return Case(
        id=take(fields[card.id_column], row.place),
        fields=fields,
        inputs={name: fields[name] for name in inputs},
        references=references_of(fields, card.reference),
        slices={column: _slice_value(fields[column], column, row.place) for column in card.slices},
        group=str(fields[card.group]) if card.group else None,
        place=row.place,
    )


def references_of(fields: Mapping[str, Any], columns: tuple[str, ...]) -> tuple[Any, ...]:
    """The references in some columns; a single column that holds a list of texts gives several references."""
    values = [fields[column] for column in columns]
    if len(values) == 1 and isinstance(values[0], list) and values[0] and all(isinstance(v, str) for v in values[0]):
        return tuple(values[0])
    return tuple(values)


def _slice_value(value: Any, column: str, place: str) -> str:
    if isinstance(value, (dict, list)):
        raise BadInput(f"slice column {column!r} holds a {type(value).__name__}", where=place, hint="slices are texts or numbers")
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _check_types(card: Card, row: Row) -> None:
    for column, kind in card.schema.items():
        value = row.fields.get(column)
        if value is None:
            raise BadInput(f"column {column!r} is missing", where=row.place, hint="the card's schema declares it")
        wrong_bool = isinstance(value, bool) and kind in ("number", "integer")
        if wrong_bool or not isinstance(value, _PYTHON_TYPES[kind]):
            raise BadInput(f"column {column!r} is declared {kind}, here it is {type(value).__name__}", where=row.place)


class ContentDigest:
    """Digest of a dataset's content: SHA-256 over the canonical JSON of every row, in order, one line each.

    Line ends, key order, byte order marks and white space between values do not change it; a changed, added, removed
    or moved case does.
    """

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.rows = 0
        self.last = b""
        """The row that was added last, as canonical JSON."""

    def add(self, fields: Mapping[str, Any], canonical: bytes = b"") -> None:
        """Take in the next row; `canonical` where its canonical JSON was made already."""
        self.last = canonical or row_bytes(fields)
        self._hash.update(self.last + b"\n")
        self.rows += 1

    def add_lines(self, blocks: Iterable[bytes]) -> None:
        """Take in rows that stand elsewhere as canonical JSON, one a line, cut anywhere."""
        for block in blocks:
            self._hash.update(block)

    def hexdigest(self) -> str:
        """`sha256:<hex>` of all rows so far."""
        return "sha256:" + self._hash.hexdigest()
