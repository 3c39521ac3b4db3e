"""The second opinion: a decision by interval stands only where another method does not contradict it."""

from __future__ import annotations

from evalgate.core.settings import Bound, Threshold
from evalgate.core.verdict import Decision, MetricResult
from evalgate.gate.observe import Observation, probable
from evalgate.gate.sentences import form_of, p_text
from evalgate.gate.sides import NOISE, Sides

# Measured by exact enumeration at confidence 0.95. Newcombe's interval beside Tango's takes less than 0.001 points of power
# (n = 248, margin 0.05, and n = 1,546, margin 0.02, both with 10 % discordance: 0.774 and 0.796 with and without it), so it
# may object. The exact McNemar test takes 2.2 points at n = 1,546 and 5.1 at n = 248, being conservative, not different; it
# is printed, and the mid-p, which takes at most 0.6 points and keeps the error below 5 %, stands in its place.
EXACT_MCNEMAR = "exact McNemar"


def objection(threshold: Threshold, metric: MetricResult, seen: Observation, sides: Sides, decision: Decision) -> str | None:
    """Why the second opinion does not confirm a decision; None where it does, or where there is none.

    A pass that claims "not worse than before, or better" needs a small p-value of the randomisation too: with interchangeable
    variants such a change must be rare.
    """
    if metric.second is None or seen.interval is None or decision is Decision.INCONCLUSIVE:
        return None
    if seen.second is not None and sides.of(seen.second) is not decision:
        form = form_of(threshold, metric, seen)
        first = _short(seen.inference.method if seen.inference else metric.method)
        other = _short(metric.second.method)
        return f"the methods disagree: {first} gives {form.both(seen.interval)}, {other} {form.both(seen.second)}"
    change = threshold.bound in (Bound.MIN_IMPROVEMENT, Bound.MAX_REGRESSION)
    if decision is not Decision.PASS or not change or sides.limit < 0:
        return None
    name, p = metric.second.randomisation, seen.likely
    if name == EXACT_MCNEMAR:
        name, p = "McNemar mid-p", p_of_no_change(metric, seen)
    if p is None or p <= 1.0 - metric.confidence + NOISE:
        return None
    return f"the methods disagree: the interval lies on the good side, but {_short(name)} gives {p_text(p)}"


def p_of_no_change(metric: MetricResult, seen: Observation) -> float | None:
    """One-sided p-value of "no improvement", from the two-sided one that is published: both say the same."""
    if seen.value is None or metric.p_value is None or not probable(metric.p_value):
        return None
    half = metric.p_value / 2
    return half if seen.value > 0 else max(0.5, half) if seen.value == 0 else 1.0 - half


def _short(method: str) -> str:
    """A method without what it counts: `approximate randomisation`."""
    return method.split(",")[0]
