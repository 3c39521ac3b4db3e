"""Distributions, exact counts and order statistics equal R's, scipy's and statsmodels' values."""

from __future__ import annotations

import pytest

from evalgate.gate.rate_bound import rate_upper_bound
from evalgate.stats import distributions
from evalgate.stats.exact_counts import (
    clopper_pearson,
    lower_bound,
    mcnemar_mid_p,
    mcnemar_one_sided,
    mcnemar_two_sided,
    upper_bound,
)
from evalgate.stats.quantile import ranks

NAMES = ("t_quantile", "t_cdf", "beta_quantile", "beta_cdf", "binomial_cdf", "normal_quantile", "normal_cdf")


@pytest.mark.parametrize("name", NAMES)
def test_distributions_equal_r(known, name: str) -> None:
    rows = [row for row in known("r_distributions")["values"] if row["name"] == name]
    assert len(rows) >= 7
    for row in rows:
        found = getattr(distributions, name)(*row["arguments"])
        assert found == pytest.approx(row["value"], rel=1e-9, abs=1e-250), row


@pytest.mark.parametrize("file", ["r_counts", "python_oracles"])
def test_rates_equal_clopper_pearson(known, file: str) -> None:
    content = known(file)
    rows = [row for row in content.get("counts", content.get("values")) if row["name"] == "rate"]
    assert len(rows) >= 15
    for row in rows:
        counts = row["count"], row["total"], row["level"]
        ends = clopper_pearson(*counts)
        assert (ends.low, ends.high) == pytest.approx(row["two_sided"], rel=1e-9), row
        if "upper" in row:
            assert upper_bound(*counts) == pytest.approx(row["upper"], rel=1e-9)
            assert lower_bound(*counts) == pytest.approx(row["lower"], rel=1e-9)
            assert rate_upper_bound(*counts) == pytest.approx(row["upper"], rel=1e-9)


def test_published_rates(known) -> None:
    rows = [row for row in known("published")["values"] if row["method"] == "Clopper-Pearson"]
    assert len(rows) == 4
    for row in rows:
        ends = clopper_pearson(row["count"], row["total"], row["level"])
        assert (ends.low, ends.high) == pytest.approx(row["value"], abs=row["digits"]), row


@pytest.mark.parametrize("file", ["r_counts", "python_oracles"])
def test_mcnemar_equals_the_exact_and_the_mid_p_test(known, file: str) -> None:
    content = known(file)
    rows = [row for row in content.get("counts", content.get("values")) if row["name"] == "mcnemar"]
    assert len(rows) >= 5
    for row in rows:
        pair = row["new"], row["resolved"]
        assert mcnemar_two_sided(*pair) == pytest.approx(row["two_sided"], rel=1e-9), row
        assert mcnemar_one_sided(*pair) == pytest.approx(row["greater"], rel=1e-9), row
        if "mid_p" in row:
            assert mcnemar_mid_p(*pair) == pytest.approx(row["mid_p"], rel=1e-9), row


def test_ranks_equal_those_of_qbinom(known) -> None:
    for row in known("r_ranks")["values"]:
        found = ranks(row["n"], row["share"], row["error"])
        assert list(found or ()) == row["ranks"], row
