"""The upper confidence bound that stands beside every exact count: 0 of n is not 'safe'."""

from __future__ import annotations

import math

_STEPS = 200
_NEGLIGIBLE = 1e-18
"""Share of the first term below which the rest adds nothing."""


def rate_upper_bound(count: int, total: int, confidence: float) -> float:
    """One-sided Clopper-Pearson upper bound of a rate: the rate at which `count` or fewer would be this rare.

    Solved on the binomial distribution itself.
    Returns: 1 where every case counts, or where there is none.
    """
    if count >= total:
        return 1.0
    low, high = count / total, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if at_most(count, total, middle) > 1.0 - confidence else (low, middle)
    return high


def at_most(count: int, total: int, rate: float) -> float:
    """P(X ≤ count) for X binomial, where `count` is at most the expected number (total × rate) or little above it.

    Summed downwards from `count`, as far as the terms still matter: some thousand for a million cases.
    """
    if count < 0:
        return 0.0
    log_first = math.lgamma(total + 1) - math.lgamma(count + 1) - math.lgamma(total - count + 1)
    term = math.exp(log_first + count * math.log(rate) + (total - count) * math.log1p(-rate))
    odds = (1.0 - rate) / rate
    terms = [term]
    for k in range(count, 0, -1):
        term *= odds * k / (total - k + 1)
        terms.append(term)
        if term < terms[0] * _NEGLIGIBLE:
            break
    return min(1.0, math.fsum(terms))
