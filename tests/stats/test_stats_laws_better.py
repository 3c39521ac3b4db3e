"""A better candidate is never judged worse: enumerated tables of paired rates and counts, and means."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evalgate.core.values import Scale
from evalgate.stats.exact_counts import lower_bound, mcnemar_one_sided, upper_bound
from evalgate.stats.guard import GuardedT
from evalgate.stats.moments import Moments
from evalgate.stats.paired_rates import Tango, newcombe_interval

Table = tuple[int, int, int, int]
"""Cases that pass in both variants, only in the candidate, only in the baseline, in neither."""


def improved(table: Table) -> list[Table]:
    """The table after one failure of the candidate has become a pass."""
    both, gained, dropped, neither = table
    found = [(both + 1, gained, dropped - 1, neither), (both, gained + 1, dropped, neither - 1)]
    return [one for one in found if min(one) >= 0]


@pytest.mark.parametrize("level", [0.9, 0.95])
def test_tango_rises_with_every_case_in_all_small_tables(level: float) -> None:
    for n in range(1, 31):
        ends = {}
        for gained in range(n + 1):
            for dropped in range(n + 1 - gained):
                ends[gained, dropped] = Tango(n, gained, dropped).interval(level)
        for (gained, dropped), found in ends.items():
            for better in ((gained + 1, dropped), (gained, dropped - 1)):
                if better in ends:
                    assert ends[better].low >= found.low, (n, gained, dropped, better)
                    assert ends[better].high >= found.high, (n, gained, dropped, better)


def test_newcombe_rises_with_every_case_in_all_small_tables() -> None:
    for n in range(1, 16):
        ends = {}
        for both in range(n + 1):
            for gained in range(n + 1 - both):
                for dropped in range(n + 1 - both - gained):
                    table = both, gained, dropped, n - both - gained - dropped
                    ends[table] = newcombe_interval(*table, 0.9)
        for table, found in ends.items():
            for better in improved(table):
                assert ends[better].low >= found.low, (table, better)
                assert ends[better].high >= found.high, (table, better)


def test_paired_rates_rise_with_every_case_in_ten_thousand_tables() -> None:
    draw = random.Random(4)
    for _ in range(10_000):
        n = draw.randint(31, 3000)
        changed = draw.randint(0, n if draw.random() < 0.3 else n // 10)
        gained = draw.randint(0, changed)
        both = draw.randint(0, n - changed)
        table = both, gained, changed - gained, n - changed - both
        better = draw.choice(improved(table) or [table])
        margin = draw.choice((-0.1, -0.02, 0.0, 0.05))
        one, other = Tango(n, table[1], table[2]), Tango(n, better[1], better[2])
        assert other.p_above(margin) <= one.p_above(margin), (table, better, margin)
        assert newcombe_interval(*better, 0.9).low >= newcombe_interval(*table, 0.9).low, (table, better)


@pytest.mark.slow
def test_tango_ends_rise_with_every_case_in_ten_thousand_tables() -> None:
    draw = random.Random(5)
    for _ in range(10_000):
        n = draw.randint(31, 3000)
        gained = draw.randint(0, n - 1)
        dropped = draw.randint(0, n - gained - 1)
        found = Tango(n, gained, dropped).interval(0.9)
        for better in ((gained + 1, dropped), (gained, max(0, dropped - 1))):
            other = Tango(n, *better).interval(0.9)
            assert (other.low >= found.low, other.high >= found.high) == (True, True), (n, gained, dropped, better)


@pytest.mark.parametrize("total", [1, 7, 30, 200])
def test_bounds_of_a_count_rise_with_the_count(total: int) -> None:
    for bound in (upper_bound, lower_bound):
        found = [bound(count, total, 0.95) for count in range(total + 1)]
        assert found == sorted(found)


@pytest.mark.parametrize("pairs", [5, 40])
def test_one_case_less_that_fails_is_never_more_evidence_of_harm(pairs: int) -> None:
    for new in range(pairs + 1):
        for resolved in range(pairs + 1):
            found = mcnemar_one_sided(new, resolved)
            assert mcnemar_one_sided(new, resolved + 1) >= found
            if new:
                assert mcnemar_one_sided(new - 1, resolved) >= found


def rates(make, table: Table):
    pairs = np.repeat([(1, 1), (0, 1), (1, 0), (0, 0)], table, axis=0).astype(float)
    return make.compare(pairs[:, 0], pairs[:, 1], Scale.PROPORTION, resamples=50)


def test_published_figures_of_a_rate_rise_with_every_case(make) -> None:
    draw = random.Random(6)
    for _ in range(30):
        cuts = sorted(draw.randint(0, 60) for _ in range(3))
        table = cuts[0], cuts[1] - cuts[0], cuts[2] - cuts[1], 60 - cuts[2]
        one = rates(make, table)
        for better in improved(table):
            other = rates(make, better)
            assert other.newly_failing <= one.newly_failing
            for name in ("delta", "candidate"):
                ends, risen = getattr(one, name).deciding, getattr(other, name).deciding
                assert risen.low >= ends.low
                assert risen.high >= ends.high


@given(
    st.integers(2, 5000),
    st.floats(-1, 1),
    st.floats(1e-6, 1e4),
    st.floats(-3, 3),
    st.floats(1e-9, 1),
    st.sampled_from((0.8, 0.9, 0.95)),
)
def test_a_higher_mean_with_the_same_spread_is_higher_at_both_ends(n, mean, squares, skewness, gain, level) -> None:
    cubes = skewness * n * (squares / n) ** 1.5
    one, other = (GuardedT(Moments(n, m, squares, cubes), "guarded t") for m in (mean, mean + gain))
    ends, risen = one.interval(level), other.interval(level)
    if ends is not None and risen is not None:
        assert risen.low >= ends.low
        assert risen.high >= ends.high
        assert other.p_above(0.1) <= one.p_above(0.1) + 1e-12


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.integers(0, 10**6), st.floats(0.001, 0.2), st.sampled_from((4, 12, 60)))
def test_the_same_gain_for_every_case_never_lowers_an_end(make, seed: int, gain: float, changed: int) -> None:
    draw = np.random.default_rng(seed)
    before = 0.4 * draw.random(60)
    after = before.copy()
    after[:changed] = np.clip(before[:changed] + 0.2 * draw.standard_normal(changed), 0, 0.8)
    one, other = make.compare(before, after, resamples=50), make.compare(before, after + gain, resamples=50)
    assert one.delta.method == other.delta.method
    for name in ("delta", "candidate"):
        ends, risen = getattr(one, name).deciding, getattr(other, name).deciding
        assert risen.low >= ends.low
        assert risen.high >= ends.high
