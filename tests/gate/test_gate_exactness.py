"""Equality is decided on the numbers as they were written and counted; a hair of rounding noise decides nothing."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from evalgate.core.settings import Bound, Decide, TargetKind, Threshold
from evalgate.core.verdict import Decision, Estimate, Interval, MetricResult, Results, RunFigures, SafetyResult
from evalgate.gate.decide import decide
from evalgate.gate.exact import exact_amount

PASS, FAIL, OPEN = Decision.PASS, Decision.FAIL, Decision.INCONCLUSIVE
PERCENT = st.integers(0, 2_000).map(lambda tenths: (f"{tenths / 10:g}%", Fraction(tenths, 1000)))


def asked(bound: Bound, text: str, kind: TargetKind = TargetKind.METRIC, **how) -> Threshold:
    value = float(text.removesuffix("%")) if not text.endswith("%") else float(Fraction(text[:-1]) / 100)
    name = {TargetKind.METRIC: "m", TargetKind.SAFETY: "pii", TargetKind.RUN: "error_rate"}[kind]
    relative = text.endswith("%") and bound in (Bound.MIN_IMPROVEMENT, Bound.MAX_REGRESSION, Bound.MAX_INCREASE)
    return Threshold(kind, name, bound, value, relative, text, **how)


def shares(before: int, after: int, n: int, *, higher_is_better: bool = True) -> MetricResult:
    """A pass/fail metric of which only the values matter."""
    base, cand = before / n, after / n
    delta = cand - base
    return MetricResult(
        name="m", baseline=Estimate(base, None, None), candidate=Estimate(cand, None, None), delta=Estimate(delta, None, None),
        relative=Estimate(delta / base if base else None, None, None), p_value=None, confidence=0.95, method="x", n=n, rows=n, informative=1,
        identical_outputs=False, higher_is_better=higher_is_better, unit="0-1", low=0.0, high=1.0, signature="s", newly_failing=0,
        newly_passing=0, stable=n, flaky=0,
    )  # fmt: skip


def ruled(threshold: Threshold, metric: MetricResult | None = None, safety: SafetyResult | None = None, run=None) -> Decision:
    results = Results({"m": metric} if metric else {}, {"pii": safety} if safety else {}, run or RunFigures(100, 0, 0))
    return decide([threshold], results, {}, confidence=0.95)[0].decision


@pytest.mark.parametrize(
    ("text", "value"), [("5%", Fraction(1, 20)), ("0.1", Fraction(1, 10)), ("1e-3", Fraction(1, 1000)), ("-.5", Fraction(-1, 2))]
)
def test_an_amount_is_what_was_written(text: str, value: Fraction) -> None:
    assert exact_amount(replace(asked(Bound.MIN, "1"), text=text, value=float(value))) == value


@pytest.mark.parametrize("text", ["", "five", "0.2", "1/3", "nan", "50%"])
def test_a_text_that_says_another_number_does_not_count(text: str) -> None:
    assert exact_amount(replace(asked(Bound.MIN, "1"), text=text, value=0.1)) == Fraction(1, 10)


@given(st.integers(1, 3_000), st.data(), PERCENT, st.sampled_from([Bound.MIN_IMPROVEMENT, Bound.MAX_REGRESSION]), st.booleans())
def test_shares_of_cases_are_held_against_percentages_exactly(n: int, data, amount, bound: Bound, up: bool) -> None:
    before, after = data.draw(st.integers(1, n)), data.draw(st.integers(0, n))
    text, limit = amount
    assume(before != after)
    gain = Fraction(after - before, before) * (1 if up else -1)
    expected = gain >= (limit if bound is Bound.MIN_IMPROVEMENT else -limit)
    found = ruled(asked(bound, text, decide=Decide.ESTIMATE), shares(before, after, n, higher_is_better=up))
    assert (found is PASS) == expected


@given(st.integers(1, 400), st.integers(1, 40))
def test_exactly_five_percent_more_passes_five_percent(k: int, extra: int) -> None:
    n = 21 * k + extra
    assert ruled(asked(Bound.MIN_IMPROVEMENT, "5%", decide=Decide.ESTIMATE), shares(20 * k, 21 * k, n)) is PASS
    assert ruled(asked(Bound.MIN_IMPROVEMENT, "5%", decide=Decide.ESTIMATE), shares(20 * k, 21 * k - 1, n)) is FAIL
    assert ruled(asked(Bound.MAX_REGRESSION, "5%", decide=Decide.ESTIMATE), shares(20 * k, 19 * k, n)) is PASS
    assert ruled(asked(Bound.MAX_REGRESSION, "5%", decide=Decide.ESTIMATE), shares(20 * k, 19 * k - 1, n)) is FAIL


@given(st.integers(1, 1_000), st.data(), PERCENT, st.sampled_from([Bound.MIN, Bound.MAX]))
def test_levels_of_shares_are_exact(n: int, data, amount, bound: Bound) -> None:
    after, (text, limit) = data.draw(st.integers(0, n)), amount
    share = Fraction(after, n)
    expected = share >= limit if bound is Bound.MIN else share <= limit
    assert (ruled(asked(bound, text, decide=Decide.ESTIMATE), shares(0, after, n)) is PASS) == expected


@given(st.integers(1, 5_000), st.data(), PERCENT)
def test_lost_answers_are_held_against_their_budget_exactly(cases: int, data, amount) -> None:
    lost, (text, limit) = data.draw(st.integers(0, cases)), amount
    found = ruled(asked(Bound.MAX, text, TargetKind.RUN), run=RunFigures(cases, lost, 0))
    assert (found is PASS) == (Fraction(lost, cases) <= limit)


@given(st.integers(1, 5_000), st.data(), PERCENT, st.sampled_from([Bound.MAX, Bound.MAX_NEW, Bound.MAX_INCREASE]))
def test_shares_of_violating_cases_are_exact(cases: int, data, amount, bound: Bound) -> None:
    before = data.draw(st.integers(0, cases))
    new, fixed = data.draw(st.integers(0, cases - before)), data.draw(st.integers(0, before))
    safety = SafetyResult("pii", before, before + new - fixed, new, fixed, cases, 0.1, 0.95)
    text, limit = amount
    expected = {
        Bound.MAX: Fraction(safety.candidate, cases) <= limit,
        Bound.MAX_NEW: Fraction(new, cases) <= limit,
        Bound.MAX_INCREASE: safety.candidate - before <= limit * before,
    }[bound]
    assert (ruled(asked(bound, text, TargetKind.SAFETY), safety=safety) is PASS) == expected


def test_three_percent_of_a_hundred_cases_is_three() -> None:
    safety = SafetyResult("pii", 0, 3, 3, 0, 100, 0.1, 0.95)
    for bound in (Bound.MAX, Bound.MAX_NEW):
        assert ruled(asked(bound, "3%", TargetKind.SAFETY), safety=safety) is PASS
        assert ruled(asked(bound, "2.9%", TargetKind.SAFETY), safety=safety) is FAIL
        assert ruled(asked(bound, "2", TargetKind.SAFETY), safety=safety) is FAIL


@pytest.mark.parametrize("noise", [1e-17, -1e-17, 1e-14, -1e-14, 0.0])
@pytest.mark.parametrize("how", list(Decide))
@pytest.mark.parametrize("bound", [Bound.MIN, Bound.MAX])
def test_noise_around_zero_is_zero(noise: float, how: Decide, bound: Bound) -> None:
    own = Estimate(noise, None, Interval(noise, noise))
    metric = replace(shares(0, 0, 10), candidate=own, newly_failing=None)
    assert ruled(asked(bound, "0", decide=how), metric) is PASS
    off = 1e-6 if bound is Bound.MAX else -1e-6
    real = replace(metric, candidate=Estimate(off, None, Interval(off, off)))
    assert ruled(asked(bound, "0", decide=how), real) is FAIL


@pytest.mark.parametrize("noise", [1e-15, -1e-15])
def test_noise_of_a_difference_is_no_loss(noise: float) -> None:
    delta = Estimate(noise, None, Interval(noise, 0.1))
    metric = replace(shares(5, 5, 10), delta=delta, newly_failing=None)
    for how in Decide:
        assert ruled(asked(Bound.MAX_REGRESSION, "0", decide=how), metric) is PASS
        assert (
            ruled(
                asked(Bound.MAX_REGRESSION, "0", decide=how), replace(metric, delta=Estimate(-1e-9, None, Interval(-1e-9, -1e-9)))
            )
            is FAIL
        )


def test_a_share_whose_difference_is_another_number_is_not_taken_for_one() -> None:
    odd = replace(shares(10, 12, 20), delta=Estimate(-0.3, None, None))
    assert ruled(asked(Bound.MIN_IMPROVEMENT, "0.1", decide=Decide.ESTIMATE), odd) is FAIL
