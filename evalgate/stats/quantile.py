"""Percentiles of per-unit values: the exact point, distribution-free ranks, and paired resamples."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalgate.stats.distributions import binomial_cdf
from evalgate.stats.draws import weighted_sums, weights
from evalgate.stats.interface import Floats, Keys


def paired_values(baseline: Floats, candidate: Floats, higher_is_better: bool) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Units that have a value in at least one variant, and which they are.

    A value missing on one side only counts as the worst for the candidate and the best for the baseline, so that a lost
    answer can never make a percentile look better.
    """
    kept = ~(np.isnan(baseline) & np.isnan(candidate))
    best = np.inf if higher_is_better else -np.inf
    before, after = baseline[kept], candidate[kept]
    return np.where(np.isnan(before), best, before), np.where(np.isnan(after), -best, after), kept


def point(values: Floats, share: float) -> float | None:
    """The percentile as numpy gives it by default; None when there is no value, or lost answers reach it."""
    with np.errstate(all="ignore"):
        found = np.quantile(values, share) if len(values) else np.nan
    return float(found) if np.isfinite(found) else None


def ranks(n: int, share: float, error: float) -> tuple[int, int] | None:
    """Ranks (from 1) of the order statistics that enclose a percentile, each end erring with at most `error`.

    Returns: None when no order statistic is far enough out: a 0.95 quantile needs 59 units for an upper 95 % bound.
    """
    # lower: the largest rank l with P(fewer than l units below the percentile) ≤ error
    lower = _largest(n, lambda rank: binomial_cdf(rank - 1, n, share) <= error)
    # upper: the mirror image, the smallest rank u with P(at least u units below it) ≤ error
    upper = n + 1 - _largest(n, lambda rank: binomial_cdf(rank - 1, n, 1 - share) <= error)
    return (lower, upper) if lower >= 1 and upper <= n else None


def replicate_quantiles(
    values: tuple[Floats, Floats], keys: Keys, share: float, resamples: int, seed: int
) -> tuple[Floats, Floats]:
    """The percentile of whole paired resamples of the units, linear-interpolated like the point.

    Only units whose rank is near the percentile are looked at one by one; of the others it counts how often they are drawn.
    Shapes: (n,) values of each variant and keys → (B,) each; resamples that draw no unit are left out.
    """
    windows = [_Window.around(arm, share) for arm in values]
    columns = np.stack([np.ones(len(keys)), *(window.below(arm) for window, arm in zip(windows, values, strict=True))], axis=1)
    counts = weighted_sums([(keys, columns)], 3, resamples, seed)
    drawn = counts[:, 0] > 0
    found = [window.quantiles(keys, counts[:, [0, 1 + place]], share, seed)[drawn] for place, window in enumerate(windows)]
    return found[0], found[1]


@dataclass(frozen=True, slots=True)
class _Window:
    """Units in the order of their values, of which only those near a percentile are looked at."""

    order: NDArray[np.int64]
    values: Floats
    """In ascending order."""
    start: int
    stop: int

    @classmethod
    def around(cls, values: Floats, share: float) -> _Window:
        order = np.argsort(values, kind="stable")
        middle, reach = int((len(values) - 1) * share), 7 * math.isqrt(len(values)) + 8
        return cls(order, values[order], max(0, middle - reach), min(len(values), middle + reach))

    def below(self, values: Floats) -> Floats:
        """1 for every unit before the window."""
        found = np.zeros(len(values))
        found[self.order[: self.start]] = 1.0
        return found

    def quantiles(self, keys: Keys, counts: Floats, share: float, seed: int) -> Floats:
        """The percentile in every resample; NaN in the hardly possible case that it lies outside the window."""
        found = np.full(len(counts), np.nan)
        near = self.values[self.start : self.stop]
        for part, times in weights(keys[self.order[self.start : self.stop]], len(counts), seed):
            drawn, below = counts[part, 0], counts[part, 1]
            reached = np.cumsum(times, axis=0, dtype=np.int32)
            place = np.maximum(drawn - 1, 0) * share
            lower = np.floor(place)
            upper = np.minimum(lower + 1, np.maximum(drawn - 1, 0))
            ends = [self._at(near, reached, rank - below) for rank in (lower, upper)]
            with np.errstate(all="ignore"):
                between = ends[0] + (place - lower) * (ends[1] - ends[0])
            found[part] = np.where(ends[0] == ends[1], ends[0], between)
        return found

    def _at(self, near: Floats, reached: NDArray[np.int32], rank: Floats) -> Floats:
        """The value at a rank, counted from 0 at the start of the window, of each resample."""
        index = np.count_nonzero(reached <= rank.astype(np.int32), axis=0)
        return np.where((index < len(near)) & (rank >= 0), near[np.minimum(index, len(near) - 1)], np.nan)


def _largest(n: int, holds: Callable[[int], bool]) -> int:
    """The largest rank in 1…n for which `holds`, given that it holds from 1 up to some rank; 0 when it never does."""
    low, high = 0, n
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if holds(middle) else (low, middle - 1)
    return low
