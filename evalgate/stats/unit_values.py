"""The pass that gives every metric one value a unit: its own score, or its share in a corpus score.

A corpus score is linearised by leaving one unit out: the pseudo-value n x score(all) - (n - 1) x score(all but one). Their
mean and spread are those of the score (the jackknife; Efron and Stein, 1981), from the sufficient statistics alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evalgate.core.values import Scale
from evalgate.stats.interface import Floats, MetricColumns
from evalgate.stats.moments import PairMoments, PairSums
from evalgate.stats.scoring import scores
from evalgate.stats.survey import ENOUGH, Survey

_BULK = 0.1
"""Share of the range within which values are as good as the same."""
_MEANS = (Scale.MEAN, Scale.PROPORTION)


@dataclass(frozen=True, slots=True)
class UnitMoments:
    """Joint moments of a metric's values over the units that have one in both variants."""

    values: PairMoments
    logs: PairMoments | None = None
    """For corpus scores: moments of the linearised logarithms; None where a score is not positive."""
    apart: tuple[int, int, int] | None = None
    """For means with a range: units whose baseline, candidate and change lie outside the 10 % of the range where most
    units are, at most ENOUGH. Noise on every unit is no information about rare losses."""


def unit_moments(survey: Survey, usable: set[int]) -> dict[int, UnitMoments]:
    """Moments of every usable metric that is no percentile, in one pass over the rows."""
    collectors: dict[int, _ItemMean | _Corpus] = {}
    for number in sorted(usable):
        column = survey.columns[number]
        if column.quantile is None:
            kind = _ItemMean if column.spec.scale in _MEANS else _Corpus
            collectors[number] = kind(column, survey)
    if collectors and survey.n > 1:
        for baseline, candidate, _ in survey.units():
            for collector in collectors.values():
                collector.add(baseline, candidate)
    found = {number: collector.moments() for number, collector in collectors.items()}
    return {number: moments for number, moments in found.items() if moments is not None}


class _ItemMean:
    """The scores of the units themselves."""

    def __init__(self, column: MetricColumns, survey: Survey) -> None:
        self._column = column
        shifts = scores(column, survey.totals[:, column.start : column.stop])
        self._sums = PairSums((float(np.nan_to_num(shifts[0])), float(np.nan_to_num(shifts[1]))))
        low, high = column.spec.low, column.spec.high
        ranged = low is not None and high is not None and high > low
        self._bulks = tuple(_Bulk((high or 0.0) - (low or 0.0)) for _ in range(3)) if ranged else None

    def add(self, baseline: Floats, candidate: Floats) -> None:
        own = slice(self._column.start, self._column.stop)
        before, after = scores(self._column, baseline[:, own]), scores(self._column, candidate[:, own])
        both = np.isfinite(before) & np.isfinite(after)
        before, after = before[both], after[both]
        self._sums.add(before, after)
        if self._bulks is not None:
            for bulk, values in zip(self._bulks, (before, after, after - before), strict=True):
                bulk.add(values)

    def moments(self) -> UnitMoments | None:
        apart = None if self._bulks is None else (self._bulks[0].apart, self._bulks[1].apart, self._bulks[2].apart)
        return UnitMoments(self._sums.moments(), apart=apart)


class _Bulk:
    """How many values lie away from the others: outside the fullest stretch of 10 % of the range.

    Only the outermost values are kept; with more than ENOUGH of them outside, the number does not matter.
    """

    def __init__(self, width: float) -> None:
        self._stretch = _BULK * width * (1 + 1e-9)
        self._lowest = np.zeros(0)
        self._highest = np.zeros(0)
        self._total = 0

    def add(self, values: Floats) -> None:
        self._lowest = _smallest(np.concatenate([self._lowest, values]))
        self._highest = 0.0 - _smallest(0.0 - np.concatenate([self._highest, values]))
        self._total += len(values)

    @property
    def apart(self) -> int:
        """Values outside; ENOUGH stands for that many or more."""
        low, high = np.sort(self._lowest), -np.sort(-self._highest)
        for outside in range(min(ENOUGH, self._total)):
            if any(high[outside - below] - low[below] <= self._stretch for below in range(outside + 1)):
                return outside
        return ENOUGH


def share_apart(values: Floats, width: float) -> float:
    """Share of the values outside the fullest stretch: what `plan` expects of other cases. Shapes: (n,)."""
    if not len(values):
        return 0.0
    ordered = np.sort(values)
    ends = np.searchsorted(ordered, ordered + _BULK * width * (1 + 1e-9), side="right")
    return 1.0 - float((ends - np.arange(len(ordered))).max()) / len(ordered)


def _smallest(values: Floats) -> Floats:
    return values if len(values) <= ENOUGH else np.partition(values, ENOUGH - 1)[:ENOUGH]


class _Corpus:
    """Linearised scores, and their logarithms."""

    def __init__(self, column: MetricColumns, survey: Survey) -> None:
        self._column = column
        self._totals = survey.totals[:, column.start : column.stop]
        self._n = survey.n
        self._centre = scores(column, self._totals)
        self._positive = bool((self._centre > 0).all())
        with np.errstate(all="ignore"):
            self._log = np.log(self._centre)
        self._values = PairSums((float(np.nan_to_num(self._centre[0])), float(np.nan_to_num(self._centre[1]))))
        self._logs = PairSums((float(self._log[0]), float(self._log[1]))) if self._positive else None
        self._defined = bool(np.isfinite(self._centre).all())

    def add(self, baseline: Floats, candidate: Floats) -> None:
        own = slice(self._column.start, self._column.stop)
        without = [scores(self._column, self._totals[arm] - rows[:, own]) for arm, rows in enumerate((baseline, candidate))]
        if not all(np.isfinite(one).all() for one in without):
            self._defined = False
        if not self._defined:
            return
        n = self._n
        self._values.add(*(n * self._centre[arm] - (n - 1) * without[arm] for arm in (0, 1)))
        if self._logs is not None:
            if min(one.min() for one in without) <= 0:
                self._logs = None
                return
            self._logs.add(*(n * self._log[arm] - (n - 1) * np.log(without[arm]) for arm in (0, 1)))

    def moments(self) -> UnitMoments | None:
        if not self._defined:
            return None
        return UnitMoments(self._values.moments(), None if self._logs is None else self._logs.moments())
