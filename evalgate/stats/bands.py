"""Methods that need no moments: exact rates, order statistics and resampled values, each as an `Inference`."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from evalgate.core.verdict import Estimate, Inference, Interval
from evalgate.stats.distributions import binomial_cdf
from evalgate.stats.exact_counts import clopper_pearson
from evalgate.stats.interface import Floats
from evalgate.stats.quantile import ranks

_NOISE = 1e-9
"""An interval narrower than this share of its ends has no width but that of rounding."""


@dataclass(frozen=True, slots=True)
class ExactRate:
    """Clopper-Pearson: how sure a share of cases is."""

    count: int
    total: int

    @property
    def method(self) -> str:
        """Name of the method."""
        return "Clopper-Pearson"

    def interval(self, level: float) -> Interval | None:
        """Two-sided exact interval."""
        return clopper_pearson(self.count, self.total, level)

    def p_above(self, bound: float) -> float | None:
        """P(at least as many at the rate `bound`)."""
        if bound < 0 or bound >= 1:
            return 0.0 if bound < 0 else 1.0
        return 1.0 - binomial_cdf(self.count - 1, self.total, bound)

    def p_below(self, bound: float) -> float | None:
        """P(at most as many at the rate `bound`)."""
        if bound <= 0 or bound > 1:
            return 1.0 if bound <= 0 else 0.0
        return binomial_cdf(self.count, self.total, bound)


@dataclass(frozen=True, slots=True)
class OrderStatistics:
    """Distribution-free: how sure a percentile is, from the ranks of the values."""

    ordered: Floats
    """(n,) values in ascending order; infinite where an answer was lost."""
    share: float

    @property
    def method(self) -> str:
        """Name of the method."""
        return "order-statistic ranks"

    def interval(self, level: float) -> Interval | None:
        """Between two order statistics; None when there are too few units for the level."""
        places = ranks(len(self.ordered), self.share, (1 - level) / 2)
        if places is None:
            return None
        return _interval(float(self.ordered[places[0] - 1]), float(self.ordered[places[1] - 1]))

    def p_above(self, bound: float) -> float | None:
        """One-sided p-value of "the percentile is at most `bound`"."""
        return binomial_cdf(int(np.count_nonzero(self.ordered <= bound)), len(self.ordered), self.share)

    def p_below(self, bound: float) -> float | None:
        """One-sided p-value of "the percentile is at least `bound`"."""
        return binomial_cdf(int(np.count_nonzero(self.ordered >= bound)), len(self.ordered), 1 - self.share)


@dataclass(frozen=True, slots=True)
class Resampled:
    """Percentile interval of resampled values; where a resample is not defined, it stands against both ends."""

    lowest: Floats
    """(B,) the values as they count for the lower end."""
    highest: Floats
    method: str

    def interval(self, level: float) -> Interval | None:
        """Two-sided percentile interval; infinite resamples may stand beyond its ends, not at them."""
        error = (1 - level) / 2
        return _interval(_tail(self.lowest, error), 0.0 - _tail(0.0 - self.highest, error))

    def p_above(self, bound: float) -> float | None:
        """Share of resamples at or below the bound; the data themselves count as one more."""
        return (int(np.count_nonzero(self.lowest <= bound)) + 1) / (len(self.lowest) + 1)

    def p_below(self, bound: float) -> float | None:
        """Share of resamples at or above the bound."""
        return (int(np.count_nonzero(self.highest >= bound)) + 1) / (len(self.highest) + 1)


def estimate(value: float | None, inference: Inference | None, confidence: float) -> Estimate:
    """A value with its interval for reading and its (narrower, one-sided in spirit) interval for deciding.

    Few units may bound a percentile at the one level and not at the other.
    """
    if value is None:
        return Estimate(None, None, None)
    if inference is None:
        return Estimate(value + 0.0, None, None)
    reading, deciding = inference.interval(confidence), inference.interval(2 * confidence - 1)
    if deciding is None:
        return Estimate(value + 0.0, None, None)
    return Estimate(value + 0.0, None if reading is None else _holding(value, reading), _holding(value, deciding), inference)


def has_width(inference: Inference, confidence: float) -> bool:
    """Whether both intervals exist and neither has collapsed to a point: zero width never means certainty."""
    ends = inference.interval(confidence), inference.interval(2 * confidence - 1)
    return all(end is not None and end.high - end.low > _NOISE * max(abs(end.low), abs(end.high)) for end in ends)


def two_sided(inference: Inference) -> float | None:
    """Two-sided p-value of "no change": twice the smaller tail."""
    above, below = inference.p_above(0.0), inference.p_below(0.0)
    return None if above is None or below is None else min(1.0, 2 * min(above, below))


def _tail(values: Floats, error: float) -> float:
    """The value below which a share of at most `error` lies: order statistic number error x (B + 1), rounded down.

    Source: Davison and Hinkley, 1997, "Bootstrap Methods and their Application", 5.3. Mirrored values give the mirror image.
    """
    rank = max(1, math.floor(round(error * (len(values) + 1), 9)))
    return float(np.partition(values, rank - 1)[rank - 1])


def _interval(low: float, high: float) -> Interval | None:
    if not (math.isfinite(low) and math.isfinite(high)) or low > high:
        return None
    return Interval(low + 0.0, high + 0.0)


def _holding(value: float, interval: Interval) -> Interval:
    """An interval always holds its own estimate, also where the method's centre is shifted."""
    return Interval(min(interval.low, value) + 0.0, max(interval.high, value) + 0.0)
