"""From threshold results to the verdict: FAIL outranks INCONCLUSIVE outranks PASS."""

from __future__ import annotations

from collections.abc import Sequence

from evalgate.core.settings import Level, TargetKind
from evalgate.core.verdict import Decision, Results, RunFigures, ThresholdResult
from evalgate.gate.count_rules import ANY
from evalgate.gate.observe import finite
from evalgate.gate.sentences import subject

_NAMED = 3
"""Further thresholds that the sentence names."""
_RANK = {Decision.PASS: 0, Decision.INCONCLUSIVE: 1, Decision.FAIL: 2}


def conclude(
    results: Sequence[ThresholdResult],
    run: RunFigures,
    *,
    require_threshold: bool,
    missing: Sequence[str] = (),
    untold: Sequence[str] = (),
) -> tuple[Decision, str]:
    """The decision of the whole gate, and the sentence that says what decided.

    `require_threshold`: whether a gate without a blocking threshold of its own can pass (it cannot in `run`).
    `missing`: metrics that were asked for and have no value; a pass rests on complete evidence.
    `untold`: safety categories about which something could not be decided. Thresholds have taken that into account; without
        any, not everything was measured.
    """
    blocking = [r for r in results if r.threshold.level is Level.BLOCK]
    declared = [r for r in blocking if not r.threshold.implicit]
    worst = max((r.decision for r in blocking), key=_RANK.__getitem__, default=Decision.PASS)
    if worst is not Decision.PASS:
        return worst, _because(worst, [r for r in blocking if r.decision is worst]) + _warnings(results)
    if run.cases < 1:
        return Decision.INCONCLUSIVE, "No case was measured."
    if missing:
        return Decision.INCONCLUSIVE, f"Not everything was measured: {', '.join(missing)} has no value on these cases."
    if require_threshold and not declared:
        return Decision.INCONCLUSIVE, "No blocking threshold was declared, so nothing was decided."
    if not declared and untold:
        return Decision.INCONCLUSIVE, f"Not everything was measured: {', '.join(untold)} could not be decided in every case."
    if not declared:
        return Decision.PASS, f"{run.cases} cases measured completely; no threshold was declared." + _warnings(results)
    number = len(blocking)
    said = "The only blocking threshold passed" if number == 1 else f"All {number} blocking thresholds passed"
    return Decision.PASS, f"{said}. {declared[0].reason}{_warnings(results)}"


def unmeasured(results: Results) -> tuple[str, ...]:
    """Metrics without a value for baseline, candidate or their difference, sorted."""
    return tuple(
        sorted(
            name
            for name, result in results.metrics.items()
            if not all(finite(estimate.value) for estimate in (result.baseline, result.candidate, result.delta))
        )
    )


def untold(results: Results) -> tuple[str, ...]:
    """Safety categories with cases that could not be decided, or whose detector may not decide, sorted; `any` apart."""
    return tuple(
        sorted(
            name
            for name, found in results.safety.items()
            if name != ANY and (found.reach is not None or found.distrust is not None or any(found.undecided.values()))
        )
    )


def _because(decision: Decision, results: Sequence[ThresholdResult]) -> str:
    """The sentence of the first, and the others by name: a slice that fails beside it must not be a mere number."""
    word = "broken" if decision is Decision.FAIL else "undecided"
    others = list(dict.fromkeys(_name(result) for result in results[1:]))
    if not others:
        return results[0].reason
    more = f" and {len(others) - _NAMED} more" if len(others) > _NAMED else ""
    return f"{results[0].reason} Also {word}: {'; '.join(others[:_NAMED])}{more}."


def _name(result: ThresholdResult) -> str:
    threshold = result.threshold
    narrowed = f" ({threshold.only})" if threshold.only else ""
    kind = "" if threshold.kind is TargetKind.METRIC else f"{threshold.kind} "
    return subject(f"{kind}{threshold.name}{narrowed}", result.slice)


def _warnings(results: Sequence[ThresholdResult]) -> str:
    warned = [r for r in results if r.threshold.level is Level.WARN and r.decision is not Decision.PASS]
    if not warned:
        return ""
    more = f" {len(warned) - 1} more warned." if len(warned) > 1 else ""
    return f" A warning, not blocking: {warned[0].reason}{more}"
