"""Thresholds on metrics: improvements, losses and levels, by interval or by estimate."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from evalgate.core.errors import Incomplete
from evalgate.core.settings import Bound, Decide, Threshold
from evalgate.core.verdict import Decision, Interval, MetricResult
from evalgate.gate.exact import exact_amount, exact_shares
from evalgate.gate.newly_failing import rule_newly_failing
from evalgate.gate.observe import Observation, no_such_bound, observe_metric, probable
from evalgate.gate.second_opinion import objection, p_of_no_change
from evalgate.gate.sentences import ON_THE_ESTIMATE, WHOLE, form_of, metric_sentence, reaches, required, undecided
from evalgate.gate.sides import Sides, sides_of

_CALL_UNITS = frozenset({"ms", "USD", "tokens"})
"""Units of figures about the call, not the answer: these can get better or worse although every answer stayed the same."""

_CHANGES = frozenset({Bound.MIN_IMPROVEMENT, Bound.MAX_REGRESSION})
_SAME_LEVEL = 1e-9


@dataclass(frozen=True, slots=True)
class Ruling:
    """What one threshold came to on one set of cases."""

    observed: float | None
    interval: Interval | None
    decision: Decision
    reason: str
    p_value: float | None = None
    second: Interval | None = None
    methods_disagree: bool = False


def rule_metric(threshold: Threshold, metric: MetricResult, confidence: float, *, who: str, lost: int = 0) -> Ruling:
    """Decide a metric threshold.

    `who`: the metric's name in sentences, its slice included.
    `lost`: answers that are missing on either side; two lost answers look identical and prove nothing.
    Raises: BadInput for a bound that metrics do not have; Incomplete when the metric has another confidence.
    """
    if abs(metric.confidence - confidence) > _SAME_LEVEL:
        said = f"{threshold.target} was measured at confidence {metric.confidence:g}, not {confidence:g}"
        raise Incomplete(said, where=threshold.place or threshold.target)
    if metric.n < 1 or metric.rows < 1:
        return Ruling(None, None, Decision.INCONCLUSIVE, f"{who}: {undecided('no case was measured')}.")
    if threshold.bound is Bound.MAX_NEWLY_FAILING:
        observed, interval, decision, reason = rule_newly_failing(threshold, metric)
        return Ruling(observed, interval, decision, f"{who}: {reason}")
    if threshold.bound not in (Bound.MIN, Bound.MAX, *_CHANGES):
        raise no_such_bound(threshold)
    seen = observe_metric(threshold, metric)
    if seen.value is None:
        why = f"no value: {seen.reason or 'it is not defined on these cases'}"
        return Ruling(None, None, Decision.INCONCLUSIVE, f"{who} has {why}; {required(threshold, metric)}: inconclusive.")
    identical = threshold.bound in _CHANGES and seen.identical and metric.unit not in _CALL_UNITS
    ruling = _identical(threshold, metric, seen, who, lost) if identical else None
    return ruling or _figures(threshold, metric, seen, who)


def _figures(threshold: Threshold, metric: MetricResult, seen: Observation, who: str) -> Ruling:
    sides = sides_of(threshold, metric, seen)
    disagree = False
    if threshold.decide is Decide.ESTIMATE:
        decision = _by_estimate(threshold, metric, seen, sides)
        outcome = f"{decision}{ON_THE_ESTIMATE}"
    else:
        decision, outcome = _by_interval(threshold, metric, seen, sides)
        said = objection(threshold, metric, seen, sides, decision)
        if said is not None:
            decision, outcome, disagree = Decision.INCONCLUSIVE, undecided(said), True
    sentence = metric_sentence(who, threshold, metric, seen, outcome)
    p_value = _p_value(threshold, metric, seen, sides)
    return Ruling(seen.value, seen.interval, decision, sentence, p_value, seen.second, disagree)


def _by_interval(threshold: Threshold, metric: MetricResult, seen: Observation, sides: Sides) -> tuple[Decision, str]:
    if seen.interval is None:
        return Decision.INCONCLUSIVE, undecided(f"there is no interval: {seen.reason or 'too few cases'}")
    decision = sides.of(seen.interval)
    if decision is not Decision.INCONCLUSIVE:
        return decision, f"{decision}{WHOLE[decision]}"
    return decision, undecided(reaches(threshold, form_of(threshold, metric, seen), sides.bad_end(seen.interval)))


def _by_estimate(threshold: Threshold, metric: MetricResult, seen: Observation, sides: Sides) -> Decision:
    assert seen.value is not None
    exact = _exact_gap(threshold, metric, seen)
    if exact is not None:
        return Decision.PASS if exact >= 0 else Decision.FAIL
    return sides.of_value(seen.value)


def _exact_gap(threshold: Threshold, metric: MetricResult, seen: Observation) -> Fraction | None:
    """How far shares of cases lie on the good side of the bound, without rounding; None for other figures."""
    shares = exact_shares(metric)
    if shares is None:
        return None
    before, after = shares
    limit = exact_amount(threshold)
    if threshold.bound in (Bound.MIN, Bound.MAX):
        return after - limit if threshold.bound is Bound.MIN else limit - after
    if threshold.relative and before == 0:
        return None
    gain = (after - before) / (before if threshold.relative else 1)
    if metric.delta.value is None or abs(float(after - before) - metric.delta.value) > _SAME_LEVEL:
        return None
    return (gain if seen.sign > 0 else -gain) + (limit if threshold.bound is Bound.MAX_REGRESSION else -limit)


def _p_value(threshold: Threshold, metric: MetricResult, seen: Observation, sides: Sides) -> float | None:
    """One-sided p-value of the claim that the threshold makes; of "no loss", half of the published two-sided one."""
    if seen.inference is None:
        return None
    if threshold.bound in _CHANGES and not threshold.relative and sides.limit == 0:
        return p_of_no_change(metric, seen)
    above = (seen.sign > 0) is sides.upward
    found = seen.inference.p_above(seen.sign * sides.limit) if above else seen.inference.p_below(seen.sign * sides.limit)
    return found if probable(found) else None


def _identical(threshold: Threshold, metric: MetricResult, seen: Observation, who: str, lost: int) -> Ruling | None:
    """Byte-identical outputs lose nothing, and prove no improvement either.

    Returns: None where the figures must decide: something was lost, or the metric moved although the answers did not.
    """
    asked = required(threshold, metric)
    if threshold.bound is Bound.MAX_REGRESSION:
        if lost or seen.value != 0 or threshold.value < 0:
            return None
        reason = f"{who} did not change: all outputs are identical, so nothing was lost; {asked}: pass."
        return Ruling(seen.value, seen.interval, Decision.PASS, reason)
    decision = Decision.FAIL if threshold.decide is Decide.ESTIMATE else Decision.INCONCLUSIVE
    reason = f"{who}: all outputs are identical, which shows no improvement; {asked}: {decision}."
    return Ruling(seen.value, seen.interval, decision, reason)
