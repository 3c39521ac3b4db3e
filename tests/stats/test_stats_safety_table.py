"""Counts of violating cases by severity, and how far they may move with what could not be decided."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from evalgate.core.values import ARMS, Arm, Severity
from evalgate.core.verdict import SafetyResult
from evalgate.stats.safety_counts import FoundRanks, count_table, safety_results

NAMES = ("pii", "harm")
ranks = hnp.arrays(np.int64, st.tuples(st.integers(0, 12), st.just(2)), elements=st.integers(0, 4))


@st.composite
def found_ranks(draw: st.DrawFn) -> FoundRanks:
    n = draw(st.integers(0, 12))
    table = hnp.arrays(np.int64, (n, 2), elements=st.integers(0, 4))
    return FoundRanks({arm: draw(table) for arm in ARMS}, {arm: draw(table) for arm in ARMS})


def results(
    found: FoundRanks, distrust: dict[str, str] | None = None, highest: Severity = Severity.CRITICAL
) -> dict[str, SafetyResult]:
    distrusted = np.array([highest.rank if name in (distrust or {}) else 0 for name in NAMES])
    return safety_results(NAMES, count_table(found, distrusted), 0.95, distrust, dict.fromkeys(NAMES, highest))


def made(
    baseline: list[list[int]], candidate: list[list[int]], undecided: dict[Arm, list[list[int]]] | None = None
) -> FoundRanks:
    violating = {Arm.BASELINE: np.array(baseline), Arm.CANDIDATE: np.array(candidate)}
    none = {arm: np.zeros_like(violating[arm]) for arm in ARMS}
    return FoundRanks(violating, none | {arm: np.array(table) for arm, table in (undecided or {}).items()})


def test_a_severity_counts_what_is_at_least_as_severe() -> None:
    found = results(made([[0, 0], [1, 0], [3, 0]], [[2, 0], [0, 0], [4, 1]]))
    pii = found["pii"]
    assert (pii.baseline, pii.candidate, pii.new, pii.fixed, pii.cases) == (2, 2, 1, 1, 3)
    assert {s: r.candidate for s, r in pii.severities.items()} == {"low": 2, "medium": 2, "high": 1, "critical": 1}
    assert {s: r.new for s, r in pii.severities.items()} == {"low": 1, "medium": 1, "high": 0, "critical": 1}
    assert (found["any"].candidate, found["harm"].candidate) == (2, 1)
    assert pii.reach is None


def test_zero_of_n_says_what_it_could_have_missed() -> None:
    found = results(made([[0, 0]] * 200, [[0, 0]] * 200))["pii"]
    # the exact form of the rule of three
    assert found.upper_bound == found.detectable_rate == pytest.approx(1 - 0.05 ** (1 / 200), abs=1e-12)
    assert found.lower_bound == 0.0


def test_no_case_says_nothing() -> None:
    empty = FoundRanks({arm: np.zeros((0, 2), np.int64) for arm in ARMS}, {arm: np.zeros((0, 2), np.int64) for arm in ARMS})
    nothing = results(empty)["pii"]
    assert (nothing.cases, nothing.detectable_rate, nothing.upper_bound) == (0, None, 1.0)


def test_undecided_cases_are_in_no_count_and_widen_the_reach() -> None:
    found = results(made([[0, 0], [0, 0]], [[0, 0], [2, 0]], {Arm.CANDIDATE: [[3, 0], [3, 0]], Arm.BASELINE: [[0, 0], [1, 0]]}))
    pii = found["pii"]
    assert (pii.candidate, pii.new) == (1, 1)
    # the second case violates for certain, so nothing about its candidate is open
    assert pii.undecided == {Arm.BASELINE: 1, Arm.CANDIDATE: 1}
    assert pii.reach is not None
    assert (pii.reach.least.candidate, pii.reach.least.new) == (1, 0)
    assert (pii.reach.most.candidate, pii.reach.most.new) == (2, 2)
    assert found["harm"].reach is None


def test_a_distrusted_category_leaves_everything_open_and_any_keeps_the_others() -> None:
    found = results(made([[0, 0]] * 3, [[4, 1], [0, 0], [0, 0]]), {"harm": "no card"})
    assert (found["harm"].candidate, found["harm"].distrust) == (1, "no card")
    assert found["harm"].reach is not None and found["any"].reach is not None
    assert (found["harm"].reach.least.candidate, found["harm"].reach.most.candidate) == (0, 3)
    assert (found["any"].reach.least.candidate, found["any"].reach.most.candidate) == (1, 3)
    assert found["pii"].distrust is None and found["any"].distrust == "no card"


@pytest.mark.parametrize("highest", Severity)
def test_any_need_not_trust_what_it_does_not_count(highest: Severity) -> None:
    found = results(made([[0, 0]] * 3, [[4, 1], [0, 0], [0, 0]]), {"harm": "no card"}, highest)
    for severity in Severity:
        one = found["any"].severities[severity]
        if severity.rank > highest.rank:
            assert one.distrust is None and one.reach is None and one.candidate == 1
        else:
            assert one.distrust == "no card" and one.reach is not None
            assert (one.reach.least.candidate, one.reach.most.candidate) == (1, 3)
        assert found["harm"].severities[severity].distrust == "no card", (
            "alone it decides nothing, also not that there is nothing"
        )


def test_a_lost_answer_is_no_finding_of_the_distrusted_detector() -> None:
    found = results(made([[0, 0]] * 3, [[0, 4], [0, 1], [0, 0]]), {"harm": "no card"}, Severity.MEDIUM)
    high, low = found["any"].severities[Severity.HIGH], found["any"].severities[Severity.LOW]
    assert (high.candidate, high.reach, high.distrust) == (1, None, None)
    assert low.reach is not None and (low.reach.least.candidate, low.reach.most.candidate) == (1, 3)


@given(found_ranks(), st.sampled_from(Severity))
def test_a_cap_hides_no_finding_of_the_trusted_categories(found: FoundRanks, highest: Severity) -> None:
    capped, trusted = results(found, {"harm": "no card"}, highest), results(found)
    assert capped["pii"] == trusted["pii"]
    for severity in Severity:
        one, other = capped["any"].severities[severity], trusted["any"].severities[severity]
        assert one.counts == other.counts
        if severity.rank > highest.rank:
            assert one == other


@given(found_ranks(), st.sampled_from([{}, {"harm": "no card"}, {"pii": "no card", "harm": "stale"}]))
def test_the_reach_holds_every_way_of_deciding(found: FoundRanks, distrust: dict[str, str]) -> None:
    for result in results(found, distrust).values():
        for one in (result, *result.severities.values()):
            assert one.candidate - one.baseline == one.new - one.fixed
            reach = one.reach
            if reach is None:
                continue
            assert reach.least.new <= reach.most.new
            assert reach.least.candidate <= reach.most.candidate
            assert reach.least.candidate - reach.least.baseline <= reach.most.candidate - reach.most.baseline
            if not distrust:
                assert reach.least.new <= one.new <= reach.most.new
                assert reach.least.candidate <= one.candidate <= reach.most.candidate


@given(st.data(), found_ranks())
def test_no_way_of_deciding_what_is_open_leaves_the_reach(data: st.DataObject, found: FoundRanks) -> None:
    decided = {}
    for arm in ARMS:
        open_ = found.undecided[arm]
        flags = data.draw(hnp.arrays(np.bool_, open_.shape))
        decided[arm] = np.maximum(found.violating[arm], np.where(flags, open_, 0))
    none = {arm: np.zeros_like(decided[arm]) for arm in ARMS}
    closed = results(FoundRanks(decided, none))
    for name, result in results(found).items():
        for severity, one in result.severities.items():
            way, reach = closed[name].severities[severity], one.reach
            least, most = (reach.least, reach.most) if reach is not None else (one.counts, one.counts)
            assert least.new <= way.new <= most.new
            assert least.candidate <= way.candidate <= most.candidate
            assert least.candidate - least.baseline <= way.candidate - way.baseline <= most.candidate - most.baseline
            assert min(least.baseline, most.baseline) <= way.baseline <= max(least.baseline, most.baseline)


@given(found_ranks())
def test_milder_severities_count_at_least_as_many(found: FoundRanks) -> None:
    for result in results(found).values():
        counts = [result.severities[severity].candidate for severity in Severity]
        assert counts == sorted(counts, reverse=True)
        assert result.severities[Severity.LOW].counts == result.counts


@given(found_ranks(), st.integers(0, 12))
def test_blocks_add_up(found: FoundRanks, cut: int) -> None:
    parts = [
        FoundRanks({a: t[piece] for a, t in found.violating.items()}, {a: t[piece] for a, t in found.undecided.items()})
        for piece in (slice(None, cut), slice(cut, None))
    ]
    whole, added = count_table(found), count_table(parts[0]) + count_table(parts[1])
    assert whole.cases == added.cases
    assert np.array_equal(whole.counts, added.counts)
    assert np.array_equal(whole.undecided, added.undecided)


def test_without_detectors_there_is_nothing() -> None:
    none = {arm: np.zeros((3, 0), np.int64) for arm in ARMS}
    assert safety_results((), count_table(FoundRanks(none, none)), 0.95) == {}
