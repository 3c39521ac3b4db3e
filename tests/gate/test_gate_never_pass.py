"""Results that must never let a candidate pass, whatever the threshold asks."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.core.errors import BadInput, Incomplete
from evalgate.core.settings import Bound, Decide, Level, SliceChoice, TargetKind, Threshold
from evalgate.core.verdict import Decision, Estimate, Interval, MetricResult, Results, RunFigures, SafetyResult
from evalgate.gate.conclude import conclude
from evalgate.gate.decide import decide
from evalgate.gate.rate_bound import rate_upper_bound

NONE = Estimate(None, None, None)
RUN = RunFigures(100, 0, 0)


def sure(value: float) -> Estimate:
    return Estimate(value, Interval(value, value), Interval(value, value))


GOOD = MetricResult(
    name="m",
    baseline=sure(0.5),
    candidate=sure(0.8),
    delta=sure(0.3),
    relative=sure(0.6),
    p_value=0.001,
    confidence=0.95,
    method="x",
    n=100,
    rows=100,
    informative=50,
    identical_outputs=False,
    higher_is_better=True,
    unit="0-1",
    low=0.0,
    high=1.0,
    signature="s",
    newly_failing=0,
    newly_passing=30,
    stable=100,
    flaky=0,
    repeats=1,
)
SAFE = SafetyResult("pii", 0, 0, 0, 0, 100, 0.0295, 0.95)


def asks(bound: Bound, value: float, text: str = "", **how) -> Threshold:
    kind = how.pop("kind", TargetKind.METRIC)
    name = how.pop("name", {TargetKind.METRIC: "m", TargetKind.SAFETY: "pii", TargetKind.RUN: "error_rate"}[kind])
    return Threshold(kind, name, bound, value, how.pop("relative", False), text or f"{value:g}", **how)


ASKED = {
    "improvement": asks(Bound.MIN_IMPROVEMENT, 0.1),
    "share": asks(Bound.MIN_IMPROVEMENT, 0.1, "10%", relative=True),
    "regression": asks(Bound.MAX_REGRESSION, 0.1),
    "share lost": asks(Bound.MAX_REGRESSION, 0.1, "10%", relative=True),
    "min": asks(Bound.MIN, 0.7),
    "max": asks(Bound.MAX, 0.9),
    "newly failing": asks(Bound.MAX_NEWLY_FAILING, 0),
}


def judged(threshold: Threshold, metric: MetricResult = GOOD, run: RunFigures = RUN, safety: SafetyResult = SAFE):
    return decide([threshold], Results({"m": metric}, {"pii": safety}, run), {}, confidence=0.95)[0]


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("how", list(Decide))
def test_the_good_result_passes_everything(asked: str, how: Decide) -> None:
    assert judged(replace(ASKED[asked], decide=how)).decision is Decision.PASS


CHANGES = ("improvement", "share", "regression", "share lost")
EVERY = tuple(ASKED)
NAN, INF = math.nan, math.inf
BAD: list[tuple[str, tuple[str, ...], dict[str, object]]] = [
    ("no delta", ("improvement", "regression"), {"delta": NONE}),
    ("no relative", ("share", "share lost"), {"relative": NONE}),
    ("baseline 0", ("share", "share lost"), {"baseline": sure(0.0), "relative": NONE}),
    ("no candidate", ("min", "max"), {"candidate": NONE}),
    ("NaN delta", ("improvement", "regression"), {"delta": sure(NAN)}),
    ("NaN relative", ("share", "share lost"), {"relative": sure(NAN)}),
    ("NaN candidate", ("min", "max"), {"candidate": sure(NAN)}),
    ("infinite delta", ("improvement", "regression"), {"delta": sure(INF)}),
    ("infinite relative", ("share", "share lost"), {"relative": sure(INF)}),
    ("infinite candidate", ("min",), {"candidate": sure(INF)}),
    ("minus infinite candidate", ("max",), {"candidate": sure(-INF)}),
    ("a truth value for delta", ("improvement", "regression"), {"delta": sure(True)}),
    ("a text for delta", ("improvement", "regression"), {"delta": Estimate("0.3", Interval(0.3, 0.3), Interval(0.3, 0.3))}),  # type: ignore[arg-type]
    ("a truth value for the candidate", ("min",), {"candidate": sure(True)}),
    ("no case", EVERY, {"n": 0, "rows": 0}),
    ("no row", EVERY, {"rows": 0}),
    ("no pass/fail cases", ("newly failing",), {"newly_failing": None}),
    ("one newly failing", ("newly failing",), {"newly_failing": 1}),
    ("a negative count", ("newly failing",), {"newly_failing": -1}),
    ("identical outputs", ("improvement", "share"), {"identical_outputs": True}),
    ("worse", CHANGES, {"delta": sure(-0.3), "relative": sure(-0.6)}),
    ("better in the wrong direction", CHANGES, {"higher_is_better": False}),
    ("too small", ("min",), {"candidate": sure(0.69)}),
    ("too large", ("max",), {"candidate": sure(0.91)}),
]


@pytest.mark.parametrize(
    ("asked", "changes"), [pytest.param(a, changes, id=f"{name}-{a}") for name, asked, changes in BAD for a in asked]
)
@pytest.mark.parametrize("how", list(Decide))
def test_a_bad_result_never_passes(asked: str, changes: dict[str, object], how: Decide) -> None:
    assert judged(replace(ASKED[asked], decide=how), replace(GOOD, **changes)).decision is not Decision.PASS  # type: ignore[arg-type]


THIN = [None, Interval(NAN, NAN), Interval(-INF, INF), Interval(INF, INF), Interval(0.9, 0.1), Interval(-0.9, 0.95)]


@pytest.mark.parametrize("asked", [a for a in ASKED if a != "newly failing"])
@pytest.mark.parametrize("ends", THIN)
def test_an_improper_or_wide_interval_decides_nothing(asked: str, ends: Interval | None) -> None:
    thin = {name: replace(getattr(GOOD, name), deciding=ends) for name in ("candidate", "delta", "relative")}
    found = judged(ASKED[asked], replace(GOOD, **thin))
    assert found.decision is Decision.INCONCLUSIVE
    assert found.interval is None or found.interval == ends


SAME = replace(GOOD, identical_outputs=True, informative=0, candidate=sure(0.5), delta=Estimate(0.0, None, None))


@pytest.mark.parametrize(
    ("metric", "run", "passes"),
    [
        (SAME, RUN, True),
        (SAME, RunFigures(100, 0, 1), False),
        (SAME, RunFigures(100, 1, 0), False),
        (replace(SAME, delta=Estimate(-1e-6, None, None)), RUN, False),
        (replace(SAME, unit="ms", delta=Estimate(0.0, None, None)), RUN, False),
    ],
)
def test_identical_outputs_pass_only_when_nothing_was_lost(metric: MetricResult, run: RunFigures, passes: bool) -> None:
    found = judged(asks(Bound.MAX_REGRESSION, 0.0), metric, run)
    assert (found.decision is Decision.PASS) == passes


@pytest.mark.parametrize("unit", ["ms", "USD", "tokens"])
def test_slower_identical_answers_are_still_slower(unit: str) -> None:
    slower = replace(GOOD, unit=unit, identical_outputs=True, higher_is_better=False)
    assert judged(ASKED["regression"], slower).decision is Decision.FAIL
    faster = replace(slower, delta=sure(-0.3), relative=sure(-0.6))
    assert judged(ASKED["improvement"], faster).decision is Decision.PASS


@pytest.mark.parametrize(
    ("bound", "text"), [(Bound.MAX, "0"), (Bound.MAX, "0%"), (Bound.MAX_INCREASE, "0"), (Bound.MAX_NEW, "0")]
)
def test_no_examined_case_is_not_safe(bound: Bound, text: str) -> None:
    threshold = asks(bound, 0.0, text, kind=TargetKind.SAFETY)
    assert judged(threshold).decision is Decision.PASS
    assert judged(threshold, safety=replace(SAFE, cases=0)).decision is Decision.INCONCLUSIVE
    assert judged(threshold, safety=replace(SAFE, candidate=1, new=1)).decision is Decision.FAIL


@pytest.mark.parametrize(
    "threshold",
    [
        asks(Bound.MAX_INCREASE, 1),
        asks(Bound.MAX_NEW, 1),
        asks(Bound.MIN, 1, kind=TargetKind.SAFETY),
        asks(Bound.MAX_REGRESSION, 1, kind=TargetKind.SAFETY),
        asks(Bound.MAX_NEWLY_FAILING, 1, kind=TargetKind.SAFETY),
        asks(Bound.MIN_IMPROVEMENT, 1, kind=TargetKind.RUN),
        asks(Bound.MAX_NEW, 1, kind=TargetKind.RUN),
    ],
)
def test_a_bound_that_its_target_does_not_know_is_refused(threshold: Threshold) -> None:
    with pytest.raises(BadInput, match="cannot be asked"):
        judged(threshold)


def test_figures_of_another_confidence_are_refused() -> None:
    with pytest.raises(Incomplete, match=r"confidence 0\.9, not 0\.95"):
        judged(ASKED["min"], replace(GOOD, confidence=0.9))


@pytest.mark.parametrize("bound", [NAN, INF])
@pytest.mark.parametrize("asked", ["improvement", "share", "min"])
@pytest.mark.parametrize("how", list(Decide))
def test_a_bound_that_is_no_number_never_passes(bound: float, asked: str, how: Decide) -> None:
    with pytest.raises(BadInput, match="finite"):
        judged(replace(ASKED[asked], value=bound, decide=how))


def test_the_missing_thing_is_named_with_its_place() -> None:
    threshold = asks(Bound.MIN, 0.1, name="bleu", place="gate.yaml:7")
    with pytest.raises(Incomplete) as caught:
        judged(threshold)
    assert caught.value.problems[0].where == "gate.yaml:7"
    assert "bleu" in caught.value.problems[0].message


def test_a_slice_without_cases_never_passes() -> None:
    empty = Results({"m": GOOD}, {"pii": SAFE}, RunFigures(0, 0, 0))
    for threshold in (ASKED["min"], asks(Bound.MAX, 0, kind=TargetKind.SAFETY)):
        here = replace(threshold, slice=SliceChoice("language", "de"))
        found = decide([here], Results({}, {}, RUN), {"language=de": empty}, confidence=0.95)
        assert found[0].decision is not Decision.PASS


@pytest.mark.parametrize(("count", "text", "passes"), [(3, "3%", True), (4, "3%", False), (3, "3", True), (4, "3", False)])
def test_newly_failing_as_a_share_of_the_cases(count: int, text: str, passes: bool) -> None:
    value = 0.03 if text.endswith("%") else 3.0
    found = judged(asks(Bound.MAX_NEWLY_FAILING, value, text), replace(GOOD, newly_failing=count))
    assert (found.decision is Decision.PASS) == passes


def test_the_reason_of_a_count_shows_its_bound() -> None:
    assert "at most 2.951 % (95 % confidence)" in judged(ASKED["newly failing"]).reason


@pytest.mark.parametrize(
    ("count", "total", "bound"), [(0, 200, 0.0149), (0, 30, 0.0950), (3, 200, 0.0383), (5, 5, 1.0), (0, 0, 1.0)]
)
def test_the_rate_bound_is_clopper_pearsons(count: int, total: int, bound: float) -> None:
    assert rate_upper_bound(count, total, 0.95) == pytest.approx(bound, abs=5e-5)


@given(st.integers(1, 400), st.data())
def test_the_rate_bound_equals_the_one_of_the_statistics(total: int, data: st.DataObject) -> None:
    from evalgate.stats.exact_counts import upper_bound

    count = data.draw(st.integers(0, total))
    assert rate_upper_bound(count, total, 0.95) == pytest.approx(upper_bound(count, total, 0.95), rel=1e-9)


@given(st.integers(0, 60), st.integers(0, 20), st.sampled_from(["{}", "{}%"]))
def test_one_newly_failing_case_less_never_turns_a_pass_into_a_fail(count: int, limit: int, text: str) -> None:
    threshold = asks(Bound.MAX_NEWLY_FAILING, limit / 100 if "%" in text else limit, text.format(limit))
    if judged(threshold, replace(GOOD, newly_failing=count + 1)).decision is Decision.PASS:
        assert judged(threshold, replace(GOOD, newly_failing=count)).decision is Decision.PASS


@given(st.floats(-1, 1), st.floats(0, 1), st.sampled_from(["improvement", "share", "regression", "share lost", "min"]))
def test_by_estimate_a_better_candidate_never_does_worse(delta: float, gain: float, asked: str) -> None:
    def result(change: float) -> Decision:
        moved = replace(GOOD, candidate=sure(0.5 + change), delta=sure(change), relative=sure(change / 0.5))
        return judged(replace(ASKED[asked], decide=Decide.ESTIMATE), moved).decision

    if result(delta) is Decision.PASS:
        assert result(delta + gain) is Decision.PASS


@pytest.mark.parametrize("run", [RunFigures(0, 0, 0), RUN])
def test_nothing_declared_never_passes_a_run(run: RunFigures) -> None:
    warned = judged(replace(ASKED["min"], level=Level.WARN))
    standing = judged(asks(Bound.MAX, 0.0, kind=TargetKind.RUN, implicit=True))
    for outcomes in ([], [warned], [standing], [warned, standing]):
        assert conclude(outcomes, run, require_threshold=True)[0] is not Decision.PASS


def test_a_broken_warning_is_named() -> None:
    broken = judged(replace(ASKED["min"], value=0.9, text="0.9", level=Level.WARN))
    decision, reason = conclude([judged(ASKED["max"]), broken], RUN, require_threshold=True)
    assert decision is Decision.PASS
    assert reason.endswith(
        "A warning, not blocking: m of the candidate is 0.8 (90 % interval 0.8 to 0.8); the gate requires at least 0.9: fail, "
        "since no part of the interval meets that."
    )
