"""Hold data against the lock of its card, and name what changed: cases added, removed, changed, moved, labels edited."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from evalgate.core.errors import BadInput, Problem
from evalgate.core.values import Case
from evalgate.golden.card import Card
from evalgate.golden.cases import ContentDigest, read_cases
from evalgate.golden.lock_file import (
    LOCK,
    SHORT_BYTES,
    LockedCase,
    LockHeader,
    lock_lines,
    locked_case,
    locked_cases,
    meaning_digest,
    read_header,
    says_so,
)
from evalgate.golden.sources import card_rows

SHOWN_IDS = 5
HINT = "a changed dataset is a new version: lock it again under a new version number"


class LockCheck:
    """Takes in the cases of a dataset as they are read and, at the end, says whether they are the locked ones.

    A card that says no digest was never locked: nothing is held against it but its `rows`.
    """

    def __init__(self, card: Card) -> None:
        self._card = card
        self._path = lock_path(card)
        self._header: LockHeader | None = None
        self._lines: Iterator[bytes] | None = None
        self._same = True
        if self._path is not None:
            self._header = read_header(self._path, str(self._path))
            self._lines = lock_lines(self._path, self._header, str(self._path))

    def take(self, case: Case, canonical: bytes) -> None:
        """Hold the next case, its row as canonical JSON, against the next line; what follows a difference is not looked at."""
        if self._lines is not None and self._same:
            line = next(self._lines, None)
            self._same = line is not None and says_so(line, case.id, canonical)

    def finish(self, content: ContentDigest) -> None:
        """Prove the content as a whole.

        Raises: BadInput with one line for each kind of change, or when card and lock do not belong together.
        """
        card, found = self._card, content.hexdigest()
        where = str(card.path or card.data)
        matches = card.digest in (None, found) and card.rows in (None, content.rows)
        if not matches:
            said = f"the data is not what the card was locked to: {found} instead of {card.digest}"
            if card.digest in (None, found):
                said = f"the card says {card.rows} rows, the data has {content.rows}"
            raise BadInput([Problem(said, where, HINT), *self._what_changed()])
        if self._header is not None:
            self._agree(self._header, found)
        elif card.digest is not None and card.path is not None:
            hint = f"restore it, or lock the dataset again: evalgate dataset lock {card.path}"
            raise BadInput(f"the card is locked, but {LOCK} is not beside it", where=where, hint=hint)

    def _agree(self, header: LockHeader, found: str) -> None:
        where = str(self._path)
        if self._card.digest is None:
            raise BadInput(f"the card is not locked, but {LOCK} stands beside it", where=where, hint="evalgate dataset lock")
        if header.reference != self._card.reference:
            said = f"locked with other reference columns: {', '.join(header.reference) or 'none'}"
            raise BadInput(said, where=where, hint=HINT)
        if header.meaning is None:
            hint = f"an earlier version of evalgate wrote it; lock the dataset again: evalgate dataset lock {self._card.path}"
            raise BadInput("the lock does not bind what the columns mean", where=where, hint=hint)
        if header.meaning != meaning_digest(self._card):
            said = "the card says something else of the columns than when it was locked: id, inputs, group, slices or schema"
            raise BadInput(said, where=str(self._card.path), hint=HINT)
        if header.digest != found:
            hint = "restore it, or lock the dataset again with --replace where card and data are as they should be"
            raise BadInput("the lock is of other content than card and data", where=where, hint=hint)
        assert self._lines is not None
        if not self._same or next(self._lines, None) is not None:
            raise BadInput("the lock does not describe the data", where=where, hint="restore it, or lock the dataset again")

    def _what_changed(self) -> list[Problem]:
        try:
            return self._summary()
        except BadInput as error:  # a damaged lock hides what changed, not that it did
            return list(error.problems)

    def _summary(self) -> list[Problem]:
        card = self._card
        if self._header is None or self._path is None:
            return []
        if self._header.digest != card.digest:
            return [Problem("what changed cannot be named: the lock is of other content than the card", str(self._path))]
        changes = LockChanges(self._header.reference)
        changes.read_lock(locked_cases(self._path, self._header, str(self._path)))
        for case in read_cases(card, card_rows(card)):
            changes.take(case)
        lines = changes.lines(locked_cases(self._path, self._header, str(self._path)))
        return [Problem(line, card.shown) for line in lines]


def lock_path(card: Card) -> Path | None:
    """The lock beside a card, when there is one.

    Raises: BadInput for a link that leads out of the card's folder.
    """
    if card.path is None:
        return None
    path = card.path.parent / LOCK
    if path.is_symlink() and not path.resolve().is_relative_to(card.path.parent.resolve()):
        raise BadInput(f"{LOCK} is a link out of the dataset's folder", where=str(path))
    return path if path.exists() else None


@dataclass(slots=True)
class _Some:
    """A count with the first few ids."""

    count: int = 0
    ids: list[str] = field(default_factory=list)

    def add(self, case_id: str) -> None:
        self.count += 1
        if len(self.ids) < SHOWN_IDS:
            self.ids.append(case_id)

    def line(self, one: str, many: str, more: str = "") -> list[str]:
        if not self.count:
            return []
        dots = " …" if self.count > len(self.ids) else ""
        return [f"{self.count:,} {one if self.count == 1 else many}{more}: {', '.join(map(repr, self.ids))}{dots}"]


@dataclass(slots=True)
class LockChanges:
    """What changed since a dataset was locked; some 150 bytes of memory for each case, whatever its size."""

    reference: tuple[str, ...]
    positions: dict[int, int] = field(default_factory=dict)
    """hash(id) → place in the lock; two ids that share one, of 2**64, would only blur the summary."""
    digests: bytearray = field(default_factory=bytearray)
    seen: bytearray = field(default_factory=bytearray)
    order: array[int] = field(default_factory=lambda: array("L"))
    added: _Some = field(default_factory=_Some)
    labels: _Some = field(default_factory=_Some)
    changed: _Some = field(default_factory=_Some)

    def read_lock(self, cases: Iterator[LockedCase]) -> None:
        """Take in the locked cases."""
        for number, case in enumerate(cases):
            self.positions[hash(case.id)] = number
            self.digests += case.whole + case.rest.rjust(SHORT_BYTES, b"\0")
        self.seen = bytearray(len(self.digests) // (2 * SHORT_BYTES))

    def take(self, case: Case) -> None:
        """Take in the next case of the data."""
        position = self.positions.get(hash(case.id))
        if position is None:
            self.added.add(case.id)
            return
        self.seen[position] = 1
        self.order.append(position)
        now = locked_case(case.id, case.fields, self.reference)
        start = position * 2 * SHORT_BYTES
        if self.digests[start : start + SHORT_BYTES] != now.whole:
            same_rest = self.reference and self.digests[start + SHORT_BYTES : start + 2 * SHORT_BYTES] == now.rest
            (self.labels if same_rest else self.changed).add(case.id)

    def lines(self, cases: Iterator[LockedCase]) -> list[str]:
        """One line for each kind of change; the locked cases are read again for the ids that are gone."""
        moved_positions = out_of_order(self.order)
        removed, moved = _Some(), _Some()
        for number, case in enumerate(cases):
            if not self.seen[number]:
                removed.add(case.id)
            elif number in moved_positions:
                moved.add(case.id)
        columns = ", ".join(map(repr, self.reference))
        found = [
            *self.added.line("case added", "cases added"),
            *removed.line("case removed", "cases removed"),
            *self.labels.line("label edited", "labels edited", f" (column {columns})"),
            *self.changed.line("case changed", "cases changed", " (inputs or other columns)"),
            *moved.line("case moved", "cases moved"),
        ]
        return found or ["the same cases in the same order: only the card's digest or rows is another"]


def out_of_order(positions: Sequence[int]) -> set[int]:
    """The fewest items that must be taken out for the rest to increase.

    Source: patience sorting, Fredman (1975), On computing the length of longest increasing subsequences.
    """
    if all(positions[i] < positions[i + 1] for i in range(len(positions) - 1)):
        return set()
    tails: list[int] = []
    places: list[int] = []
    before = array("l")
    for index, position in enumerate(positions):
        level = bisect_left(tails, position)
        before.append(places[level - 1] if level else -1)
        if level == len(tails):
            tails.append(position)
            places.append(index)
        else:
            tails[level], places[level] = position, index
    kept, index = set(), places[-1]
    while index >= 0:
        kept.add(positions[index])
        index = before[index]
    return set(positions) - kept
