"""Percentiles of per-unit values: the exact point, distribution-free ranks, and paired resamples."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from evalgate.stats.distributions import binomial_cdf
from evalgate.stats.draws import generator, unit_indices
from evalgate.stats.interface import Floats, StatOptions


def paired_values(baseline: Floats, candidate: Floats, higher_is_better: bool) -> tuple[Floats, Floats]:
    """Units that have a value in at least one variant.

    A value missing on one side only counts as the worst for the candidate and the best for the baseline, so that a lost
    answer can never make a percentile look better.
    """
    kept = ~(np.isnan(baseline) & np.isnan(candidate))
    best = np.inf if higher_is_better else -np.inf
    before, after = baseline[kept], candidate[kept]
    return np.where(np.isnan(before), best, before), np.where(np.isnan(after), -best, after)


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
    values: tuple[Floats, Floats], share: float, resamples: int, options: StatOptions
) -> tuple[Floats, Floats]:
    """The percentile of whole paired resamples of the units, linear-interpolated like the point.

    Shapes: (B,) for baseline and candidate. The draws have their own place in the plan (last key 1).
    """
    n = len(values[0])
    found = np.empty((2, resamples))
    lower = int((n - 1) * share)
    upper, part_way = min(lower + 1, n - 1), (n - 1) * share - lower
    for part, indices in unit_indices(n, resamples, generator(options.seed, (*options.stage, 0, 1))):
        for arm in (0, 1):
            ends = np.partition(values[arm][indices], (lower, upper), axis=1)
            with np.errstate(all="ignore"):
                found[arm, part] = ends[:, lower] + part_way * (ends[:, upper] - ends[:, lower])
    return found[0], found[1]


def _largest(n: int, holds: Callable[[int], bool]) -> int:
    """The largest rank in 1…n for which `holds`, given that it holds from 1 up to some rank; 0 when it never does."""
    low, high = 0, n
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if holds(middle) else (low, middle - 1)
    return low
