"""Quantiles and distribution functions against scipy."""

from __future__ import annotations

import math

import pytest
from scipy import stats

from evalgate.stats.distributions import (
    beta_cdf,
    beta_quantile,
    binomial_cdf,
    normal_cdf,
    normal_quantile,
    t_cdf,
    t_quantile,
)

LEVELS = (1e-6, 0.001, 0.005, 0.025, 0.05, 0.1, 0.4, 0.6, 0.9, 0.95, 0.975, 0.995, 0.9995)


@pytest.mark.parametrize("p", LEVELS)
def test_normal(p: float) -> None:
    assert normal_quantile(p) == pytest.approx(stats.norm.ppf(p), rel=1e-10)
    assert normal_cdf(normal_quantile(p)) == pytest.approx(p, rel=1e-10)


@pytest.mark.parametrize("x", [-30.0, -8.0, -1.0, 0.0, 0.3, 4.0])
def test_normal_tails(x: float) -> None:
    assert normal_cdf(x) == pytest.approx(stats.norm.cdf(x), rel=1e-10)


@pytest.mark.parametrize("df", [1, 2, 3, 10, 29, 51, 499, 1999, 100_000])
@pytest.mark.parametrize("p", LEVELS)
def test_student(df: int, p: float) -> None:
    x = float(stats.t.ppf(p, df))
    assert t_quantile(p, df) == pytest.approx(x, rel=1e-9 if df > 1e4 else 1e-10)
    assert t_cdf(x, df) == pytest.approx(stats.t.cdf(x, df), rel=1e-9 if df > 1e4 else 1e-10)


@pytest.mark.parametrize(("a", "b"), [(1, 1), (1, 200), (200, 1), (0.5, 25), (3, 198), (40, 61), (0.5, 0.5), (1000, 9000)])
@pytest.mark.parametrize("p", LEVELS)
def test_beta(a: float, b: float, p: float) -> None:
    x = float(stats.beta.ppf(p, a, b))
    assert beta_quantile(p, a, b) == pytest.approx(x, rel=1e-10)
    assert beta_cdf(x, a, b) == pytest.approx(stats.beta.cdf(x, a, b), rel=1e-10)


def test_beta_outside_its_range() -> None:
    assert beta_cdf(-1, 2, 3) == 0
    assert beta_cdf(2, 2, 3) == 1


@pytest.mark.parametrize(("k", "n", "p"), [(0, 59, 0.95), (3, 20, 0.1), (57, 59, 0.95), (500, 1000, 0.5)])
def test_binomial(k: int, n: int, p: float) -> None:
    assert binomial_cdf(k, n, p) == pytest.approx(stats.binom.cdf(k, n, p), rel=1e-9)
    assert binomial_cdf(-1, n, p) == 0
    assert binomial_cdf(n, n, p) == 1


@pytest.mark.parametrize("p", [0.0, 1.0, -0.1, 1.1, math.nan])
def test_impossible_probabilities_are_refused(p: float) -> None:
    for quantile in (normal_quantile, lambda q: t_quantile(q, 5), lambda q: beta_quantile(q, 1, 2)):
        with pytest.raises(ValueError, match="probability"):
            quantile(p)


@pytest.mark.parametrize(("a", "b"), [(0, 1), (1, 0), (-1, 2)])
def test_impossible_parameters_are_refused(a: float, b: float) -> None:
    with pytest.raises(ValueError, match="positive"):
        beta_cdf(0.5, a, b)
