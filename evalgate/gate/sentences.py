"""Decisions in one plain sentence, with the numbers in it, for somebody who decides about a product."""

from __future__ import annotations

import math
from dataclasses import dataclass

from evalgate.core.settings import Bound, Threshold
from evalgate.core.verdict import Decision, Interval, MetricResult
from evalgate.gate.exact import in_percent
from evalgate.gate.observe import Observation

_MOST_DECIMALS = 12
_MORE_DECIMALS = 3
"""How many more digits all numbers of a sentence get so that one of them is told from the bound."""
_PLAIN_UNITS = frozenset({"", "0-1", "0-100"})
_NAME_LIMIT = 60
ON_THE_ESTIMATE = ", decided on the point estimate"
WHOLE = {
    Decision.PASS: ", since the whole interval meets that",
    Decision.FAIL: ", since no part of the interval meets that",
}
"""Why an interval decides."""
_DECIDED = tuple(f": {said}{how}." for said in (Decision.PASS, Decision.FAIL) for how in ("", ON_THE_ESTIMATE, WHOLE[said]))
_CHANGES = frozenset({Bound.MIN_IMPROVEMENT, Bound.MAX_REGRESSION})


@dataclass(frozen=True, slots=True)
class Form:
    """How the numbers of one sentence are written: all of them with the same digits and one unit."""

    percent: bool
    suffix: str
    decimals: int
    limit: float
    """Numbers that are not the bound are never rounded to it."""
    change: bool = False
    """Whether the numbers are improvements; an interval of them is written as the change that was seen: rises are positive."""
    higher_is_better: bool = True

    def number(self, value: float) -> str:
        """A number without its unit; a true minus sign."""
        factor = 100.0 if self.percent else 1.0
        shown, limit, decimals = value * factor, self.limit * factor, self.decimals
        while decimals < _MOST_DECIMALS and (_vanishes(shown, decimals) or _merges(shown, limit, decimals)):
            decimals += 1
        text = f"{shown:,.{decimals}f}"
        return text.replace("-", "−") if text.strip("-0.,") else text.lstrip("-")

    def one(self, value: float) -> str:
        """A number with its unit."""
        return f"{self.number(value)}{self.suffix}"

    def size(self, value: float) -> str:
        """A number without its sign, with its unit."""
        return self.one(value).lstrip("−")

    def both(self, ends: Interval) -> str:
        """`79 to 86 %`; of a change `+5.1 to +7.2 %`."""
        if not self.change:
            return f"{self.number(ends.low)} to {self.number(ends.high)}{self.suffix}"
        low, high = (ends.low, ends.high) if self.higher_is_better else (ends.high, ends.low)
        return f"{self._rise(low)} to {self._rise(high)}{self.suffix}"

    def _rise(self, improvement: float) -> str:
        shown = self.number(improvement)
        if not shown.strip("−0.,"):
            return shown
        rises = shown.startswith("−") is not self.higher_is_better
        return ("+" if rises else "−") + shown.lstrip("−")

    def end(self, value: float) -> str:
        """An end of an interval in words: `79 %`; of a change `a fall of 0.06`, `an improvement of 2 %`."""
        if not self.change:
            return self.one(value)
        if value == 0:
            return "no change"
        return f"{_better(self.higher_is_better) if value > 0 else _worse(self.higher_is_better)} of {self.size(value)}"


def form_of(threshold: Threshold, metric: MetricResult, seen: Observation) -> Form:
    """Two significant digits of the largest number, and more where the interval is narrow."""
    percent = in_percent(threshold)
    numbers = [seen.value or 0.0, *((seen.interval.low, seen.interval.high) if seen.interval else ())]
    factor = 100.0 if percent else 1.0
    decimals = _places(max(abs(x) for x in numbers) * factor, 2)
    if seen.interval is not None:
        decimals = max(decimals, _places((seen.interval.high - seen.interval.low) * factor, 1))
    suffix = " %" if percent else "" if metric.unit in _PLAIN_UNITS else f" {metric.unit}"
    limit = -threshold.value if threshold.bound is Bound.MAX_REGRESSION else threshold.value
    most = min(decimals + _MORE_DECIMALS, _MOST_DECIMALS)
    while decimals < most and any(_merges(x * factor, limit * factor, decimals) for x in numbers):
        decimals += 1
    while decimals > 0 and all(round(x * factor, decimals) == round(x * factor, decimals - 1) for x in numbers):
        decimals -= 1
    return Form(percent, suffix, decimals, limit, threshold.bound in _CHANGES, metric.higher_is_better)


def subject(name: str, where: str | None) -> str:
    """`rougeL`, or `rougeL on slice language=de`."""
    return name if where is None else f"{name} on slice {where if len(where) <= _NAME_LIMIT else where[:_NAME_LIMIT] + '…'}"


def metric_sentence(who: str, threshold: Threshold, metric: MetricResult, seen: Observation, outcome: str) -> str:
    """What was observed, what the gate asks, and what that comes to.

    `rougeL improved by 6.1 % (90 % interval +5.1 to +7.2 %); the gate requires an improvement of at least 5 %: pass, …`
    """
    form = form_of(threshold, metric, seen)
    said = f"{who} {_moved(threshold, metric, seen, form)}"
    if seen.interval is not None:
        said += f" ({level(metric.confidence)} interval {form.both(seen.interval)})"
    return f"{said}; {required(threshold, metric)}: {outcome}."


def reaches(threshold: Threshold, form: Form, bad_end: float) -> str:
    """Why an interval that holds the bound decides nothing: how far it reaches on the wrong side."""
    return f"the interval reaches {form.end(bad_end)}, which would be {_WRONG[threshold.bound]}"


_WRONG = {
    Bound.MIN: "too low",
    Bound.MAX: "too high",
    Bound.MIN_IMPROVEMENT: "too little",
    Bound.MAX_REGRESSION: "too much",
}


def _better(higher_is_better: bool) -> str:
    return "an improvement" if higher_is_better else "an improvement (a fall)"


def _worse(higher_is_better: bool) -> str:
    return "a fall" if higher_is_better else "a rise"


def _moved(threshold: Threshold, metric: MetricResult, seen: Observation, form: Form) -> str:
    value = seen.value or 0.0
    if threshold.bound not in _CHANGES:
        return f"of the candidate is {form.one(value)}"
    if value == 0:
        return "did not change"
    if value > 0:
        return f"improved {'' if metric.higher_is_better else '(fell) '}by {form.size(value)}"
    return f"{'fell' if metric.higher_is_better else 'got worse (rose)'} by {form.size(value)}"


def required(threshold: Threshold, metric: MetricResult) -> str:
    """What the threshold asks of a metric: `the gate requires an improvement of at least 5 %`."""
    shown = amount(threshold)
    if metric.unit not in _PLAIN_UNITS and not in_percent(threshold):
        shown += f" {metric.unit}"
    if threshold.bound in _CHANGES and threshold.value == 0:
        return f"the gate allows no {'fall' if metric.higher_is_better else 'rise'}"
    match threshold.bound:
        case Bound.MAX_REGRESSION:
            return f"the gate allows {_worse(metric.higher_is_better)} of at most {shown}"
        case Bound.MIN_IMPROVEMENT:
            return f"the gate requires {_better(metric.higher_is_better)} of at least {shown}"
        case Bound.MAX:
            return f"the gate allows at most {shown}"
        case _:
            return f"the gate requires at least {shown}"


def amount(threshold: Threshold) -> str:
    """The amount as it was written: `5 %`, `0.02`."""
    text = (threshold.text or f"{threshold.value:g}").strip().replace("-", "−")
    return f"{text.removesuffix('%').strip()} %" if text.endswith("%") else text


def permitted(threshold: Threshold) -> str:
    """How many cases may count: `the gate allows none`, `the gate allows at most 1`."""
    return "the gate allows none" if threshold.value == 0 else f"the gate allows at most {amount(threshold)}"


def level(confidence: float) -> str:
    """`90 %`: the level of the deciding interval of a one-sided confidence."""
    return f"{round((2 * confidence - 1) * 100, 9):.10g} %"


def undecided(why: str) -> str:
    """The outcome of a threshold that is not decided."""
    return f"{Decision.INCONCLUSIVE}, since {why}"


def overruled(reason: str, why: str) -> str:
    """The sentence of a decision that is taken back, with the reason."""
    for said in _DECIDED:
        if reason.endswith(said):
            return f"{reason.removesuffix(said)}: {undecided(why)}."
    return f"{reason} But {why}."


def p_text(p: float) -> str:
    """`p = 0.031`, or `p < 0.001`."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}"


def figure(value: float, *, relative: bool = False) -> str:
    """A number for a sentence: at most four significant digits, `%` for shares."""
    if relative:
        return f"{value * 100:.4g} %"
    return f"{value + 0.0:.4g}" if abs(value) < 1e6 else f"{value:,.0f}"


def cases(count: int) -> str:
    """`1 case`, `3 cases`."""
    return f"{count} case" if count == 1 else f"{count} cases"


def _places(size: float, digits: int) -> int:
    """Decimals that show so many significant digits."""
    if size <= 0 or not math.isfinite(size):
        return 0
    exponent = int(f"{size:.{digits - 1}e}".partition("e")[2])
    return min(max(digits - 1 - exponent, 0), _MOST_DECIMALS)


def _vanishes(shown: float, decimals: int) -> bool:
    return shown != 0 and round(shown, decimals) == 0 and abs(shown) > 10**-_MOST_DECIMALS


def _merges(shown: float, limit: float, decimals: int) -> bool:
    """Whether a number would be printed on the bound, or on its other side, only because it is rounded."""
    rounded = round(shown, decimals)
    exact = math.isclose(rounded, shown, rel_tol=1e-9, abs_tol=1e-12)
    same = math.isclose(shown, limit, rel_tol=1e-9, abs_tol=1e-12)
    return not same and not exact and rounded == round(limit, decimals)
