"""Another method must confirm what an interval decides; p-values, Holm's correction over slices, and what they may change."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.core.settings import Bound, Decide, SliceChoice, TargetKind, Threshold
from evalgate.core.verdict import Decision, Estimate, Interval, MetricResult, Results, RunFigures, SecondOpinion, ThresholdResult
from evalgate.gate.decide import decide
from evalgate.gate.holm import holm
from evalgate.gate.second_opinion import EXACT_MCNEMAR
from evalgate.stats.exact_counts import mcnemar_mid_p, mcnemar_one_sided
from evalgate.stats.paired_rates import Tango, newcombe_interval

PASS, FAIL, OPEN = Decision.PASS, Decision.FAIL, Decision.INCONCLUSIVE
RUN = RunFigures(100, 0, 0)


@dataclass(frozen=True)
class Known:
    """A method that says what it is told."""

    above: float | None = 0.01
    below: float | None = 0.99
    method: str = "guarded t"

    def interval(self, level: float) -> Interval | None:
        return None

    def p_above(self, bound: float) -> float | None:
        return None if self.above is None else self.above + bound / 1000

    def p_below(self, bound: float) -> float | None:
        return None if self.below is None else self.below + bound / 1000


def estimate(value: float, low: float, high: float, method: Known | None = None) -> Estimate:
    return Estimate(value, Interval(low, high), Interval(low, high), method or Known())


def other(low: float, high: float, p_higher: float | None = 0.001, p_lower: float | None = 0.999) -> SecondOpinion:
    ends = Interval(low, high)
    name = "percentile paired bootstrap, 10,000 resamples"
    return SecondOpinion(name, ends, ends, ends, "approximate randomisation, 10,000 shuffles", p_higher, p_lower)


def metric(second: SecondOpinion | None = None, **changes) -> MetricResult:
    made = MetricResult(
        name="m", baseline=estimate(0.5, 0.4, 0.6), candidate=estimate(0.55, 0.51, 0.59), delta=estimate(0.05, 0.01, 0.09), relative=estimate(0.1, 0.02, 0.18),
        p_value=0.02, confidence=0.95, method="guarded t", n=100, rows=100, informative=50, identical_outputs=False, higher_is_better=True, unit="0-1",
        low=0.0, high=1.0, signature="s", second=second,
    )  # fmt: skip
    return replace(made, **changes)


def rule(bound: Bound, value: float, **how) -> Threshold:
    text = how.pop("text", f"{value * 100:g}%" if how.get("relative") else f"{value:g}")
    return Threshold(TargetKind.METRIC, "m", bound, value, how.pop("relative", False), text, **how)


def ruled(threshold: Threshold, found: MetricResult) -> ThresholdResult:
    return decide([threshold], Results({"m": found}, {}, RUN), {}, confidence=0.95)[0]


CONTRADICTED = [
    (Bound.MIN_IMPROVEMENT, 0.005, False, PASS, (0.004, 0.1), (0.006, 0.1)),
    (Bound.MIN_IMPROVEMENT, 0.015, True, PASS, (0.014, 0.2), (0.016, 0.2)),
    (Bound.MIN_IMPROVEMENT, 0.1, False, FAIL, (0.0, 0.11), (0.0, 0.09)),
    (Bound.MAX_REGRESSION, 0.005, False, PASS, (-0.006, 0.1), (-0.004, 0.1)),
    (Bound.MIN, 0.5, False, PASS, (0.49, 0.6), (0.505, 0.6)),
    (Bound.MIN, 0.6, False, FAIL, (0.5, 0.61), (0.5, 0.599)),
    (Bound.MAX, 0.6, False, PASS, (0.5, 0.61), (0.5, 0.599)),
    (Bound.MAX, 0.5, False, FAIL, (0.49, 0.6), (0.505, 0.6)),
]


@pytest.mark.parametrize(("bound", "value", "relative", "alone", "against", "with_it"), CONTRADICTED)
def test_a_decision_stands_only_where_the_second_method_confirms_it(
    bound: Bound, value: float, relative: bool, alone: Decision, against: tuple[float, float], with_it: tuple[float, float]
) -> None:
    threshold = rule(bound, value, relative=relative)
    assert ruled(threshold, metric()).decision is alone
    confirmed = ruled(threshold, metric(other(*with_it)))
    assert (confirmed.decision, confirmed.methods_disagree, confirmed.second) == (alone, False, Interval(*with_it))
    contradicted = ruled(threshold, metric(other(*against)))
    assert (contradicted.decision, contradicted.methods_disagree, contradicted.second) == (OPEN, True, Interval(*against))
    assert "the methods disagree: guarded t gives " in contradicted.reason
    assert ", percentile paired bootstrap " in contradicted.reason
    by_estimate = ruled(replace(threshold, decide=Decide.ESTIMATE), metric(other(*against)))
    assert (by_estimate.decision, by_estimate.methods_disagree) != (OPEN, True)


def test_the_sentence_names_both_methods_and_both_intervals() -> None:
    found = ruled(rule(Bound.MIN_IMPROVEMENT, 0.015, relative=True), metric(other(0.014, 0.2)))
    assert found.reason == (
        "m improved by 10 % (90 % interval +2 to +18 %); the gate requires an improvement of at least 1.5 %: inconclusive, since the methods disagree: "
        "guarded t gives +2 to +18 %, percentile paired bootstrap +1 to +20 %."
    )


@pytest.mark.parametrize("nothing", [None, Interval(math.nan, 1.0), Interval(0.3, 0.1)])
def test_where_there_is_no_second_interval_the_first_method_stands(nothing: Interval | None) -> None:
    second = replace(other(0, 1), delta=nothing)
    found = ruled(rule(Bound.MAX_REGRESSION, 0.0), metric(second))
    assert (found.decision, found.second) == (PASS, None)


@pytest.mark.parametrize(("p", "expected"), [(0.05, PASS), (0.0500001, OPEN), (0.4, OPEN), (None, PASS), (math.nan, PASS)])
@pytest.mark.parametrize("better", [True, False])
@pytest.mark.parametrize(
    ("bound", "value"), [(Bound.MIN_IMPROVEMENT, 0.0), (Bound.MAX_REGRESSION, 0.0), (Bound.MIN_IMPROVEMENT, 0.01)]
)
def test_no_improvement_without_the_randomisation(
    p: float | None, expected: Decision, better: bool, bound: Bound, value: float
) -> None:
    second = other(0.01, 0.09, p_higher=p) if better else other(-0.09, -0.01, p_higher=0.0, p_lower=p)
    delta = estimate(0.05, 0.01, 0.09) if better else estimate(-0.05, -0.09, -0.01)
    found = ruled(rule(bound, value), metric(second, delta=delta, higher_is_better=better))
    assert found.decision is expected
    assert ("approximate randomisation gives p = " in found.reason) == (expected is OPEN)


def test_a_loss_that_is_allowed_needs_no_randomisation() -> None:
    assert ruled(rule(Bound.MAX_REGRESSION, 0.01), metric(other(0.0, 0.09, p_higher=0.9))).decision is PASS


def paired(gained: int, dropped: int, n: int = 200, rate: float = 0.5) -> MetricResult:
    """A pass/fail metric as the statistics make it."""
    both = round(rate * (n - gained - dropped))
    before, after = (both + dropped) / n, (both + gained) / n
    tango = Tango(n, gained, dropped)
    ends = tango.interval(0.9)
    assert ends is not None
    second = SecondOpinion(
        "Newcombe hybrid score",
        newcombe_interval(both, gained, dropped, n - both - gained - dropped, 0.9),
        None,
        None,
        "exact McNemar",
        mcnemar_one_sided(gained, dropped),
        mcnemar_one_sided(dropped, gained),
    )
    return metric(
        second, n=n, rows=n, baseline=estimate(before, before, before), candidate=estimate(after, after, after),
        delta=Estimate(after - before, ends, ends, tango), p_value=mcnemar_mid_p(gained, dropped), newly_failing=dropped,
        newly_passing=gained, stable=n, flaky=0,
    )  # fmt: skip


def test_pass_fail_metrics_say_mcnemars_mid_p_and_exact_mcnemar_does_not_object() -> None:
    found = paired(12, 4)
    decided = ruled(rule(Bound.MIN_IMPROVEMENT, 0.0), found)
    assert found.second is not None and found.second.randomisation == EXACT_MCNEMAR
    assert found.second.p_higher == pytest.approx(0.0384, abs=1e-4)
    assert decided.p_value == mcnemar_mid_p(12, 4) / 2 == pytest.approx(0.02452, abs=1e-5)
    # 11 to 4: the exact p is 0.059, the mid-p 0.038
    close = ruled(rule(Bound.MIN_IMPROVEMENT, 0.0), paired(11, 4))
    assert mcnemar_one_sided(11, 4) > 0.05
    assert close.decision is PASS


@given(st.integers(0, 60), st.integers(0, 60))
def test_an_improvement_in_pass_rates_never_passes_against_the_mid_p(gained: int, dropped: int) -> None:
    decided = ruled(rule(Bound.MIN_IMPROVEMENT, 0.0), paired(gained, dropped))
    if decided.decision is PASS:
        assert decided.p_value is not None and decided.p_value <= 0.05
    if gained > dropped:
        assert decided.p_value == mcnemar_mid_p(gained, dropped) / 2


@given(st.integers(0, 40), st.integers(1, 40), st.sampled_from([0.0, 0.02, 0.05, 0.1]), st.floats(0.1, 0.9))
def test_a_case_that_starts_to_pass_never_turns_a_pass_into_a_fail(gained: int, dropped: int, margin: float, rate: float) -> None:
    worse = ruled(rule(Bound.MAX_REGRESSION, margin), paired(gained, dropped, rate=rate))
    better = ruled(rule(Bound.MAX_REGRESSION, margin), paired(gained, dropped - 1, rate=rate))
    assert not (worse.decision is PASS and better.decision is FAIL)
    assert not (worse.decision is not FAIL and better.decision is FAIL)


CLAIMS = [
    (Bound.MIN_IMPROVEMENT, 0.02, False, True, 0.01 + 0.02 / 1000),
    (Bound.MIN_IMPROVEMENT, 0.02, True, True, 0.01 + 0.02 / 1000),
    (Bound.MAX_REGRESSION, 0.02, False, True, 0.01 - 0.02 / 1000),
    (Bound.MIN, 0.5, False, True, 0.01 + 0.5 / 1000),
    (Bound.MAX, 0.5, False, True, 0.99 + 0.5 / 1000),
    (Bound.MIN_IMPROVEMENT, 0.02, False, False, 0.99 - 0.02 / 1000),
    (Bound.MAX_REGRESSION, 0.02, False, False, 0.99 + 0.02 / 1000),
    (Bound.MIN_IMPROVEMENT, 0.0, False, True, 0.01),
    (Bound.MAX_REGRESSION, 0.0, False, False, 0.99),
]


@pytest.mark.parametrize(("bound", "value", "relative", "better", "p"), CLAIMS)
def test_the_p_value_is_that_of_the_claim(bound: Bound, value: float, relative: bool, better: bool, p: float) -> None:
    found = ruled(rule(bound, value, relative=relative), metric(higher_is_better=better))
    assert found.p_value == pytest.approx(p, rel=1e-12)


def test_below_zero_a_share_of_the_baseline_mirrors_its_method_too() -> None:
    below = metric(baseline=estimate(-0.5, -0.6, -0.4), relative=estimate(-0.1, -0.18, -0.02))
    found = ruled(rule(Bound.MIN_IMPROVEMENT, 0.01, relative=True), below)
    assert (found.observed, found.interval, found.decision) == (0.1, Interval(0.02, 0.18), PASS)
    assert found.p_value == pytest.approx(0.99 - 0.01 / 1000)
    contradicted = replace(below, second=other(-0.18, -0.005))
    assert ruled(rule(Bound.MIN_IMPROVEMENT, 0.01, relative=True), contradicted).decision is OPEN
    confirmed = replace(below, second=other(-0.18, -0.015))
    assert ruled(rule(Bound.MIN_IMPROVEMENT, 0.01, relative=True), confirmed).decision is PASS


@pytest.mark.parametrize("p", [None, math.nan, -0.1, 1.5])
def test_what_is_no_probability_is_not_published(p: float | None) -> None:
    found = metric(delta=estimate(0.05, 0.01, 0.09, Known(above=p)))
    assert ruled(rule(Bound.MIN_IMPROVEMENT, 0.001), found).p_value is None


# Holm


@pytest.mark.parametrize(
    ("p", "adjusted"),
    [
        ((), ()),
        ((0.03,), (0.03,)),
        ((0.01, 0.04, 0.03), (0.03, 0.06, 0.06)),
        ((0.5, 0.5), (1.0, 1.0)),
        ((0.0, 1.0), (0.0, 1.0)),
        ((0.04, 0.01, 0.03, 0.005), (0.06, 0.03, 0.06, 0.02)),
    ],
)
def test_holm(p: tuple[float, ...], adjusted: tuple[float, ...]) -> None:
    assert holm(p) == pytest.approx(adjusted)


@pytest.mark.parametrize("p", [math.nan, -0.01, 1.01, math.inf])
def test_holm_refuses_what_is_no_probability(p: float) -> None:
    with pytest.raises(ValueError, match="no probability"):
        holm([0.5, p])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12), st.randoms())
def test_holm_keeps_the_order_and_never_helps(p: list[float], dice) -> None:
    found = holm(p)
    assert all(
        raw <= adjusted <= min(1.0, len(p) * raw) or adjusted == 1.0 or adjusted >= raw
        for raw, adjusted in zip(p, found, strict=True)
    )
    assert all((p[i] > p[j]) <= (found[i] >= found[j]) for i in range(len(p)) for j in range(len(p)))
    places = list(range(len(p)))
    dice.shuffle(places)
    assert holm([p[i] for i in places]) == tuple(found[i] for i in places)
    assert holm([*p, 1.0])[: len(p)] >= found


def test_holm_keeps_the_chance_of_any_false_claim() -> None:
    tries = np.random.default_rng(5).random((4_000, 6))
    false = np.mean([min(holm(row)) <= 0.05 for row in tries.tolist()])
    assert false == pytest.approx(0.05, abs=0.011)


def sliced(bound: Bound, ps: dict[str, float | None], **how) -> dict[str, ThresholdResult]:
    slices = {
        f"language={name}": Results({"m": metric(delta=estimate(0.05, 0.01, 0.09, Known(above=p)))}, {}, RUN)
        for name, p in ps.items()
    }
    threshold = rule(bound, 0.001, slice=SliceChoice("language", None), **how)
    found = decide([threshold], Results({}, {}, RUN), slices, confidence=0.95)
    return {str(one.slice): one for one in found}


def test_claims_of_improvement_on_each_slice_are_corrected() -> None:
    found = sliced(Bound.MIN_IMPROVEMENT, {"de": 0.03, "en": 0.02, "fr": 0.0001})
    assert {name: one.decision for name, one in found.items()} == {"language=de": PASS, "language=en": PASS, "language=fr": PASS}
    assert found["language=en"].adjusted_p == pytest.approx(2 * 0.020001)
    weak = sliced(Bound.MIN_IMPROVEMENT, {"de": 0.03, "en": 0.03})
    assert {one.decision for one in weak.values()} == {OPEN}
    assert weak["language=de"].reason.endswith(
        "at least 0.001: inconclusive, since p = 0.03 becomes 0.06 when corrected for 2 slices (Holm)."
    )
    assert weak["language=de"].p_value == pytest.approx(0.030001)


def test_rules_that_every_slice_must_keep_are_not_corrected() -> None:
    found = sliced(Bound.MAX_REGRESSION, {"de": 0.03, "en": 0.03})
    assert {(one.decision, one.adjusted_p) for one in found.values()} == {(PASS, None)}


def test_a_missing_p_value_counts_as_one() -> None:
    found = sliced(Bound.MIN_IMPROVEMENT, {"de": 0.0001, "en": None})
    assert found["language=de"].decision is PASS
    assert (found["language=en"].decision, found["language=en"].adjusted_p) == (OPEN, None)
    assert "no p-value" in found["language=en"].reason


def test_by_estimate_nothing_is_corrected() -> None:
    found = sliced(Bound.MIN_IMPROVEMENT, {"de": 0.4, "en": 0.4}, decide=Decide.ESTIMATE)
    assert {one.decision for one in found.values()} == {PASS}


def test_one_named_slice_needs_no_correction() -> None:
    slices = {"language=de": Results({"m": metric()}, {}, RUN)}
    threshold = rule(Bound.MIN_IMPROVEMENT, 0.001, slice=SliceChoice("language", "de"))
    (found,) = decide([threshold], Results({}, {}, RUN), slices, confidence=0.95)
    assert (found.decision, found.adjusted_p) == (PASS, None)
