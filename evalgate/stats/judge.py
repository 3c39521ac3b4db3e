"""Turn what the passes found about one metric into its result: choose the methods, say which, never say too much."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evalgate.core.values import Scale
from evalgate.core.verdict import Estimate, MetricResult
from evalgate.stats.bands import (
    Band,
    estimate,
    exact_rate,
    has_width,
    nothing,
    outer_percentile,
    percentile,
    ratio,
    two_sided_p,
)
from evalgate.stats.guard import Moments, guarded_p, guarded_t
from evalgate.stats.interface import Floats, MetricColumns
from evalgate.stats.quantile import point, rank_band
from evalgate.stats.scoring import score_one
from evalgate.stats.survey import ENOUGH, MetricSurvey, Survey


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything known about one metric."""

    column: MetricColumns
    metric: MetricSurvey
    survey: Survey
    confidence: float
    replicates: tuple[Floats, Floats] | None
    """Scores of every resample, baseline and candidate."""
    moments: tuple[Moments, Moments, Moments] | None
    """Baseline, candidate and difference, where the guard is possible."""
    values: tuple[Floats, Floats] | None
    """Per-unit values, for percentiles."""

    @property
    def what(self) -> str:
        """The unit of analysis in words."""
        return "groups" if self.survey.grouped else "cases"

    @property
    def bounds(self) -> tuple[float, float]:
        """The metric's range; only asked for where the guard is possible."""
        return self.column.spec.low or 0.0, self.column.spec.high or 0.0


@dataclass(frozen=True, slots=True)
class Finding:
    """An interval method with its name, or the reason why there is none."""

    band: Band
    method: str | None = None
    reason: str | None = None
    p_value: float | None = None


def judge(evidence: Evidence) -> MetricResult:
    """The result of one metric."""
    values = _arm_value(evidence, 0), _arm_value(evidence, 1)
    arms = _arm_finding(evidence, 0), _arm_finding(evidence, 1)
    before, after = (estimate(v, f.band, evidence.confidence) for v, f in zip(values, arms, strict=True))
    change = _delta_finding(evidence) if None not in values else Finding(nothing, reason=_undefined(evidence, values))
    delta = values[1] - values[0] if values[0] is not None and values[1] is not None else None
    share = _relative_finding(evidence, change, arms[0], before.value, delta)
    relative = _relative_value(before.value, delta)
    relative_estimate = estimate(relative, share.band, evidence.confidence)
    reasons = [f.reason for f in (change, share, *arms) if f.reason]
    return _result(
        evidence,
        (before, after, estimate(delta, change.band, evidence.confidence), relative_estimate),
        change,
        (_method(evidence, change, arms), "; ".join(dict.fromkeys(reasons)) or None),
    )


def _result(
    evidence: Evidence, estimates: tuple[Estimate, Estimate, Estimate, Estimate], change: Finding, words: tuple[str, str | None]
) -> MetricResult:
    spec, metric, survey = evidence.column.spec, evidence.metric, evidence.survey
    counted = spec.scale is Scale.PROPORTION and evidence.column.quantile is None
    return MetricResult(
        name=spec.name,
        baseline=estimates[0],
        candidate=estimates[1],
        delta=estimates[2],
        relative=estimates[3],
        p_value=change.p_value,
        confidence=evidence.confidence,
        method=words[0],
        n=survey.n,
        rows=survey.rows,
        informative=metric.differing,
        identical_outputs=survey.identical,
        higher_is_better=spec.higher_is_better,
        unit=spec.unit,
        low=spec.low,
        high=spec.high,
        signature=spec.signature,
        newly_failing=metric.newly_failing if counted else None,
        newly_passing=metric.newly_passing if counted else None,
        reason=words[1],
    )


def _arm_value(evidence: Evidence, arm: int) -> float | None:
    column, survey = evidence.column, evidence.survey
    own = slice(column.start, column.stop)
    if survey.n == 0 or not np.isfinite(survey.peak[own]).all():
        return None
    if evidence.values is not None:
        return point(evidence.values[arm], column.quantile or 0.0)
    return score_one(column, survey.totals[arm, own])


def _undefined(evidence: Evidence, values: tuple[float | None, float | None]) -> str:
    survey, column = evidence.survey, evidence.column
    if survey.n == 0:
        return "no case was measured"
    if not np.isfinite(survey.peak[column.start : column.stop]).all():
        return "a row is not a finite number"
    names = [name for name, value in zip(("baseline", "candidate"), values, strict=True) if value is None]
    return f"the score of the {' and the '.join(names)} is not defined"


def _arm_finding(evidence: Evidence, arm: int) -> Finding:
    """How sure one variant's own value is."""
    metric, survey = evidence.metric, evidence.survey
    if survey.n < 2:
        return Finding(nothing)
    if evidence.values is not None:
        return _rank_finding(evidence, arm)
    total = metric.defined[arm]
    if evidence.column.spec.scale is Scale.PROPORTION and not survey.grouped and metric.binary and total:
        return Finding(exact_rate(metric.ones[arm], total), "Clopper-Pearson")
    varied = (metric.baseline, metric.candidate)[arm].varied
    if evidence.replicates is not None and varied >= ENOUGH:
        band = _percentile(evidence.replicates[arm], evidence.confidence)
        if band is not None:
            return Finding(band, "percentile bootstrap")
    if evidence.moments is not None:
        band = guarded_t(evidence.moments[arm], *evidence.bounds, survey.imbalance)
        return Finding(band, f"guarded t on n + 2 {evidence.what}")
    name = ("baseline", "candidate")[arm]
    return Finding(nothing, reason=f"too few different {evidence.what} for an interval of the {name}")


def _rank_finding(evidence: Evidence, arm: int) -> Finding:
    values = evidence.values[arm] if evidence.values is not None else np.zeros(0)
    band = rank_band(values, evidence.column.quantile or 0.0)
    if band(2 * evidence.confidence - 1) is None:
        return Finding(nothing, reason=f"{len(values)} {evidence.what} are too few to bound this percentile")
    return Finding(band, "order-statistic ranks")


def _delta_finding(evidence: Evidence) -> Finding:
    """How sure the difference is; with hardly any change only the guard may speak."""
    survey, varied = evidence.survey, evidence.metric.change.varied
    if survey.n < 2:
        return Finding(nothing, reason=f"{survey.n} {evidence.what[:-1]} carries no interval")
    if evidence.values is not None:
        for arm in (0, 1):
            ranks = _rank_finding(evidence, arm)
            if ranks.method is None:
                return ranks
    if evidence.replicates is not None and varied >= ENOUGH:
        deltas = _difference(*evidence.replicates)
        band = _percentile(deltas, evidence.confidence)
        if band is not None:
            name = f"paired percentile bootstrap, {len(deltas):,} resamples"
            return Finding(band, name, p_value=two_sided_p(deltas))
    if evidence.moments is not None:
        low, high = evidence.bounds
        span = (evidence.moments[2], low - high, high - low, survey.imbalance)
        name = f"guarded t ({_informative(evidence)} informative {evidence.what})"
        return Finding(guarded_t(*span), name, p_value=guarded_p(*span))
    return Finding(nothing, reason=_too_alike(evidence))


def _informative(evidence: Evidence) -> int:
    return min(evidence.metric.differing, evidence.metric.change.varied)


def _too_alike(evidence: Evidence) -> str:
    differing, varied, n = evidence.metric.differing, evidence.metric.change.varied, evidence.survey.n
    if differing < ENOUGH:
        return f"only {differing} of {n} {evidence.what} differ; at least {ENOUGH} are needed"
    if varied < ENOUGH:
        return f"all but {varied} of {n} {evidence.what} changed alike; at least {ENOUGH} must vary"
    return "the resamples do not vary, or are not defined, so they say nothing about uncertainty"


def _relative_value(baseline: float | None, delta: float | None) -> float | None:
    if not baseline or delta is None:
        return None
    value = delta / baseline
    return value if np.isfinite(value) else None


def _relative_finding(evidence: Evidence, change: Finding, own: Finding, baseline: float | None, delta: float | None) -> Finding:
    if delta is None or baseline is None:
        return Finding(nothing)
    if baseline == 0:
        return Finding(nothing, reason="the baseline is 0, so a relative change is not defined")
    if change.method is None:
        return Finding(nothing)
    if change.method.startswith("paired") and evidence.replicates is not None:
        band = _relative_percentile(*evidence.replicates, baseline)
    else:
        band = ratio(change.band, own.band)
    if not has_width(band, evidence.confidence):
        return Finding(nothing, reason="the baseline is not distinguishable from 0, so a relative change has no interval")
    return Finding(band)


def _relative_percentile(before: Floats, after: Floats, baseline: float) -> Band:
    """Resample-wise delta / baseline; resamples whose baseline crosses 0 count against both ends."""
    crossed = np.sign(before) != np.sign(baseline)
    with np.errstate(all="ignore"):
        ratios = _difference(before, after) / before
    return outer_percentile(np.where(crossed, -np.inf, ratios), np.where(crossed, np.inf, ratios))


def _difference(before: Floats, after: Floats) -> Floats:
    with np.errstate(all="ignore"):
        return after - before


def _percentile(replicates: Floats, confidence: float) -> Band | None:
    """The percentile interval, unless a resample is undefined or the interval has no width."""
    if np.isnan(replicates).any():
        return None
    band = percentile(replicates)
    return band if has_width(band, confidence) else None


def _method(evidence: Evidence, change: Finding, arms: tuple[Finding, Finding]) -> str:
    parts = [change.method or "no interval of the difference"]
    own = dict.fromkeys(arm.method for arm in arms if arm.method)
    if own:
        parts.append(f"own values: {', '.join(own)}")
    if evidence.survey.grouped:
        parts.append(f"{evidence.survey.n} groups of {evidence.survey.rows} cases resampled whole")
    return "; ".join(parts)
