"""Thresholds on metrics: improvements, losses and levels, by interval or by estimate."""

from __future__ import annotations

from evalgate.core.settings import Bound, Decide, Threshold
from evalgate.core.verdict import Decision, Interval, MetricResult
from evalgate.gate.observe import Observation, observe_metric
from evalgate.gate.sentences import asked, cases, changed, ends, figure

Ruling = tuple[float | None, Interval | None, Decision, str]
"""Observed value, its deciding interval, decision, reason."""

TOLERANCE = 1e-9
"""Relative slack of equality: 0.42 / 0.40 - 1 is a hair below 0.05 in floats, and exactly +5 % must pass 5 %."""


def rule_metric(threshold: Threshold, metric: MetricResult, confidence: float) -> Ruling:
    """Decide a metric threshold."""
    if threshold.bound is Bound.MAX_NEWLY_FAILING:
        return _newly_failing(threshold, metric)
    seen = observe_metric(threshold, metric)
    if seen.value is None:
        return None, None, Decision.INCONCLUSIVE, f"no value: {seen.reason or 'it is not defined on these cases'}"
    change = threshold.bound in (Bound.MIN_IMPROVEMENT, Bound.MAX_REGRESSION)
    if change and seen.identical:
        return _identical(threshold, seen)
    decision, why = _by_estimate(threshold, seen) if threshold.decide is Decide.ESTIMATE else _by_interval(threshold, seen)
    return seen.value, seen.interval, decision, _sentence(threshold, seen, confidence, why)


def _limit(threshold: Threshold) -> float:
    return -threshold.value if threshold.bound is Bound.MAX_REGRESSION else threshold.value


def _slack(threshold: Threshold, seen: Observation) -> float:
    return TOLERANCE * max(1.0, abs(seen.baseline or 0.0), abs(threshold.value))


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


def _identical(threshold: Threshold, seen: Observation) -> Ruling:
    """Byte-identical outputs lose nothing, and prove no improvement either."""
    if threshold.bound is Bound.MAX_REGRESSION:
        reason = "identical outputs: nothing was lost, and nothing is known about a change"
        return seen.value, seen.interval, Decision.PASS, f"{reason}; {asked(threshold)}"
    decision = Decision.FAIL if threshold.value > 0 and threshold.decide is Decide.ESTIMATE else Decision.INCONCLUSIVE
    return seen.value, seen.interval, decision, f"identical outputs: no evidence of an improvement; {asked(threshold)}"


def _newly_failing(threshold: Threshold, metric: MetricResult) -> Ruling:
    count = metric.newly_failing
    if count is None:
        return None, None, Decision.INCONCLUSIVE, "newly failing cases are counted for pass/fail metrics only"
    decision = Decision.PASS if count <= threshold.value else Decision.FAIL
    fixed = f", {metric.newly_passing} newly passing" if metric.newly_passing is not None else ""
    return float(count), None, decision, f"{cases(count)} of {metric.rows} newly failing{fixed}; {asked(threshold)}"


def _sentence(threshold: Threshold, seen: Observation, confidence: float, why: str) -> str:
    assert seen.value is not None
    if threshold.bound in (Bound.MIN, Bound.MAX):
        said = f"candidate {figure(seen.value)}"
    else:
        said = changed(seen.value, relative=threshold.relative)
    if seen.interval is not None:
        said += f", {ends(seen.interval, confidence, relative=threshold.relative)}"
    return f"{said}, {asked(threshold)}" + (f"; {why}" if why else "")
