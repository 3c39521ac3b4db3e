"""A slice that failed, or got clearly worse, is named at the top of the page, not only in its own section."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evalgate.core.record import RunRecord
from evalgate.core.settings import Bound, SliceChoice, TargetKind, Threshold
from evalgate.core.verdict import Decision, Estimate, Interval, ThresholdResult
from evalgate.report.page import render_html
from evalgate.report.page_slices import slices, slices_banner


def result(where: str | None, decision: Decision) -> ThresholdResult:
    choice = SliceChoice("language", where) if where else None
    threshold = Threshold(TargetKind.METRIC, "m", Bound.MAX_REGRESSION, 0.05, False, "0.05", choice)
    return ThresholdResult(threshold, f"language={where}" if where else None, -0.2, Interval(-0.3, -0.1), decision, "why")


def made_of(made: RunRecord, *results: ThresholdResult, moved: tuple[float, float] = (-0.1, 0.1)) -> RunRecord:
    """The record with these thresholds, and slices whose intervals are `moved`."""
    parts = {}
    for name, part in made.verdict.slices.items():
        metric = part.metrics["m"]
        ends = Interval(*moved)
        delta = Estimate(sum(moved) / 2, ends, ends)
        parts[name] = replace(part, metrics={"m": replace(metric, delta=delta)})
    return replace(made, verdict=replace(made.verdict, thresholds=results, slices=parts))


def test_a_slice_that_fails_is_named(record) -> None:
    made = made_of(record("x"), result(None, Decision.PASS), result("de", Decision.FAIL), result("fr", Decision.PASS))
    said = slices_banner(made)
    assert "Slices that break a threshold</a>: m [language=de] gets worse by at most 0.05, observed −0.2000" in said.replace(
        "&#61;", "="
    )
    assert "fr" not in said and "undecided" not in said
    page = render_html(made)
    assert page.index("Slices that break a threshold") < page.index('id="thresholds"')


def test_undecided_slices_stand_below_those_that_fail(record) -> None:
    said = slices_banner(made_of(record("x"), result("de", Decision.INCONCLUSIVE), result("fr", Decision.FAIL)))
    assert said.index("language&#61;fr") < said.index("Slices on which a threshold is undecided") < said.index("language&#61;de")


def test_many_are_counted(record) -> None:
    said = slices_banner(made_of(record("x"), *(result(f"l{n}", Decision.FAIL) for n in range(7))))
    assert "and 4 more" in said and "l2" in said and "l3" not in said


def test_a_clear_loss_without_a_threshold_is_named(record) -> None:
    said = slices_banner(made_of(record("x"), moved=(-0.3, -0.1)))
    assert "Slices that got clearly worse</a>: m [language" in said and "−0.2000" in said


@pytest.mark.parametrize(
    ("thresholds", "told"),
    [((), "no threshold looks at a slice"), ((result("de", Decision.PASS),), "every threshold on a slice passed")],
)
def test_otherwise_it_says_that_nothing_is_wrong(record, thresholds, told: str) -> None:
    said = slices_banner(made_of(record("x"), *thresholds))
    assert f"1 slice; no metric got clearly worse on any of them, and {told}" in said


def test_without_slices_nothing_is_said(record) -> None:
    made = record("x")
    assert slices_banner(replace(made, verdict=replace(made.verdict, slices={}))) == ""


def test_the_order_is_explained_beside_the_picture(record) -> None:
    part = slices(record("x"))
    assert part.index("Worst first. Slices that got clearly worse (the whole 95\u00a0% interval") < part.index("<figure")
