"""The difference of two paired rates: Tango's score test and interval, and Newcombe's hybrid score interval beside it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from evalgate.core.verdict import Interval
from evalgate.stats.distributions import normal_cdf, normal_quantile

_STEPS = 200


@dataclass(frozen=True, slots=True)
class Tango:
    """How sure the difference of two paired rates is.

    Source: Tango, 1998, "Equivalence test and confidence interval for the difference in proportions for the paired-sample
    design".
    """

    n: int
    gained: int
    """Cases that go from 0 to 1."""
    dropped: int
    """Cases that go from 1 to 0."""

    @property
    def method(self) -> str:
        """Name of the method."""
        return "Tango score"

    def interval(self, level: float) -> Interval | None:
        """Two-sided score interval of the difference."""
        quantile = normal_quantile((1 + level) / 2)
        low = _lowest(self.n, self.gained, self.dropped, quantile)
        high = 0.0 - _lowest(self.n, self.dropped, self.gained, quantile)
        return Interval(low + 0.0, high + 0.0)

    def p_above(self, bound: float) -> float | None:
        """One-sided p-value of "the difference is at most `bound`"."""
        return normal_cdf(0.0 - _score(self.n, self.gained, self.dropped, bound))

    def p_below(self, bound: float) -> float | None:
        """One-sided p-value of "the difference is at least `bound`"."""
        return normal_cdf(0.0 - _score(self.n, self.dropped, self.gained, 0.0 - bound))


def newcombe_interval(both: int, gained: int, dropped: int, neither: int, level: float) -> Interval:
    """Hybrid score interval of gained/n - dropped/n from two Wilson intervals and their correlation.

    Source: Newcombe, 1998, "Improved confidence intervals for the difference between binomial proportions based on paired
    data", method 10.
    """
    n = both + gained + dropped + neither
    quantile = normal_quantile((1 + level) / 2)
    after, before = (both + gained) / n, (both + dropped) / n
    low_a, high_a = _wilson(both + gained, n, quantile)
    low_b, high_b = _wilson(both + dropped, n, quantile)
    product = (both + gained) * (dropped + neither) * (both + dropped) * (gained + neither)
    cross = float(both * neither - gained * dropped)
    if cross > 0:
        cross = max(cross - n / 2, 0.0)
    phi = cross / math.sqrt(product) if product else 0.0
    down = (after - low_a) ** 2 - 2 * phi * (after - low_a) * (high_b - before) + (high_b - before) ** 2
    up = (high_a - after) ** 2 - 2 * phi * (high_a - after) * (before - low_b) + (before - low_b) ** 2
    centre = after - before
    return Interval(centre - math.sqrt(max(down, 0.0)), centre + math.sqrt(max(up, 0.0)))


def _score(n: int, gained: int, dropped: int, bound: float) -> float:
    """Studentised distance of the difference from the bound, with the nuisance rate at its constrained maximum."""
    if bound <= -1 or bound >= 1:
        return math.inf if (bound <= -1 and gained - dropped > -n) or bound < -1 else -math.inf if bound > -1 else 0.0
    first, second = 2 * n, -gained - dropped + (2 * n - gained + dropped) * bound
    third = -dropped * bound * (1 - bound)
    rate = (math.sqrt(max(second * second - 4 * first * third, 0.0)) - second) / (2 * first)
    spread = n * (2 * rate + bound * (1 - bound))
    gap = gained - dropped - n * bound
    if spread <= 0:
        return 0.0 if gap == 0 else math.copysign(math.inf, gap)
    return gap / math.sqrt(spread)


def _lowest(n: int, gained: int, dropped: int, quantile: float) -> float:
    """The smallest difference whose score does not exceed the quantile."""
    low, high = -1.0, (gained - dropped) / n
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if _score(n, gained, dropped, middle) > quantile else (low, middle)
    return high


def _wilson(count: int, n: int, quantile: float) -> tuple[float, float]:
    square = quantile * quantile
    centre = (2 * count + square) / (2 * (n + square))
    half = quantile / (2 * (n + square)) * math.sqrt(square + 4 * count * (1 - count / n))
    return centre - half, centre + half
