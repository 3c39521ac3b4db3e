"""One additive metric: estimates, intervals and the p-value, by bootstrap or by the guarded t where that is blind."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evalgate.core.values import Scale
from evalgate.core.verdict import MetricResult
from evalgate.stats.bands import Band, estimate, exact_rate, has_width, nothing, percentile, ratio, two_sided_p
from evalgate.stats.guard import Jackknife, Moments, guarded_p, guarded_t
from evalgate.stats.interface import Floats, MetricColumns, StatOptions
from evalgate.stats.scoring import score_one, scores
from evalgate.stats.survey import ENOUGH, MetricSurvey, Survey


@dataclass(frozen=True, slots=True)
class Replicates:
    """Sums of one metric's columns in every resample. Shapes: (B, d) each."""

    baseline: Floats
    candidate: Floats


@dataclass(frozen=True, slots=True)
class _Bands:
    """The interval of each figure, and how they were made."""

    baseline: Band
    candidate: Band
    delta: Band
    relative: Band
    p_value: float | None
    method: str
    reason: str | None


def additive_result(
    column: MetricColumns,
    seen: MetricSurvey,
    survey: Survey,
    made: tuple[Replicates | None, Jackknife | None],
    options: StatOptions,
) -> MetricResult:
    """The result of one metric whose score is a function of summed rows."""
    own = slice(column.start, column.stop)
    before, after = (score_one(column, survey.totals[arm, own]) for arm in (0, 1))
    delta = None if before is None or after is None else after - before
    relative = None if delta is None or not before else delta / before
    bands = _bands(column, seen, survey, made, options)
    sure = options.confidence
    spec = column.spec
    pass_fail = spec.scale is Scale.PROPORTION
    return MetricResult(
        name=spec.name,
        baseline=estimate(before, bands.baseline, sure),
        candidate=estimate(after, bands.candidate, sure),
        delta=estimate(delta, bands.delta, sure),
        relative=estimate(relative, bands.relative, sure),
        p_value=None if delta is None else bands.p_value,
        confidence=sure,
        method=bands.method,
        n=survey.n,
        rows=survey.rows,
        informative=seen.differing,
        identical_outputs=survey.identical,
        higher_is_better=spec.higher_is_better,
        unit=spec.unit,
        low=spec.low,
        high=spec.high,
        signature=spec.signature,
        newly_failing=seen.newly_failing if pass_fail else None,
        newly_passing=seen.newly_passing if pass_fail else None,
        reason=_reason(before, after, bands),
    )


def _bands(
    column: MetricColumns,
    seen: MetricSurvey,
    survey: Survey,
    made: tuple[Replicates | None, Jackknife | None],
    options: StatOptions,
) -> _Bands:
    replicates, spread = made
    if replicates is None:
        return _Bands(nothing, nothing, nothing, nothing, None, "none", "one unit has no interval")
    before, after = scores(column, replicates.baseline), scores(column, replicates.candidate)
    moments = spread.moments() if spread is not None and column.spec.scale is not Scale.CORPUS else None
    own = [_own_band(column, seen, survey, moments, (arm, values), options) for arm, values in enumerate((before, after))]
    change = after - before
    if seen.change.varied >= ENOUGH and has_width(percentile(change), options.confidence):
        method = f"paired percentile bootstrap, {len(change):,} resamples" + (" of groups" if survey.grouped else "")
        p_value = two_sided_p(change) if np.isfinite(change).all() else None
        return _Bands(own[0], own[1], percentile(change), _relative_band(before, after, own[0], options), p_value, method, None)
    return _guarded(column, seen, survey, moments, own)


def _guarded(
    column: MetricColumns,
    seen: MetricSurvey,
    survey: Survey,
    moments: tuple[Moments, Moments, Moments] | None,
    own: list[Band],
) -> _Bands:
    """Too few units differ for resampling to see what a change could be."""
    units = "groups" if survey.grouped else "cases"
    known = min(seen.differing, seen.change.varied)
    said = f"only {known} of {survey.n} {units} say anything about a change; at least {ENOUGH} are needed"
    low, high = column.spec.low, column.spec.high
    p_value = 1.0 if seen.differing == 0 else None
    if moments is None or low is None or high is None:
        return _Bands(own[0], own[1], nothing, nothing, p_value, "none", said)
    reach = high - low
    delta = guarded_t(moments[2], -reach, reach, survey.imbalance)
    if p_value is None:
        p_value = guarded_p(moments[2], -reach, reach, survey.imbalance)
    method = f"guarded t ({known} informative {units})"
    return _Bands(own[0], own[1], delta, ratio(delta, own[0]), p_value, method, None)


def _own_band(
    column: MetricColumns,
    seen: MetricSurvey,
    survey: Survey,
    moments: tuple[Moments, Moments, Moments] | None,
    side: tuple[int, Floats],
    options: StatOptions,
) -> Band:
    """The interval of one variant's own value."""
    arm, replicates = side
    spec = column.spec
    if spec.scale is Scale.PROPORTION and seen.binary and not survey.grouped and seen.defined[arm] > 0:
        return exact_rate(seen.ones[arm], seen.defined[arm])
    varied = (seen.baseline, seen.candidate)[arm].varied
    band = percentile(replicates)
    if varied >= ENOUGH and has_width(band, options.confidence):
        return band
    if moments is not None and spec.low is not None and spec.high is not None:
        return guarded_t(moments[arm], spec.low, spec.high, survey.imbalance)
    return nothing


def _relative_band(before: Floats, after: Floats, baseline: Band, options: StatOptions) -> Band:
    """delta / baseline resample by resample; nothing where the baseline cannot be told from 0."""
    around = baseline(options.confidence)
    if around is None or around.low <= 0 <= around.high or not (np.isfinite(before).all() and (before != 0).all()):
        return nothing
    if np.sign(before.min()) != np.sign(before.max()):
        return nothing
    return percentile((after - before) / before)


def _reason(before: float | None, after: float | None, bands: _Bands) -> str | None:
    if before is None or after is None:
        return "the score is not defined on these cases: nothing was counted"
    if before == 0:
        return "the baseline is 0, so a change relative to it is not defined" + (f"; {bands.reason}" if bands.reason else "")
    return bands.reason
