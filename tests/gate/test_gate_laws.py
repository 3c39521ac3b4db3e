"""What no result may do: a further threshold never helps, and a candidate with a better case is never judged worse."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.core.settings import Bound, Decide, Level, SliceChoice, TargetKind, Threshold
from evalgate.core.verdict import Decision, Estimate, Interval, MetricResult, Results, RunFigures, SafetyResult, SecondOpinion
from evalgate.gate.conclude import conclude
from evalgate.gate.decide import decide
from evalgate.stats.bands import ExactRate, estimate
from evalgate.stats.exact_counts import mcnemar_mid_p, mcnemar_one_sided
from evalgate.stats.paired_rates import Tango, newcombe_interval

RANK = {Decision.FAIL: 0, Decision.INCONCLUSIVE: 1, Decision.PASS: 2}
LEVEL = 0.9


@cache
def change(n: int, gained: int, dropped: int) -> Estimate:
    return estimate((gained - dropped) / n, Tango(n, gained, dropped), 0.95)


@cache
def level(count: int, n: int) -> Estimate:
    return estimate(count / n, ExactRate(count, n), 0.95)


def table(both: int, gained: int, dropped: int, n: int, **changes) -> MetricResult:
    """A pass/fail metric over a table of pairs, as the statistics make it."""
    second = SecondOpinion(
        "Newcombe hybrid score", newcombe_interval(both, gained, dropped, n - both - gained - dropped, LEVEL), None, None,
        "exact McNemar", mcnemar_one_sided(gained, dropped), mcnemar_one_sided(dropped, gained),
    )  # fmt: skip
    made = MetricResult(
        name="m", baseline=level(both + dropped, n), candidate=level(both + gained, n), delta=change(n, gained, dropped),
        relative=Estimate(None, None, None), p_value=mcnemar_mid_p(gained, dropped), confidence=0.95, method="Tango score", n=n, rows=n,
        informative=gained + dropped, identical_outputs=False, higher_is_better=True, unit="0-1", low=0.0, high=1.0, signature="s",
        newly_failing=dropped, newly_passing=gained, stable=n, flaky=0, repeats=1, second=second,
    )  # fmt: skip
    return replace(made, **changes)


def asked(bound: Bound, value: float, **how) -> Threshold:
    return Threshold(TargetKind.METRIC, "m", bound, value, False, f"{value!r}", **how)


RATES = [
    *(asked(Bound.MIN_IMPROVEMENT, m) for m in (0.0, 0.05, 0.3)),
    *(asked(Bound.MAX_REGRESSION, m) for m in (0.0, 0.05, 0.2)),
    *(asked(Bound.MIN, m) for m in (0.0, 0.5, 0.9)),
    *(asked(Bound.MAX_NEWLY_FAILING, m) for m in (0, 2)),
    *(asked(bound, m, decide=Decide.ESTIMATE) for bound in (Bound.MIN_IMPROVEMENT, Bound.MAX_REGRESSION) for m in (0.0, 0.05)),
]


@pytest.mark.parametrize("n", [1, 2, 7, 16])
def test_a_case_that_starts_to_pass_is_never_held_against_the_candidate(n: int) -> None:
    """Every table of n pairs, and every way in which one case of it can get better."""

    @cache
    def ranks(both: int, gained: int, dropped: int) -> list[int]:
        part = Results({"m": table(both, gained, dropped, n)}, {}, RunFigures(n, 0, 0))
        return [RANK[found.decision] for found in decide(RATES, part, {}, confidence=0.95)]

    for both in range(n + 1):
        for gained in range(n - both + 1):
            for dropped in range(n - both - gained + 1):
                before = ranks(both, gained, dropped)
                better = [(both + 1, gained, dropped - 1)] if dropped else []
                better += [(both, gained + 1, dropped)] if both + gained + dropped < n else []
                for after in better:
                    assert all(old <= new for old, new in zip(before, ranks(*after), strict=True)), (both, gained, dropped, after)


@st.composite
def thresholds(draw) -> Threshold:
    kind = draw(st.sampled_from(list(TargetKind)))
    bounds = {
        TargetKind.METRIC: [Bound.MIN, Bound.MAX, Bound.MIN_IMPROVEMENT, Bound.MAX_REGRESSION, Bound.MAX_NEWLY_FAILING],
        TargetKind.SAFETY: [Bound.MAX, Bound.MAX_NEW, Bound.MAX_INCREASE],
        TargetKind.RUN: [Bound.MAX],
    }[kind]
    name = {TargetKind.METRIC: "m", TargetKind.SAFETY: "pii", TargetKind.RUN: "error_rate"}[kind]
    value = draw(st.sampled_from([0.0, 0.02, 0.3]))
    where = draw(st.sampled_from([None, SliceChoice("language", None), SliceChoice("language", "de"), SliceChoice()]))
    return Threshold(
        kind, name, draw(st.sampled_from(bounds)), value, False, f"{value:g}", None if kind is TargetKind.RUN else where,
        draw(st.sampled_from(list(Level))), draw(st.sampled_from(list(Decide))), draw(st.booleans()),
    )  # fmt: skip


@st.composite
def parts(draw) -> Results:
    n = 60
    dropped, gained = draw(st.integers(0, 20)), draw(st.integers(0, 20))
    both = draw(st.integers(0, n - dropped - gained))
    metric = table(both, gained, dropped, n, identical_outputs=draw(st.booleans()))
    before, new = draw(st.integers(0, 5)), draw(st.integers(0, 3))
    fixed = draw(st.integers(0, before))
    safety = SafetyResult("pii", before, before + new - fixed, new, fixed, n, 0.1, 0.95)
    return Results({"m": metric}, {"pii": safety}, RunFigures(n, draw(st.integers(0, 1)), 0))


@given(st.lists(thresholds(), max_size=4), thresholds(), st.integers(0, 4), parts(), parts(), parts())
def test_a_further_threshold_never_helps(rules, more, place, whole, de, en) -> None:
    def gate(chosen) -> int:
        found = decide(chosen, whole, {"language=de": de, "language=en": en}, confidence=0.95)
        return RANK[conclude(found, whole.run, require_threshold=True)[0]]

    declared = any(rule.level is Level.BLOCK and not rule.implicit for rule in rules)
    with_it = gate([*rules[:place], more, *rules[place:]])
    if declared:
        assert with_it <= gate(rules)
    elif not rules:
        assert with_it <= max(gate([more]), RANK[Decision.INCONCLUSIVE])


@given(thresholds(), parts(), parts(), st.booleans())
def test_a_second_opinion_never_helps(rule, whole, de, warn) -> None:
    rule = replace(rule, level=Level.WARN if warn else Level.BLOCK)

    def ranks(with_second: bool) -> list[int]:
        def told(part: Results) -> Results:
            metric = part.metrics["m"]
            return replace(part, metrics={"m": metric if with_second else replace(metric, second=None)})

        found = decide([rule], told(whole), {"language=de": told(de)}, confidence=0.95)
        return [RANK[one.decision] for one in found]

    for alone, checked in zip(ranks(False), ranks(True), strict=True):
        assert checked == alone or checked == RANK[Decision.INCONCLUSIVE]


ANY_NUMBER = st.one_of(st.none(), st.floats(), st.sampled_from([math.nan, math.inf, -math.inf, 0.0, -0.0]))


@given(thresholds(), parts(), ANY_NUMBER, ANY_NUMBER, ANY_NUMBER, ANY_NUMBER)
def test_nothing_that_is_published_is_no_number(rule, part, value, low, high, p) -> None:
    ends = None if low is None or high is None else Interval(low, high)
    odd = Estimate(value, ends, ends, Tango(10, 3, 1))
    second = SecondOpinion("x", ends, ends, ends, "y", p, p)
    metric = replace(part.metrics["m"], candidate=odd, delta=odd, relative=odd, p_value=p, second=second)
    broken = replace(part, metrics={"m": metric})
    for found in decide([rule], broken, {"language=de": broken}, confidence=0.95):
        numbers = [found.observed, found.p_value, found.adjusted_p]
        numbers += [x for span in (found.interval, found.second) if span is not None for x in (span.low, span.high)]
        assert all(x is None or math.isfinite(x) for x in numbers)
        assert "nan" not in found.reason and "inf" not in found.reason
