"""Amounts and counts as exact fractions: equality must not hang on the last bit of a float."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from fractions import Fraction

from evalgate.core.settings import Threshold
from evalgate.core.verdict import MetricResult

_SAME = 1e-12
"""A share of cases and its float differ by less than this; two shares of a million cases differ by at least as much."""


def exact_amount(threshold: Threshold) -> Fraction:
    """The amount as it was written: 1/20 for `5%`, 1/10 for `0.1`. Where the text says another number, the value counts."""
    text = threshold.text.strip()
    number, percent = text.removesuffix("%").strip(), text.endswith("%")
    try:
        found = Fraction(Decimal(number)) / (100 if percent else 1)
    except (InvalidOperation, ValueError, OverflowError):
        return Fraction(repr(float(threshold.value)))
    return found if float(found) == threshold.value else Fraction(repr(float(threshold.value)))


def in_percent(threshold: Threshold) -> bool:
    """Whether the amount was written with `%`."""
    return threshold.relative or threshold.text.rstrip().endswith("%")


def exact_shares(metric: MetricResult) -> tuple[Fraction, Fraction] | None:
    """Shares of cases that pass, baseline and candidate, as exact fractions; None where the values are no such shares."""
    if metric.newly_failing is None:
        return None
    before, after = (_share(value, metric.rows) for value in (metric.baseline.value, metric.candidate.value))
    return None if before is None or after is None else (before, after)


def _share(value: float | None, cases: int) -> Fraction | None:
    if value is None or not 0.0 <= value <= 1.0:
        return None
    found = Fraction(value).limit_denominator(max(cases, 1))
    return found if abs(float(found) - value) <= _SAME else None
