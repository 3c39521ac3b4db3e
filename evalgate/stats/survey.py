"""The first pass: totals, counts, and how many units say anything about a change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from evalgate.core.errors import Incomplete
from evalgate.core.values import Scale
from evalgate.stats.chunks import GroupTable, Units, case_units, fixed_chunks
from evalgate.stats.interface import Blocks, Floats, MetricColumns
from evalgate.stats.scoring import scores

ENOUGH = 10
"""Informative units below which a resampling interval is not to be trusted."""


class Spread:
    """How many units differ from the most common row, counted only as far as it matters.

    With more than ENOUGH distinct rows at least ENOUGH units differ from the most common one, so counting stops there.
    """

    def __init__(self) -> None:
        self._counts: dict[bytes, int] = {}
        self._many = False
        self._units = 0

    def add(self, rows: Floats) -> None:
        """Count the rows of a chunk; seven digits tell rows apart, so that rounding noise does not."""
        self._units += len(rows)
        if self._many or not len(rows):
            return
        with np.errstate(all="ignore"):
            short = np.ascontiguousarray(rows.astype(np.float32) + np.float32(0))
        distinct, counts = np.unique(short, axis=0, return_counts=True)
        for row, count in zip(distinct[: ENOUGH + 1], counts, strict=False):
            key = row.tobytes()
            self._counts[key] = self._counts.get(key, 0) + int(count)
        self._many = len(self._counts) > ENOUGH

    @property
    def varied(self) -> int:
        """Units whose row is not the most common one; ENOUGH stands for 'that many or more' when rows are diverse."""
        if self._many:
            return ENOUGH
        return self._units - max(self._counts.values(), default=0)


@dataclass(slots=True)
class MetricSurvey:
    """What the first pass knows of one metric."""

    differing: int = 0
    """Units whose rows differ between the variants."""
    baseline: Spread = field(default_factory=Spread)
    candidate: Spread = field(default_factory=Spread)
    change: Spread = field(default_factory=Spread)
    values: tuple[list[Floats], list[Floats]] = field(default_factory=lambda: ([], []))
    """For quantiles: the score of every unit, baseline and candidate."""
    ones: tuple[int, int] = (0, 0)
    """For pass/fail metrics: cases with score 1 in baseline and candidate."""
    defined: tuple[int, int] = (0, 0)
    """Cases that have a score at all."""
    binary: bool = True
    """Whether every defined case score is 0 or 1."""
    newly_failing: int = 0
    newly_passing: int = 0


@dataclass(slots=True)
class Survey:
    """What the first pass knows of the whole set of cases."""

    columns: Sequence[MetricColumns]
    metrics: list[MetricSurvey]
    units: Units
    n: int
    """Units of analysis."""
    rows: int
    """Cases."""
    identical: bool
    totals: Floats
    """(2, D): sums of baseline and candidate."""
    peak: Floats
    """(D,): largest absolute value of a unit's row, either variant; NaN or infinite where a row is not finite."""
    grouped: bool = False
    imbalance: float = 1.0
    """Largest group over the mean group; 1 without groups."""


def take_survey(columns: Sequence[MetricColumns], blocks: Blocks) -> Survey:
    """Read every row once.

    Raises: Incomplete when blocks are not paired or narrower than the metrics' columns.
    """
    survey = Survey(columns, [MetricSurvey() for _ in columns], case_units(blocks), 0, 0, True, np.zeros((2, 0)), np.zeros(0))
    table: GroupTable | None = None
    for chunk in fixed_chunks(blocks()):
        _start(survey, chunk.baseline.shape[1])
        survey.rows += len(chunk.baseline)
        survey.identical = survey.identical and bool(chunk.identical.all())
        _count_passes(survey, chunk.baseline, chunk.candidate)
        if chunk.groups is None:
            _add_units(survey, chunk.baseline, chunk.candidate)
        else:
            table = table or GroupTable(chunk.baseline.shape[1])
            table.add(chunk, chunk.groups)
    if table is not None:
        survey.grouped, survey.imbalance, survey.units = True, table.imbalance(), table.units
        for baseline, candidate in table.units():
            _add_units(survey, baseline, candidate)
    survey.identical = survey.identical and survey.rows > 0
    return survey


def _start(survey: Survey, width: int) -> None:
    if survey.rows:
        return
    needed = max((column.stop for column in survey.columns), default=0)
    if needed > width:
        raise Incomplete(f"rows have {width} columns where the metrics need {needed}", hint="the shard is damaged: run again")
    survey.totals, survey.peak = np.zeros((2, width)), np.zeros(width)


def _add_units(survey: Survey, baseline: Floats, candidate: Floats) -> None:
    survey.n += len(baseline)
    with np.errstate(all="ignore"):
        for arm, rows in enumerate((baseline, candidate)):
            # one contiguous line per column: the order of additions does not depend on how many columns there are
            survey.totals[arm] += np.ascontiguousarray(rows.T, dtype=np.float64).sum(axis=1)
            survey.peak = np.maximum(survey.peak, np.abs(rows).max(axis=0))
        for column, metric in zip(survey.columns, survey.metrics, strict=True):
            own = slice(column.start, column.stop)
            _add_metric(column, metric, baseline[:, own], candidate[:, own])


def _add_metric(column: MetricColumns, metric: MetricSurvey, baseline: Floats, candidate: Floats) -> None:
    metric.differing += int(np.count_nonzero((baseline != candidate).any(axis=1)))
    metric.baseline.add(baseline)
    metric.candidate.add(candidate)
    metric.change.add(candidate - baseline)
    if column.quantile is not None:
        metric.values[0].append(scores(column, baseline))
        metric.values[1].append(scores(column, candidate))


def _count_passes(survey: Survey, baseline: Floats, candidate: Floats) -> None:
    for column, metric in zip(survey.columns, survey.metrics, strict=True):
        if column.spec.scale is not Scale.PROPORTION or column.quantile is not None:
            continue
        before = scores(column, baseline[:, column.start : column.stop])
        after = scores(column, candidate[:, column.start : column.stop])
        has = np.isfinite(before), np.isfinite(after)
        metric.ones = metric.ones[0] + int((before == 1).sum()), metric.ones[1] + int((after == 1).sum())
        metric.defined = metric.defined[0] + int(has[0].sum()), metric.defined[1] + int(has[1].sum())
        metric.binary = metric.binary and all(
            bool(np.isin(s[h], (0.0, 1.0)).all()) for s, h in zip((before, after), has, strict=True)
        )
        best = 1.0 if column.spec.higher_is_better else 0.0
        # a candidate without a score has lost the case; a baseline without one proves nothing was gained
        metric.newly_failing += int(((before == best) & (after != best)).sum())
        metric.newly_passing += int((has[0] & (before != best) & (after == best)).sum())
