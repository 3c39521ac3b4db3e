"""Hold every threshold against the results it speaks of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from evalgate.core.errors import BadInput, Incomplete
from evalgate.core.settings import Bound, Decide, TargetKind, Threshold
from evalgate.core.verdict import Decision, Results, ThresholdResult
from evalgate.gate.count_rules import rule_run, rule_safety
from evalgate.gate.holm import holm
from evalgate.gate.metric_rules import rule_metric
from evalgate.gate.observe import finite, metric_of, safety_of
from evalgate.gate.sentences import overruled, p_text, subject
from evalgate.gate.sides import NOISE


def decide(
    thresholds: Sequence[Threshold], results: Results, slices: Mapping[str, Results], *, confidence: float
) -> tuple[ThresholdResult, ...]:
    """One result per threshold, or one per slice value where it applies to each.

    Raises:
        Incomplete: a threshold's metric, category, run figure or slice was not measured.
        BadInput: a bound that is no number, or that its target does not know.
    """
    decided: list[ThresholdResult] = []
    for threshold in thresholds:
        found = [_one(threshold, name, part, confidence) for name, part in _parts(threshold, results, slices)]
        each = threshold.slice is not None and threshold.slice.value is None
        claims = each and threshold.kind is TargetKind.METRIC and threshold.bound is Bound.MIN_IMPROVEMENT
        decided += _corrected(found, confidence) if claims else found
    return tuple(decided)


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
            who = subject(threshold.name, name)
            ruling = rule_metric(threshold, metric_of(threshold, results), confidence, who=who, lost=_lost(results))
        case TargetKind.SAFETY:
            ruling = rule_safety(threshold, safety_of(threshold, results), name)
        case TargetKind.RUN:
            ruling = rule_run(threshold, results)
    result = ThresholdResult(
        threshold,
        name,
        ruling.observed,
        ruling.interval,
        ruling.decision,
        ruling.reason,
        p_value=ruling.p_value,
        second=ruling.second,
        methods_disagree=ruling.methods_disagree,
    )
    if results.run.cases < 1 and result.decision is Decision.PASS:
        return _taken_back(result, "no case was measured")
    return result


def _corrected(results: Sequence[ThresholdResult], confidence: float) -> list[ThresholdResult]:
    """Claims of improvement on each of several slices, with Holm's correction: each is another chance to be wrong.

    Rules that all slices must keep need none: the chance that any bad slice passes does not grow with their number.
    A claim without a p-value counts as one that nothing speaks for.
    """
    counted = [1.0 if result.p_value is None else result.p_value for result in results]
    found = []
    for result, adjusted in zip(results, holm(counted), strict=True):
        one = replace(result, adjusted_p=adjusted if result.p_value is not None else None)
        claimed = one.decision is Decision.PASS and one.threshold.decide is Decide.INTERVAL
        if claimed and adjusted > 1.0 - confidence + NOISE:
            p = "no p-value" if result.p_value is None else p_text(result.p_value)
            one = _taken_back(one, f"{p} becomes {adjusted:.2g} when corrected for {len(results)} slices (Holm)")
        found.append(one)
    return found


def _taken_back(result: ThresholdResult, why: str) -> ThresholdResult:
    return replace(result, decision=Decision.INCONCLUSIVE, reason=overruled(result.reason, why))
