"""One sentence for each decision, in words of somebody who decides about a product."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.core.settings import Bound, Decide, Level, SliceChoice, TargetKind, Threshold
from evalgate.core.verdict import Decision, Estimate, Interval, MetricResult, Results, RunFigures, SafetyResult, ThresholdResult
from evalgate.gate.conclude import conclude
from evalgate.gate.decide import decide
from evalgate.gate.sentences import overruled

RUN = RunFigures(200, 0, 0)


def metric(name: str, value: float, low: float | None, high: float | None, **changes) -> MetricResult:
    """A metric whose difference, relative difference and own value are the same numbers."""
    ends = None if low is None or high is None else Interval(low, high)
    every = Estimate(value, ends, ends)
    made = MetricResult(
        name=name, baseline=Estimate(0.5, None, None), candidate=every, delta=every, relative=every, p_value=0.1, confidence=0.95, method="guarded t",
        n=200, rows=200, informative=50, identical_outputs=False, higher_is_better=True, unit="0-1", low=0.0, high=1.0, signature="s",
    )  # fmt: skip
    return replace(made, **changes)


def asked(name: str, bound: Bound, text: str, kind: TargetKind = TargetKind.METRIC, **how) -> Threshold:
    value = float(text.rstrip("%")) / (100 if text.endswith("%") else 1)
    relative = text.endswith("%") and bound in (Bound.MIN_IMPROVEMENT, Bound.MAX_REGRESSION, Bound.MAX_INCREASE)
    return Threshold(kind, name, bound, value, relative, text, **how)


def said(
    threshold: Threshold, found: MetricResult | SafetyResult | None = None, run: RunFigures = RUN, confidence: float = 0.95
) -> str:
    return ruled(threshold, found, run, confidence).reason


def ruled(threshold: Threshold, found=None, run: RunFigures = RUN, confidence: float = 0.95) -> ThresholdResult:
    metrics = {found.name: found} if isinstance(found, MetricResult) else {}
    safety = {found.category: found} if isinstance(found, SafetyResult) else {}
    part = Results(metrics, safety, run)
    slices = {str(threshold.slice): part} if threshold.slice else {}
    return decide([threshold], part, slices, confidence=confidence)[0]


BEST = "names_best_product"
LATENCY = {"higher_is_better": False, "unit": "ms"}
SENTENCES = [
    (
        asked("rougeL", Bound.MIN_IMPROVEMENT, "5%"),
        metric("rougeL", 0.061, 0.051, 0.072),
        "rougeL improved by 6.1 % (90 % interval +5.1 to +7.2 %); the gate requires an improvement of at least 5 %: "
        "pass, since the whole interval meets that.",
    ),
    (
        asked(BEST, Bound.MAX_REGRESSION, "0.05"),
        metric(BEST, -0.02, -0.06, 0.02),
        "names_best_product fell by 0.02 (90 % interval −0.06 to +0.02); the gate allows a fall of at most 0.05: inconclusive, since "
        "the interval reaches a fall of 0.06, which would be too much.",
    ),
    (
        asked("bleu", Bound.MAX_REGRESSION, "0"),
        metric("bleu", 1.234, 0.5, 2.0, unit="0-100"),
        "bleu improved by 1.2 (90 % interval +0.5 to +2.0); the gate allows no fall: pass, since the whole interval meets that.",
    ),
    (
        asked("latency_ms.p95", Bound.MIN_IMPROVEMENT, "10"),
        metric("latency_ms.p95", -12.3, -14.2, -10.9, **LATENCY),
        "latency_ms.p95 improved (fell) by 12 ms (90 % interval −14 to −11 ms); the gate requires an improvement (a fall) of at "
        "least 10 ms: pass, since the whole interval meets that.",
    ),
    (
        asked("latency_ms.p95", Bound.MAX_REGRESSION, "10%"),
        metric("latency_ms.p95", 0.2, 0.15, 0.25, **LATENCY),
        "latency_ms.p95 got worse (rose) by 20 % (90 % interval +15 to +25 %); the gate allows a rise of at most 10 %: fail, "
        "since no part of the interval meets that.",
    ),
    (
        asked("exact_match", Bound.MIN, "80%"),
        metric("exact_match", 0.83, 0.79, 0.86),
        "exact_match of the candidate is 83 % (90 % interval 79 to 86 %); the gate requires at least 80 %: inconclusive, since the "
        "interval reaches 79 %, which would be too low.",
    ),
    (
        asked("length", Bound.MAX, "40"),
        metric("length", 1234.5, 1200.0, 1300.0, unit="words"),
        "length of the candidate is 1,234 words (90 % interval 1,200 to 1,300 words); the gate allows at most 40 words: fail, "
        "since no part of the interval meets that.",
    ),
    (
        asked("m", Bound.MAX_REGRESSION, "0.1"),
        metric("m", 0.0, -0.04, 0.04),
        "m did not change (90 % interval −0.04 to +0.04); the gate allows a fall of at most 0.1: pass, since the whole interval meets that.",
    ),
    (
        asked("m", Bound.MAX_REGRESSION, "0.02"),
        metric("m", -0.02028, -0.0665, 0.0236),
        "m fell by 0.0203 (90 % interval −0.0665 to +0.0236); the gate allows a fall of at most 0.02: inconclusive, since the interval "
        "reaches a fall of 0.0665, which would be too much.",
    ),
    (
        asked("m", Bound.MIN_IMPROVEMENT, "0.05"),
        metric("m", 0.07, None, None, reason="only 3 of 200 cases differ; at least 10 are needed"),
        "m improved by 0.07; the gate requires an improvement of at least 0.05: inconclusive, since there is no interval: only 3 of 200 "
        "cases differ; at least 10 are needed.",
    ),
    (
        asked("m", Bound.MIN_IMPROVEMENT, "0.05", decide=Decide.ESTIMATE),
        metric("m", 0.04, 0.01, 0.07),
        "m improved by 0.04 (90 % interval +0.01 to +0.07); the gate requires an improvement of at least 0.05: fail, decided on the "
        "point estimate.",
    ),
    (
        asked("m", Bound.MAX_REGRESSION, "0.02"),
        metric("m", 0.0, None, None, identical_outputs=True),
        "m did not change: all outputs are identical, so nothing was lost; the gate allows a fall of at most 0.02: pass.",
    ),
    (
        asked("m", Bound.MIN_IMPROVEMENT, "5%"),
        metric("m", 0.0, None, None, identical_outputs=True),
        "m: all outputs are identical, which shows no improvement; the gate requires an improvement of at least 5 %: inconclusive.",
    ),
    (
        asked("m", Bound.MIN_IMPROVEMENT, "5%", slice=SliceChoice("language", "de")),
        metric("m", 0.1, 0.08, 0.12),
        "m on slice language=de improved by 10 % (90 % interval +8 to +12 %); the gate requires an improvement of at least 5 %: "
        "pass, since the whole interval meets that.",
    ),
]


@pytest.mark.parametrize(("threshold", "found", "sentence"), SENTENCES, ids=range(len(SENTENCES)))
def test_metrics(threshold: Threshold, found: MetricResult, sentence: str) -> None:
    assert said(threshold, found) == sentence
    assert len(sentence) <= 230


@pytest.mark.parametrize(("confidence", "level"), [(0.9, "80 %"), (0.975, "95 %"), (0.99, "98 %"), (0.9995, "99.9 %")])
def test_the_level_is_that_of_the_gate(confidence: float, level: str) -> None:
    found = said(SENTENCES[0][0], replace(SENTENCES[0][1], confidence=confidence), confidence=confidence)
    assert f"({level} interval" in found
    assert "90 %" not in found


def pii(baseline: int, new: int, fixed: int) -> SafetyResult:
    return SafetyResult("pii", baseline, baseline + new - fixed, new, fixed, 200, 0.031, 0.95)


RATE = "The candidate's true rate of violating cases is at most 3.1 % (95 % confidence)."
COUNTED = [
    (Bound.MAX_NEW, "0", pii(5, 2, 3), "pii: 2 of 200 cases newly violate (3 fixed); the gate allows none: fail."),
    (Bound.MAX_NEW, "1", pii(5, 1, 0), "pii: 1 of 200 cases newly violates (0 fixed); the gate allows at most 1: pass."),
    (Bound.MAX_NEW, "2%", pii(5, 3, 0), "pii: 3 of 200 cases newly violate (0 fixed); the gate allows at most 2 %: pass."),
    (Bound.MAX_INCREASE, "0", pii(2, 2, 1), "pii: violating cases rose from 2 to 3 (2 new, 1 fixed); the gate allows no increase: fail."),
    (Bound.MAX_INCREASE, "50%", pii(2, 2, 1), "pii: violating cases rose from 2 to 3 (2 new, 1 fixed); the gate allows an increase of at most 50 %: pass."),
    (Bound.MAX_INCREASE, "0", pii(2, 0, 1), "pii: violating cases fell from 2 to 1 (0 new, 1 fixed); the gate allows no increase: pass."),
    (Bound.MAX_INCREASE, "0", pii(2, 1, 1), "pii: violating cases stayed at 2 (1 new, 1 fixed); the gate allows no increase: pass."),
    (Bound.MAX, "0", pii(0, 0, 0), "pii: 0 of 200 cases violate; the gate allows none: pass."),
    (Bound.MAX, "2", pii(0, 1, 0), "pii: 1 of 200 cases violates; the gate allows at most 2: pass."),
]  # fmt: skip


@pytest.mark.parametrize(("bound", "text", "found", "sentence"), COUNTED, ids=range(len(COUNTED)))
def test_safety(bound: Bound, text: str, found: SafetyResult, sentence: str) -> None:
    assert said(asked("pii", bound, text, TargetKind.SAFETY), found) == f"{sentence} {RATE}"


def test_safety_of_any_category_and_of_a_slice() -> None:
    anything = replace(pii(0, 2, 0), category="any")
    assert said(asked("any", Bound.MAX_NEW, "0", TargetKind.SAFETY), anything).startswith(
        "2 of 200 cases newly violate (0 fixed)"
    )
    here = asked("pii", Bound.MAX, "0", TargetKind.SAFETY, slice=SliceChoice("kind", "harmless"))
    assert said(here, pii(0, 0, 0)).startswith("pii on slice kind=harmless: 0 of 200 cases violate")
    assert said(here, replace(pii(0, 0, 0), cases=0)) == "pii on slice kind=harmless: inconclusive, since no case was examined."


RAN = [
    ("cases", Bound.MIN, "1", "200 cases; the gate requires at least 1: pass."),
    ("cases", Bound.MIN, "300", "200 cases; the gate requires at least 300: fail."),
    ("error_rate", Bound.MAX, "0.5%", "error_rate is 1 % (lost: 1 of the baseline's 200 answers, 2 of the candidate's); the gate allows at most 0.5 %: fail."),
]  # fmt: skip


@pytest.mark.parametrize(("name", "bound", "text", "sentence"), RAN)
def test_figures_of_the_run(name: str, bound: Bound, text: str, sentence: str) -> None:
    assert said(asked(name, bound, text, TargetKind.RUN), run=RunFigures(200, 1, 2)) == sentence


@pytest.mark.parametrize(
    "said_first",
    [
        "pass",
        "pass, since the whole interval meets that",
        "pass, decided on the point estimate",
        "fail, since no part of the interval meets that",
    ],
)
def test_a_decision_that_is_taken_back_says_why(said_first: str) -> None:
    asks = "m improved by 2; the gate requires an improvement of at least 1"
    assert overruled(f"{asks}: {said_first}.", "x") == f"{asks}: inconclusive, since x."


def test_a_sentence_of_another_kind_that_is_taken_back_is_kept() -> None:
    assert overruled("Something else.", "x is so") == "Something else. But x is so."


def test_the_banner_says_the_deciding_sentence() -> None:
    good = ruled(*SENTENCES[0][:2])
    bad, open_ = ruled(*SENTENCES[4][:2]), ruled(*SENTENCES[1][:2])
    assert conclude([good], RUN, require_threshold=True)[1] == f"The only blocking threshold passed. {good.reason}"
    assert conclude([good, good], RUN, require_threshold=True)[1] == f"All 2 blocking thresholds passed. {good.reason}"
    assert conclude([good, bad, open_, bad], RUN, require_threshold=True)[1] == f"{bad.reason} Also broken: latency_ms.p95."
    assert (
        conclude([open_, open_, open_], RUN, require_threshold=True)[1] == f"{open_.reason} Also undecided: names_best_product."
    )
    warned = replace(bad, threshold=replace(bad.threshold, level=Level.WARN))
    said = conclude([good, warned, warned], RUN, require_threshold=True)[1]
    assert said.endswith(f" A warning, not blocking: {bad.reason} 1 more warned.")


@given(
    st.floats(-2, 2, allow_subnormal=False),
    st.floats(0, 2),
    st.floats(0, 2),
    st.sampled_from(["5%", "0.02", "0", "1e-9"]),
    st.sampled_from([Bound.MIN_IMPROVEMENT, Bound.MAX_REGRESSION, Bound.MIN, Bound.MAX]),
    st.booleans(),
)
def test_no_sentence_ends_without_its_decision(
    value: float, below: float, above: float, text: str, bound: Bound, up: bool
) -> None:
    found = ruled(asked("m", bound, text), metric("m", value, value - below, value + above, higher_is_better=up))
    assert found.decision in Decision
    assert f": {found.decision}" in found.reason
    assert found.reason.endswith(".")
    assert "nan" not in found.reason and "-" not in found.reason.replace("1e-9", "")


@given(st.floats(1e-9, 1e6), st.floats(1e-9, 1e6))
def test_a_number_is_never_printed_as_the_bound_it_missed(value: float, limit: float) -> None:
    threshold = replace(asked("m", Bound.MIN, "1"), value=limit, text=f"{limit:.12f}")
    found = replace(metric("m", value, None, None, unit="0-100"), low=None, high=None)
    shown = said(threshold, found).split(" is ")[1].split("; the gate")[0].replace(",", "")
    if abs(value - limit) > 1e-6 * limit + 1e-11:
        assert float(shown) != limit


def test_the_page_on_thresholds_quotes_sentences_that_are_said(repository: Path) -> None:
    page = (repository / "docs" / "thresholds.md").read_text(encoding="utf-8")
    quoted = " ".join(line.removeprefix(">").strip() for line in page.splitlines() if line.startswith(">"))
    known = [SENTENCES[0][2], SENTENCES[1][2], SENTENCES[3][2], f"{COUNTED[0][3]} {RATE}"]
    assert quoted.split() == " ".join(known).split()
