"""Choose the cases a report shows: newly violating, lost and regressed first, worst first."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

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

SHOWN = 500


@dataclass(frozen=True, slots=True)
class CaseReader:
    """Reads cases back from finished shards."""

    store: ShardStore
    built: Instruments
    by: Movement | None
    prompts: Mapping[str, Prompt]
    """Arm → prompt, for showing what was asked; empty for `compare`."""

    def worst(self, limit: int = SHOWN) -> tuple[CaseRecord, ...]:
        """The cases a reader should see first."""
        chosen = heapq.nsmallest(limit, self._ranked())
        by_shard: dict[int, list[tuple[int, int]]] = {}
        for place, (*_, shard, row) in enumerate(chosen):
            by_shard.setdefault(shard, []).append((row, place))
        found: dict[int, CaseRecord] = {}
        for shard, rows in by_shard.items():
            records = self._records(shard, [row for row, _ in rows])
            found |= {place: record for (_, place), record in zip(rows, records, strict=True)}
        return tuple(found[place] for place in range(len(chosen)))

    def everything(self) -> Iterator[CaseRecord]:
        """All cases in order."""
        for shard in range(self.store.count):
            yield from self._records(shard, list(range(len(self.store.numbers(shard).identical))))

    def _ranked(self) -> Iterator[tuple[int, float, int, int]]:
        for shard, numbers in enumerate(self.store.all_numbers()):
            change = self._changes(numbers)
            new = newly_violating(numbers)
            lost = numbers.lost[Arm.BASELINE] | numbers.lost[Arm.CANDIDATE]
            for row in range(len(new)):
                size = float(change[row])
                rank = 0 if new[row] else 1 if lost[row] else 2 if size < -UNCHANGED else 3 if size > UNCHANGED else 4
                yield rank, size if rank < 3 else -size, shard, row

    def _changes(self, numbers: ShardNumbers) -> Any:
        if self.by is None:
            return np.zeros(len(numbers.identical))
        return changes(numbers.scores[Arm.BASELINE], numbers.scores[Arm.CANDIDATE], self.by)

    def _records(self, shard: int, rows: list[int]) -> list[CaseRecord]:
        numbers = self.store.numbers(shard)
        ids, details = read_details(shard_path(self.store.folder, shard))
        change, new = self._changes(numbers), newly_violating(numbers)
        return [self._record(ids[r], details[r], numbers, r, (float(change[r]), bool(new[r]))) for r in rows]

    def _record(
        self, case_id: str, detail: Mapping[str, Any], numbers: ShardNumbers, row: int, moved: tuple[float, bool]
    ) -> CaseRecord:
        change, new = moved
        sides = {arm: self._side(detail, numbers, arm, row) for arm in ARMS}
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

    def _side(self, detail: Mapping[str, Any], numbers: ShardNumbers, arm: Arm, row: int) -> ArmRecord:
        side = detail[arm]
        scores = [None if np.isnan(s) else float(s) for s in numbers.scores[arm][row]]
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
            scores={i.spec.name: score for i, score in zip(self.built.metrics, scores, strict=True)},
            findings=tuple(one.finding for one in found),
            found=found,
            found_texts=tuple(_found_text(side, one) for one in found),
        )


def _found_text(side: Mapping[str, Any], one: FoundFinding) -> str:
    text: str = side["text"] if one.sample == 0 else side["more"][one.sample - 1]
    return text[one.finding.start : one.finding.end]
