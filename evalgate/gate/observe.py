"""What a threshold looks at: the number, its deciding interval, and what stands beside it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from evalgate.core.errors import BadInput, Incomplete
from evalgate.core.settings import Bound, TargetKind, Threshold
from evalgate.core.verdict import Inference, Interval, MetricResult, Results, SafetyResult


@dataclass(frozen=True, slots=True)
class Observation:
    """A measured figure in the direction of the threshold's question."""

    value: float | None
    interval: Interval | None
    reason: str | None = None
    """Why the value or interval is missing."""
    identical: bool = False
    """Whether every output of the candidate is byte-identical to the baseline's."""
    inference: Inference | None = None
    """The method behind the interval, on the scale that was measured."""
    sign: float = 1.0
    """-1 where the threshold's question is answered by the negative of what was measured."""
    second: Interval | None = None
    """What the second opinion says of the value, in the same direction."""
    likely: float | None = None
    """One-sided p-value of the randomisation: how easily chance alone gives a change as good as this one."""


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
    """The figure of a metric threshold: an improvement for changes, the candidate's own value for levels.

    Below zero, a share of the baseline would turn better into worse, so that it is one of the baseline's size.
    """
    second = metric.second
    if threshold.bound in (Bound.MIN, Bound.MAX):
        own = metric.candidate
        return _sound(
            Observation(
                own.value,
                own.deciding,
                metric.reason,
                inference=own.inference,
                second=second.candidate if second else None,
            )
        )
    change, other = metric.delta, second.delta if second else None
    sign = likely_sign = 1.0 if metric.higher_is_better else -1.0
    if threshold.relative:
        change, other = metric.relative, second.relative if second else None
        sign = -sign if (metric.baseline.value or 0.0) < 0 else sign
    likely = None if second is None else second.p_higher if likely_sign > 0 else second.p_lower
    value = None if change.value is None else change.value if sign > 0 else 0.0 - change.value
    return _sound(
        Observation(
            value,
            _turned(change.deciding, sign),
            metric.reason,
            metric.identical_outputs,
            change.inference,
            sign,
            _turned(other, sign),
            likely if probable(likely) else None,
        )
    )


def _turned(ends: Interval | None, sign: float) -> Interval | None:
    return ends if ends is None or sign > 0 else Interval(0.0 - ends.high, 0.0 - ends.low)


def probable(p: float | None) -> bool:
    """Whether a value is a probability."""
    return finite(p) and p is not None and 0.0 <= p <= 1.0


def _sound(seen: Observation) -> Observation:
    """The same without what is no number or no interval: such figures decide nothing."""
    if not finite(seen.value):
        return replace(seen, value=None, interval=None, inference=None, second=None)
    return replace(
        seen,
        interval=seen.interval if _proper(seen.interval) else None,
        inference=seen.inference if _proper(seen.interval) else None,
        second=seen.second if _proper(seen.second) else None,
    )


def _proper(ends: Interval | None) -> bool:
    return ends is not None and finite(ends.low) and finite(ends.high) and ends.low <= ends.high


def observe_run(threshold: Threshold, results: Results) -> float:
    """The exact figure of a run threshold.

    Raises: Incomplete for a figure that runs do not have.
    """
    figures = {
        "cases": float(results.run.cases),
        "error_rate": results.run.error_rate,
        "errors_baseline": float(results.run.errors_baseline),
        "errors_candidate": float(results.run.errors_candidate),
        "expired_waivers": float(results.run.expired_waivers),
    }
    if threshold.kind is not TargetKind.RUN or threshold.name not in figures:
        raise Incomplete(f"{threshold.target} was not measured", where=threshold.place or threshold.target)
    return figures[threshold.name]
