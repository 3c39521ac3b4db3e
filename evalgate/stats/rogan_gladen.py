"""The rate behind an imperfect judge: what it would be if the judge never erred, with an interval for it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from evalgate.core.verdict import CorrectedRate, Interval
from evalgate.stats.distributions import normal_quantile


@dataclass(frozen=True, slots=True)
class Share:
    """A count of a total."""

    count: int
    total: int

    def __post_init__(self) -> None:
        if not 0 <= self.count <= self.total:
            raise ValueError(f"{self.count} of {self.total} is not a share")

    @property
    def rate(self) -> float:
        """The share as a number; nan of nothing."""
        return self.count / self.total if self.total else math.nan

    def padded(self, successes: float, failures: float) -> tuple[float, float]:
        """Rate and size after adding made-up trials, which keeps a rate off 0 and 1."""
        size = self.total + successes + failures
        return (self.count + successes) / size, size


def corrected_rate(positive: Share, sensitivity: Share, specificity: Share, level: float) -> CorrectedRate | None:
    """The true rate behind an apparent one.

    `positive`: outputs called violating, of those looked at. `sensitivity`: labelled violations that were found, of all.
    `specificity`: labelled clean outputs that were called clean, of all.
    The estimate is cut to [0, 1]; so is the two-sided interval, which takes into account that sensitivity and specificity
    are estimates themselves.

    Returns: None where nothing can be said: no trials, a judge that is right no more often than chance (sensitivity +
        specificity ≤ 1), or counts that its errors cannot explain, so that no rate at all lies in the interval.
    Sources: Rogan and Gladen, 1978, "Estimating prevalence from the results of a screening test"; the interval of Lang and
    Reiczigel, 2014, "Confidence limits for prevalence of disease adjusted for estimated sensitivity and specificity".
    """
    if 0 in (positive.total, sensitivity.total, specificity.total) or sensitivity.rate + specificity.rate <= 1:
        return None
    value = (positive.rate + specificity.rate - 1) / (sensitivity.rate + specificity.rate - 1)
    low, high = _ends(positive, sensitivity, specificity, level)
    if not 0 <= value <= 1 and (high < 0 or low > 1):
        return None
    return CorrectedRate(_cut(value), Interval(_cut(low), _cut(high)))


def _ends(positive: Share, sensitivity: Share, specificity: Share, level: float) -> tuple[float, float]:
    quantile = normal_quantile((1 + level) / 2)
    rate, cases = positive.padded(quantile**2 / 2, quantile**2 / 2)
    found, violations = sensitivity.padded(1, 1)
    spared, clean = specificity.padded(1, 1)
    better = found + spared - 1
    if better <= 0:  # the made-up trials took away what little better than chance it was
        return 0.0, 1.0
    middle = (rate + spared - 1) / better
    of_found, of_spared = found * (1 - found) / violations, spared * (1 - spared) / clean
    shift = 2 * quantile**2 * (middle * of_found - (1 - middle) * of_spared)
    spread = math.sqrt(rate * (1 - rate) / cases + middle**2 * of_found + (1 - middle) ** 2 * of_spared)
    half = quantile * spread / better
    return middle + shift - half, middle + shift + half


def _cut(value: float) -> float:
    return min(1.0, max(0.0, value)) + 0.0
