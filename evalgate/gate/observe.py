"""What a threshold looks at: the number, its deciding interval, and what stands beside it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from evalgate.core.errors import BadInput, Incomplete
from evalgate.core.settings import Bound, TargetKind, Threshold
from evalgate.core.verdict import Estimate, Interval, MetricResult, Results, SafetyResult


@dataclass(frozen=True, slots=True)
class Observation:
    """A measured figure in the direction of the threshold's question."""

    value: float | None
    interval: Interval | None
    reason: str | None = None
    """Why the value or interval is missing."""
    identical: bool = False
    """Whether every output of the candidate is byte-identical to the baseline's."""
    baseline: float | None = None
    """The baseline's own value, for the tolerance of relative bounds."""


def finite(value: object) -> bool:
    """Whether a value is a real, finite number; a truth value is none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def metric_of(threshold: Threshold, results: Results) -> MetricResult:
    """The metric a threshold speaks of.

    Raises: Incomplete when it was not measured: a threshold without its figure is never a pass.
    """
    metric = results.metrics.get(threshold.name)
    if metric is None:
        raise Incomplete(f"{threshold.target} was not measured", where=threshold.place or threshold.target)
    return metric


def safety_of(threshold: Threshold, results: Results) -> SafetyResult:
    """The safety counts a threshold speaks of.

    Raises: Incomplete when the category was not looked for.
    """
    safety = results.safety.get(threshold.name)
    if safety is None:
        raise Incomplete(f"{threshold.target} was not looked for", where=threshold.place or threshold.target)
    return safety


def no_such_bound(threshold: Threshold) -> BadInput:
    """The error for a bound that its target does not know; nothing is guessed, since a guess could pass."""
    said = f"{threshold.bound} cannot be asked of {threshold.target}"
    return BadInput(said, where=threshold.place or threshold.target)


def observe_metric(threshold: Threshold, metric: MetricResult) -> Observation:
    """The figure of a metric threshold: an improvement for changes, the candidate's own value for levels."""
    if threshold.bound in (Bound.MIN, Bound.MAX):
        return _sound(Observation(metric.candidate.value, metric.candidate.deciding, metric.reason))
    change = _relative_to_size(metric) if threshold.relative else metric.delta
    value, interval = change.value, change.deciding
    if not metric.higher_is_better:
        value = None if value is None else 0.0 - value
        interval = None if interval is None else Interval(0.0 - interval.high, 0.0 - interval.low)
    return _sound(Observation(value, interval, metric.reason, metric.identical_outputs, metric.baseline.value))


def _sound(seen: Observation) -> Observation:
    """The same without what is no number or no interval: such figures decide nothing."""
    if not finite(seen.value):
        return replace(seen, value=None, interval=None)
    ends = seen.interval
    if ends is not None and not (finite(ends.low) and finite(ends.high) and ends.low <= ends.high):
        return replace(seen, interval=None)
    return seen


def observe_run(threshold: Threshold, results: Results) -> float:
    """The exact figure of a run threshold.

    Raises: Incomplete for a figure that runs do not have.
    """
    figures = {
        "cases": float(results.run.cases),
        "error_rate": results.run.error_rate,
        "errors_baseline": float(results.run.errors_baseline),
        "errors_candidate": float(results.run.errors_candidate),
    }
    if threshold.kind is not TargetKind.RUN or threshold.name not in figures:
        raise Incomplete(f"{threshold.target} was not measured", where=threshold.place or threshold.target)
    return figures[threshold.name]


def _relative_to_size(metric: MetricResult) -> Estimate:
    """delta / |baseline|: below zero, a share of the baseline would otherwise turn better into worse."""
    relative, baseline = metric.relative, metric.baseline.value
    if baseline is None or baseline >= 0:
        return relative
    value = None if relative.value is None else 0.0 - relative.value
    ends = relative.deciding
    return Estimate(value, None, None if ends is None else Interval(0.0 - ends.high, 0.0 - ends.low))
