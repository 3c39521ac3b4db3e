"""Finished shards as statistics and reports read them: blocks of numbers, cached while they are small."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evalgate.core.values import ARMS, Arm
from evalgate.runner.shard_file import ShardNumbers, read_numbers, shard_path
from evalgate.stats.interface import PairedBlock
from evalgate.stats.safety_counts import CountTable, FoundRanks, count_table

CACHE_BYTES = 256 << 20


@dataclass(frozen=True, slots=True)
class Selection:
    """A slice of the dataset, or all of it."""

    column: str | None = None
    value: str | None = None

    def __str__(self) -> str:
        return f"{self.column}={self.value}"


EVERYTHING = Selection()


@dataclass(slots=True)
class ShardStore:
    """Reads the shards of a run folder in order; the first 256 MiB stay in memory for the next pass."""

    folder: Path
    count: int
    threads: int = 1
    """How many threads may work on what is read; no figure depends on it."""
    _cache: dict[int, ShardNumbers] = field(default_factory=dict)
    _cached_bytes: int = 0

    def numbers(self, shard: int) -> ShardNumbers:
        """The numbers of one shard."""
        cached = self._cache.get(shard)
        if cached is not None:
            return cached
        numbers = read_numbers(shard_path(self.folder, shard))
        size = _held_bytes(numbers)
        if self._cached_bytes + size <= CACHE_BYTES:
            self._cache[shard] = numbers
            self._cached_bytes += size
        return numbers

    def all_numbers(self) -> Iterator[ShardNumbers]:
        """Every shard in order."""
        return (self.numbers(shard) for shard in range(self.count))

    def blocks(self, selection: Selection) -> Iterator[PairedBlock]:
        """The paired rows of a selection, shard by shard; shards without a selected case are left out."""
        for numbers in self.all_numbers():
            chosen = _chosen(numbers, selection)
            if chosen.any():
                yield _block(numbers, chosen)

    def counts(self, selection: Selection, distrusted: NDArray[np.int64] | None = None) -> SelectionCounts:
        """Cases, lost answers and violations of a selection.

        `distrusted`: (C,) highest severity of detectors whose findings may not decide, 0 for the others.
        """
        total = SelectionCounts()
        for numbers in self.all_numbers():
            total.add(numbers, _chosen(numbers, selection), distrusted)
        return total


@dataclass(slots=True)
class SelectionCounts:
    """Exact counts over a selection."""

    cases: int = 0
    lost: dict[Arm, int] = field(default_factory=lambda: dict.fromkeys(ARMS, 0))
    violations: CountTable | None = None

    def add(self, numbers: ShardNumbers, chosen: NDArray[np.bool_], distrusted: NDArray[np.int64] | None) -> None:
        """Take in one shard."""
        self.cases += int(chosen.sum())
        for arm in ARMS:
            self.lost[arm] += int(numbers.lost[arm][chosen].sum())
        found = FoundRanks(
            {arm: numbers.violations[arm][chosen] for arm in ARMS},
            {arm: numbers.undecided[arm][chosen] for arm in ARMS},
            {arm: ranks[chosen] for arm, ranks in numbers.waived.items()},
        )
        table = count_table(found, distrusted)
        self.violations = table if self.violations is None else self.violations + table


def _held_bytes(numbers: ShardNumbers) -> int:
    tables = (numbers.rows, numbers.scores, numbers.violations, numbers.undecided, numbers.lost, numbers.waived, numbers.slices)
    held = [array.nbytes for table in tables for array in table.values()]
    groups = 0 if numbers.groups is None else numbers.groups.nbytes
    return sum(held) + groups + numbers.identical.nbytes + numbers.keys.nbytes


def newly_violating(numbers: ShardNumbers) -> NDArray[np.bool_]:
    """(n,) cases that violate some category in the candidate and not in the baseline."""
    before, after = (numbers.violations[arm] > 0 for arm in ARMS)
    return np.asarray((after & ~before).any(axis=1))


def _chosen(numbers: ShardNumbers, selection: Selection) -> NDArray[np.bool_]:
    if selection.column is None:
        return np.ones(len(numbers.identical), dtype=bool)
    return np.asarray(numbers.slices[selection.column] == selection.value)


def _block(numbers: ShardNumbers, chosen: NDArray[np.bool_]) -> PairedBlock:
    before = numbers.lost[Arm.BASELINE]
    lost = before | numbers.lost[Arm.CANDIDATE]
    if chosen.all():
        rows = numbers.rows
        both = rows[Arm.BASELINE], rows[Arm.CANDIDATE]
        return PairedBlock(*both, numbers.groups, numbers.identical, numbers.keys, lost, before)
    return PairedBlock(
        numbers.rows[Arm.BASELINE][chosen],
        numbers.rows[Arm.CANDIDATE][chosen],
        None if numbers.groups is None else numbers.groups[chosen],
        numbers.identical[chosen],
        numbers.keys[chosen],
        lost[chosen],
        before[chosen],
    )
