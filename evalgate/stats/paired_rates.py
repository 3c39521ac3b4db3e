"""The difference of two paired rates: Tango's score test and interval, and Newcombe's hybrid score interval beside it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from evalgate.core.verdict import Interval
from evalgate.stats.distributions import normal_cdf, normal_quantile
from evalgate.stats.wilson import wilson_ends

_STEPS = 200


@dataclass(frozen=True, slots=True)
class Tango:
    """How sure the difference of two paired rates is.

    Swapping the variants swaps the ends and their signs, bit for bit. A case that goes from fail to pass never lowers an end.
    Raises: ValueError when the counts are not those of n pairs.
    Source: Tango, 1998, "Equivalence test and confidence interval for the difference in proportions for the paired-sample
    design".
    """

    n: int
    """Pairs; of none, nothing can be said."""
    gained: int
    """Cases that go from 0 to 1."""
    dropped: int
    """Cases that go from 1 to 0."""

    def __post_init__(self) -> None:
        if min(self.gained, self.dropped) < 0 or self.gained + self.dropped > self.n:
            raise ValueError(f"{self.gained} gained and {self.dropped} dropped are not counts of {self.n} pairs")

    @property
    def method(self) -> str:
        """Name of the method."""
        return "Tango score"

    def interval(self, level: float) -> Interval | None:
        """Two-sided score interval of the difference; None without pairs."""
        if self.n == 0:
            return None
        quantile = normal_quantile((1 + level) / 2)
        low = _lowest(self.n, self.gained, self.dropped, quantile)
        high = 0.0 - _lowest(self.n, self.dropped, self.gained, quantile)
        return Interval(low + 0.0, high + 0.0)

    def p_above(self, bound: float) -> float | None:
        """One-sided p-value of "the difference is at most `bound`"; None without pairs."""
        return _p_above(self.n, self.gained, self.dropped, bound)

    def p_below(self, bound: float) -> float | None:
        """One-sided p-value of "the difference is at least `bound`"; None without pairs."""
        return _p_above(self.n, self.dropped, self.gained, 0.0 - bound)


def newcombe_interval(both: int, gained: int, dropped: int, neither: int, level: float) -> Interval | None:
    """Hybrid score interval of (gained - dropped) / n from two Wilson intervals and the correlation phi of the pairs.

    This is method 10: a positive covariance is reduced by a continuity correction, both x neither - gained x dropped
    becoming less by n / 2 but not negative; phi is 0 where a margin of the table is empty.

    Returns: None without pairs.
    Raises: ValueError when a count is negative.
    Source: Newcombe, 1998, "Improved confidence intervals for the difference between binomial proportions based on paired
    data", method 10.
    """
    if min(both, gained, dropped, neither) < 0:
        raise ValueError("counts of pairs cannot be negative")
    n = both + gained + dropped + neither
    if n == 0:
        return None
    quantile = normal_quantile((1 + level) / 2)
    after, before = (both + gained) / n, (both + dropped) / n
    low_a, high_a = wilson_ends(both + gained, n, quantile)
    low_b, high_b = wilson_ends(both + dropped, n, quantile)
    product = (both + gained) * (dropped + neither) * (both + dropped) * (gained + neither)
    cross = float(both * neither - gained * dropped)
    if cross > 0:
        cross = max(cross - n / 2, 0.0)
    phi = cross / math.sqrt(product) if product else 0.0
    centre = (gained - dropped) / n
    low = centre - _joined(after - low_a, high_b - before, phi)
    high = centre + _joined(high_a - after, before - low_b, phi)
    return Interval(max(low, -1.0) + 0.0, min(high, 1.0) + 0.0)


def _p_above(n: int, gained: int, dropped: int, bound: float) -> float | None:
    """One-sided p-value; at the ends of the range, where the score has no spread, it is exact."""
    if n == 0 or math.isnan(bound):
        return None
    if bound >= 1:
        return 1.0
    if bound < -1:
        return 0.0
    if bound == -1:
        return 1.0 if dropped == n else 0.0
    return normal_cdf(0.0 - _score(n, gained, dropped, bound))


def _score(n: int, gained: int, dropped: int, bound: float) -> float:
    """Studentised distance of the difference from a bound inside (-1, 1), with the nuisance rate at its constrained maximum.

    The rate solves a quadratic; for a bound that is not negative every sum below is one of terms that do not cancel.
    """
    if bound < 0:
        return 0.0 - _score(n, dropped, gained, 0.0 - bound)
    room = bound * (1.0 - bound)
    linear = (2 * n - gained + dropped) * bound - (gained + dropped)
    root = math.sqrt(linear * linear + 8.0 * n * dropped * room)
    rate = (root - linear) / (4.0 * n) if linear <= 0 else 2.0 * dropped * room / (linear + root)
    spread = n * (2.0 * rate + room)
    gap = gained - dropped - n * bound
    # nothing changed, and no change is asked about: the data lie exactly on the bound
    return gap / math.sqrt(spread) if spread > 0 else 0.0


def _lowest(n: int, gained: int, dropped: int, quantile: float) -> float:
    """The smallest difference whose score does not exceed the quantile, to the last bit."""
    low, high = -1.0, (gained - dropped) / n
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        if _score(n, gained, dropped, middle) > quantile:
            low = middle
        else:
            high = middle
    return high


def _joined(one: float, other: float, phi: float) -> float:
    """How far an end lies from the difference, from the distances of the two rates' own ends."""
    return math.sqrt(max(one * one + other * other - 2.0 * phi * (one * other), 0.0))
