"""Random draws of the second opinion: a function of the case, the resample and the seed, and of nothing else.

Every unit has a key, a digest of its case ids. How often a resample draws a unit is a Poisson number made from key, resample
and seed by integer arithmetic alone, so no order of cases, shards or workers, no other metric and no version of a library
changes a draw.
Sources: Hanley and MacGibbon, 2006, on Poisson weights for the bootstrap; Steele, Lea and Flood, 2014, SplitMix64.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from evalgate.stats.crew import Crew
from evalgate.stats.drawn_products import RowProducts
from evalgate.stats.interface import Floats, Keys

Chunks = Iterable[tuple[Keys, Floats]]
_WORK = 100_000_000
_MOST, _LEAST = 10_000, 1_000
_LANES = 4
"""Poisson numbers in one hash: 16 bits each."""
_BITS = 64
_BLOCK = 256
"""Resamples at a time: what is held stays in the processor's cache."""
_ROWS = 1024
_TIMES = (24109, 24109, 12055, 4018, 1005, 201, 33, 5, 1)
"""How many of 65,536 equally likely numbers stand for 0, 1, 2 … draws: the Poisson distribution with mean 1."""
_LIMITS = tuple(accumulate(_TIMES[:-1]))
"""The number from which on there is one draw more."""


def default_resamples(units: int, confidence: float) -> int:
    """How many resamples: 10,000 while that is cheap, fewer beyond 10,000 units, never too few for the confidence."""
    if units <= _MOST:
        return max(_MOST, fewest_resamples(confidence))
    return max(_LEAST, _WORK // units // 100 * 100, fewest_resamples(confidence))


def fewest_resamples(confidence: float) -> int:
    """Below this the ends of the interval for reading would be the most extreme resamples."""
    return int(np.ceil(round(2.0 / (1.0 - confidence), 6)))


def case_keys(ids: Sequence[str]) -> Keys:
    """The key of every case: the first eight bytes of the SHA-256 of its id. Shapes: (n,)."""
    found = [hashlib.sha256(one.encode("utf-8", "surrogatepass")).digest()[:8] for one in ids]
    return np.frombuffer(b"".join(found), dtype="<u8").astype(np.uint64)


def group_keys(keys: Keys) -> Keys:
    """What each case adds to the key of its group; the sum of them is the key, whatever the order."""
    return _mixed(keys.copy())


def weighted_sums(chunks: Chunks, width: int, resamples: int, seed: int, threads: int = 1) -> Floats:
    """Sums of rows in every resample. Shapes: chunks of (m,) keys and (m, width) rows → (resamples, width).

    Exact in any order when the rows stand on a grid (`bootstrap.grid`); every thread has resamples of its own.
    """
    return _summed(chunks, np.zeros((width, resamples)), _Draws("resample", _LANES, seed), threads)


def exchanged_sums(chunks: Chunks, width: int, resamples: int, seed: int, threads: int = 1) -> Floats:
    """Sums of the rows of those units whose variants change places. Shapes: as `weighted_sums`."""
    return _summed(chunks, np.zeros((width, resamples)), _Draws("exchange", _BITS, seed), threads)


def weights(keys: Keys, resamples: int, seed: int) -> Iterator[tuple[slice, NDArray[np.uint8]]]:
    """How often resamples draw each unit, some resamples at a time: as `weighted_sums` draws them.

    Shapes: yields (slice of resamples, (m, r)).
    """
    salts = _salts("resample", -(-resamples // _LANES), seed)
    for start in range(0, resamples, _BLOCK):
        stop = min(start + _BLOCK, resamples)
        hashed = _mixed(keys[:, np.newaxis] ^ salts[start // _LANES : -(-stop // _LANES)])
        yield slice(start, stop), _draw(hashed, _LANES)[:, : stop - start]


@dataclass(frozen=True, slots=True)
class _Draws:
    """Which draws."""

    purpose: str
    each: int
    """How many of them one hash gives."""
    seed: int

    @property
    def most(self) -> int:
        """The largest number that can be drawn."""
        return len(_LIMITS) if self.each == _LANES else 1

    def salts(self, resamples: int) -> Keys:
        return _salts(self.purpose, -(-resamples // self.each), self.seed)


def _summed(chunks: Chunks, sums: Floats, draws: _Draws, threads: int) -> Floats:
    salts = draws.salts(sums.shape[1])
    starts = range(0, sums.shape[1], _BLOCK)

    def add(parts: Sequence[tuple[Keys, RowProducts]], mine: Sequence[int]) -> None:
        for keys, products in parts:
            for start in mine:
                stop = min(start + _BLOCK, sums.shape[1])
                drawn = _draw(_mixed(keys ^ salts[start // draws.each : -(-stop // draws.each)]), draws.each)
                products.add_to(sums[:, start:stop], drawn[:, : stop - start])

    with Crew(min(threads, len(starts))) as crew:
        for keys, rows in chunks:
            cuts = [slice(first, first + _ROWS) for first in range(0, len(keys), _ROWS)]
            parts = [(keys[cut, np.newaxis], RowProducts(rows[cut], draws.most)) for cut in cuts]
            crew.run(lambda mine, parts=parts: add(parts, mine), starts)  # type: ignore[misc]
    return sums.T


def _draw(hashed: Keys, each: int) -> NDArray[np.uint8]:
    """Poisson numbers from 16 bits each, or 0 and 1 from single bits. Shapes: (m, h) → (m, h x each)."""
    if each == _BITS:
        return np.unpackbits(hashed.astype("<u8", copy=False).view(np.uint8), axis=1)
    lanes = hashed.astype("<u8", copy=False).view("<u2")  # lowest first on every machine
    drawn = np.zeros(lanes.shape, dtype=np.uint8)
    reached = np.empty(lanes.shape, dtype=bool)
    for limit in _LIMITS:  # a table of 65,536 numbers would be slower
        np.greater_equal(lanes, np.uint16(limit), out=reached)
        drawn += reached.view(np.uint8)
    return drawn


def _salts(purpose: str, number: int, seed: int) -> Keys:
    """One number for every block of resamples: a SplitMix64 sequence that starts at a digest of purpose and seed."""
    start = int.from_bytes(hashlib.sha256(f"evalgate {purpose} {seed}".encode()).digest()[:8], "little")
    steps = np.arange(1, number + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return _mixed(steps + np.uint64(start))


def _mixed(values: Keys) -> Keys:
    """The finaliser of SplitMix64, in place: every bit of the input moves half of the output's bits."""
    moved = values >> np.uint64(30)
    values ^= moved
    values *= np.uint64(0xBF58476D1CE4E5B9)
    np.right_shift(values, np.uint64(27), out=moved)
    values ^= moved
    values *= np.uint64(0x94D049BB133111EB)
    np.right_shift(values, np.uint64(31), out=moved)
    values ^= moved
    return values
