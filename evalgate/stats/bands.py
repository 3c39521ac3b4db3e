"""Intervals as functions of their level, one kind per method."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from evalgate.core.verdict import Estimate, Interval
from evalgate.stats.exact_counts import clopper_pearson
from evalgate.stats.interface import Floats

_NOISE = 1e-9
"""An interval narrower than this share of its ends has no width but that of rounding."""

Band = Callable[[float], Interval | None]
"""Two-sided level → interval; None where the method cannot say."""


def nothing(level: float) -> Interval | None:
    """No interval at any level."""
    return None


def estimate(value: float | None, band: Band, confidence: float) -> Estimate:
    """A value with its interval for reading and its (narrower, one-sided in spirit) interval for deciding."""
    if value is None:
        return Estimate(None, None, None)
    return Estimate(value + 0.0, _holding(value, band(confidence)), _holding(value, band(2 * confidence - 1)))


def percentile(replicates: Floats) -> Band:
    """Percentile interval of bootstrap replicates; infinite replicates may stand beyond its ends, not at them."""

    def band(level: float) -> Interval | None:
        low, high = quantile_of(replicates, (1 - level) / 2), quantile_of(replicates, (1 + level) / 2)
        return _interval(low, high)

    return band


def outer_percentile(lowest: Floats, highest: Floats) -> Band:
    """Percentile interval whose ends come from two versions of the replicates, each the cautious one for its end."""

    def band(level: float) -> Interval | None:
        return _interval(quantile_of(lowest, (1 - level) / 2), quantile_of(highest, (1 + level) / 2))

    return band


def exact_rate(count: int, total: int) -> Band:
    """Clopper-Pearson interval of a rate."""
    return lambda level: clopper_pearson(count, total, level)


def ratio(delta: Band, baseline: Band) -> Band:
    """delta / baseline by the corners of two intervals, each at half the error, so that both hold together.

    None where the baseline's interval reaches 0.
    """

    def band(level: float) -> Interval | None:
        each = (1 + level) / 2
        top, bottom = delta(each), baseline(each)
        if top is None or bottom is None or bottom.low <= 0 <= bottom.high:
            return None
        corners = [end / base for end in (top.low, top.high) for base in (bottom.low, bottom.high)]
        return _interval(min(corners), max(corners))

    return band


def has_width(band: Band, confidence: float) -> bool:
    """Whether both intervals exist and neither has collapsed to a point: zero width never means certainty."""
    ends = band(confidence), band(2 * confidence - 1)
    return all(end is not None and end.high - end.low > _NOISE * max(abs(end.low), abs(end.high)) for end in ends)


def two_sided_p(deltas: Floats) -> float:
    """Bootstrap p-value for delta = 0; ties count on both sides, and the data themselves count as one resample."""
    fewer = min(int(np.count_nonzero(deltas <= 0)), int(np.count_nonzero(deltas >= 0)))
    return min(1.0, 2.0 * (fewer + 1) / (len(deltas) + 1))


def quantile_of(values: Floats, share: float) -> float:
    """Linear-interpolated quantile (numpy's default); infinite values are allowed, NaN comes back where they decide."""
    with np.errstate(all="ignore"):
        return float(np.quantile(values, share))


def _interval(low: float, high: float) -> Interval | None:
    if not (math.isfinite(low) and math.isfinite(high)) or low > high:
        return None
    return Interval(low + 0.0, high + 0.0)


def _holding(value: float, interval: Interval | None) -> Interval | None:
    """An interval always holds its own estimate, also where the method's centre is shifted."""
    if interval is None:
        return None
    return Interval(min(interval.low, value) + 0.0, max(interval.high, value) + 0.0)
