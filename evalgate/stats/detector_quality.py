"""How good a detector was on labelled data: precision, recall, F1 and specificity, each with its interval."""

from __future__ import annotations

from dataclasses import dataclass

from evalgate.core.detector_card import Tally
from evalgate.core.verdict import Interval
from evalgate.stats.wilson import wilson_interval

METHODS = {
    "precision": "Wilson score",
    "recall": "Wilson score",
    "f1": "Wilson score of found / (found + missed + false alarms), carried to F1",
    "specificity": "Wilson score",
}


@dataclass(frozen=True, slots=True)
class Rate:
    """An estimate and its two-sided interval."""

    value: float
    interval: Interval


@dataclass(frozen=True, slots=True)
class Quality:
    """Figures of one tally; None where there is nothing to divide by."""

    precision: Rate | None
    """Share of its alarms that were right."""
    recall: Rate | None
    """Share of the violations that it found."""
    f1: Rate | None
    """Harmonic mean of the two."""
    specificity: Rate | None
    """Share of the clean outputs that it left alone; None for spans, too."""


def quality(tally: Tally, level: float) -> Quality:
    """Figures of a tally at a two-sided level such as 0.95.

    F1 = 2p / (1 + p) of the rate p = found / (found + missed + false alarms), and it grows with p: the ends of p's interval
    are carried over. Given their sum, the three counts that F1 is made of are multinomial and `found` is binomial, so the
    score interval of p holds what it says; the sum itself is taken as given.

    Raises: ValueError for negative counts.
    Source: Hand, Christen and Kirielle, 2021, "F*: an interpretable transformation of the F-measure"; compared with three
        other intervals by Lam, 2023, "Confidence intervals for the F1 score" (there "Wilson indirect").
    """
    found, missed, false = tally.found, tally.missed, tally.false_alarms
    if min(found, missed, false, tally.clean or 0) < 0:
        raise ValueError("counts cannot be negative")
    share = _rate(found, found + missed + false, level)
    return Quality(
        precision=_rate(found, found + false, level),
        recall=_rate(found, found + missed, level),
        f1=None if share is None else Rate(_f1(share.value), Interval(_f1(share.interval.low), _f1(share.interval.high))),
        specificity=None if tally.clean is None else _rate(tally.clean, tally.clean + false, level),
    )


def _rate(count: int, total: int, level: float) -> Rate | None:
    interval = wilson_interval(count, total, level)
    return None if interval is None else Rate(count / total, interval)


def _f1(share: float) -> float:
    return 2 * share / (1 + share)
