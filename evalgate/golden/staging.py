"""New cases for a golden dataset, staged for a person to label: masked, not there already, never fit for a run as they are."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from evalgate.core.canonical import digest, json_line
from evalgate.golden.card import STAGED, Card
from evalgate.golden.sources import ROW_ID
from evalgate.golden.staging_likeness import LikenessIndex, folded_inputs, text_key
from evalgate.golden.staging_logs import Found
from evalgate.golden.staging_masks import Masks
from evalgate.golden.tables import ID_COLUMN

MOST = 2_000
"""Distinct new cases that are looked at in one go."""
MOST_CHARACTERS = 4 << 20
"""Characters of all their inputs together."""
_NOT_YAML = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
OUTPUT_CHARACTERS = 2_000
"""Characters of an answer that are kept for whoever labels."""


@dataclass(frozen=True, slots=True)
class StagedCase:
    """One case to be labelled."""

    row: Mapping[str, Any]
    """All columns of the dataset; what a person must fill is null."""
    provenance: Mapping[str, Any]
    folded: str
    """Its masked inputs, folded for comparison."""


@dataclass(slots=True)
class Harvest:
    """What came of the source."""

    staged: list[StagedCase] = field(default_factory=list)
    seen: int = 0
    repeated: int = 0
    """Equal to an earlier one of the same source."""
    in_dataset: int = 0
    """Equal to a case that is there already."""
    nearly_in_dataset: int = 0
    nearly_repeated: int = 0
    left: int = 0
    """Beyond what is looked at, or kept, in one go."""
    masked: dict[str, int] = field(default_factory=dict)
    """Kind of what was masked → in how many staged cases."""


def gather_cases(found: Iterable[Found], card: Card, columns: Sequence[str], masks: Masks, known: Collection[bytes]) -> Harvest:
    """Mask what a source offers and keep what differs from each other and from what is there, in order.

    `known`: `text_key` of the folded inputs of every case that is there.
    """
    harvest = Harvest()
    seen: set[str] = set()
    there: set[str] = set()
    characters = 0
    for one in found:
        harvest.seen += 1
        case, unmasked = _staged(one, card, columns, masks)
        if case.folded in seen:
            harvest.repeated += 1
        elif text_key(case.folded) in known or text_key(unmasked) in known:
            harvest.in_dataset += case.folded not in there
            harvest.repeated += case.folded in there
            there.add(case.folded)
        elif len(harvest.staged) >= MOST or characters + len(case.folded) > MOST_CHARACTERS:
            harvest.left += 1
        else:
            seen.add(case.folded)
            characters += len(case.folded)
            harvest.staged.append(case)
    return harvest


def leave_out_alike(harvest: Harvest, existing: Iterable[str], limit: int) -> None:
    """Drop what is nearly the same as a case that is there or as an earlier one, and keep the first `limit` of the rest.

    `existing`: the folded inputs of every case that is there.
    """
    cases = harvest.staged
    if cases:
        index = LikenessIndex([case.folded for case in cases])
        near = {number for text in existing for number in index.alike(text)}
        kept: set[int] = set()
        for number, case in enumerate(cases):
            if number in near:
                harvest.nearly_in_dataset += 1
            elif kept.intersection(index.alike(case.folded)):
                harvest.nearly_repeated += 1
            else:
                kept.add(number)
        harvest.left += max(0, len(kept) - limit)
        harvest.staged = [cases[number] for number in sorted(kept)[:limit]]
    for case in harvest.staged:
        for kind in case.provenance.get("masked", ()):
            harvest.masked[kind] = harvest.masked.get(kind, 0) + 1


def staged_card(card: Card, version: str, source: str) -> str:
    """The card of the staged cases: read like the dataset's own, and refused until a person has labelled and released it."""
    entries: list[tuple[str, Any]] = [
        ("name", card.name),
        ("version", version),
        (STAGED, "not labelled yet: fill every null in cases.jsonl, read every text, then remove this line"),
        ("provenance", f"{source}; see provenance.jsonl"),
        ("data", "cases.jsonl"),
        ("id", _id_column(card)),
        ("inputs", list(card.inputs)),
        ("reference", list(card.reference)),
        ("slices", list(card.slices)),
        ("group", card.group),
        ("schema", dict(card.schema)),
    ]
    return "".join(f"{key}: {_yaml(value)}\n" for key, value in entries if value)


def staged_lines(cases: Iterable[StagedCase]) -> tuple[str, str]:
    """The cases and their provenance as JSON lines."""
    rows, origins = [], []
    for case in cases:
        rows.append(json.dumps(case.row, ensure_ascii=False) + "\n")
        origins.append(json_line(case.provenance))
    return "".join(rows), "".join(origins)


def _staged(found: Found, card: Card, columns: Sequence[str], masks: Masks) -> tuple[StagedCase, str]:
    """The case, and its inputs as they came, folded; these are never written."""
    masks.found.clear()
    inputs = {column: masks.value(found.inputs[column]) for column in columns}
    # A label is never taken over, also where its column is a slice too: what a log or a run says there was nobody's judgement.
    others = {column: masks.value(value) for column, value in found.slices.items() if column not in card.reference}
    masked = dict(sorted(masks.found.items()))
    identifier = f"staged-{digest(inputs).removeprefix('sha256:')[:12]}"
    row: dict[str, Any] = {_id_column(card): identifier, **inputs}
    rest = (*card.reference, *card.slices, *((card.group,) if card.group else ()), *card.schema)
    row |= {column: others.get(column) for column in rest if column not in row}
    provenance: dict[str, Any] = {"id": identifier, **masks.value(dict(found.origin)), "why": found.why}
    if masked:
        provenance["masked"] = masked
    outputs = {who: _shortened(masks.value(answer)) for who, answer in found.outputs.items()}
    if outputs:
        provenance["answers"] = outputs
    return StagedCase(row, provenance, folded_inputs(inputs, columns)), folded_inputs(found.inputs, columns)


def _yaml(value: Any) -> str:
    """A JSON value on one line is a YAML value, but for pairs of surrogates and for characters that YAML has not or breaks at."""
    text = json.dumps(value, ensure_ascii=False)
    return _NOT_YAML.sub(lambda match: f"\\u{ord(match.group()):04x}", text)


def _id_column(card: Card) -> str:
    """Staged cases have ids of their own also where the dataset's are row numbers."""
    return ID_COLUMN if card.id_column == ROW_ID else card.id_column


def _shortened(answer: Any) -> Any:
    text = answer if isinstance(answer, str) else json_line(answer).strip()
    return answer if len(text) <= OUTPUT_CHARACTERS else text[:OUTPUT_CHARACTERS] + " …"
