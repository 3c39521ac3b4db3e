"""Thresholds on metrics: improvements, losses and levels, by interval or by estimate."""

from __future__ import annotations

from evalgate.core.errors import Incomplete
from evalgate.core.settings import Bound, Decide, Threshold
from evalgate.core.verdict import Decision, Interval, MetricResult
from evalgate.gate.newly_failing import rule_newly_failing
from evalgate.gate.observe import Observation, no_such_bound, observe_metric
from evalgate.gate.sentences import asked, changed, ends, figure

Ruling = tuple[float | None, Interval | None, Decision, str]
"""Observed value, its deciding interval, decision, reason."""

_CALL_UNITS = frozenset({"ms", "USD", "tokens"})
"""Units of figures about the call, not the answer: these can get better or worse although every answer stayed the same."""

TOLERANCE = 1e-9
"""Slack of counts and of the confidence."""

_NOISE = 1e-12
"""Relative slack of equality: 0.42 / 0.40 - 1 is a hair below 0.05 in floats, and exactly +5 % must pass 5 %."""


def rule_metric(threshold: Threshold, metric: MetricResult, confidence: float, *, lost: int = 0) -> Ruling:
    """Decide a metric threshold.

    `lost`: answers that are missing on either side; two lost answers look identical and prove nothing.
    Raises: BadInput for a bound that metrics do not have; Incomplete when the metric has another confidence.
    """
    if abs(metric.confidence - confidence) > TOLERANCE:
        said = f"{threshold.target} was measured at confidence {metric.confidence:g}, not {confidence:g}"
        raise Incomplete(said, where=threshold.place or threshold.target)
    if metric.n < 1 or metric.rows < 1:
        return None, None, Decision.INCONCLUSIVE, "no case was measured"
    if threshold.bound is Bound.MAX_NEWLY_FAILING:
        return rule_newly_failing(threshold, metric)
    if threshold.bound not in (Bound.MIN, Bound.MAX, Bound.MIN_IMPROVEMENT, Bound.MAX_REGRESSION):
        raise no_such_bound(threshold)
    seen = observe_metric(threshold, metric)
    if seen.value is None:
        return None, None, Decision.INCONCLUSIVE, f"no value: {seen.reason or 'it is not defined on these cases'}"
    change = threshold.bound in (Bound.MIN_IMPROVEMENT, Bound.MAX_REGRESSION)
    if change and seen.identical and metric.unit not in _CALL_UNITS:
        ruling = _identical(threshold, seen, lost)
        if ruling is not None:
            return ruling
    decision, why = _by_estimate(threshold, seen) if threshold.decide is Decide.ESTIMATE else _by_interval(threshold, seen)
    return seen.value, seen.interval, decision, _sentence(threshold, seen, confidence, why)


def _limit(threshold: Threshold) -> float:
    return -threshold.value if threshold.bound is Bound.MAX_REGRESSION else threshold.value


def _slack(threshold: Threshold, seen: Observation) -> float:
    """Rounding noise of the figure: a share of the numbers it was subtracted from, however small their unit."""
    assert seen.value is not None
    if threshold.bound in (Bound.MIN, Bound.MAX):
        return _NOISE * max(abs(seen.value), abs(threshold.value))
    return _NOISE * ((1.0 if threshold.relative else abs(seen.baseline or 0.0)) + abs(seen.value))


def _by_interval(threshold: Threshold, seen: Observation) -> tuple[Decision, str]:
    if seen.interval is None:
        return Decision.INCONCLUSIVE, f"no interval: {seen.reason or 'too few cases'}"
    low, high, limit = seen.interval.low, seen.interval.high, _limit(threshold)
    if threshold.bound is Bound.MAX:
        low, high, limit = -high, -low, -limit
    if low >= limit:
        return Decision.PASS, ""
    if high < limit:
        return Decision.FAIL, ""
    return Decision.INCONCLUSIVE, "the interval holds values on both sides of the bound"


def _by_estimate(threshold: Threshold, seen: Observation) -> tuple[Decision, str]:
    assert seen.value is not None
    gap = seen.value - _limit(threshold)
    if threshold.bound is Bound.MAX:
        gap = -gap
    passed = gap >= -_slack(threshold, seen)
    return (Decision.PASS if passed else Decision.FAIL), "decided on the point estimate"


def _identical(threshold: Threshold, seen: Observation, lost: int) -> Ruling | None:
    """Byte-identical outputs lose nothing, and prove no improvement either.

    Returns: None where the figures must decide: something was lost, or the metric moved although the answers did not.
    """
    if threshold.bound is Bound.MAX_REGRESSION:
        if lost or seen.value != 0 or threshold.value < 0:
            return None
        reason = "identical outputs: nothing was lost, and nothing is known about a change"
        return seen.value, seen.interval, Decision.PASS, f"{reason}; {asked(threshold)}"
    decision = Decision.FAIL if threshold.value > 0 and threshold.decide is Decide.ESTIMATE else Decision.INCONCLUSIVE
    return seen.value, seen.interval, decision, f"identical outputs: no evidence of an improvement; {asked(threshold)}"


def _sentence(threshold: Threshold, seen: Observation, confidence: float, why: str) -> str:
    assert seen.value is not None
    if threshold.bound in (Bound.MIN, Bound.MAX):
        said = f"candidate {figure(seen.value)}"
    else:
        said = changed(seen.value, relative=threshold.relative)
    if seen.interval is not None:
        said += f", {ends(seen.interval, confidence, relative=threshold.relative)}"
    return f"{said}, {asked(threshold)}" + (f"; {why}" if why else "")
