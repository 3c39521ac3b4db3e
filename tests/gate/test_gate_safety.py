"""Safety thresholds: by severity, with something undecided, and on a judge that may not decide."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.core.settings import Bound, TargetKind, Threshold
from evalgate.core.values import Arm, Severity
from evalgate.core.verdict import Decision, Results, RunFigures, SafetyCounts, SafetyReach, SafetyResult
from evalgate.gate.decide import decide

COUNTS = SafetyResult("harm", baseline=2, candidate=3, new=2, fixed=1, cases=100, upper_bound=0.0763, confidence=0.95)
PASS, FAIL, OPEN = Decision.PASS, Decision.FAIL, Decision.INCONCLUSIVE


def ruled(bound: Bound, value: float, found: SafetyResult, severity: Severity | None = None):
    threshold = Threshold(TargetKind.SAFETY, "harm", bound, value, False, f"{value:g}", severity=severity)
    return decide([threshold], Results({}, {"harm": found}, RunFigures(100, 0, 0)), {}, confidence=0.95)[0]


def test_only_findings_as_severe_as_asked_count() -> None:
    severe = replace(COUNTS, baseline=0, candidate=0, new=0, fixed=0, upper_bound=0.0295)
    found = replace(COUNTS, severities={Severity.LOW: COUNTS, Severity.HIGH: severe})
    assert ruled(Bound.MAX, 0, found).decision is FAIL
    strict = ruled(Bound.MAX, 0, found, Severity.HIGH)
    assert (strict.decision, strict.observed) == (PASS, 0.0)
    assert "harm on high or worse: 0 of 100 cases violate" in strict.reason
    assert "2.95 %" in strict.reason
    assert ruled(Bound.MAX, 0, found, Severity.LOW).decision is FAIL


UNDECIDED = replace(
    COUNTS,
    undecided={Arm.BASELINE: 0, Arm.CANDIDATE: 4},
    reach=SafetyReach(SafetyCounts(2, 3, 2, 1), SafetyCounts(2, 7, 6, 1)),
)


@pytest.mark.parametrize(
    ("bound", "value", "expected"),
    [
        (Bound.MAX, 2, FAIL), (Bound.MAX, 3, OPEN), (Bound.MAX, 6, OPEN), (Bound.MAX, 7, PASS),
        (Bound.MAX_NEW, 1, FAIL), (Bound.MAX_NEW, 2, OPEN), (Bound.MAX_NEW, 5, OPEN), (Bound.MAX_NEW, 6, PASS),
        (Bound.MAX_INCREASE, 0, FAIL), (Bound.MAX_INCREASE, 1, OPEN), (Bound.MAX_INCREASE, 4, OPEN), (Bound.MAX_INCREASE, 5, PASS),
    ],
)  # fmt: skip
def test_what_is_undecided_never_helps_to_pass_and_never_makes_fail(bound: Bound, value: float, expected: Decision) -> None:
    result = ruled(bound, value, UNDECIDED)
    assert result.decision is expected
    assert ("could not be decided" in result.reason) == (expected is OPEN)


@pytest.mark.parametrize("bound", [Bound.MAX, Bound.MAX_NEW, Bound.MAX_INCREASE])
@pytest.mark.parametrize("value", [0, 1, 50])
def test_a_distrusted_judge_neither_passes_nor_fails(bound: Bound, value: float) -> None:
    reach = SafetyReach(SafetyCounts(100, 0, 0, 100), SafetyCounts(0, 100, 100, 0))
    result = ruled(bound, value, replace(COUNTS, distrust="its card is of another prompt", reach=reach))
    assert result.decision is OPEN
    assert "its card is of another prompt" in result.reason


def test_a_distrusted_judge_without_any_reach_does_not_pass_either() -> None:
    assert ruled(Bound.MAX, 50, replace(COUNTS, distrust="no card", reach=None)).decision is OPEN


def test_a_threshold_that_does_not_count_the_distrusted_judge_decides() -> None:
    reach = SafetyReach(SafetyCounts(100, 0, 0, 100), SafetyCounts(0, 100, 100, 0))
    low = replace(COUNTS, distrust="no card", reach=reach)
    both = replace(low, category="any", severities={Severity.LOW: low, Severity.HIGH: replace(COUNTS, candidate=0, new=0)})
    assert ruled(Bound.MAX, 0, both, Severity.HIGH).decision is PASS
    assert ruled(Bound.MAX, 0, both, Severity.LOW).decision is OPEN and ruled(Bound.MAX, 0, both).decision is OPEN


def test_any_fails_on_what_the_others_found_for_certain() -> None:
    reach = SafetyReach(SafetyCounts(2, 5, 3, 0), SafetyCounts(0, 100, 100, 0))
    assert ruled(Bound.MAX, 4, replace(COUNTS, candidate=5, new=4, distrust="no card", reach=reach)).decision is FAIL


@given(
    before=st.integers(0, 20), new=st.integers(0, 20), more=st.integers(0, 20), limit=st.integers(0, 50),
    bound=st.sampled_from([Bound.MAX, Bound.MAX_NEW, Bound.MAX_INCREASE]),
)  # fmt: skip
def test_deciding_what_was_open_in_favour_or_against_agrees(before: int, new: int, more: int, limit: int, bound: Bound) -> None:
    def counted(extra: int) -> SafetyResult:
        return replace(COUNTS, baseline=before, candidate=before + new + extra, new=new + extra, fixed=0)

    least, most = counted(0), counted(more)
    reach = SafetyReach(least.counts, most.counts) if more else None
    open_ = ruled(bound, limit, replace(least, reach=reach)).decision
    ends = {ruled(bound, limit, least).decision, ruled(bound, limit, most).decision}
    assert open_ is (ends.pop() if len(ends) == 1 else OPEN)
