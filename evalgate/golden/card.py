"""The card of a golden dataset: what its data is, and what each column is for."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evalgate.core.document import Document
from evalgate.core.errors import BadInput, Problem
from evalgate.core.files import real_path
from evalgate.core.plugins import suggestion
from evalgate.golden.health.acceptance import KEY as HEALTH
from evalgate.golden.health.acceptance import acceptance_faults
from evalgate.golden.hugging_face import SCHEME, parse_reference

COLUMN_TYPES = ("string", "number", "integer", "boolean", "list", "object", "any")
_TEXTS = ("name", "version", "license", "source", "data", "id", "group", "digest")
_LISTS = ("inputs", "reference", "slices")
_NOTES = (
    "purpose",
    "how_made",
    "collected",
    "review_date",
    "results",
    "description",
    "provenance",
    "owner",
    "limits",
    "language",
    "labels",
    "agreement",
    "personal_data",
)
STAGED = "staged"
"""The key of a card whose cases nobody has labelled yet: no card with it is accepted."""
_KNOWN = (*_TEXTS, *_LISTS, "schema", "rows", HEALTH, *_NOTES)


@dataclass(frozen=True, slots=True)
class Card:
    """A dataset card, checked."""

    name: str
    version: str
    data: Path
    """The data file or folder; for data of the hub, the card's folder."""
    id_column: str
    inputs: tuple[str, ...]
    """Empty: every column except id, reference and group."""
    reference: tuple[str, ...]
    slices: tuple[str, ...]
    group: str | None
    schema: Mapping[str, str]
    """Column → one of COLUMN_TYPES; empty: not declared."""
    rows: int | None
    digest: str | None
    fields: Mapping[str, Any] = field(default_factory=dict)
    """The whole card as written, for the report."""
    path: Path | None = None
    remote: str | None = None
    """Where the data is when it lies on the hub: `hf://…`."""

    @property
    def shown(self) -> str:
        """What messages call the data."""
        return self.remote or str(self.data)


def parse_card(document: Document, folder: Path) -> Card:
    """Check a `dataset.yaml`.

    Raises: BadInput with every fault at once, each with `file:line`.
    """
    value = document.value
    if not isinstance(value, Mapping):
        raise BadInput("a dataset card is a mapping of keys", where=document.place())
    problems = _faults(document, value)
    if problems:
        raise BadInput(problems)
    _require_no_way_out(folder, document)
    remote = value["data"] if value["data"].startswith(SCHEME) else None
    if remote:
        parse_reference(remote, document.place("data"))
    data = folder if remote else folder / value["data"]
    if not _inside(data, folder):
        raise BadInput("data points outside the dataset's folder", where=document.place("data"))
    return Card(
        name=value["name"],
        version=value["version"],
        data=data,
        id_column=value.get("id", "id"),
        inputs=_names(value.get("inputs")),
        reference=_names(value.get("reference")),
        slices=_names(value.get("slices")),
        group=value.get("group"),
        schema=value.get("schema") or {},
        rows=value.get("rows"),
        digest=value.get("digest"),
        fields=value,
        path=folder / "dataset.yaml",
        remote=remote,
    )


def _require_no_way_out(folder: Path, document: Document) -> None:
    """A card under `datasets/` belongs to the project around that folder, whatever links stand on the way.

    Raises: BadInput.
    """
    card = Path(os.path.normpath(folder.absolute())) / "dataset.yaml"
    root = next((place.parent for place in card.parents if place.name == "datasets"), None)
    if root is not None and not (_inside(card, root) and _inside(folder, root)):
        hint = "copy the files: what is checked in must not reach beyond the project"
        raise BadInput("a link leads out of the project", where=document.place(), hint=hint)


def _inside(data: Path, folder: Path) -> bool:
    try:
        return real_path(data).is_relative_to(folder.resolve())
    except (OSError, RuntimeError, ValueError):  # a loop of links, a NUL character
        return False


def _names(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)


def _faults(document: Document, value: Mapping[str, Any]) -> list[Problem]:
    found = [
        Problem(f"unknown key {key!r}", document.place(key), suggestion(str(key), list(_KNOWN)))
        for key in value
        if key not in (*_KNOWN, STAGED)
    ]
    if STAGED in value:
        hint = f"fill every null in the data, read every text, then remove the line {STAGED!r}"
        found.append(Problem("these cases are staged and not labelled yet", document.place(STAGED), hint))
    found += [Problem(f"{key} is missing", document.place()) for key in ("name", "version", "data") if key not in value]
    found += [
        Problem(f"{key} must be text", document.place(key), "quote it")
        for key in _TEXTS
        if key in value and (not isinstance(value[key], str) or not value[key].strip())
    ]
    for key in _LISTS:
        listed = value.get(key)
        names = [listed] if isinstance(listed, str) else listed
        if key in value and (not isinstance(names, list) or not names or not all(isinstance(n, str) and n for n in names)):
            found.append(Problem(f"{key} must be a column name or a list of column names", document.place(key)))
        elif names and len(set(names)) != len(names):
            found.append(Problem(f"{key} names a column twice", document.place(key)))
    rows = value.get("rows")
    if "rows" in value and (isinstance(rows, bool) or not isinstance(rows, int) or rows < 1):
        found.append(Problem("rows must be a whole number ≥ 1", document.place("rows")))
    return found + _schema_faults(document, value.get("schema", {})) + acceptance_faults(document, value.get(HEALTH))


def _schema_faults(document: Document, schema: Any) -> list[Problem]:
    if not isinstance(schema, Mapping):
        return [Problem("schema must map columns to types", document.place("schema"))]
    return [
        Problem(
            f"column {column!r} has unknown type {kind!r}",
            document.place("schema", column),
            suggestion(str(kind), COLUMN_TYPES),
        )
        for column, kind in schema.items()
        if kind not in COLUMN_TYPES
    ]
