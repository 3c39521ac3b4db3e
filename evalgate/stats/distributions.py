"""Normal, Student t and beta distributions in plain Python, so that exact intervals need no scientific library."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

_TINY = 1e-300
_TERMS = 100_000
_STEPS = 200


def normal_cdf(x: float) -> float:
    """P(Z ≤ x) of the standard normal distribution, accurate in both tails."""
    return 0.5 * math.erfc(-x / math.sqrt(2.0))


def normal_quantile(p: float) -> float:
    """The x with P(Z ≤ x) = p, for 0 < p < 1."""
    from statistics import NormalDist

    _inside(p)
    return NormalDist().inv_cdf(p)


def beta_cdf(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function I_x(a, b).

    Source: continued fraction DLMF 8.17.22, evaluated by the modified Lentz method.
    """
    if a <= 0 or b <= 0:
        raise ValueError("the beta distribution needs positive parameters")
    if x <= 0:
        return 0.0
    if x >= 1:
        return 1.0
    if x > (a + 1) / (a + b + 2):
        return 1.0 - _beta_part(1.0 - x, b, a)
    return _beta_part(x, a, b)


def beta_quantile(p: float, a: float, b: float) -> float:
    """The x with I_x(a, b) = p, for 0 < p < 1."""
    _inside(p)

    def density(x: float) -> float:
        return math.exp(_log_power(x, a, b)) / (x * (1.0 - x)) if 0 < x < 1 else 0.0

    return _solve(lambda x: beta_cdf(x, a, b) - p, density, (0.0, 1.0), a / (a + b))


def t_cdf(x: float, df: float) -> float:
    """P(T ≤ x) of Student's t with `df` degrees of freedom."""
    square = x * x
    # far from the middle the tail itself is computed: what is left of 1 minus nearly 1 has no digits
    if square * (df + 2) > 3 * df:
        tail = 0.5 * beta_cdf(df / (df + square), df / 2, 0.5)
        return tail if x < 0 else 1.0 - tail
    return 0.5 + math.copysign(0.5 * beta_cdf(square / (df + square), 0.5, df / 2), x)


@lru_cache(maxsize=1024)
def t_quantile(p: float, df: float) -> float:
    """The x with P(T ≤ x) = p, for 0 < p < 1."""
    _inside(p)
    if p == 0.5:
        return 0.0
    if p < 0.5:
        return -t_quantile(1.0 - p, df)
    top = 1.0
    while t_cdf(top, df) < p:
        top *= 2.0
    log_scale = math.lgamma((df + 1) / 2) - math.lgamma(df / 2) - 0.5 * math.log(df * math.pi)

    def density(x: float) -> float:
        return math.exp(log_scale - (df + 1) / 2 * math.log1p(x * x / df))

    return _solve(lambda x: t_cdf(x, df) - p, density, (0.0, top), min(normal_quantile(p), top))


def binomial_cdf(k: int, n: int, p: float) -> float:
    """P(X ≤ k) of the binomial distribution with n trials."""
    if k < 0:
        return 0.0
    if k >= n:
        return 1.0
    return beta_cdf(1.0 - p, n - k, k + 1)


def _inside(p: float) -> None:
    if not 0 < p < 1:
        raise ValueError(f"a probability strictly between 0 and 1 is needed, not {p!r}")


def _log_power(x: float, a: float, b: float) -> float:
    """log of x^a (1-x)^b / B(a, b)."""
    scale = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    return scale + a * math.log(x) + b * math.log1p(-x)


def _beta_part(x: float, a: float, b: float) -> float:
    """I_x(a, b) where the continued fraction converges fast (x below the mean, roughly)."""
    c = 1.0
    d = 1.0 / _safe(1.0 - (a + b) * x / (a + 1.0))
    fraction = d
    for m in range(1, _TERMS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        d = 1.0 / _safe(1.0 + even * d)
        c = _safe(1.0 + even / c)
        fraction *= c * d
        d = 1.0 / _safe(1.0 + odd * d)
        c = _safe(1.0 + odd / c)
        step = c * d
        fraction *= step
        if abs(step - 1.0) < 1e-16:
            break
    return math.exp(_log_power(x, a, b)) * fraction / a


def _safe(value: float) -> float:
    return value if abs(value) > _TINY else _TINY


def _solve(excess: Callable[[float], float], density: Callable[[float], float], ends: tuple[float, float], start: float) -> float:
    """Root of an increasing function by Newton steps that bisection keeps inside the ends."""
    low, high = ends
    x = start
    for _ in range(_STEPS):
        gap = excess(x)
        if gap == 0:
            return x
        low, high = (x, high) if gap < 0 else (low, x)
        slope = density(x)
        step = x - gap / slope if slope > 0 else math.nan
        following = step if low < step < high else (low + high) / 2
        if abs(following - x) <= 1e-15 * abs(x):
            return following
        x = following
    return x
