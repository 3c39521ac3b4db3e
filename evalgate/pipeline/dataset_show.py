"""`evalgate dataset show`: a golden dataset as its card and its data say it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from evalgate.config.strict_yaml import read_document
from evalgate.core.canonical import json_line
from evalgate.core.errors import BadInput
from evalgate.core.values import Case
from evalgate.golden.card import Card, parse_card
from evalgate.golden.case_digests import case_digest
from evalgate.golden.cases import ContentDigest, read_cases
from evalgate.golden.dataset_diff import role_of
from evalgate.golden.locate import card_path
from evalgate.golden.lock_check import lock_path
from evalgate.golden.sources import card_rows
from evalgate.golden.tables import Row

SCHEMA = "evalgate.dataset_show/1"
SHOWN_CASES = 3
SHOWN_VALUES = 30
_SAID = frozenset(("name", "version", "data", "rows", "digest", "schema", "inputs", "reference", "slices", "group", "id"))
_TYPES = {str: "string", bool: "boolean", int: "integer", float: "number", list: "list", dict: "object", type(None): "null"}


def dataset_show(reference: str, root: Path, case_id: str | None = None) -> dict[str, Any]:
    """What a dataset is: card, columns, cases for each slice, and the first cases, or the one that is asked for.

    Returns: the document `evalgate.dataset_show/1`. `lock` is `matches`, `differs` or `not locked`; `dataset verify` says why.
    Raises: BadInput when card or data are faulty, or no case has that id.
    """
    path = card_path(reference, root=root, base=root)
    card = parse_card(read_document(path), path.parent)
    content, columns, groups = ContentDigest(), _Columns(), set()
    slices: dict[str, Counter[str]] = {column: Counter() for column in card.slices}
    cases: list[dict[str, Any]] = []
    for case in read_cases(card, _digested(card, content)):
        columns.take(case)
        groups.add(hash(case.group))
        for column, value in case.slices.items():
            slices[column][value] += 1
        if case.id == case_id or (case_id is None and len(cases) < SHOWN_CASES):
            cases.append(_case(case))
    if not content.rows:
        raise BadInput("the dataset has 0 cases", where=card.shown)
    if case_id is not None and not cases:
        raise BadInput(f"no case has the id {case_id[:80]!r}", where=card.shown, hint="`evalgate dataset show` lists the first")
    return {
        "schema": SCHEMA,
        "name": card.name,
        "version": card.version,
        "card": str(card.path),
        "data": card.remote or card.fields["data"],
        "cases": content.rows,
        "digest": content.hexdigest(),
        "lock": _lock(card, content),
        "case_lock": lock_path(card) is not None,
        "notes": {key: value for key, value in card.fields.items() if key not in _SAID},
        "columns": columns.document(card),
        "groups": len(groups) if card.group else None,
        "slices": {column: dict(sorted(found.items())) for column, found in slices.items()},
        "shown": cases,
    }


class _Columns:
    """Which columns the rows have, and of which types."""

    def __init__(self) -> None:
        self._found: dict[str, Counter[str]] = {}

    def take(self, case: Case) -> None:
        for name, value in case.fields.items():
            self._found.setdefault(name, Counter())[_TYPES.get(type(value), "any")] += 1

    def document(self, card: Card) -> list[dict[str, Any]]:
        return [
            {
                "name": name,
                "role": "id" if name == card.id_column else role_of(name, card),
                "declared": card.schema.get(name),
                "found": dict(sorted(types.items())),
            }
            for name, types in self._found.items()
        ]


def _digested(card: Card, content: ContentDigest) -> Iterator[Row]:
    for row in card_rows(card):
        content.add(row.fields, row.canonical)
        yield row


def _case(case: Case) -> dict[str, Any]:
    return {"id": case.id, "digest": "sha256:" + case_digest(case.fields).hex(), "fields": dict(case.fields)}


def _lock(card: Card, content: ContentDigest) -> str:
    if card.digest is None:
        return "not locked"
    return "matches" if card.digest == content.hexdigest() and card.rows in (None, content.rows) else "differs"


def show_lines(document: Mapping[str, Any]) -> Iterator[str]:
    """The document as lines for people; the texts in them are still as they were written."""
    lock = document["lock"] + ("" if document["case_lock"] else ", without digests of cases")
    yield f"{document['name']}@{document['version']}: {document['cases']:,} cases, {document['data']}"
    yield f"  digest: {document['digest']} (lock: {lock})"
    for key, value in document["notes"].items():
        yield f"  {key}: {_text(value)}"
    yield "columns"
    for column in document["columns"]:
        found = ", ".join(f"{kind} in {count:,}" for kind, count in column["found"].items())
        declared = f", declared {column['declared']}" if column["declared"] else ""
        yield f"  {column['name']}: {column['role']}{declared} ({found})"
    if document["groups"] is not None:
        yield f"groups: {document['groups']:,}"
    for name, values in document["slices"].items():
        yield f"slice {name}"
        yield from (f"  {value}: {count:,} ({count / document['cases']:.1%})" for value, count in _largest(values))
        if len(values) > SHOWN_VALUES:
            yield f"  and {len(values) - SHOWN_VALUES:,} more values"
    for case in document["shown"]:
        yield f"case {case['id']} ({case['digest'][:23]}…)"
        yield from (f"  {name}: {_text(value)}" for name, value in case["fields"].items())


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json_line(value).strip()


def _largest(values: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(values.items(), key=lambda item: (-item[1], item[0]))[:SHOWN_VALUES]
