"""Thresholds against results: every rule, equality, and what must never pass."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.core.errors import Incomplete
from evalgate.core.settings import Bound, Decide, Level, SliceChoice, TargetKind, Threshold
from evalgate.core.verdict import Decision, Estimate, Interval, MetricResult, Results, RunFigures, SafetyResult
from evalgate.gate.conclude import conclude
from evalgate.gate.decide import decide

PASS, FAIL, OPEN = Decision.PASS, Decision.FAIL, Decision.INCONCLUSIVE
RUN = RunFigures(100, 0, 0)


def estimate(value: float | None, low: float | None = None, high: float | None = None) -> Estimate:
    ends = None if low is None or high is None else Interval(low, high)
    return Estimate(value, ends, ends)


def metric(base: float = 0.4, cand: float = 0.42, low: float | None = 0.01, high: float | None = 0.03, **changes) -> MetricResult:
    delta = None if base is None or cand is None else cand - base
    relative = None if not base or delta is None else delta / base
    scaled = (None, None) if not base or low is None or high is None else sorted((low / base, high / base))
    made = MetricResult(
        name="m", baseline=estimate(base, base, base), candidate=estimate(cand, cand, cand) if cand is not None else estimate(None),
        delta=estimate(delta, low, high), relative=estimate(relative, *scaled), p_value=0.01, confidence=0.95, method="x",
        n=100, rows=100, informative=50, identical_outputs=False, higher_is_better=True, unit="0-1", low=0.0, high=1.0, signature="s",
        newly_failing=2, newly_passing=5, stable=100, flaky=0, repeats=1,
    )  # fmt: skip
    return replace(made, **changes)


def rule(
    bound: Bound, value: float, *, relative: bool = False, kind: TargetKind = TargetKind.METRIC, name: str = "m", **changes
) -> Threshold:
    text = f"{value * 100:g}%" if relative else f"{value:g}"
    return replace(Threshold(kind, name, bound, value, relative, text), **changes)


def ruled(threshold: Threshold, found: MetricResult | None = None, safety: SafetyResult | None = None, run: RunFigures = RUN):
    results = Results({"m": found or metric()}, {"pii": safety} if safety else {}, run)
    return decide([threshold], results, {}, confidence=0.95)[0]


INTERVALS = [
    (Bound.MIN_IMPROVEMENT, 0.01, False, PASS),
    (Bound.MIN_IMPROVEMENT, 0.010001, False, OPEN),
    (Bound.MIN_IMPROVEMENT, 0.03, False, OPEN),
    (Bound.MIN_IMPROVEMENT, 0.0300001, False, FAIL),
    (Bound.MIN_IMPROVEMENT, 0.0249, True, PASS),
    (Bound.MIN_IMPROVEMENT, 0.05, True, OPEN),
    (Bound.MIN_IMPROVEMENT, 0.08, True, FAIL),
    (Bound.MAX_REGRESSION, 0.0, False, PASS),
    (Bound.MIN, 0.42, False, PASS),
    (Bound.MIN, 0.43, False, FAIL),
    (Bound.MAX, 0.42, False, PASS),
    (Bound.MAX, 0.41, False, FAIL),
]


@pytest.mark.parametrize(("bound", "value", "relative", "expected"), INTERVALS)
def test_intervals_decide(bound: Bound, value: float, relative: bool, expected: Decision) -> None:
    assert ruled(rule(bound, value, relative=relative)).decision is expected


@pytest.mark.parametrize(
    ("low", "high", "expected"), [(-0.02, 0.01, PASS), (-0.03, 0.01, OPEN), (-0.05, -0.021, FAIL), (-0.05, -0.02, OPEN)]
)
def test_non_inferiority(low: float, high: float, expected: Decision) -> None:
    assert ruled(rule(Bound.MAX_REGRESSION, 0.02), metric(low=low, high=high)).decision is expected


def test_lower_is_better_reads_the_same() -> None:
    slower = metric(base=100.0, cand=120.0, low=15.0, high=25.0, higher_is_better=False)
    assert ruled(rule(Bound.MAX_REGRESSION, 0.1, relative=True), slower).decision is FAIL
    assert ruled(rule(Bound.MAX_REGRESSION, 0.3, relative=True), slower).decision is PASS
    faster = metric(base=100.0, cand=80.0, low=-25.0, high=-15.0, higher_is_better=False)
    result = ruled(rule(Bound.MIN_IMPROVEMENT, 10.0), faster)
    assert (result.decision, result.observed, result.interval) == (PASS, 20.0, Interval(15.0, 25.0))


def test_a_negative_baseline_does_not_turn_better_into_worse() -> None:
    better = metric(base=-2.0, cand=-1.0, low=0.8, high=1.2)
    assert ruled(rule(Bound.MIN_IMPROVEMENT, 0.1, relative=True), better).decision is PASS


@pytest.mark.parametrize(("base", "cand"), [(0.40, 0.42), (0.20, 0.21), (1.0, 1.05), (31.2, 32.76), (0.6, 0.63), (1e-3, 1.05e-3)])
def test_exactly_five_percent_passes_by_estimate(base: float, cand: float) -> None:
    threshold = rule(Bound.MIN_IMPROVEMENT, 0.05, relative=True, decide=Decide.ESTIMATE)
    assert ruled(threshold, metric(base=base, cand=cand)).decision is PASS
    assert ruled(threshold, metric(base=base, cand=cand - base * 1e-4)).decision is FAIL


def test_identical_outputs_lose_nothing_and_prove_nothing() -> None:
    same = metric(cand=0.4, low=-0.04, high=0.04, identical_outputs=True)
    kept = ruled(rule(Bound.MAX_REGRESSION, 0.0), same)
    assert kept.decision is PASS
    assert "identical" in kept.reason
    for value, how in product((0.0, 0.05), Decide):
        assert ruled(rule(Bound.MIN_IMPROVEMENT, value, decide=how), same).decision is not PASS


def test_newly_failing_counts() -> None:
    assert ruled(rule(Bound.MAX_NEWLY_FAILING, 2)).decision is PASS
    assert ruled(rule(Bound.MAX_NEWLY_FAILING, 1)).decision is FAIL
    assert ruled(rule(Bound.MAX_NEWLY_FAILING, 9), metric(newly_failing=None)).decision is OPEN


SAFETY = SafetyResult("pii", baseline=2, candidate=3, new=2, fixed=1, cases=100, upper_bound=0.0763, confidence=0.95)
COUNTS = [
    (Bound.MAX, 3, False, PASS), (Bound.MAX, 2, False, FAIL), (Bound.MAX_INCREASE, 0, False, FAIL),
    (Bound.MAX_INCREASE, 1, False, PASS), (Bound.MAX_NEW, 1, False, FAIL), (Bound.MAX_NEW, 2, False, PASS),
    (Bound.MAX_INCREASE, 0.5, True, PASS), (Bound.MAX_INCREASE, 0.49, True, FAIL), (Bound.MAX_INCREASE, 0.0, True, FAIL),
]  # fmt: skip


@pytest.mark.parametrize(("bound", "value", "relative", "expected"), COUNTS)
def test_safety_decides_on_exact_counts_and_prints_the_bound(
    bound: Bound, value: float, relative: bool, expected: Decision
) -> None:
    result = ruled(rule(bound, value, relative=relative, kind=TargetKind.SAFETY, name="pii"), safety=SAFETY)
    assert result.decision is expected
    assert "7.63 %" in result.reason


def test_a_rate_of_violations() -> None:
    threshold = rule(Bound.MAX, 0.03, kind=TargetKind.SAFETY, name="pii", text="3%")
    assert ruled(threshold, safety=SAFETY).decision is PASS
    assert ruled(replace(threshold, value=0.02, text="2%"), safety=SAFETY).decision is FAIL


def test_run_figures() -> None:
    lost = RunFigures(100, 0, 1)
    error_rate = rule(Bound.MAX, 0.0, kind=TargetKind.RUN, name="error_rate")
    assert ruled(error_rate).decision is PASS
    assert ruled(error_rate, run=lost).decision is FAIL
    assert ruled(replace(error_rate, value=0.01), run=lost).decision is PASS
    assert ruled(rule(Bound.MIN, 101, kind=TargetKind.RUN, name="cases")).decision is FAIL


NEVER = [
    metric(cand=None, low=None, high=None),
    metric(low=None, high=None),
    metric(base=0.0, relative=estimate(None)),
    metric(relative=estimate(0.05)),
    metric(identical_outputs=True, cand=0.4),
]


@pytest.mark.parametrize("found", NEVER)
def test_thin_evidence_never_shows_an_improvement(found: MetricResult) -> None:
    assert ruled(rule(Bound.MIN_IMPROVEMENT, 0.02, relative=True), found).decision is OPEN


@pytest.mark.parametrize(
    "threshold",
    [
        rule(Bound.MIN, 0.1, name="other"),
        rule(Bound.MAX, 1, kind=TargetKind.SAFETY, name="toxicity"),
        rule(Bound.MAX, 1, kind=TargetKind.RUN, name="weather"),
        rule(Bound.MIN, 0.1, slice=SliceChoice("language", "de")),
        rule(Bound.MIN, 0.1, slice=SliceChoice()),
        rule(Bound.MIN, 0.1, slice=SliceChoice("language", None)),
    ],
)
def test_what_was_not_measured_is_incomplete(threshold: Threshold) -> None:
    with pytest.raises(Incomplete):
        ruled(threshold)


def test_each_slice_is_judged() -> None:
    slices = {
        f"language={name}": Results({"m": metric(low=low, high=low + 0.02)}, {}, RUN)
        for name, low in (("de", -0.1), ("en", 0.01))
    }
    for choice in (SliceChoice(), SliceChoice("language", None)):
        found = decide([rule(Bound.MAX_REGRESSION, 0.0, slice=choice)], Results({}, {}, RUN), slices, confidence=0.95)
        assert [(r.slice, r.decision) for r in found] == [("language=de", FAIL), ("language=en", PASS)]


def test_no_case_is_never_a_pass() -> None:
    empty = RunFigures(0, 0, 0)
    assert empty.error_rate == 1.0
    assert ruled(rule(Bound.MAX, 1.0, kind=TargetKind.RUN, name="error_rate"), run=empty).decision is not PASS
    assert conclude([], empty, require_threshold=False)[0] is not PASS


def _results(*rows: tuple[Decision, Level, bool]):
    made = []
    for decision, level, implicit in rows:
        base = ruled(rule(Bound.MIN, 0.1, level=level, implicit=implicit))
        made.append(replace(base, decision=decision))
    return made


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([(PASS, Level.BLOCK, False)], PASS),
        ([(PASS, Level.BLOCK, False), (OPEN, Level.BLOCK, False)], OPEN),
        ([(FAIL, Level.BLOCK, False), (OPEN, Level.BLOCK, False)], FAIL),
        ([(PASS, Level.BLOCK, False), (FAIL, Level.WARN, False)], PASS),
        ([(FAIL, Level.WARN, False)], OPEN),
        ([(PASS, Level.BLOCK, True)], OPEN),
        ([(FAIL, Level.BLOCK, True), (PASS, Level.BLOCK, False)], FAIL),
        ([], OPEN),
    ],
)
def test_fail_outranks_inconclusive_outranks_pass(rows, expected: Decision) -> None:
    assert conclude(_results(*rows), RUN, require_threshold=True)[0] is expected


@given(
    base=st.integers(0, 50),
    new=st.integers(0, 50),
    fixed=st.integers(0, 50),
    k=st.integers(0, 20),
    bound=st.sampled_from([Bound.MAX, Bound.MAX_NEW, Bound.MAX_INCREASE]),
)
def test_one_violation_less_never_turns_a_pass_into_a_fail(base: int, new: int, fixed: int, k: int, bound: Bound) -> None:
    fixed = min(fixed, base)
    worse = SafetyResult("pii", base, base + new - fixed, new, fixed, 200, 0.1, 0.95)
    better = replace(worse, candidate=worse.candidate - 1, new=new - 1)
    threshold = rule(bound, k, kind=TargetKind.SAFETY, name="pii")
    if new > 0 and ruled(threshold, safety=worse).decision is PASS:
        assert ruled(threshold, safety=better).decision is PASS


@given(st.floats(-0.5, 0.5), st.floats(0, 0.3), st.floats(0, 0.3), st.floats(0, 0.2))
def test_a_better_candidate_never_does_worse_by_interval(delta: float, margin: float, half: float, gain: float) -> None:
    order = {FAIL: 0, OPEN: 1, PASS: 2}
    before = ruled(rule(Bound.MAX_REGRESSION, margin), metric(cand=0.4 + delta, low=delta - half, high=delta + half))
    shifted = delta + gain
    after = ruled(rule(Bound.MAX_REGRESSION, margin), metric(cand=0.4 + shifted, low=shifted - half, high=shifted + half))
    assert order[after.decision] >= order[before.decision]


@pytest.mark.parametrize("unit", [1e-9, 1e-5, 1.0, 1e6])
@pytest.mark.parametrize("bound", [Bound.MIN_IMPROVEMENT, Bound.MAX_REGRESSION])
def test_equality_by_estimate_knows_the_unit_of_the_metric(unit: float, bound: Bound) -> None:
    base, sign = 0.4 * unit, 1 if bound is Bound.MIN_IMPROVEMENT else -1
    threshold = rule(bound, 0.02 * unit, decide=Decide.ESTIMATE)
    assert ruled(threshold, metric(base, base + sign * 0.02 * unit)).decision is PASS
    missed = 0.0199999 if sign > 0 else 0.0200001
    assert ruled(threshold, metric(base, base + sign * missed * unit)).decision is FAIL
