"""Numbers as people read them: digits by unit, a true minus sign, and "n/a" where there is no number."""

from __future__ import annotations

import math
from collections.abc import Callable

from evalgate.core.verdict import Interval

NOT_AVAILABLE = "n/a"
SHARE = "share"
"""Unit of a number that is printed as a percentage."""
COUNT = "count"
"""Unit of a number of cases."""

_MINUS = "−"
_SPACE = "\u00a0"
_DECIMALS = {"0-100": 2, "0-1": 4, COUNT: 0}
_SUFFIX = {"ms": "ms", "tokens": "tokens", "characters": "characters", SHARE: "%"}
_MOST_DECIMALS = 12


def figure(value: float | None, unit: str, *, signed: bool = False) -> str:
    """One number with its unit, or "n/a"."""
    if value is None:
        return NOT_AVAILABLE
    scaled = value * 100 if unit == SHARE else value
    return _written(scaled, _decimals(scaled, unit), unit, signed)


def figure_beside(value: float | None, bound: float, unit: str, *, signed: bool = False) -> str:
    """Like `figure`, with as many digits as it takes to tell the number from the bound it missed or met."""
    if value is None:
        return NOT_AVAILABLE
    factor = 100 if unit == SHARE else 1
    scaled, limit = value * factor, bound * factor
    decimals = _decimals(scaled, unit)
    # sums of floats may miss the bound by their last bits: that is the bound, not a number beside it
    while (
        not math.isclose(scaled, limit, rel_tol=1e-9, abs_tol=1e-12)
        and decimals < _MOST_DECIMALS
        and round(scaled, decimals) == round(limit, decimals)
    ):
        decimals += 1
    return _written(scaled, decimals, unit, signed)


def interval(ends: Interval | None, unit: str, *, signed: bool = False) -> str:
    """An interval as `low to high`, or "n/a"; "to", because a dash reads as a minus."""
    if ends is None:
        return NOT_AVAILABLE
    return _both(ends, lambda end: figure(end, unit, signed=signed))


def interval_beside(ends: Interval | None, bound: float, unit: str, *, signed: bool = False) -> str:
    """Like `interval`, with each end told apart from a bound."""
    if ends is None:
        return NOT_AVAILABLE
    return _both(ends, lambda end: figure_beside(end, bound, unit, signed=signed))


def percent(value: float | None, *, signed: bool = False) -> str:
    """A share as a percentage."""
    return figure(value, SHARE, signed=signed)


def level(confidence: float) -> str:
    """A confidence level: `95 %`."""
    return f"{100 * confidence:.10g}{_SPACE}%"


def count(number: int) -> str:
    """A whole number with thousands separated."""
    return f"{number:,}".replace("-", _MINUS)


def counted(number: int, singular: str, plural: str | None = None) -> str:
    """`1 case`, `2 cases`."""
    return f"{count(number)} {singular if number == 1 else plural or singular + 's'}"


def p_value(value: float | None) -> str:
    """A p-value; never a bare zero."""
    if value is None:
        return NOT_AVAILABLE
    return f"<{_SPACE}0.001" if value < 0.001 else f"{value:.3f}"


def _both(ends: Interval, write: Callable[[float], str]) -> str:
    low, high = write(ends.low), write(ends.high)
    number, _, unit = low.partition(_SPACE)
    # the unit once: `0.9 to 14.9 %`
    return f"{number if unit and high.endswith(_SPACE + unit) else low} to {high}"


def _decimals(scaled: float, unit: str) -> int:
    size = abs(scaled)
    if unit == COUNT:
        return 0 if scaled == int(scaled) else 2
    if unit in _DECIMALS:
        return _DECIMALS[unit]
    if size == 0:
        return 0
    if unit == SHARE:
        return 1 if size >= 1 else _for_digits(size, 2)
    return _for_digits(size, 4)


def _for_digits(size: float, digits: int) -> int:
    exponent = int(f"{size:e}".partition("e")[2])
    return min(max(digits - 1 - exponent, 0), _MOST_DECIMALS)


def _written(scaled: float, decimals: int, unit: str, signed: bool) -> str:
    number = f"{scaled:,.{decimals}f}"
    if unit in (SHARE, COUNT) and float(number.replace(",", "")) == int(scaled) and decimals <= 1:
        number = f"{int(scaled):,}"
    digits = number.lstrip("-")
    nothing = not digits.strip("0.,")
    sign = "" if nothing else (_MINUS if scaled < 0 else "+" if signed else "")
    if unit == "USD":
        return f"{sign}${digits}"
    suffix = _SUFFIX.get(unit)
    return f"{sign}{digits}{_SPACE}{suffix}" if suffix else f"{sign}{digits}"
