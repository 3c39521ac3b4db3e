"""How many cases a threshold needs, and how likely a good candidate passes it: arithmetic before money is spent.

All of it is one-sided at the gate's confidence. A figure decided on an interval passes when the lower end of the interval
is on the good side of the bound, so a candidate passes with the probability that its estimate lies far enough from it.
Sources: Chow, Shao, Wang and Lokhnygina, 2017, "Sample Size Calculations in Clinical Research", ch. 3 (non-inferiority of
means); Connor, 1987, "Sample Size for Testing Differences in Proportions for the Paired-Sample Design" (discordance).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from evalgate.stats.distributions import binomial_cdf, normal_cdf, normal_quantile
from evalgate.stats.interface import Floats
from evalgate.stats.paired_rates import Tango
from evalgate.stats.quantile import ranks

MOST_CASES = 10**9
"""Beyond this no number of cases is given."""
_NOISE = 1e-12
_MOST_SUMMED = 100_000
_ALWAYS = 40.0
"""Standard errors beyond which a probability is 0 or 1."""


@dataclass(frozen=True, slots=True)
class MeanPlan:
    """A threshold on a mean, or on what behaves like one (a linearised score, a log ratio, a difference of paired rates).

    Raises: ValueError for a spread that is not a positive number, or an error rate outside (0, 0.5].
    """

    spread: float
    """Standard deviation of one unit's figure."""
    error: float
    """1 - confidence; 0.5 where the point estimate decides."""
    tested: float | None = None
    """The spread that the gate's interval is made with, where its guard takes a larger one; None: the same."""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.spread) and self.spread > 0):
            raise ValueError(f"a positive, finite spread is needed, not {self.spread!r}")
        if not 0 < self.error <= 0.5:
            raise ValueError(f"an error rate in (0, 0.5] is needed, not {self.error!r}")

    def power(self, n: int, gap: float) -> float:
        """Chance to pass with n units when the true figure lies `gap` on the good side of the bound."""
        if n < 1:
            return 0.0
        away = gap * math.sqrt(n) / self.spread - self._reach(0.5) / self.spread
        return normal_cdf(max(-_ALWAYS, min(_ALWAYS, away)))

    def cases(self, gap: float, power: float) -> int | None:
        """Units needed to pass with that power; None where no number is enough, or one beyond all reason."""
        reach = self._reach(power)
        if reach <= 0:
            return 1
        if gap <= 0:
            return None
        # gap may be so small that its square is 0
        wanted = (reach / gap) ** 2 if gap / reach > 1e-9 else math.inf
        return max(1, math.ceil(wanted * (1 - _NOISE))) if wanted <= MOST_CASES else None

    def detectable(self, n: int, power: float) -> float | None:
        """Minimum detectable effect: the gap that passes with that power. 2.486 x spread / sqrt(n) at 0.95 and 0.8."""
        return None if n < 1 else max(0.0, self._reach(power)) / math.sqrt(n)

    def _reach(self, power: float) -> float:
        tested = self.spread if self.tested is None else self.tested
        return _normal(1 - self.error) * tested + _normal(power) * self.spread


def discordant_spread(discordance: float, difference: float = 0.0) -> float:
    """Standard deviation of one pair's difference (-1, 0 or 1) of two pass/fail results.

    `discordance`: share of cases whose results differ; `difference`: candidate rate - baseline rate.
    Raises: ValueError where the two cannot go together.
    """
    if not abs(difference) <= discordance <= 1:
        raise ValueError(f"a difference of {difference!r} cannot come with {discordance!r} discordant cases")
    return math.sqrt(discordance - difference * difference)


@dataclass(frozen=True, slots=True)
class PairedRatesPlan:
    """A bound on the difference of two paired pass rates, as the gate's own score test decides it.

    The test takes the spread that would hold on the bound itself, so that with wide margins and few cases its power is a
    little lower than what the usual formula (`MeanPlan` with `discordant_spread`) promises: 0.774 for 248 cases, not 0.8.
    """

    floor: float
    """The bound on the difference, in the direction in which more is better: -0.05 for a loss of at most 0.05."""
    discordance: float
    error: float

    def power(self, n: int, difference: float = 0.0) -> float:
        """Chance to pass with n cases, summed over the tables that can come; the formula's beyond 100,000 cases."""
        share = self.discordance
        difference = max(-share, min(share, difference))
        if n < 1:
            return 0.0
        if n > _MOST_SUMMED:
            return MeanPlan(discordant_spread(share, difference) or 1e-9, self.error).power(n, difference - self.floor)
        gain = 0.5 * (1 + difference / share) if share else 0.5
        centre, reach = n * share, 6 * math.sqrt(n * share * (1 - share)) + 8
        found = 0.0
        for pairs in range(max(0, math.floor(centre - reach)), min(n, math.ceil(centre + reach)) + 1):
            weight = _binomial(pairs, n, share)
            if weight > 1e-12:
                found += weight * (1.0 - chance_at_most(self._border(n, pairs) - 1, pairs, gain))
        return min(1.0, found)

    def cases(self, power: float, difference: float = 0.0) -> int | None:
        """About as many cases as are needed: power has a saw's teeth, and at this number it is reached."""
        start = MeanPlan(discordant_spread(self.discordance, 0.0), self.error).cases(difference - self.floor, power)
        if start is None or start > _MOST_SUMMED:
            return start
        high = start
        while self.power(high, difference) < power:
            high = math.ceil(high * 1.25)
        return _least(max(1, start // 2), high, lambda n: self.power(n, difference) >= power)

    def _border(self, n: int, pairs: int) -> int:
        """The fewest gained cases among that many discordant ones with which the bound is passed."""

        def passes(gained: int) -> bool:
            found = Tango(n, gained, pairs - gained).p_above(self.floor)
            return found is not None and found <= self.error

        return _least(0, pairs + 1, lambda gained: gained > pairs or passes(gained))


def contrast_spread(between: float, within: float, correlation: float, factor: float = 1.0) -> float:
    """Standard deviation of candidate - factor x baseline for one unit, from the variances of one variant.

    `between`: variance of what a unit scores in the long run; `within`: variance of its own noise (of all its repeats
    together); `correlation`: between the two variants' long-run scores.
    """
    alike = between * max(0.0, 1 + factor * factor - 2 * factor * correlation)
    return math.sqrt(alike + within * (1 + factor * factor))


@dataclass(frozen=True, slots=True)
class RatePlan:
    """A bound on a pass rate of its own, decided on the exact (Clopper-Pearson) interval."""

    bound: float
    error: float
    at_least: bool
    """`min`: the rate is at least the bound; else at most."""

    def power(self, n: int, rate: float) -> float:
        """Chance to pass with n cases at that true rate, exact."""
        bound, rate = (self.bound, rate) if self.at_least else (1 - self.bound, 1 - rate)
        if n < 1:
            return 0.0
        if bound <= 0:
            return 1.0
        if bound >= 1:
            return 0.0
        limit = self.error
        fewest = _least(0, n + 1, lambda count: 1.0 - binomial_cdf(count - 1, n, bound) <= limit)
        if rate >= 1:
            return 1.0 if fewest <= n else 0.0
        return 0.0 if rate <= 0 else 1.0 - binomial_cdf(fewest - 1, n, rate)

    def cases(self, rate: float, power: float) -> int | None:
        """About as many cases as are needed: exact power has a saw's teeth, and at this number it is reached."""
        good = rate - self.bound if self.at_least else self.bound - rate
        if good <= 0:
            return None
        high = 1
        while self.power(high, rate) < power:
            high *= 2
            if high > 10_000_000:
                return None
        return _least(max(1, high // 2), high, lambda n: self.power(n, rate) >= power)


def chance_at_most(limit: float, n: int, rate: float) -> float:
    """Chance that at most `limit` of n cases show what happens at that rate: how blind an exact count is."""
    if limit < 0:
        return 0.0
    if rate <= 0:
        return 1.0
    if rate >= 1:
        return 1.0 if limit >= n else 0.0
    return binomial_cdf(math.floor(limit + 1e-9), n, rate)


def cases_to_notice(limit: float, rate: float, power: float) -> int | None:
    """Cases needed so that more than `limit` of them show what happens at that rate, with that power.

    "Zero seen" at a rate of 1 % needs 299 cases for 95 %.
    """
    if not 0 < rate <= 1:
        return None
    high = max(1, math.floor(limit) + 1)
    while chance_at_most(limit, high, rate) > 1 - power:
        high *= 2
        if high > MOST_CASES:
            return None
    return _least(max(1, high // 2), high, lambda n: chance_at_most(limit, n, rate) <= 1 - power)


def fewest_for_percentile(share: float, confidence: float) -> int:
    """Units without which the gate gives no interval of a percentile, neither for deciding nor for reading."""
    high = 2
    while ranks(high, share, (1 - confidence) / 2) is None:
        high *= 2
    return _least(high // 2, high, lambda n: ranks(n, share, (1 - confidence) / 2) is not None)


def joint_power(powers: Sequence[float], correlation: Floats, seed: int, draws: int = 100_000) -> float:
    """Chance that all thresholds pass, from the chance of each and the correlation of their estimates.

    Correlated normals, drawn from the raw words of a counter-based generator: a function of the seed alone.
    Shapes: k powers, (k, k) correlations.
    """
    count = len(powers)
    if count == 0:
        return 1.0
    if min(powers) <= 0:
        return 0.0
    limits = np.array([_ALWAYS if p >= 1 else _normal(p) for p in powers])
    values, vectors = np.linalg.eigh(np.asarray(correlation, dtype=np.float64))
    root = vectors * np.sqrt(np.clip(values, 0.0, None))
    half = (draws + 1) // 2
    uniforms = uniform_draws(seed, 2 * half * count).reshape(2, half, count)
    radius, angle = np.sqrt(-2 * np.log1p(-uniforms[0])), 2 * np.pi * uniforms[1]
    normals = np.concatenate([radius * np.cos(angle), radius * np.sin(angle)])[:draws]
    return float((normals @ root.T <= limits).all(axis=1).mean())


def uniform_draws(seed: int, count: int) -> Floats:
    """Numbers in [0, 1): the same for a seed on every machine and with every version of numpy. Shape: (count,)."""
    from numpy.random import Philox

    words = Philox(key=seed).random_raw(count)
    return np.asarray((words >> np.uint64(11)) * 2.0**-53, dtype=np.float64)


def _binomial(count: int, n: int, rate: float) -> float:
    """P(X = count)."""
    if rate <= 0 or rate >= 1:
        return float(count == (n if rate >= 1 else 0))
    ways = math.lgamma(n + 1) - math.lgamma(count + 1) - math.lgamma(n - count + 1)
    return math.exp(ways + count * math.log(rate) + (n - count) * math.log1p(-rate))


def _normal(p: float) -> float:
    return normal_quantile(min(max(p, 1e-300), 1 - 1e-16))


def _least(low: int, high: int, holds: Callable[[int], bool]) -> int:
    """The smallest number in low…high for which `holds`, given that it holds for `high` and from there down to some place."""
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low
