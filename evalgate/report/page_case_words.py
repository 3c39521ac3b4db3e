"""The words of one case, the same whether the page has them as HTML or as data."""

from __future__ import annotations

import json
from collections.abc import Mapping

from evalgate.core.record import ArmRecord, CaseRecord, RunRecord
from evalgate.core.values import JsonValue
from evalgate.report import figures, phrases

LOST_NOTE = "The scores count the missing answer against the candidate."
LABELS = {
    "violating": "newly violating",
    "errored": "no answer",
    "flaky": "flaky",
    "regressed": "regressed",
    "improved": "improved",
    "unchanged": "unchanged",
}
COLOURS = {
    "violating": "fail",
    "errored": "inconclusive",
    "flaky": "inconclusive",
    "regressed": "fail",
    "improved": "pass",
    "unchanged": "quiet",
}


def kinds_of(case: CaseRecord, flaky: frozenset[str]) -> tuple[str, ...]:
    """Why a case is worth a look, from the words of LABELS, worst first."""
    kinds = phrases.movement_kinds(case)
    return (*kinds[:-1], "flaky", kinds[-1]) if case.id in flaky else kinds


def flaky_ids(record: RunRecord) -> frozenset[str]:
    """The cases that are listed as flaky by any metric."""
    return frozenset(case_id for cases in record.verdict.flaky.values() for case_id in cases.ids)


def change_label(record: RunRecord, case: CaseRecord) -> str:
    """By how much the case moved: `rougeL +0.12`; empty where that was not measured."""
    by = record.verdict.cases.by
    if by is None or case.change is None:
        return ""
    metric = record.verdict.results.metrics.get(by)
    return f"{by} {figures.figure(case.change, metric.unit if metric else '', signed=True)}"


def where_words(case: CaseRecord) -> str:
    """Slices and group of a case."""
    where = [*case.slices.items(), *([("group", case.group)] if case.group else [])]
    return ", ".join(f"{name}: {value}" for name, value in where)


def value_words(value: JsonValue) -> str:
    """A text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def lost_words(arm: ArmRecord) -> str:
    """Why there is no answer that counts."""
    return f"{'Not measured' if arm.text else 'No answer'}: {arm.error or 'no reason given'}"


def directions(record: RunRecord) -> dict[str, float]:
    """Metric → 1 where higher is better, -1 where lower is; of metrics that were measured on the whole."""
    return {name: 1.0 if metric.higher_is_better else -1.0 for name, metric in record.verdict.results.metrics.items()}


def moved(case: CaseRecord, metric: str, better: Mapping[str, float]) -> int:
    """1 where the case got better by a metric, -1 where it got worse, else 0."""
    before, after = case.baseline.scores.get(metric), case.candidate.scores.get(metric)
    if before is None or after is None or abs(after - before) <= STILL:
        return 0
    gain = (after - before) * better.get(metric, 0.0)
    return (gain > 0) - (gain < 0)


def score_words(case: CaseRecord, metric: str, move: int) -> str:
    """`0.7 → 0.5, worse`: baseline and candidate, and which way the case `moved`."""
    said = f"{_score(case.baseline.scores.get(metric))} → {_score(case.candidate.scores.get(metric))}"
    return said + _MOVES[move]


def _score(value: float | None) -> str:
    return figures.NOT_AVAILABLE if value is None else f"{value:.4g}".replace("-", "−")


STILL = 1e-12
"""Scores that differ by less did not move: sums of floats differ in their last bits."""
_MOVES = {-1: ", worse", 0: "", 1: ", better"}
