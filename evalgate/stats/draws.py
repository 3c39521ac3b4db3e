"""Random draws of the bootstrap: the same for every metric, worker count, backend and shard layout."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from evalgate.stats.interface import Floats

_CELLS = 1 << 18
"""Draws held at a time. It bounds memory and is part of the recipe, so it never depends on the metrics."""
_WORK = 100_000_000
_MOST, _LEAST = 10_000, 1_000


def default_resamples(units: int, confidence: float) -> int:
    """How many resamples: 10,000 while that is cheap, fewer beyond 10,000 units, never too few for the confidence."""
    if units <= _MOST:
        return max(_MOST, fewest_resamples(confidence))
    return max(_LEAST, _WORK // units // 100 * 100, fewest_resamples(confidence))


def fewest_resamples(confidence: float) -> int:
    """Below this the ends of the interval for reading would be the most extreme resamples."""
    return int(np.ceil(round(2.0 / (1.0 - confidence), 6)))


def generator(seed: int, key: tuple[int, ...]) -> np.random.Generator:
    """The random numbers of one place in the plan."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(entropy=seed, spawn_key=key)))


class ChunkShares:
    """How many units each resample draws from each chunk: a multinomial, drawn chunk by chunk as binomials."""

    def __init__(self, units: int, resamples: int) -> None:
        self._units = units
        self._left = np.full(resamples, units, dtype=np.int64)

    @property
    def units_left(self) -> int:
        """Units in the chunks that are still to come."""
        return self._units

    @property
    def finished(self) -> bool:
        """Whether every chunk has been given its share."""
        return self._units == 0

    def take(self, size: int, random: np.random.Generator) -> NDArray[np.int64]:
        """Shares of the next chunk with `size` units. Shapes: (B,)."""
        share = self._left.copy() if size == self._units else random.binomial(self._left, size / self._units)
        self._left -= share
        self._units -= size
        return share


def unit_weights(shares: NDArray[np.int64], size: int, random: np.random.Generator) -> Iterator[tuple[slice, Floats]]:
    """How often each resample draws each unit of a chunk, some resamples at a time.

    Shapes: yields (slice of resamples, (r, size) weights).
    """
    step = max(1, _CELLS // size)
    for start in range(0, len(shares), step):
        part = shares[start : start + step]
        indices = random.integers(0, size, size=int(part.sum()))
        indices += np.repeat(np.arange(len(part), dtype=np.int64) * size, part)
        weights = np.bincount(indices, minlength=len(part) * size).reshape(len(part), size)
        yield slice(start, start + len(part)), weights.astype(np.float64)


def unit_indices(units: int, resamples: int, random: np.random.Generator) -> Iterator[tuple[slice, NDArray[np.int64]]]:
    """Whole resamples as unit numbers, some resamples at a time. Shapes: yields (slice of resamples, (r, units))."""
    step = max(1, _CELLS // units)
    for start in range(0, resamples, step):
        stop = min(start + step, resamples)
        yield slice(start, stop), random.integers(0, units, size=(stop - start, units))
