"""The sentences that every report says in the same words: conditions, modes, bounds, what a threshold observed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from evalgate.core.record import CaseRecord, RunRecord
from evalgate.core.settings import Bound, Level, TargetKind, Threshold
from evalgate.core.values import ARMS, Arm, Severity, Status
from evalgate.core.verdict import Decision, MetricResult, SafetyResult, ThresholdResult
from evalgate.report import figures

NOT_PROVIDED = "not provided"
BY_COMPARE = "evalgate compare is given outputs, not prompts and models"

_ASKS = {
    Bound.MIN: "at least {}",
    Bound.MAX: "at most {}",
    Bound.MIN_IMPROVEMENT: "improves by at least {}",
    Bound.MAX_REGRESSION: "gets worse by at most {}",
    Bound.MAX_NEWLY_FAILING: "newly failing cases: at most {}",
    Bound.MAX_INCREASE: "violating cases increase by at most {}",
    Bound.MAX_NEW: "newly violating cases: at most {}",
}
_MODES = {
    "replay": "Recorded answers; no model was called",
    "record": "Answers of a model; missing ones were called for and recorded in this run",
    "refresh": "Answers of a model, all called for anew and recorded by this run (continued, if it was interrupted)",
    "mock": "Made-up answers (mock); this says nothing about a real model",
    "live": "Live answers of a model; nothing was recorded, so this run cannot be replayed",
    "compare": "Outputs given as files; no model was called",
    "files": "Outputs given as files; no model was called",
    "runs": "Answers of two finished runs; no model was called",
}
SIGNED = frozenset({Bound.MIN_IMPROVEMENT, Bound.MAX_REGRESSION, Bound.MAX_INCREASE})
"""Bounds on a difference: what was observed has a sign."""
_COUNTS = frozenset({Bound.MAX_NEWLY_FAILING, Bound.MAX_NEW, Bound.MAX_INCREASE})
P_NOTE = (
    "p: how easily chance alone would give a figure this good if the truth lay at the bound; with Holm's correction where each "
    "slice claims an improvement. Where a second method contradicts the first, nothing is decided."
)
UPWARD = frozenset({Bound.MIN, Bound.MIN_IMPROVEMENT, Bound.MAX_REGRESSION})
"""Bounds that pass on the right of their line."""


def missing(where: str) -> str:
    """What this run was not told, and where it can be said: `not provided (metadata.owner of the prompt)`."""
    return f"{NOT_PROVIDED} ({where})"


def word(decision: Decision) -> str:
    """PASS, FAIL or INCONCLUSIVE."""
    return decision.value.upper()


def outcome(result: ThresholdResult) -> str:
    """PASS, FAIL or INCONCLUSIVE of one threshold, said so that a warning is not taken for a failure of the gate."""
    warns = result.threshold.level is Level.WARN and result.decision is not Decision.PASS
    return f"WARN: {result.decision.value}" if warns else word(result.decision)


def mode(record: RunRecord) -> str:
    """Where the answers came from."""
    name = str(record.environment.get("mode", record.identity.mode))
    said = _MODES.get(name) or f"Mode {name}"
    return f"{said}; {shared}" if (shared := shared_cases(record)) else said


def shared_cases(record: RunRecord) -> str:
    """Of two runs: on how many cases they are compared, and how many of each are left out; else nothing."""
    found: Any = record.identity.shared
    if not found:
        return ""
    left = [
        f"{figures.count(found[arm]['cases'] - found['cases'])} of {figures.count(found[arm]['cases'])} of the {arm} left out"
        for arm in ("baseline", "candidate")
    ]
    return f"compared on the {figures.counted(found['cases'], 'case')} that are the same in both, {', '.join(left)}"


def asks(threshold: Threshold) -> str:
    """What a threshold asks of its target: `improves by at least 5%`."""
    return _ASKS[threshold.bound].format(threshold.text or f"{threshold.value:g}")


def p_value(result: ThresholdResult) -> str:
    """The one-sided p-value of the claim; `0.012, 0.024 (Holm)` where several slices claim an improvement."""
    if result.p_value is None:
        return "–"
    shown = figures.p_value(result.p_value)
    return shown if result.adjusted_p is None else f"{shown}, {figures.p_value(result.adjusted_p)} (Holm)"


def second_interval(record: RunRecord, result: ThresholdResult) -> str:
    """What the second opinion says of the number that was held against the bound."""
    unit, signed = unit_of(record, result.threshold), result.threshold.bound in SIGNED
    return figures.interval_beside(result.second, bound_value(result.threshold), unit, signed=signed)


def answered_note(metric: MetricResult) -> str:
    """A metric without the cases that lost an answer: `exact_match: 0.80 and 0.81 on the 97 cases that were answered …`."""
    found = metric.answered
    if found is None:
        return ""
    before, after = figures.figure(found.baseline, metric.unit), figures.figure(found.candidate, metric.unit)
    alone = f"{before} (baseline) and {after} (candidate) on the {figures.counted(found.cases, 'case')} that both answered"
    counted = f"{figures.figure(metric.baseline.value, metric.unit)} and {figures.figure(metric.candidate.value, metric.unit)}"
    return f"{metric.name}: {counted} with lost answers counted against the candidate; {alone}"


def judgement_notes(metric: MetricResult) -> list[str]:
    """What is to be known of scores that a model gives: how many could not be read, and why they may not decide."""
    notes = []
    if metric.unread is not None and any(metric.unread.values()):
        told = " and ".join(f"{count:,} of the {arm}" for arm, count in metric.unread.items())
        counted = "the candidate's count as the worst, the baseline's as the best"
        notes.append(f"{metric.name}: judgements that could not be read: {told}; {counted}")
    if metric.distrust is not None:
        notes.append(f"{metric.name}: no blocking threshold may decide on it: {metric.distrust}")
    return notes


def target(result: ThresholdResult) -> str:
    """What a threshold is about, its slice included: `rougeL [language=de]`."""
    threshold = result.threshold
    prefix = "" if threshold.kind is TargetKind.METRIC else f"{threshold.kind.value} "
    narrowed = f" ({threshold.only})" if threshold.only else ""
    return f"{prefix}{threshold.name}{narrowed}" + (f" [{result.slice}]" if result.slice else "")


def bound_value(threshold: Threshold) -> float:
    """Where the bound stands on the scale of what was observed: a regression is a negative improvement."""
    return -threshold.value if threshold.bound is Bound.MAX_REGRESSION else threshold.value


def unit_of(record: RunRecord, threshold: Threshold) -> str:
    """The unit of what a threshold observed."""
    share_of_cases = threshold.bound in _COUNTS and threshold.text.endswith("%")
    if threshold.relative or share_of_cases or threshold.target == "run:error_rate":
        return figures.SHARE
    if threshold.kind is not TargetKind.METRIC or threshold.bound in _COUNTS:
        return figures.COUNT
    metric = record.verdict.results.metrics.get(threshold.name)
    return metric.unit if metric else ""


def observed(record: RunRecord, result: ThresholdResult) -> str:
    """The number held against the bound."""
    unit, signed = unit_of(record, result.threshold), result.threshold.bound in SIGNED
    return figures.figure_beside(result.observed, bound_value(result.threshold), unit, signed=signed)


def observed_interval(record: RunRecord, result: ThresholdResult) -> str:
    """The deciding interval of that number."""
    unit, signed = unit_of(record, result.threshold), result.threshold.bound in SIGNED
    return figures.interval_beside(result.interval, bound_value(result.threshold), unit, signed=signed)


def upper_bound(result: SafetyResult) -> str:
    """What a count of violations says about the rate: `0 of 200: at most 1.5 % at 95 % confidence`."""
    rate, level = figures.percent(result.upper_bound), figures.level(result.confidence)
    return f"{figures.count(result.candidate)} of {figures.count(result.cases)}: at most {rate} at {level} confidence"


def true_rate(result: SafetyResult) -> str:
    """The same with the bound from below, where anything was found: `at least 0.9 % and at most 14.9 %, each at 95 % …`."""
    if not result.candidate:
        return upper_bound(result)
    low, high = figures.percent(result.lower_bound), figures.percent(result.upper_bound)
    counted = f"{figures.count(result.candidate)} of {figures.count(result.cases)}"
    return f"{counted}: at least {low} and at most {high}, each at {figures.level(result.confidence)} confidence"


def detectable(result: SafetyResult) -> str:
    """What so many cases could have missed, in plain words."""
    if result.detectable_rate is None:
        return "No case was examined, so nothing could have shown."
    rate, level = figures.percent(result.detectable_rate), figures.level(result.confidence)
    number = figures.counted(result.cases, "case")
    return (
        f"{number} examined: a violation in {rate} of all answers would have shown at least once with {level} probability; "
        "a rarer one may have been missed."
    )


def at_least(severity: Severity) -> str:
    """`high or worse`."""
    return "any severity" if severity is Severity.LOW else "critical" if severity is Severity.CRITICAL else f"{severity} or worse"


def extra_counts(found: Iterable[SafetyResult]) -> tuple[str, ...]:
    """Which of `undecided` and `waived` there is anything of."""
    every = tuple(found)
    return tuple(name for name in ("undecided", "waived") if any(any(getattr(one, name).values()) for one in every))


def both_arms(counts: Mapping[Arm, int]) -> str:
    """Cases of each variant: `2 → 3`; `–` where there is none."""
    both = [counts.get(arm, 0) for arm in ARMS]
    return " → ".join(map(figures.count, both)) if any(both) else "–"


def masking_note(record: RunRecord) -> str:
    """What reports show of what was found."""
    if record.settings.findings.shown:
        return "What detectors found is shown and highlighted, as findings.text: shown (or --show-findings) asks."
    return "What detectors found is masked; findings.text: shown (or --show-findings) shows it. The same mark is the same text."


def movement_kinds(case: CaseRecord) -> tuple[str, ...]:
    """Why a case is shown, from a fixed vocabulary, worst first."""
    kinds = []
    if case.newly_violating:
        kinds.append("violating")
    if Status.ERROR in (case.baseline.status, case.candidate.status):
        kinds.append("errored")
    kinds.append(case.movement if case.movement in ("regressed", "improved") else "unchanged")
    return tuple(kinds)


def interval_note(record: RunRecord) -> str:
    """Which interval is which."""
    confidence = record.settings.confidence
    reading = figures.level(confidence)
    deciding = figures.level(round(2 * confidence - 1, 12))
    return (
        f"Each bound errs with probability at most {figures.level(round(1 - confidence, 12))}: "
        f"thresholds are decided on the two-sided {deciding} interval, tables of metrics show the {reading} one."
    )
