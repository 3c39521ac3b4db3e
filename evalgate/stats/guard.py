"""The guarded t interval: what can be said about a bounded mean when hardly any unit is informative.

One pseudo-unit at each end of the possible range keeps the spread from vanishing, so an interval never collapses.
Source: the idea of Agresti and Min (2005) and Bonett and Price (2012) for paired proportions, on n + 2 units.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from evalgate.core.verdict import Interval
from evalgate.stats.bands import Band
from evalgate.stats.distributions import t_cdf, t_quantile
from evalgate.stats.interface import Floats, MetricColumns
from evalgate.stats.scoring import scores


@dataclass(frozen=True, slots=True)
class Moments:
    """Mean and squared deviations of n per-unit values."""

    n: int
    mean: float
    squares: float
    """Sum of squared deviations from the mean."""


class Jackknife:
    """Per-unit values whose mean is the score, by leaving one unit out; for plain means they are the unit's own scores.

    Collected for baseline, candidate and their difference, chunk by chunk.
    """

    def __init__(self, column: MetricColumns, totals: Floats, units: int) -> None:
        self._column = column
        self._totals = totals[:, column.start : column.stop]
        self._centre = scores(column, self._totals)
        self._n = units
        self._sums = np.zeros((2, 3))

    def add(self, baseline: Floats, candidate: Floats) -> None:
        """Add the units of a chunk; rows hold all metrics' columns."""
        own = slice(self._column.start, self._column.stop)
        off = [self._deviations(arm, rows[:, own]) for arm, rows in enumerate((baseline, candidate))]
        values = np.array([off[0], off[1], off[1] - off[0]])
        self._sums += np.array([values.sum(axis=1), (values * values).sum(axis=1)])

    def moments(self) -> tuple[Moments, Moments, Moments] | None:
        """Baseline, candidate and difference; None where leaving out one unit leaves nothing to score."""
        if not np.isfinite(self._sums).all():
            return None
        centres = (self._centre[0], self._centre[1], self._centre[1] - self._centre[0])
        shift = self._sums[0] / self._n
        squares = np.maximum(self._sums[1] - self._n * shift * shift, 0.0)
        found = [Moments(self._n, float(c + s), float(q)) for c, s, q in zip(centres, shift, squares, strict=True)]
        return found[0], found[1], found[2]

    def _deviations(self, arm: int, rows: Floats) -> Floats:
        without = scores(self._column, self._totals[arm] - rows)
        return np.asarray((self._n - 1) * (self._centre[arm] - without), dtype=np.float64)


def guarded_t(moments: Moments, low: float, high: float, stretch: float = 1.0) -> Band:
    """Guarded t interval of a mean that lies in [low, high].

    `stretch`: how much further than the range a single unit's value can reach (unequal groups); 1 for single cases.
    """
    centre, error = _guarded(moments, low, high, stretch)

    def band(level: float) -> Interval | None:
        reach = t_quantile((1 + level) / 2, moments.n + 1) * error
        return Interval(max(low, centre - reach), min(high, centre + reach))

    return band


def guarded_p(moments: Moments, low: float, high: float, stretch: float = 1.0) -> float:
    """Two-sided p-value of the guarded t for a mean of 0."""
    centre, error = _guarded(moments, low, high, stretch)
    return min(1.0, 2.0 * t_cdf(-abs(centre) / error, moments.n + 1))


def _guarded(moments: Moments, low: float, high: float, stretch: float) -> tuple[float, float]:
    """Mean and standard error with the two pseudo-units."""
    middle, half = (low + high) / 2, (high - low) / 2 * stretch
    ends, n = (middle - half, middle + half), moments.n + 2
    centre = (moments.n * moments.mean + sum(ends)) / n
    squares = moments.squares + moments.n * (moments.mean - centre) ** 2 + sum((end - centre) ** 2 for end in ends)
    return centre, math.sqrt(squares / (n - 1) / n)
