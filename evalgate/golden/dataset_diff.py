"""What changed between two versions of a golden dataset: cases, labels, order, slices, card.

Both versions are read as streams: digests of all cases first, and texts only of those that changed and are shown.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from evalgate.core.canonical import canonical_parsed
from evalgate.core.errors import BadInput
from evalgate.golden.card import Card
from evalgate.golden.cases import ContentDigest, read_cases
from evalgate.golden.dataset_diff_card import CardChange, card_changes
from evalgate.golden.dataset_diff_order import moved_ids
from evalgate.golden.tables import Row

ROLES = ("input", "reference", "group", "slice", "other")
"""What a column is for, the most telling first: a column that is two things to a card counts as the first of them."""
_DIGEST_BYTES = 16


@dataclass(frozen=True, slots=True)
class DatasetVersion:
    """One side of a comparison."""

    card: Card
    rows: Callable[[], Iterable[Row]]
    """Opens the data anew; it is read at most twice."""


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One column of a case that is not what it was."""

    name: str
    role: str
    """One of ROLES."""
    kind: str
    """`changed`, or `added` or `removed` where only one of the rows has the column."""


@dataclass(frozen=True, slots=True)
class CaseChange:
    """A case that both versions have, with other content."""

    id: str
    fields: tuple[FieldChange, ...]

    def touches(self, role: str) -> bool:
        """Whether a column of this role changed."""
        return any(one.role == role for one in self.fields)


@dataclass(frozen=True, slots=True)
class SideFacts:
    """One version as it was read."""

    card: Card
    digest: str
    cases: int
    slices: Mapping[str, Mapping[str, int]]
    """Slice column → value → cases."""

    @property
    def lock(self) -> str:
        """Whether the data is what its card was locked to: `matches`, `differs` or `not locked`."""
        if self.card.digest is None:
            return "not locked"
        return "matches" if self.card.digest == self.digest and self.card.rows in (None, self.cases) else "differs"


@dataclass(frozen=True, slots=True)
class DatasetDiff:
    """Everything that changed from `before` to `after`."""

    before: SideFacts
    after: SideFacts
    added: tuple[str, ...]
    """Ids, in the order of `after`."""
    removed: tuple[str, ...]
    """Ids, in the order of `before`."""
    changed: tuple[CaseChange, ...]
    """In the order of `after`."""
    moved: tuple[str, ...]
    """The fewest cases whose moving explains the new order, in the order of `before`."""
    renamed: tuple[tuple[str, str], ...]
    """(removed id, added id) of cases with the same content under another id; both also stand among the others."""
    card: tuple[CardChange, ...]
    rows_before: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Id → row, of the removed and changed cases that are shown."""
    rows_after: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Id → row, of the added and changed cases that are shown."""

    @property
    def is_empty(self) -> bool:
        """Whether neither content nor card changed; version and lock of the card aside."""
        return not (self.added or self.removed or self.changed or self.moved or self.card)


@dataclass(slots=True)
class _Index:
    facts: SideFacts
    cases: dict[str, bytes]


@dataclass(slots=True)
class _Wanted:
    """What the second reading looks for in one version."""

    changed: set[str]
    lone: set[str]
    shown: set[str]
    fields: dict[str, dict[str, bytes]] = field(default_factory=dict)
    contents: dict[str, bytes] = field(default_factory=dict)
    rows: dict[str, Mapping[str, Any]] = field(default_factory=dict)


def diff_datasets(before: DatasetVersion, after: DatasetVersion, limit: int) -> DatasetDiff:
    """Compare two versions; the texts of the first `limit` added, removed and changed cases are kept.

    Memory grows with the number of cases by some hundred bytes each, not with their texts.

    Raises: BadInput for a version that cannot be read, has a faulty case or no case at all.
    """
    old, new = _index(before), _index(after)
    added = [one for one in new.cases if one not in old.cases]
    removed = [one for one in old.cases if one not in new.cases]
    changed = [one for one, content in new.cases.items() if one in old.cases and old.cases[one] != content]
    moved = moved_ids([one for one in old.cases if one in new.cases], [one for one in new.cases if one in old.cases])
    first = _Wanted(set(changed), set(removed), {*removed[:limit], *changed[:limit]})
    second = _Wanted(set(changed), set(added), {*added[:limit], *changed[:limit]})
    _find(before, first)
    _find(after, second)
    cards = before.card, after.card
    return DatasetDiff(
        before=old.facts,
        after=new.facts,
        added=tuple(added),
        removed=tuple(removed),
        changed=tuple(CaseChange(one, _field_changes(first.fields[one], second.fields[one], cards)) for one in changed),
        moved=moved,
        renamed=_renamed(removed, added, first.contents, second.contents),
        card=card_changes(before.card, after.card),
        rows_before=first.rows,
        rows_after=second.rows,
    )


def role_of(column: str, card: Card) -> str:
    """What a column is for on a card; without declared inputs, every column is one but id, reference and group."""
    roles = {
        "input": column in card.inputs
        or (not card.inputs and column not in (card.id_column, card.group) and column not in card.reference),
        "reference": column in card.reference,
        "group": column == card.group,
        "slice": column in card.slices,
    }
    return next((role for role in ROLES if roles.get(role)), "other")


def _index(version: DatasetVersion) -> _Index:
    content = ContentDigest()
    slices: dict[str, Counter[str]] = {column: Counter() for column in version.card.slices}
    cases: dict[str, bytes] = {}

    def digested() -> Iterator[Row]:
        for row in version.rows():
            content.add(row.fields)
            yield row

    for case in read_cases(version.card, digested()):
        cases[case.id] = _digest(case.fields)
        for column, value in case.slices.items():
            slices[column][value] += 1
    if not cases:
        raise BadInput("the dataset has 0 cases", where=str(version.card.path or version.card.data))
    return _Index(SideFacts(version.card, content.hexdigest(), len(cases), slices), cases)


def _find(version: DatasetVersion, wanted: _Wanted) -> None:
    """Read a version again for what the digests showed to be of interest; stops when all of it was found."""
    left = len(wanted.changed) + len(wanted.lone)
    if not left:
        return
    id_column = version.card.id_column
    for row in version.rows():
        case_id = str(row.fields.get(id_column))
        if case_id in wanted.changed:
            wanted.fields[case_id] = {name: _digest(value) for name, value in row.fields.items()}
        elif case_id in wanted.lone:
            wanted.contents[case_id] = _digest({name: v for name, v in row.fields.items() if name != id_column})
        else:
            continue
        if case_id in wanted.shown:
            wanted.rows[case_id] = dict(row.fields)
        left -= 1
        if not left:
            return
    raise BadInput("the data changed while it was read", where=str(version.card.data), hint="try again")


def _field_changes(before: Mapping[str, bytes], after: Mapping[str, bytes], cards: tuple[Card, Card]) -> tuple[FieldChange, ...]:
    found = []
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            role = min((role_of(name, card) for card in cards), key=ROLES.index)
            kind = "added" if name not in before else "removed" if name not in after else "changed"
            found.append(FieldChange(name, role, kind))
    return tuple(found)


def _renamed(
    removed: Sequence[str], added: Sequence[str], gone: Mapping[str, bytes], come: Mapping[str, bytes]
) -> tuple[tuple[str, str], ...]:
    by_content: dict[bytes, list[str]] = {}
    for one in sorted(added, reverse=True):
        by_content.setdefault(come[one], []).append(one)
    pairs = []
    for one in sorted(removed):
        same = by_content.get(gone[one])
        if same:
            pairs.append((one, same.pop()))
    return tuple(pairs)


def _digest(value: Any) -> bytes:
    return hashlib.blake2b(canonical_parsed(value), digest_size=_DIGEST_BYTES).digest()
