"""What changed on the card of a golden dataset, and whether it changes what the data means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from evalgate.core.canonical import canonical_json
from evalgate.golden.card import Card

_OF_EVERY_VERSION = ("version", "rows", "digest", "data")
"""What differs between any two versions, or says nothing about the cases."""
_STRUCTURE = ("name", "id", "inputs", "reference", "slices", "group", "schema")


@dataclass(frozen=True, slots=True)
class CardChange:
    """One key of the card that is not what it was."""

    key: str
    structure: bool
    """Whether it says how the data is read; else it tells people about it."""
    before: Any
    """None: not there."""
    after: Any


def card_changes(before: Card, after: Card) -> tuple[CardChange, ...]:
    """Every key whose value changed, structure first; version, rows, digest and the data file's name aside."""
    found = [
        CardChange(key, True, old, new)
        for key in _STRUCTURE
        for old, new in [(_structure(before, key), _structure(after, key))]
        if old != new
    ]
    notes = sorted({*before.fields, *after.fields} - {*_STRUCTURE, *_OF_EVERY_VERSION})
    for key in notes:
        old, new = before.fields.get(key), after.fields.get(key)
        if _text(old) != _text(new):
            found.append(CardChange(key, False, old, new))
    return tuple(found)


def _structure(card: Card, key: str) -> Any:
    values = {
        "name": card.name,
        "id": card.id_column,
        "inputs": list(card.inputs) or None,
        "reference": list(card.reference) or None,
        "slices": sorted(card.slices) or None,
        "group": card.group,
        "schema": dict(card.schema) or None,
    }
    return values[key]


def _text(value: Any) -> bytes:
    try:
        return canonical_json(value)
    except ValueError:  # a date or a number beyond JSON in a free note
        return repr(value).encode("utf-8", "replace")
