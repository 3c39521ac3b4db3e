"""The upper confidence bound that stands beside every exact count: 0 of n is not 'safe'."""

from __future__ import annotations

import math

_STEPS = 200


def rate_upper_bound(count: int, total: int, confidence: float) -> float:
    """One-sided Clopper-Pearson upper bound of a rate: the rate at which `count` or fewer would be this rare.

    Solved on the binomial distribution itself; counts beside a gate are small.
    Returns: 1 where every case counts, or where there is none.
    """
    if count >= total:
        return 1.0
    low, high = count / total, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if _at_most(count, total, middle) > 1.0 - confidence else (low, middle)
    return high


def _at_most(count: int, total: int, rate: float) -> float:
    """P(X ≤ count) for X binomial."""
    log_rate, log_rest = math.log(rate), math.log1p(-rate)
    terms = (
        math.lgamma(total + 1) - math.lgamma(k + 1) - math.lgamma(total - k + 1) + k * log_rate + (total - k) * log_rest
        for k in range(count + 1)
    )
    return math.fsum(math.exp(term) for term in terms)
