"""Sample sizes and powers: the published figures exactly, and the gate's own methods at the planned sizes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.stats.bands import ExactRate
from evalgate.stats.distributions import binomial_cdf
from evalgate.stats.paired_rates import Tango
from evalgate.stats.power import (
    MeanPlan,
    PairedRatesPlan,
    RatePlan,
    cases_to_notice,
    chance_at_most,
    contrast_spread,
    discordant_spread,
    fewest_for_percentile,
    joint_power,
    uniform_draws,
)

PUBLISHED = [
    (discordant_spread(0.10), 0.05, 248, 343),
    (discordant_spread(0.10), 0.03, 687, 952),
    (discordant_spread(0.10), 0.02, 1546, 2141),
    (discordant_spread(0.10), 0.01, 6183, 8564),
    (discordant_spread(0.05), 0.02, 773, 1071),
    (0.3, 0.05, 223, 309),
    (0.3, 0.02, 1392, 1927),
]
"""Spread, margin, cases for power 0.8 and 0.9 of a candidate without any true difference, one-sided 0.05."""


@pytest.mark.parametrize(("spread", "margin", "eighty", "ninety"), PUBLISHED)
def test_published_sample_sizes(spread, margin, eighty, ninety) -> None:
    plan = MeanPlan(spread, 0.05)
    assert (plan.cases(margin, 0.8), plan.cases(margin, 0.9)) == (eighty, ninety)


def test_minimum_detectable_effects() -> None:
    found = [MeanPlan(0.3, 0.05).detectable(n, 0.8) for n in (100, 500, 2000)]
    assert [round(f, 3) for f in found] == [0.075, 0.033, 0.017]
    assert MeanPlan(1.0, 0.05).detectable(1, 0.8) == pytest.approx(2.486, abs=1e-3)
    assert MeanPlan(1.0, 0.05).detectable(0, 0.8) is None


def enumerated(n: int, discordance: float, difference: float, margin: float) -> float:
    """Chance that Tango's lower end stays above -margin, table by table."""
    found = 0.0
    for pairs in range(n + 1):
        weight = math.exp(
            math.lgamma(n + 1) - math.lgamma(pairs + 1) - math.lgamma(n - pairs + 1)
            + pairs * math.log(discordance) + (n - pairs) * math.log1p(-discordance)
        )  # fmt: skip
        if weight < 1e-7:
            continue
        # the lower end rises with every gained case: one border a row of tables
        gained = next((g for g in range(pairs + 1) if Tango(n, g, pairs - g).interval(0.9).low >= -margin), pairs + 1)
        found += weight * (1 - binomial_cdf(gained - 1, pairs, (1 + difference / discordance) / 2))
    return found


@pytest.mark.parametrize(
    ("discordance", "margin", "n", "difference"),
    [(0.10, 0.05, 248, 0.0), (0.10, 0.05, 343, 0.0), (0.05, 0.02, 773, 0.0), (0.10, 0.05, 120, 0.02), (0.2, -0.05, 150, 0.1)],
)
def test_power_of_the_score_test_is_summed_over_its_tables(discordance, margin, n, difference) -> None:
    plan = PairedRatesPlan(-margin, discordance, 0.05)
    assert plan.power(n, difference) == pytest.approx(enumerated(n, discordance, difference, margin), abs=1e-4)


@pytest.mark.parametrize(
    ("discordance", "margin", "exact"),
    [
        (0.10, 0.05, (0.7741, 0.8824)),
        (0.10, 0.03, (0.7923, 0.8949)),
        (0.10, 0.02, (0.7960, 0.8975)),
        (0.10, 0.01, (0.7990, 0.8994)),
        (0.05, 0.02, (0.7768, 0.8893)),
    ],
)
def test_what_the_score_test_makes_of_the_published_sizes(discordance, margin, exact) -> None:
    """Within two points of the plan, but for two that the formula plans too small by 2.3 and 2.6: those are told apart."""
    plan, formula = PairedRatesPlan(-margin, discordance, 0.05), MeanPlan(discordant_spread(discordance), 0.05)
    for power, known in zip((0.8, 0.9), exact, strict=True):
        n = formula.cases(margin, power)
        assert plan.power(n) == pytest.approx(known, abs=1e-4)
        assert plan.power(n) == pytest.approx(power, abs=0.02 if known not in (0.7741, 0.7768) else 0.027)
        own = plan.cases(power)
        assert n < own <= 1.07 * n
        assert power <= plan.power(own) < power + 0.02


def test_power_of_the_score_test_at_its_ends() -> None:
    plan = PairedRatesPlan(-0.05, 0.1, 0.05)
    assert plan.power(0) == 0.0
    assert plan.power(200_000) == pytest.approx(1.0)
    assert plan.cases(0.8, -0.05) is None
    assert PairedRatesPlan(0.0, 0.1, 0.05).cases(0.8) is None
    assert PairedRatesPlan(-0.05, 0.0, 0.05).power(40) == 0.0
    assert PairedRatesPlan(-0.05, 0.0, 0.05).power(60) == 1.0


KNOWN = [0.8720734548204873, 0.29536538151378355, 0.4200976785072422]
"""The first three draws of seed 7."""
sizes = st.floats(1e-6, 1e3)


@given(sizes, sizes, st.sampled_from([0.05, 0.01, 0.5]), st.floats(0.55, 0.99))
def test_planned_cases_are_the_fewest(spread, gap, error, power) -> None:
    plan = MeanPlan(spread, error)
    n = plan.cases(gap, power)
    if n is None:
        assert plan.power(10**8, gap) < power + 1e-9
        return
    assert plan.power(n, gap) >= power - 1e-9
    assert n == 1 or plan.power(n - 1, gap) < power
    assert plan.detectable(n, power) <= gap * (1 + 1e-9)


@given(sizes, st.floats(-10, 10), st.integers(1, 10_000))
def test_power_grows_with_the_gap_and_is_the_error_on_the_bound(spread, gap, n) -> None:
    plan = MeanPlan(spread, 0.05)
    assert plan.power(n, 0.0) == pytest.approx(0.05)
    assert 0 <= plan.power(n, gap) <= plan.power(n, gap + 0.1) <= 1


def test_no_number_of_cases_is_enough_on_or_beyond_the_bound() -> None:
    plan = MeanPlan(0.3, 0.05)
    assert plan.cases(0.0, 0.8) is None
    assert plan.cases(-0.1, 0.8) is None
    assert plan.cases(1e-200, 0.8) is None
    assert plan.power(0, 1.0) == 0.0


@pytest.mark.parametrize("spread", [0.0, -1.0, math.nan, math.inf])
def test_a_spread_that_says_nothing_is_refused(spread) -> None:
    with pytest.raises(ValueError, match="spread"):
        MeanPlan(spread, 0.05)


@pytest.mark.parametrize("error", [0.0, 0.6, math.nan])
def test_error_rates_outside_are_refused(error) -> None:
    with pytest.raises(ValueError, match="error rate"):
        MeanPlan(1.0, error)


def test_a_difference_needs_as_many_discordant_cases() -> None:
    assert discordant_spread(0.1, 0.1) == pytest.approx(0.3)
    for discordance, difference in ((0.1, 0.2), (1.1, 0.0), (0.1, math.nan)):
        with pytest.raises(ValueError, match="discordant"):
            discordant_spread(discordance, difference)


def test_spread_of_a_contrast() -> None:
    # a correlation of one half makes a difference vary as much as one score
    assert contrast_spread(0.09, 0.0, 0.5) == pytest.approx(0.3)
    # noise between repeats is never shared
    assert contrast_spread(0.0, 0.09, 0.5) == pytest.approx(0.3 * math.sqrt(2))
    assert contrast_spread(0.09, 0.0, 1.0) == 0.0
    random = np.random.default_rng(1)
    both = random.multivariate_normal([0, 0], [[0.09, 0.045], [0.045, 0.09]], 200_000)
    assert contrast_spread(0.09, 0.0, 0.5, 0.9) == pytest.approx(float((both[:, 1] - 0.9 * both[:, 0]).std()), rel=0.01)


@pytest.mark.parametrize("at_least", [True, False])
@pytest.mark.parametrize(
    ("n", "bound", "rate"), [(50, 0.8, 0.9), (50, 0.2, 0.1), (7, 0.5, 0.5), (120, 0.02, 0.0), (30, 0.9, 1.0)]
)
def test_power_of_a_rate_is_that_of_the_exact_interval(n, bound, rate, at_least) -> None:
    """Against the gate's own interval, count by count."""
    found = 0.0
    for count in range(n + 1):
        ends = ExactRate(count, n).interval(0.9)
        if ends.low >= bound if at_least else ends.high <= bound:
            found += math.comb(n, count) * rate**count * (1 - rate) ** (n - count)
    assert RatePlan(bound, 0.05, at_least).power(n, rate) == pytest.approx(found, abs=1e-9)


def test_cases_for_a_rate() -> None:
    plan = RatePlan(0.8, 0.05, at_least=True)
    n = plan.cases(0.9, 0.8)
    assert plan.power(n, 0.9) >= 0.8 > plan.power(n - 1, 0.9)
    assert plan.cases(0.8, 0.8) is None
    assert plan.cases(0.7, 0.8) is None
    assert RatePlan(0.2, 0.05, at_least=False).cases(0.1, 0.8) == n
    assert RatePlan(1.0, 0.05, at_least=True).power(1000, 1.0) == 0.0


def test_what_exact_counts_do_not_see() -> None:
    assert [round(1 - chance_at_most(0, n, 0.01), 2) for n in (30, 100)] == [0.26, 0.63]
    assert 1 - chance_at_most(0, 500, 0.01) == pytest.approx(0.993, abs=5e-4)
    assert 1 - chance_at_most(0, 500, 0.001) == pytest.approx(0.39, abs=5e-3)
    assert [cases_to_notice(0, rate, 0.95) for rate in (0.01, 0.005, 0.001, 0.0001)] == [299, 598, 2995, 29956]
    assert cases_to_notice(0, 0.0, 0.8) is None
    assert chance_at_most(-1, 10, 0.0) == 0.0
    assert chance_at_most(3, 3, 1.0) == 1.0


def test_percentiles_need_units_beyond_them() -> None:
    assert fewest_for_percentile(0.95, 0.90) == 59
    assert fewest_for_percentile(0.95, 0.95) == 72
    assert fewest_for_percentile(0.5, 0.95) == 6


def test_joint_power() -> None:
    apart = joint_power([0.9] * 6, np.eye(6), 1)
    assert apart == pytest.approx(0.9**6, abs=0.006)
    alike = joint_power([0.9, 0.7, 0.95], np.ones((3, 3)), 1)
    assert alike == pytest.approx(0.7, abs=0.006)
    opposed = joint_power([0.7, 0.7], np.array([[1.0, -1.0], [-1.0, 1.0]]), 1)
    assert opposed == pytest.approx(0.4, abs=0.006)
    assert joint_power([], np.zeros((0, 0)), 1) == 1.0
    assert joint_power([0.9, 0.0], np.eye(2), 1) == 0.0
    assert joint_power([1.0, 1.0], np.eye(2), 1) == 1.0
    assert joint_power([0.9] * 6, np.eye(6), 1) == apart


def test_draws_are_the_same_everywhere() -> None:
    found = uniform_draws(7, 100_000)
    assert found.min() >= 0 < found.max() < 1
    assert found.mean() == pytest.approx(0.5, abs=0.005)
    assert found[:3].tolist() == KNOWN
    assert uniform_draws(8, 3).tolist() != KNOWN
