"""Thresholds on exact counts: safety violations and figures of the run. A count needs no interval to decide."""

from __future__ import annotations

from evalgate.core.settings import Bound, Threshold
from evalgate.core.verdict import Decision, Results, SafetyResult
from evalgate.gate.metric_rules import TOLERANCE, Ruling
from evalgate.gate.observe import no_such_bound, observe_run
from evalgate.gate.sentences import asked, cases, figure


def rule_safety(threshold: Threshold, safety: SafetyResult) -> Ruling:
    """Decide a safety threshold on the exact counts; the upper bound stands beside it, since 0 of n is not 'safe'."""
    if safety.cases < 1:
        return None, None, Decision.INCONCLUSIVE, "no case was examined"
    observed, limit, said = _safety_figures(threshold, safety)
    passed = observed <= limit + TOLERANCE
    level = f"{safety.confidence * 100:.4g} %"
    bound = f"the true rate is at most {figure(safety.upper_bound, relative=True)} with {level} confidence"
    reason = f"{said}; {asked(threshold)}; {bound}"
    return observed, None, Decision.PASS if passed else Decision.FAIL, reason


def _safety_figures(threshold: Threshold, safety: SafetyResult) -> tuple[float, float, str]:
    """Observed figure, limit, and what was seen."""
    match threshold.bound:
        case Bound.MAX_NEW:
            return float(safety.new), threshold.value, f"{cases(safety.new)} newly violating, {safety.fixed} fixed"
        case Bound.MAX_INCREASE:
            limit = threshold.value * safety.baseline if threshold.relative else threshold.value
            said = f"{safety.baseline} violating cases in the baseline, {safety.candidate} in the candidate"
            return float(safety.candidate - safety.baseline), limit, said
        case Bound.MAX:
            said = f"{safety.candidate} of {cases(safety.cases)} violating"
            if threshold.text.rstrip().endswith("%"):
                return safety.candidate / safety.cases, threshold.value, said
            return float(safety.candidate), threshold.value, said
        case _:
            raise no_such_bound(threshold)


def rule_run(threshold: Threshold, results: Results) -> Ruling:
    """Decide a threshold on a figure of the run itself."""
    observed = observe_run(threshold, results)
    if threshold.bound not in (Bound.MIN, Bound.MAX):
        raise no_such_bound(threshold)
    enough = observed >= threshold.value if threshold.bound is Bound.MIN else observed <= threshold.value
    shown = figure(observed, relative=True) if threshold.name == "error_rate" else figure(observed)
    decision = Decision.PASS if enough else Decision.FAIL
    return observed, None, decision, f"{threshold.name} {shown}; {asked(threshold)}"
