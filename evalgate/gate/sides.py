"""On which side of its bound a figure lies; a hair of rounding noise is equality."""

from __future__ import annotations

from dataclasses import dataclass

from evalgate.core.settings import Bound, Threshold
from evalgate.core.verdict import Decision, Interval, MetricResult
from evalgate.gate.observe import Observation, finite

NOISE = 1e-12
"""Relative slack of equality: 0.42 / 0.40 - 1 is a hair below 0.05 in floats, and exactly +5 % must pass 5 %."""


@dataclass(frozen=True, slots=True)
class Sides:
    """A bound: where it stands on the scale of what is observed, and which way is good."""

    limit: float
    upward: bool
    """Whether larger is good."""
    slack: float

    def of(self, ends: Interval) -> Decision:
        """Pass where the whole interval is on the good side, fail where it is on the bad one."""
        low, high, limit = (ends.low, ends.high, self.limit) if self.upward else (-ends.high, -ends.low, -self.limit)
        if low >= limit - self.slack:
            return Decision.PASS
        return Decision.FAIL if high < limit - self.slack else Decision.INCONCLUSIVE

    def of_value(self, value: float) -> Decision:
        """Pass or fail of a single number."""
        gap = value - self.limit if self.upward else self.limit - value
        return Decision.PASS if gap >= -self.slack else Decision.FAIL

    def bad_end(self, ends: Interval) -> float:
        """The end that lies beyond the bound where an interval holds it."""
        return ends.low if self.upward else ends.high


def sides_of(threshold: Threshold, metric: MetricResult, seen: Observation) -> Sides:
    """The bound of a threshold on a metric, with the rounding noise of the numbers that its figure was made of."""
    limit = -threshold.value if threshold.bound is Bound.MAX_REGRESSION else threshold.value
    return Sides(limit, threshold.bound is not Bound.MAX, NOISE * _scale(threshold, metric, seen))


def _scale(threshold: Threshold, metric: MetricResult, seen: Observation) -> float:
    """The size of the numbers behind a figure: sums that cancel leave noise of the size of what was summed."""
    value = abs(seen.value or 0.0)
    if threshold.bound in (Bound.MIN, Bound.MAX):
        return max(value, abs(threshold.value), min(1.0, max(_size(metric.low), _size(metric.high))))
    return value + (1.0 if threshold.relative else _size(metric.baseline.value))


def _size(value: float | None) -> float:
    return abs(value) if value is not None and finite(value) else 0.0
