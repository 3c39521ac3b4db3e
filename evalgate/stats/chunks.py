"""Cut the stream of shards into units of analysis, in chunks whose borders do not depend on the shards.

Sums are exact, or taken in the order of the cases: neither chunks nor shards change a number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from evalgate.core.errors import Incomplete
from evalgate.stats.draws import group_keys
from evalgate.stats.interface import Floats, Keys, PairedBlock

CHUNK = 4096
"""Units per chunk: small enough for the cache, large enough to be few."""


class UnitRows(NamedTuple):
    """Some units of analysis, paired."""

    baseline: Floats
    """(m, D)."""
    candidate: Floats
    keys: Keys
    """(m,) which draws of the second opinion are theirs."""


Units = Callable[[], Iterator[UnitRows]]
"""Called once per pass; every call gives the same chunks of units in the same order."""


def fixed_chunks(blocks: Iterable[PairedBlock], size: int = CHUNK) -> Iterator[PairedBlock]:
    """The same cases in the same order, `size` at a time.

    Raises: Incomplete when a block's arrays do not belong together.
    """
    waiting: list[PairedBlock] = []
    held = 0
    first: PairedBlock | None = None
    for block in blocks:
        first = first or block
        _check(block, first)
        start = 0
        while len(block.baseline) - start >= size - held:
            stop = start + size - held
            yield _join([*waiting, _part(block, start, stop)])
            waiting, held, start = [], 0, stop
        if start < len(block.baseline):
            waiting.append(_part(block, start, len(block.baseline)))
            held += len(block.baseline) - start
    if waiting:
        yield _join(waiting)


def case_units(blocks: Callable[[], Iterable[PairedBlock]]) -> Units:
    """Every case is its own unit."""

    def units() -> Iterator[UnitRows]:
        for chunk in fixed_chunks(blocks()):
            yield UnitRows(chunk.baseline, chunk.candidate, chunk.keys)

    return units


def weighing_alike(units: Units, means: Sequence[slice]) -> Units:
    """Units whose means weigh the same however many answers or cases stand behind them.

    `means`: the two columns (sum, count) of each metric that is a mean over cases; a count of n becomes 1.
    """

    def averaged() -> Iterator[UnitRows]:
        for rows in units():
            yield UnitRows(alike(rows.baseline, means), alike(rows.candidate, means), rows.keys)

    return averaged


def alike(rows: Floats, means: Sequence[slice]) -> Floats:
    """The rows with every sum divided by its count. Shapes: (m, D) → (m, D); the same object where nothing changes."""
    found = rows
    for span in means:
        counts = rows[:, span.stop - 1]
        several = (counts != 1) & (counts > 0)
        if several.any():
            found = rows.copy() if found is rows else found
            found[several, span.start] = rows[several, span.start] / counts[several]
            found[several, span.stop - 1] = 1.0
    return found


class GroupTable:
    """Sums of rows within each group; the only place that holds something per group in memory.

    Groups are ordered by first appearance and added to in case order, so shards change no bit of a sum.
    """

    def __init__(self, width: int) -> None:
        self._index: dict[int, int] = {}
        self._sums = np.zeros((2, CHUNK, width))
        self._keys = np.zeros(CHUNK, dtype=np.uint64)

    def add(self, chunk: PairedBlock, groups: NDArray[np.int64]) -> None:
        """Add the rows of a chunk to their groups."""
        places = np.array([self._index.setdefault(g, len(self._index)) for g in groups.tolist()], dtype=np.int64)
        while len(self._index) > len(self._keys):
            self._sums = np.concatenate([self._sums, np.zeros_like(self._sums)], axis=1)
            self._keys = np.concatenate([self._keys, np.zeros_like(self._keys)])
        with np.errstate(all="ignore"):
            np.add.at(self._sums[0], places, chunk.baseline)
            np.add.at(self._sums[1], places, chunk.candidate)
        np.add.at(self._keys, places, group_keys(chunk.keys))

    def units(self) -> Iterator[UnitRows]:
        """The group sums, chunk by chunk."""
        total = len(self._index)
        for start in range(0, total, CHUNK):
            stop = min(start + CHUNK, total)
            yield UnitRows(self._sums[0, start:stop], self._sums[1, start:stop], self._keys[start:stop])


def _check(block: PairedBlock, first: PairedBlock) -> None:
    rows, width = block.baseline.shape if block.baseline.ndim == 2 else (-1, -1)
    fits = block.candidate.shape == (rows, width) and width == first.baseline.shape[-1]
    fits = fits and block.identical.shape == (rows,) and (block.groups is None) == (first.groups is None)
    fits = fits and block.keys.shape == (rows,)
    for flags, others in ((block.lost, first.lost), (block.baseline_lost, first.baseline_lost)):
        fits = fits and (flags is None) == (others is None) and (flags is None or flags.shape == (rows,))
    if not fits or (block.groups is not None and block.groups.shape != (rows,)):
        raise Incomplete("a block of rows does not pair baseline and candidate", hint="the shard is damaged: run again")


def _part(block: PairedBlock, start: int, stop: int) -> PairedBlock:
    groups = None if block.groups is None else block.groups[start:stop]
    own = slice(start, stop)
    lost, before = (None if flags is None else flags[own] for flags in (block.lost, block.baseline_lost))
    numbers = block.baseline[own], block.candidate[own], groups, block.identical[own], block.keys[own]
    return PairedBlock(*numbers, lost=lost, baseline_lost=before)


def _join(parts: list[PairedBlock]) -> PairedBlock:
    if len(parts) == 1:
        return parts[0]
    groups = [part.groups for part in parts if part.groups is not None]
    lost = [part.lost for part in parts if part.lost is not None]
    before = [part.baseline_lost for part in parts if part.baseline_lost is not None]
    return PairedBlock(
        np.concatenate([part.baseline for part in parts]),
        np.concatenate([part.candidate for part in parts]),
        np.concatenate(groups) if groups else None,
        np.concatenate([part.identical for part in parts]),
        np.concatenate([part.keys for part in parts]),
        lost=np.concatenate(lost) if lost else None,
        baseline_lost=np.concatenate(before) if before else None,
    )
