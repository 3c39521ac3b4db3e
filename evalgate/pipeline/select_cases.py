"""Choose the cases a report shows: newly violating, lost and regressed first, worst first."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from math import isnan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalgate.core.record import ArmRecord, CaseRecord
from evalgate.core.values import ARMS, Arm, Status
from evalgate.core.waivers import FoundFinding
from evalgate.pipeline.instruments import Instruments
from evalgate.pipeline.shards import ShardStore, newly_violating
from evalgate.pipeline.verdict import UNCHANGED, Movement, changes
from evalgate.prompts.template import render
from evalgate.prompts.values import Prompt
from evalgate.runner.finding_marks import found_from
from evalgate.runner.shard_file import ShardNumbers, read_details, shard_path

SHOWN = 10_000
"""Cases that a record holds at most."""
TEXTS = 48 << 20
"""Characters of their texts at most: a record of long answers holds fewer cases."""

Ranks = tuple[NDArray[np.int64], NDArray[np.float64]]
"""(n,) kind of each case of a shard, worst first: 0 newly violating, 1 lost, 2 regressed, 3 improved, 4 unchanged; and (n,)
what orders cases of one kind, smallest first."""


@dataclass(frozen=True, slots=True)
class CaseReader:
    """Reads cases back from finished shards."""

    store: ShardStore
    built: Instruments
    by: Movement | None
    prompts: Mapping[str, Prompt]
    """Arm → prompt, for showing what was asked; empty for `compare`."""

    def worst(self, limit: int = SHOWN, texts: int = TEXTS) -> tuple[CaseRecord, ...]:
        """The cases a reader should see first: as many of the worst as are within both limits, and one at least."""
        by_shard: dict[int, list[tuple[int, int]]] = {}
        for place, (shard, row) in enumerate(worst_rows(self._ranked(), limit)):
            by_shard.setdefault(shard, []).append((row, place))
        kept = Kept(texts)
        for shard, rows in by_shard.items():
            wanted = [(row, place) for row, place in rows if place < kept.end]
            for (_, place), record in zip(wanted, self._records(shard, [row for row, _ in wanted]), strict=True):
                kept.add(place, record, text_size(record))
        return kept.in_order()

    def everything(self) -> Iterator[CaseRecord]:
        """All cases in order."""
        for shard in range(self.store.count):
            yield from self._records(shard, list(range(len(self.store.numbers(shard).identical))))

    def _ranked(self) -> Iterator[Ranks]:
        for numbers in self.store.all_numbers():
            lost = numbers.lost[Arm.BASELINE] | numbers.lost[Arm.CANDIDATE]
            yield ranks(self._changes(numbers), newly_violating(numbers), lost)

    def _changes(self, numbers: ShardNumbers) -> Any:
        if self.by is None:
            return np.zeros(len(numbers.identical))
        return changes(numbers.scores[Arm.BASELINE], numbers.scores[Arm.CANDIDATE], self.by)

    def _records(self, shard: int, rows: list[int]) -> list[CaseRecord]:
        numbers = self.store.numbers(shard)
        ids, details = read_details(shard_path(self.store.folder, shard), rows)
        change, new = self._changes(numbers), newly_violating(numbers)
        scores = {arm: numbers.scores[arm][rows].tolist() for arm in ARMS}
        found = zip(ids, details, rows, strict=True)
        return [
            self._record(one, detail, {arm: scores[arm][i] for arm in ARMS}, (float(change[row]), bool(new[row])))
            for i, (one, detail, row) in enumerate(found)
        ]

    def _record(
        self, case_id: str, detail: Mapping[str, Any], scores: Mapping[Arm, list[float]], moved: tuple[float, bool]
    ) -> CaseRecord:
        change, new = moved
        sides = {arm: self._side(detail, arm, scores[arm]) for arm in ARMS}
        return CaseRecord(
            id=case_id,
            movement="regressed" if change < -UNCHANGED else "improved" if change > UNCHANGED else "unchanged",
            newly_violating=new,
            change=change if self.by is not None else None,
            slices=detail["slices"],
            group=detail["group"],
            inputs=detail["inputs"],
            references=tuple(detail["references"]),
            baseline=sides[Arm.BASELINE],
            candidate=sides[Arm.CANDIDATE],
        )

    def _side(self, detail: Mapping[str, Any], arm: Arm, scores: list[float]) -> ArmRecord:
        side = detail[arm]
        prompt = self.prompts.get(arm)
        messages = tuple((m.role, m.content) for m in render(prompt, detail["inputs"])) if prompt else ()
        found = tuple(found_from(one) for one in side["findings"])
        return ArmRecord(
            messages=messages,
            text=side["text"],
            status=Status(side["status"]),
            error=side["error"],
            request_key=side["request_key"],
            latency_ms=side["latency_ms"],
            scores={i.spec.name: None if isnan(score) else score for i, score in zip(self.built.metrics, scores, strict=True)},
            findings=tuple(one.finding for one in found),
            found=found,
            found_texts=tuple(_found_text(side, one) for one in found),
        )


@dataclass(slots=True)
class Kept:
    """The first of some ranked cases whose texts are within a limit; they may come in any order."""

    limit: int
    end: float = float("inf")
    """No case of this rank or behind is kept."""
    _found: dict[int, tuple[CaseRecord, int]] = field(default_factory=dict)
    _worst_last: list[int] = field(default_factory=list)
    _size: int = 0

    def add(self, rank: int, record: CaseRecord, size: int) -> None:
        """Take in a case, and let go of those that no longer fit."""
        if rank >= self.end:
            return
        self._found[rank] = record, size
        self._size += size
        heapq.heappush(self._worst_last, -rank)
        while self._size > self.limit and self._worst_last[0] < 0:
            last = -heapq.heappop(self._worst_last)
            self._size -= self._found.pop(last)[1]
            self.end = last

    def in_order(self) -> tuple[CaseRecord, ...]:
        """What was kept, first rank first."""
        return tuple(self._found[rank][0] for rank in sorted(self._found))


def text_size(case: CaseRecord) -> int:
    """About how many characters the texts of a case have."""
    size = sum(map(_length, case.inputs.values())) + sum(map(_length, case.references))
    for arm in (case.baseline, case.candidate):
        size += len(arm.text) + sum(len(content) for _, content in arm.messages)
    return size


def _length(value: Any) -> int:
    return len(value) if isinstance(value, str) else len(str(value))


def ranks(change: NDArray[np.float64], new: NDArray[np.bool_], lost: NDArray[np.bool_]) -> Ranks:
    """How much the cases of a shard need to be seen. Shapes: (n,) each."""
    kinds = np.select([new, lost, change < -UNCHANGED, change > UNCHANGED], [0, 1, 2, 3], 4)
    return kinds, np.where(kinds < 3, change, -change)


def worst_rows(shards: Iterable[Ranks], limit: int) -> Iterator[tuple[int, int]]:
    """(shard, row) of the cases a reader should see first; of equals the first one. Nothing else is held in memory."""
    kept: Ranks = np.zeros(0, dtype=np.int64), np.zeros(0)
    places = np.zeros((0, 2), dtype=np.int64)
    for shard, (kinds, sizes) in enumerate(shards):
        joined = np.concatenate([kept[0], kinds]), np.concatenate([kept[1], sizes])
        rows = np.stack([np.full(len(kinds), shard), np.arange(len(kinds))], axis=1)
        order = np.lexsort((joined[1], joined[0]))[:limit]  # stable, and what is kept already stands first
        kept, places = (joined[0][order], joined[1][order]), np.concatenate([places, rows])[order]
    for shard, row in places.tolist():
        yield shard, row


def _found_text(side: Mapping[str, Any], one: FoundFinding) -> str:
    text: str = side["text"] if one.sample == 0 else side["more"][one.sample - 1]
    return text[one.finding.start : one.finding.end]
