"""The first pass: totals, counts, and how many units say anything about a change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from evalgate.core.errors import Incomplete
from evalgate.core.values import Scale
from evalgate.stats.chunks import GroupTable, UnitRows, Units, alike, case_units, fixed_chunks, weighing_alike
from evalgate.stats.exact_sums import ExactSums
from evalgate.stats.interface import Blocks, Floats, Keys, MetricColumns, PairedBlock
from evalgate.stats.scoring import scores

ENOUGH = 10
"""Informative units below which a resampling interval is not to be trusted."""


_MEANS = (Scale.MEAN, Scale.PROPORTION)


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
        left = short.view(np.dtype((np.void, short.itemsize * short.shape[1]))).reshape(-1)
        for known in self._counts:
            left = self._taken(left, known)
        while len(left) and not self._many:
            left = self._taken(left, left[0].tobytes())
            self._many = len(self._counts) > ENOUGH

    def _taken(self, left: NDArray[np.void], row: bytes) -> NDArray[np.void]:
        """Count one row, and give the rows that are left."""
        same = left == np.void(row)
        self._counts[row] = self._counts.get(row, 0) + int(np.count_nonzero(same))
        rest: NDArray[np.void] = left[~same]
        return rest

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
    gained: int = 0
    """Of cases with 0 or 1 on both sides: 0 in the baseline, 1 in the candidate."""
    dropped: int = 0
    """1 in the baseline, 0 in the candidate."""
    one_sided: int = 0
    """Units that have a score in one variant only."""
    newly_failing: int = 0
    newly_passing: int = 0
    stable: int = 0
    flaky: int = 0
    repeats: int = 0
    """Most answers that any case has in the baseline."""


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
    keys: list[Keys] = field(default_factory=list)
    """Keys of the units, chunk by chunk; kept for percentiles only."""
    grouped: bool = False
    answered: Floats | None = None
    """(2, D): sums over the cases that both variants answered; None when no answer was lost."""
    answered_cases: int = 0
    sums: ExactSums = field(default_factory=lambda: ExactSums(0))
    """What `totals` is rounded from."""
    answered_sums: ExactSums | None = None


def take_survey(columns: Sequence[MetricColumns], blocks: Blocks) -> Survey:
    """Read every row once.

    Raises: Incomplete when blocks are not paired or narrower than the metrics' columns.
    """
    means = mean_columns(columns)
    units = weighing_alike(case_units(blocks), means)
    survey = Survey(columns, [MetricSurvey() for _ in columns], units, 0, 0, True, np.zeros((2, 0)), np.zeros(0))
    table: GroupTable | None = None
    for chunk in fixed_chunks(blocks()):
        _start(survey, chunk.baseline.shape[1])
        survey.rows += len(chunk.baseline)
        survey.identical = survey.identical and bool(chunk.identical.all())
        _count_passes(survey, chunk)
        if chunk.groups is None:
            rows = UnitRows(alike(chunk.baseline, means), alike(chunk.candidate, means), chunk.keys)
            _count_answered(survey, rows, _kept(chunk))
            _add_units(survey, rows)
        else:
            table = table or GroupTable(chunk.baseline.shape[1])
            table.add(chunk, chunk.groups)
            survey.answered_cases += int(_kept(chunk).sum())
    if table is not None:
        survey.grouped, survey.units = True, weighing_alike(table.units, means)
        for rows in survey.units():
            _add_units(survey, rows)
        if survey.answered_cases < survey.rows:
            _add_answered_groups(survey, blocks, means)
    survey.identical = survey.identical and survey.rows > 0
    if survey.rows:
        survey.totals = np.array(survey.sums.values()).reshape(2, -1)
    if survey.answered_sums is not None and survey.answered_cases < survey.rows:
        survey.answered = np.array(survey.answered_sums.values()).reshape(2, -1)
    return survey


def mean_columns(columns: Sequence[MetricColumns]) -> tuple[slice, ...]:
    """The columns (sum, count) of every metric that is a mean over cases, each once."""
    spans = {(c.start, c.stop) for c in columns if c.spec.scale in _MEANS and c.stop - c.start == 2}
    return tuple(slice(start, stop) for start, stop in sorted(spans))


def _kept(chunk: PairedBlock) -> NDArray[np.bool_]:
    return np.ones(len(chunk.baseline), dtype=bool) if chunk.lost is None else ~chunk.lost


def _count_answered(survey: Survey, rows: UnitRows, kept: NDArray[np.bool_]) -> None:
    """Sums over the cases that both variants answered; each case is its own unit. Until one is lost they are those of all."""
    survey.answered_cases += int(np.count_nonzero(kept))
    if survey.answered_sums is None:
        if kept.all():
            return
        survey.answered_sums = survey.sums.copy()
    _add_answered(survey, (rows.baseline[kept], rows.candidate[kept]))


def _add_answered_groups(survey: Survey, blocks: Blocks, means: Sequence[slice]) -> None:
    """The same where cases are grouped: groups weigh alike, made of the cases that are left. A second pass, because few
    runs lose an answer."""
    table: GroupTable | None = None
    for chunk in fixed_chunks(blocks()):
        table = table or GroupTable(chunk.baseline.shape[1])
        if chunk.groups is not None:
            kept = _kept(chunk)[:, None]
            before, after = np.where(kept, chunk.baseline, 0.0), np.where(kept, chunk.candidate, 0.0)
            table.add(replace(chunk, baseline=before, candidate=after), chunk.groups)
    if table is not None:
        for rows in weighing_alike(table.units, means)():
            _add_answered(survey, (rows.baseline, rows.candidate))


def _add_answered(survey: Survey, rows: tuple[Floats, Floats]) -> None:
    """Sums without lost answers."""
    if survey.answered_sums is None:
        survey.answered_sums = ExactSums(2 * rows[0].shape[1])
    survey.answered_sums.add(np.concatenate([side.T for side in rows]))


def _start(survey: Survey, width: int) -> None:
    if survey.rows:
        return
    needed = max((column.stop for column in survey.columns), default=0)
    if needed > width:
        raise Incomplete(f"rows have {width} columns where the metrics need {needed}", hint="the shard is damaged: run again")
    survey.totals, survey.peak, survey.sums = np.zeros((2, width)), np.zeros(width), ExactSums(2 * width)


def _add_units(survey: Survey, rows: UnitRows) -> None:
    baseline, candidate, keys = rows
    survey.n += len(baseline)
    if any(column.quantile is not None for column in survey.columns):
        survey.keys.append(keys)
    with np.errstate(all="ignore"):
        survey.sums.add(np.concatenate([baseline.T, candidate.T]))
        for side in (baseline, candidate):
            survey.peak = np.maximum(survey.peak, np.abs(side).max(axis=0))
        for column, metric in zip(survey.columns, survey.metrics, strict=True):
            own = slice(column.start, column.stop)
            _add_metric(column, metric, baseline[:, own], candidate[:, own])


def _add_metric(column: MetricColumns, metric: MetricSurvey, baseline: Floats, candidate: Floats) -> None:
    metric.differing += int(np.count_nonzero((baseline != candidate).any(axis=1)))
    metric.baseline.add(baseline)
    metric.candidate.add(candidate)
    metric.change.add(candidate - baseline)
    if column.spec.scale in _MEANS and column.quantile is None:
        has = np.isfinite(scores(column, baseline)), np.isfinite(scores(column, candidate))
        metric.one_sided += int(np.count_nonzero(has[0] != has[1]))
    if column.quantile is not None:
        metric.values[0].append(scores(column, baseline))
        metric.values[1].append(scores(column, candidate))


def _count_passes(survey: Survey, chunk: PairedBlock) -> None:
    baseline, candidate = chunk.baseline, chunk.candidate
    whole = np.ones(len(baseline), dtype=bool) if chunk.baseline_lost is None else ~chunk.baseline_lost
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
        metric.gained += int(((before == 0) & (after == 1)).sum())
        metric.dropped += int(((before == 1) & (after == 0)).sum())
        _count_stable(metric, (before, after), whole, column.spec.higher_is_better)
        if len(baseline) and column.stop - column.start == 2:
            metric.repeats = max(metric.repeats, int(baseline[:, column.stop - 1].max()))


def _count_stable(metric: MetricSurvey, shares: tuple[Floats, Floats], whole: NDArray[np.bool_], higher_is_better: bool) -> None:
    """Newly failing and passing among the cases whose baseline answers agree.

    `shares`: of the answers to each case, baseline and candidate, that score 1. A candidate without a score has lost the
    case; a baseline without one says nothing, so the case is neither stable nor flaky.
    `whole`: cases whose baseline lost no answer. A lost one stands in the shares as a passing one: what newly fails then
    counts, and nothing else does, so that no loss makes more cases stable.
    """
    before, after = shares
    best = 1.0 if higher_is_better else 0.0
    flaky = (before > 0) & (before < 1)
    with np.errstate(invalid="ignore"):
        holds = (after > 0.5) if higher_is_better else (after < 0.5)
    failing = (before == best) & ~holds
    metric.newly_failing += int(failing.sum())
    metric.newly_passing += int(((before == 1.0 - best) & holds).sum())
    metric.flaky += int((flaky & whole).sum())
    metric.stable += int((failing | (np.isfinite(before) & ~flaky & whole)).sum())
