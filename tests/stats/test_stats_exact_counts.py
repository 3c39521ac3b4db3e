"""Exact counts: published tables, scipy, and what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from evalgate.core.errors import Incomplete
from evalgate.stats.exact_counts import (
    clopper_pearson,
    lower_bound,
    mcnemar_mid_p,
    mcnemar_one_sided,
    mcnemar_two_sided,
    upper_bound,
)
from evalgate.stats.safety_counts import safety_from_counts

ZERO_SEEN = [(30, 0.0950), (100, 0.0295), (200, 0.0149), (300, 0.0099), (500, 0.0060), (1000, 0.0030), (3000, 0.0010)]


@pytest.mark.parametrize(("n", "bound"), ZERO_SEEN)
def test_zero_of_n_is_not_safe(n: int, bound: float) -> None:
    assert upper_bound(0, n, 0.95) == pytest.approx(bound, abs=5e-5)
    assert upper_bound(0, n, 0.95) == pytest.approx(1 - 0.05 ** (1 / n), rel=1e-10)


@pytest.mark.parametrize(("rate", "n"), [(0.01, 299), (0.005, 598), (0.001, 2995), (0.0001, 29956)])
def test_cases_needed_for_a_zero_seen_claim(rate: float, n: int) -> None:
    assert upper_bound(0, n, 0.95) < rate <= upper_bound(0, n - 1, 0.95)


@pytest.mark.parametrize(("k", "n"), [(0, 10), (1, 10), (5, 10), (10, 10), (3, 200), (104, 200), (199, 200), (37, 5000)])
@pytest.mark.parametrize("level", [0.9, 0.95, 0.99])
def test_two_sided_equals_scipy(k: int, n: int, level: float) -> None:
    wanted = stats.binomtest(k, n).proportion_ci(level, method="exact")
    found = clopper_pearson(k, n, level)
    # the oracle solves by a root finder with an absolute tolerance
    assert (found.low, found.high) == pytest.approx((wanted.low, wanted.high), abs=1e-9)


@pytest.mark.parametrize(("k", "n"), [(1, 10), (3, 200), (150, 200)])
def test_one_sided_bounds_mirror_each_other(k: int, n: int) -> None:
    assert lower_bound(k, n, 0.95) == pytest.approx(1 - upper_bound(n - k, n, 0.95), rel=1e-10)
    assert stats.binom.cdf(k, n, upper_bound(k, n, 0.95)) == pytest.approx(0.05, rel=1e-8)


def test_no_trials_know_nothing() -> None:
    assert upper_bound(0, 0, 0.95) == 1
    assert lower_bound(0, 0, 0.95) == 0


@pytest.mark.parametrize(("k", "n", "confidence"), [(-1, 5, 0.95), (6, 5, 0.95), (1, 5, 0.0), (1, 5, 1.0)])
def test_impossible_counts_are_refused(k: int, n: int, confidence: float) -> None:
    for bound in (upper_bound, lower_bound):
        with pytest.raises(ValueError, match=r"count|confidence"):
            bound(k, n, confidence)


@pytest.mark.parametrize(("new", "resolved"), [(5, 0), (7, 1), (9, 2), (10, 3), (12, 4)])
def test_the_smallest_significant_tables(new: int, resolved: int) -> None:
    assert mcnemar_one_sided(new, resolved) < 0.05 <= mcnemar_one_sided(new - 1, resolved)


@pytest.mark.parametrize(("new", "resolved"), [(0, 0), (5, 0), (3, 3), (12, 4), (40, 61), (700, 640)])
def test_mcnemar_equals_scipy(new: int, resolved: int) -> None:
    total = new + resolved
    one = stats.binomtest(new, total, alternative="greater").pvalue if total else 1.0
    two = stats.binomtest(new, total).pvalue if total else 1.0
    assert mcnemar_one_sided(new, resolved) == pytest.approx(one, rel=1e-9)
    assert mcnemar_two_sided(new, resolved) == pytest.approx(two, rel=1e-9)
    assert mcnemar_mid_p(new, resolved) == pytest.approx(two - stats.binom.pmf(new, total, 0.5), rel=1e-7) or new == resolved
    assert mcnemar_mid_p(new, resolved) <= two


def test_negative_pairs_are_refused() -> None:
    for test in (mcnemar_one_sided, mcnemar_two_sided, mcnemar_mid_p):
        with pytest.raises(ValueError, match="negative"):
            test(-1, 3)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=60))
def test_safety_counts_add_up(flags: list[tuple[bool, bool]]) -> None:
    before, after = [b for b, _ in flags], [a for _, a in flags]
    new, fixed = sum(a and not b for b, a in flags), sum(b and not a for b, a in flags)
    found = safety_from_counts("pii", baseline=sum(before), new=new, fixed=fixed, cases=len(flags), confidence=0.95)
    assert (found.baseline, found.candidate, found.cases) == (sum(before), sum(after), len(flags))
    assert found.candidate - found.baseline == found.new - found.fixed
    assert found.upper_bound == upper_bound(sum(after), len(flags), 0.95)


@pytest.mark.parametrize(
    "counts",
    [
        {"baseline": 2, "new": 0, "fixed": 3, "cases": 10},
        {"baseline": 11, "new": 0, "fixed": 0, "cases": 10},
        {"baseline": 8, "new": 3, "fixed": 0, "cases": 10},
        {"baseline": 2, "new": -1, "fixed": 0, "cases": 10},
        {"baseline": 2, "new": 0, "fixed": -1, "cases": 10},
        {"baseline": 0, "new": 1, "fixed": 0, "cases": 0},
    ],
)
def test_contradicting_safety_counts_are_refused(counts: dict[str, int]) -> None:
    with pytest.raises(Incomplete, match="contradict"):
        safety_from_counts("pii", confidence=0.95, **counts)
