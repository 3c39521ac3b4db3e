"""Hold every threshold against the results it speaks of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from evalgate.core.errors import BadInput, Incomplete
from evalgate.core.settings import TargetKind, Threshold
from evalgate.core.verdict import Decision, Results, ThresholdResult
from evalgate.gate.count_rules import rule_run, rule_safety
from evalgate.gate.metric_rules import rule_metric
from evalgate.gate.observe import finite, metric_of, safety_of


def decide(
    thresholds: Sequence[Threshold], results: Results, slices: Mapping[str, Results], *, confidence: float
) -> tuple[ThresholdResult, ...]:
    """One result per threshold, or one per slice value where it applies to each.

    Raises:
        Incomplete: a threshold's metric, category, run figure or slice was not measured.
        BadInput: a bound that is no number, or that its target does not know.
    """
    return tuple(
        _one(threshold, name, part, confidence) for threshold in thresholds for name, part in _parts(threshold, results, slices)
    )


def _parts(threshold: Threshold, results: Results, slices: Mapping[str, Results]) -> Iterator[tuple[str | None, Results]]:
    choice = threshold.slice
    if choice is None:
        yield None, results
        return
    if choice.column is not None and choice.value is not None:
        names = [f"{choice.column}={choice.value}"]
    else:
        prefix = "" if choice.column is None else f"{choice.column}="
        names = [name for name in slices if name.startswith(prefix)]
    missing = [name for name in names if name not in slices]
    if missing or not names:
        said = f"slice {choice} of {threshold.target} selects no case"
        raise Incomplete(said, where=threshold.place or threshold.target, hint=f"slices: {', '.join(slices) or 'none'}")
    for name in names:
        yield name, slices[name]


def _lost(results: Results) -> int:
    return results.run.errors_baseline + results.run.errors_candidate


def _one(threshold: Threshold, name: str | None, results: Results, confidence: float) -> ThresholdResult:
    if not finite(threshold.value):
        said = f"the {threshold.bound} of {threshold.target} is not a finite number"
        raise BadInput(said, where=threshold.place or threshold.target)
    match threshold.kind:
        case TargetKind.METRIC:
            ruling = rule_metric(threshold, metric_of(threshold, results), confidence, lost=_lost(results))
        case TargetKind.SAFETY:
            ruling = rule_safety(threshold, safety_of(threshold, results))
        case TargetKind.RUN:
            ruling = rule_run(threshold, results)
    observed, interval, decision, reason = ruling
    if results.run.cases < 1 and decision is Decision.PASS:
        decision, reason = Decision.INCONCLUSIVE, "no case was measured"
    return ThresholdResult(threshold, name, observed, interval, decision, reason)
