"""One percentile of per-unit values: `latency_ms.p95`."""

from __future__ import annotations

import numpy as np

from evalgate.core.verdict import Estimate, MetricResult
from evalgate.stats.bands import estimate, has_width, nothing, percentile, two_sided_p
from evalgate.stats.interface import Floats, MetricColumns, StatOptions
from evalgate.stats.quantile import paired_values, point, rank_band, replicate_quantiles
from evalgate.stats.survey import ENOUGH, MetricSurvey, Survey


def percentile_result(
    column: MetricColumns, seen: MetricSurvey, survey: Survey, resamples: int, options: StatOptions
) -> MetricResult:
    """The result of a percentile: exact points, distribution-free own intervals, a paired bootstrap of the change."""
    assert column.quantile is not None
    share, spec = column.quantile, column.spec
    joined = [np.concatenate(side) if side else np.zeros(0) for side in seen.values]
    values = paired_values(joined[0], joined[1], spec.higher_is_better)
    before, after = point(values[0], share), point(values[1], share)
    differing = int(np.count_nonzero(values[0] != values[1]))
    change, p_value, method, reason = _change(values, (before, after), differing, (share, resamples), options)
    return MetricResult(
        name=spec.name,
        baseline=estimate(before, rank_band(values[0], share), options.confidence),
        candidate=estimate(after, rank_band(values[1], share), options.confidence),
        delta=change[0],
        relative=change[1],
        p_value=p_value,
        confidence=options.confidence,
        method=method,
        n=len(values[0]),
        rows=survey.rows,
        informative=differing,
        identical_outputs=survey.identical,
        higher_is_better=spec.higher_is_better,
        unit=spec.unit,
        low=spec.low,
        high=spec.high,
        signature=spec.signature,
        reason=reason,
    )


def _change(
    values: tuple[Floats, Floats],
    points: tuple[float | None, float | None],
    differing: int,
    recipe: tuple[float, int],
    options: StatOptions,
) -> tuple[tuple[Estimate, Estimate], float | None, str, str | None]:
    """(delta, relative), p-value, method, reason."""
    share, resamples = recipe
    before, after = points
    if before is None or after is None:
        return (Estimate(None, None, None),) * 2, None, "none", "the percentile is not defined: answers are missing"
    delta = after - before
    relative = delta / before if before else None
    sure = options.confidence
    if differing < ENOUGH:
        reason = f"only {differing} of {len(values[0])} cases say anything about a change; at least {ENOUGH} are needed"
        bare = estimate(delta, nothing, sure), estimate(relative, nothing, sure)
        return bare, 1.0 if differing == 0 else None, "order statistics", reason
    low, high = replicate_quantiles(values, share, resamples, options)
    moved = high - low
    band = percentile(moved) if np.isfinite(moved).all() and has_width(percentile(moved), sure) else nothing
    ratios = percentile(moved / low) if band is not nothing and (low > 0).all() else nothing
    p_value = two_sided_p(moved) if np.isfinite(moved).all() else None
    method = f"order statistics; paired bootstrap of the percentile, {resamples:,} resamples"
    flat = None if band is not nothing else "the resamples do not vary"
    return (estimate(delta, band, sure), estimate(relative, ratios, sure)), p_value, method, flat
