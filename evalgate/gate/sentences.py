"""Reasons in one plain sentence, with the numbers in it."""

from __future__ import annotations

from evalgate.core.settings import Bound, Threshold
from evalgate.core.verdict import Interval


def figure(value: float, *, relative: bool = False) -> str:
    """A number for a sentence: at most four significant digits, `%` for shares of the baseline."""
    if relative:
        return f"{value * 100:.4g} %"
    return f"{value + 0.0:.4g}" if abs(value) < 1e6 else f"{value:,.0f}"


def ends(interval: Interval, confidence: float, *, relative: bool = False) -> str:
    """`90 % interval 5.1 % to 7.2 %`: the deciding interval of a one-sided confidence."""
    level = (2 * confidence - 1) * 100
    low, high = figure(interval.low, relative=relative), figure(interval.high, relative=relative)
    return f"{level:.4g} % interval {low} to {high}"


def asked(threshold: Threshold) -> str:
    """What the threshold asks for."""
    words = {
        Bound.MIN: "at least {} asked",
        Bound.MAX: "at most {} allowed",
        Bound.MIN_IMPROVEMENT: "an improvement of at least {} asked",
        Bound.MAX_REGRESSION: "a loss of at most {} allowed",
        Bound.MAX_NEWLY_FAILING: "at most {} allowed",
        Bound.MAX_INCREASE: "an increase of at most {} allowed",
        Bound.MAX_NEW: "at most {} allowed",
    }
    return words[threshold.bound].format(threshold.text)


def changed(value: float, *, relative: bool) -> str:
    """`improvement 6.1 % of the baseline` or `loss 0.4`."""
    tail = " of the baseline" if relative else ""
    if value < 0:
        return f"loss {figure(-value, relative=relative)}{tail}"
    return f"improvement {figure(value, relative=relative)}{tail}"


def cases(count: int) -> str:
    """`1 case`, `3 cases`."""
    return f"{count} case" if count == 1 else f"{count} cases"
