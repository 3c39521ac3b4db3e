"""Every report says why a threshold came out as it did, how sure that is, and where two methods disagree."""

from __future__ import annotations

import io
import re
from dataclasses import replace

import pytest
from rich.console import Console

from evalgate.core.record import RunRecord
from evalgate.core.verdict import Answered, Decision, Interval, SecondOpinion
from evalgate.evidence.verdict_document import verdict_document
from evalgate.report import phrases
from evalgate.report.junit import render_junit
from evalgate.report.page import render_html
from evalgate.report.summary import render_markdown
from evalgate.report.terminal import print_summary

WHY = "m fell by 0.2 (90 % interval −0.3 to −0.1); the gate allows a fall of at most 0.05: fail."


def decided(record, **changes) -> RunRecord:
    """A run whose first threshold came out as told."""
    made = record("words")
    first, *others = made.verdict.thresholds
    return replace(made, verdict=replace(made.verdict, thresholds=(replace(first, **{"reason": WHY, **changes}), *others)))


def measured(record, **changes) -> RunRecord:
    """A run whose metric has these figures too."""
    made = record("words")
    results = made.verdict.results
    metric = replace(results.metrics["m"], **changes)
    return replace(made, verdict=replace(made.verdict, results=replace(results, metrics={"m": metric})))


def on_terminal(record: RunRecord) -> str:
    stream = io.StringIO()
    print_summary(record, Console(file=stream, width=300, force_terminal=False))
    return stream.getvalue()


def test_the_sentence_stands_in_every_report(record) -> None:
    made = decided(record)
    assert WHY in render_html(made)
    assert WHY in on_terminal(made)
    assert WHY.replace("(", "\\(").replace(")", "\\)") in render_markdown(made)
    for decision in Decision:
        assert WHY in render_junit(decided(record, decision=decision))


@pytest.mark.parametrize(
    ("p", "adjusted", "written"),
    [
        (None, None, "–"),
        (0.0123, None, "0.012"),
        (0.0123, 0.0246, "0.012, 0.025 (Holm)"),
        (0.0, 1.0, "<\u00a00.001, 1.000 (Holm)"),
    ],
)
def test_p_values(record, p: float | None, adjusted: float | None, written: str) -> None:
    made = decided(record, p_value=p, adjusted_p=adjusted)
    assert phrases.p_value(made.verdict.thresholds[0]) == written
    assert written in on_terminal(made)
    assert written.replace("<", "&lt;") in render_html(made)
    assert written.replace("<", "&lt;").replace("(", "\\(").replace(")", "\\)") in render_markdown(made)


def test_a_contradiction_is_marked(record) -> None:
    mark = '<span class="badge inconclusive">methods disagree</span>'
    assert mark not in render_html(decided(record, second=Interval(-0.4, -0.01)))
    assert mark in render_html(decided(record, second=Interval(-0.4, -0.01), methods_disagree=True))


def test_both_figures_are_shown_where_answers_were_lost(record) -> None:
    made = measured(record, answered=Answered(97, 0.61, None))
    for text in (render_html(made), on_terminal(made), render_markdown(made).replace("\\", "")):
        assert "0.6000 and 0.4000 with lost answers counted against the candidate" in text
        assert "0.6100 (baseline) and n/a (candidate) on the 97 cases that both answered" in text
    assert "with lost answers" not in render_html(record("words"))


def test_the_second_opinion_is_told(record) -> None:
    second = SecondOpinion("other method", Interval(-0.25, -0.15), None, None, "exact randomisation of 12 cases", 0.99, 0.004)
    page = render_html(measured(record, second=second))
    for said in ("other method", "−0.2500 to −0.1500", "exact randomisation of 12 cases", "0.990 / 0.004"):
        assert said in page
    assert "no second opinion" in render_html(record("words"))
    assert "words" in re.findall(r"^\| m \|.*$", render_markdown(record("words")), re.MULTILINE)[0]


def test_verdict_json_has_the_same_figures(record) -> None:
    second = SecondOpinion("other", Interval(-0.25, -0.15), None, Interval(0.1, 0.2), "exact McNemar", float("nan"), 0.004)
    made = measured(record, second=second, answered=Answered(97, 0.61, float("nan")))
    document = verdict_document(made.verdict, made.identity)
    assert document["metrics"]["m"]["second"] == {
        "method": "other", "delta": [-0.25, -0.15], "relative": None, "candidate": [0.1, 0.2],
        "randomisation": "exact McNemar", "p_higher": None, "p_lower": 0.004,
    }  # fmt: skip
    assert document["metrics"]["m"]["answered"] == {"cases": 97, "baseline": 0.61, "candidate": None}
    found = verdict_document(
        decided(record, p_value=0.02, adjusted_p=0.04, second=Interval(-1, 1), methods_disagree=True).verdict, made.identity
    )
    first, last = found["thresholds"]
    assert (first["p_value"], first["adjusted_p"], first["second"], first["methods_disagree"]) == (0.02, 0.04, [-1.0, 1.0], True)
    assert (last["p_value"], last["adjusted_p"], last["second"], last["methods_disagree"]) == (None, None, None, False)
    assert found["metrics"]["m"]["second"] is None
    assert "answered" not in found["metrics"]["m"]


def test_a_long_sentence_is_cut_in_the_summary_only(record) -> None:
    made = decided(record, reason="x" * 3_000)
    assert "2,500 more characters" in render_markdown(made)
    assert "x" * 3_000 in render_html(made)


def test_the_second_interval_stands_below_the_first(record) -> None:
    told = '<small>second opinion <span class="unbroken">−0.4000 to +0.1000</span></small>'
    assert told in render_html(decided(record, second=Interval(-0.4, 0.1)))
    assert "second opinion −" not in render_html(record("words"))
