"""Exact statements about counts: Clopper-Pearson bounds and McNemar's test."""

from __future__ import annotations

from evalgate.core.verdict import Interval
from evalgate.stats.distributions import beta_cdf, beta_quantile

_EXACT_SUM = 1000
"""Up to here binomial tails are sums of integers; beyond, the incomplete beta function says the same faster."""


def upper_bound(count: int, total: int, confidence: float) -> float:
    """One-sided Clopper-Pearson upper bound of a rate: 0 of 200 at 0.95 gives 0.0149. With no trials it is 1."""
    _check(count, total, confidence)
    return 1.0 if count == total else beta_quantile(confidence, count + 1, total - count)


def lower_bound(count: int, total: int, confidence: float) -> float:
    """One-sided Clopper-Pearson lower bound of a rate. With no successes it is 0."""
    _check(count, total, confidence)
    return 0.0 if count == 0 else beta_quantile(1.0 - confidence, count, total - count + 1)


def clopper_pearson(count: int, total: int, level: float) -> Interval:
    """Two-sided exact interval of a rate; each end errs with probability at most (1 - level) / 2."""
    side = (1.0 + level) / 2
    return Interval(lower_bound(count, total, side), upper_bound(count, total, side))


def mcnemar_one_sided(new: int, resolved: int) -> float:
    """P(at least `new` of the discordant pairs go the bad way) when both ways are equally likely.

    Small values say that things got worse: 5 new against 0 resolved gives 1/32.
    """
    _pairs(new, resolved)
    return _tail(new, new + resolved)


def mcnemar_two_sided(new: int, resolved: int) -> float:
    """Exact two-sided McNemar p-value: twice the smaller tail, at most 1."""
    _pairs(new, resolved)
    return min(1.0, 2.0 * _tail(max(new, resolved), new + resolved))


def mcnemar_mid_p(new: int, resolved: int) -> float:
    """Two-sided mid-p value: tables as extreme as the observed one count half, which removes most of the exact test's
    conservatism. Without a discordant pair it is 1.

    Source: Fagerland, Lydersen and Laake, 2013, "The McNemar test for binary matched-pairs data".
    """
    _pairs(new, resolved)
    pairs, larger = new + resolved, max(new, resolved)
    if new == resolved:
        return 1.5 - _tail(larger, pairs) if pairs else 1.0
    return _tail(larger, pairs) + _tail(larger + 1, pairs)


def _tail(at_least: int, pairs: int) -> float:
    """P(X ≥ at_least) for X binomial with `pairs` fair trials."""
    if at_least <= 0:
        return 1.0
    if at_least > pairs:
        return 0.0
    if pairs > _EXACT_SUM:
        return beta_cdf(0.5, at_least, pairs - at_least + 1)
    ways = term = 1
    for i in range(pairs, at_least, -1):
        term = term * i // (pairs - i + 1)
        ways += term
    return ways / (1 << pairs)


def _check(count: int, total: int, confidence: float) -> None:
    if not 0 <= count <= total:
        raise ValueError(f"{count} of {total} is not a count")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence lies strictly between 0 and 1, not at {confidence!r}")


def _pairs(new: int, resolved: int) -> None:
    if new < 0 or resolved < 0:
        raise ValueError("discordant pairs cannot be negative")
