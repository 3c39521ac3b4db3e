"""The guarded t: an interval for a mean that keeps its error rate where scores are skewed or hardly anything changed.

The t quantile is replaced by that of Hall's cubic transform wherever that one is wider, so that rare large losses widen the
interval on their side. With fewer than ten informative units two pseudo-units at the ends of the possible range keep the
spread from vanishing. No random numbers.
Sources: Hall, 1992, "On the Removal of Skewness by Transformation"; Agresti and Min, 2005; Bonett and Price, 2012.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from evalgate.core.verdict import Interval
from evalgate.stats.distributions import t_cdf, t_quantile
from evalgate.stats.moments import Moments, PairMoments

_FAR = 1e90
"""A studentised mean this far away is cut off, so that its cube is still a number."""
_DOUBLINGS = 60
_BISECTIONS = 80


@dataclass(frozen=True, slots=True)
class GuardedT:
    """How sure a mean is."""

    moments: Moments
    method: str
    low: float | None = None
    """Smallest possible mean; the interval does not leave the range."""
    high: float | None = None
    centre: float | None = None
    """The published estimate, where it is not the mean of the values (pseudo-units, linearised scores): always inside."""

    def interval(self, level: float) -> Interval | None:
        """Two-sided interval; None where the values do not vary."""
        low, high = lower_end(self.moments, level), lower_end(self.moments.negated(), level)
        if low is None or high is None:
            return None
        return self._inside(low, 0.0 - high)

    def p_above(self, bound: float) -> float | None:
        """One-sided p-value of "the mean is at most `bound`"."""
        return p_above(self.moments, bound)

    def p_below(self, bound: float) -> float | None:
        """One-sided p-value of "the mean is at least `bound`"."""
        return p_above(self.moments.negated(), 0.0 - bound)

    def _inside(self, low: float, high: float) -> Interval:
        low = low if self.low is None else max(self.low, low)
        high = high if self.high is None else min(self.high, high)
        if self.centre is not None:
            low, high = min(low, self.centre), max(high, self.centre)
        return Interval(min(low, high) + 0.0, max(low, high) + 0.0)


@dataclass(frozen=True, slots=True)
class GuardedRatio:
    """How sure candidate / baseline - 1 is: the guarded t on candidate - (1 + r) x baseline, for every r.

    Source: Fieller, 1954, with the guarded quantile in place of t.
    """

    pairs: PairMoments
    method: str

    def interval(self, level: float) -> Interval | None:
        """Two-sided interval; None where the baseline cannot be told from 0, so that the set is no interval."""
        pairs = _positive(self.pairs)
        base = lower_end(pairs.of(1.0, 0.0), level)
        if base is None or base <= 0:
            return None
        low, high = _ratio_end(pairs, level, -1.0), _ratio_end(pairs, level, 1.0)
        return None if low is None or high is None else Interval(low + 0.0, high + 0.0)

    def p_above(self, bound: float) -> float | None:
        """One-sided p-value of "the relative change is at most `bound`"."""
        return p_above(_positive(self.pairs).of(-(1.0 + bound), 1.0), 0.0)

    def p_below(self, bound: float) -> float | None:
        """One-sided p-value of "the relative change is at least `bound`"."""
        return p_above(_positive(self.pairs).of(1.0 + bound, -1.0), 0.0)


@dataclass(frozen=True, slots=True)
class LogRatio:
    """How sure a relative change is, from a t on the log of the ratio."""

    log: GuardedT

    @property
    def method(self) -> str:
        """Name of the method."""
        return self.log.method

    def interval(self, level: float) -> Interval | None:
        """Two-sided interval of the relative change."""
        ends = self.log.interval(level)
        return None if ends is None or ends.high > 700 else Interval(math.expm1(ends.low), math.expm1(ends.high))

    def p_above(self, bound: float) -> float | None:
        """One-sided p-value of "the relative change is at most `bound`"."""
        return 0.0 if bound <= -1 else self.log.p_above(math.log1p(bound))

    def p_below(self, bound: float) -> float | None:
        """One-sided p-value of "the relative change is at least `bound`"."""
        return 1.0 if bound <= -1 else self.log.p_below(math.log1p(bound))


def lower_end(moments: Moments, level: float) -> float | None:
    """Lower end of the guarded interval; None where the values do not vary."""
    error = _error(moments)
    if error is None:
        return None
    quantile = t_quantile((1 + level) / 2, moments.n - 1)
    return moments.mean - max(quantile, _hall_quantile(quantile, _skewness(moments), moments.n)) * error


def p_above(moments: Moments, bound: float) -> float | None:
    """One-sided p-value of "the mean is at most `bound`"; None where the values do not vary."""
    error = _error(moments)
    if error is None:
        return None
    found = (moments.mean - bound) / error
    moved = _hall(found, _skewness(moments), moments.n)
    return max(t_cdf(-found, moments.n - 1), t_cdf(-moved, moments.n - 1))


def _error(moments: Moments) -> float | None:
    """Standard error of the mean; None where there is none, or the values are too large for their powers."""
    if moments.n < 2:
        return None
    if not (math.isfinite(moments.mean) and math.isfinite(moments.squares) and math.isfinite(moments.cubes)):
        return None
    error = math.sqrt(moments.squares / (moments.n - 1) / moments.n)
    return error if error > 1e-12 * abs(moments.mean) and error > 0 else None


def _skewness(moments: Moments) -> float:
    """Skewness of the values, which never exceeds the root of their number."""
    spread = moments.squares / moments.n
    found = moments.cubes / moments.n / spread / math.sqrt(spread) if spread > 0 else 0.0
    return max(-math.sqrt(moments.n), min(math.sqrt(moments.n), found))


def _hall(found: float, skewness: float, n: int) -> float:
    """Hall's transform of a studentised mean: nearly symmetric whatever the skewness."""
    root = math.sqrt(n)
    share = max(-_FAR, min(_FAR, found / root))
    return root * (share + skewness * share**2 / 3 + skewness**2 * share**3 / 27 + skewness / (6 * n))


def _hall_quantile(quantile: float, skewness: float, n: int) -> float:
    """The studentised mean whose transform is `quantile`."""
    root = math.sqrt(n)
    inside = quantile / root - skewness / (6 * n)
    if abs(skewness * inside) < 1e-7:
        return root * (inside - skewness * inside**2 / 3)
    return root * 3 / skewness * (math.cbrt(1 + skewness * inside) - 1)


def _positive(pairs: PairMoments) -> PairMoments:
    """The same pairs with a positive baseline; a ratio does not change when both sides change their sign."""
    if pairs.means[0] >= 0:
        return pairs
    first, third = (0.0 - pairs.means[0], 0.0 - pairs.means[1]), pairs.third
    return PairMoments(pairs.n, first, pairs.second, (0.0 - third[0], 0.0 - third[1], 0.0 - third[2], 0.0 - third[3]))


def _ratio_end(pairs: PairMoments, level: float, side: float) -> float | None:
    """The r furthest out on one side (-1 lower, 1 upper) that the data do not refuse at the level."""
    start = pairs.means[1] / pairs.means[0] - 1

    def refused(r: float) -> bool:
        moments = pairs.of(-(1.0 + r), 1.0)
        end = lower_end(moments if side < 0 else moments.negated(), level)
        return end is not None and end > 0

    error = _error(pairs.of(-(1.0 + start), 1.0))
    if error is None:
        return None
    step = 3 * error / pairs.means[0]
    inner, outer = start, start + side * step
    for _ in range(_DOUBLINGS):
        if refused(outer):
            break
        inner, step = outer, 2 * step
        outer = start + side * step
    else:
        return None
    for _ in range(_BISECTIONS):
        middle = (inner + outer) / 2
        if middle in (inner, outer):
            break
        inner, outer = (inner, middle) if refused(middle) else (middle, outer)
    return inner
