"""Which method says how sure a figure is, by the kind of metric; or the reason why none can."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from evalgate.core.values import Scale
from evalgate.core.verdict import Inference
from evalgate.stats.bands import ExactRate, OrderStatistics, Resampled, has_width
from evalgate.stats.guard import GuardedRatio, GuardedT, LogRatio
from evalgate.stats.interface import Floats, MetricColumns
from evalgate.stats.moments import Moments, PairMoments
from evalgate.stats.paired_rates import Tango
from evalgate.stats.scoring import score_one
from evalgate.stats.survey import ENOUGH, MetricSurvey, Survey
from evalgate.stats.unit_values import UnitMoments

FEWEST = 30
"""Units below which the spread of a mean is not trusted without the guard."""
_CHANGE = 2


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything known about one metric."""

    column: MetricColumns
    metric: MetricSurvey
    survey: Survey
    confidence: float
    moments: UnitMoments | None = None
    """None where a row is not usable, or a corpus score cannot be linearised."""
    replicates: tuple[Floats, Floats] | None = None
    """Scores of every resample, baseline and candidate."""
    values: tuple[Floats, Floats] | None = None
    """Per-unit values, for percentiles."""

    @property
    def what(self) -> str:
        """The unit of analysis in words."""
        return "groups" if self.survey.grouped else "cases"

    @property
    def corpus(self) -> bool:
        """Whether the score is no mean over units."""
        return self.column.spec.scale is Scale.CORPUS and self.values is None

    @property
    def pass_fail(self) -> bool:
        """Whether every case is exactly 0 or 1 and stands for itself."""
        metric = self.metric
        alone = not self.survey.grouped and metric.one_sided == 0 and metric.defined[0] == metric.defined[1] > 0
        return self.column.spec.scale is Scale.PROPORTION and self.values is None and metric.binary and alone

    @property
    def ends(self) -> tuple[float, float] | None:
        """The range of a unit's value; None where it has none, or is no unit's own."""
        low, high = self.column.spec.low, self.column.spec.high
        return None if low is None or high is None or self.corpus else (low, high)


@dataclass(frozen=True, slots=True)
class Choice:
    """A method, or why there is none."""

    inference: Inference | None = None
    reason: str | None = None


def own_value(evidence: Evidence, arm: int, value: float) -> Choice:
    """How sure one variant's own value is."""
    name = ("baseline", "candidate")[arm]
    if evidence.survey.n < 2 or evidence.metric.one_sided:
        return Choice()
    if evidence.values is not None:
        return _ranked(evidence, arm)
    if evidence.pass_fail:
        return Choice(ExactRate(evidence.metric.ones[arm], evidence.metric.defined[arm]))
    weights = (1.0, 0.0) if arm == 0 else (0.0, 1.0)
    found = _t(evidence, weights, _informative(evidence, arm), value)
    return (
        found
        if found.inference
        else Choice(reason=f"too few, or too few different {evidence.what} for an interval of the {name}")
    )


def change(evidence: Evidence, value: float) -> Choice:
    """How sure the difference is; with hardly any change only the guard may speak."""
    survey, metric = evidence.survey, evidence.metric
    if survey.n < 2:
        return Choice(reason=f"{survey.n} {evidence.what[:-1]} carries no interval")
    if evidence.values is not None:
        return _resampled(evidence, relative=False)
    if metric.one_sided:
        return Choice(reason=f"{metric.one_sided} {evidence.what} have a value in one variant only")
    if evidence.pass_fail:
        return Choice(Tango(metric.defined[0], metric.gained, metric.dropped))
    found = _t(evidence, (-1.0, 1.0), _informative(evidence, _CHANGE), value)
    return found if found.inference else Choice(reason=too_alike(evidence))


def relative_change(evidence: Evidence) -> Choice:
    """How sure delta / baseline is."""
    undistinguished = Choice(reason="the baseline is not distinguishable from 0, so a relative change has no interval")
    if evidence.values is not None:
        return _resampled(evidence, relative=True)
    moments = evidence.moments
    if moments is None or evidence.survey.n < 2 or evidence.metric.one_sided:
        return Choice()
    informative = _informative(evidence, _CHANGE)
    few = _few(evidence, informative)
    if evidence.corpus:
        if few:
            return Choice()
        if moments.logs is None:
            return Choice(reason="the score is 0 for some of the cases left, so a relative change has no interval")
        ratio = LogRatio(GuardedT(_log_ratio(evidence, moments.logs), "linearised t on the log ratio"))
        return Choice(ratio) if has_width(ratio, evidence.confidence) else undistinguished
    if few and evidence.ends is None:
        return Choice()
    pairs = _widened(evidence, moments.values, informative) if few else moments.values
    found = GuardedRatio(pairs, "guarded Fieller")
    return Choice(found) if has_width(found, evidence.confidence) else undistinguished


def _log_ratio(evidence: Evidence, logs: PairMoments) -> Moments:
    """Moments of the log ratio around the published scores, as those of the difference are."""
    found, column = logs.of(-1.0, 1.0), evidence.column
    before, after = (score_one(column, evidence.survey.totals[arm, column.start : column.stop]) for arm in (0, 1))
    assert before is not None and after is not None
    return replace(found, mean=math.log(after) - math.log(before))


def too_alike(evidence: Evidence) -> str:
    """Why the difference has no interval."""
    differing, varied, n = evidence.metric.differing, evidence.metric.change.varied, evidence.survey.n
    if differing < ENOUGH:
        return f"only {differing} of {n} {evidence.what} differ; at least {ENOUGH} are needed"
    if n < FEWEST and evidence.ends is None and not evidence.corpus:
        return f"{n} {evidence.what} are too few without a range of the metric; at least {FEWEST} are needed"
    if varied < ENOUGH:
        return f"all but {varied} of {n} {evidence.what} changed alike; at least {ENOUGH} must vary"
    return "the scores do not vary, or are not defined, so they say nothing about uncertainty"


def _t(evidence: Evidence, weights: tuple[float, float], informative: int, value: float) -> Choice:
    """The guarded t on one weighing of the two variants."""
    if evidence.moments is None:
        return Choice()
    pairs, ends = evidence.moments.values, evidence.ends
    few = _few(evidence, informative)
    if few and ends is None:
        return Choice()
    moments = (_widened(evidence, pairs, informative) if few else pairs).of(*weights)
    low, high = _reach(evidence, weights)
    if evidence.corpus:
        moments = Moments(moments.n, value, moments.squares, moments.cubes)
        name = "linearised t"
    else:
        name = f"guarded t on n + 2 {evidence.what}, {informative} informative" if few else "guarded t"
    found = GuardedT(moments, name, low, high, value)
    return Choice(found) if has_width(found, evidence.confidence) else Choice()


def _informative(evidence: Evidence, place: int) -> int:
    """Units that say something about the spread of the baseline, the candidate or the change; ENOUGH stands for more."""
    metric = evidence.metric
    varied = (metric.baseline, metric.candidate, metric.change)[place].varied
    apart = evidence.moments.apart if evidence.moments is not None else None
    return varied if apart is None else min(varied, apart[place])


def _few(evidence: Evidence, informative: int) -> bool:
    """Whether the spread of the units alone is not to be trusted."""
    return informative < ENOUGH or (evidence.survey.n < FEWEST and not evidence.corpus)


def _widened(evidence: Evidence, pairs: PairMoments, informative: int) -> PairMoments:
    """Two more units at the ends of the range; the skewness of a handful of units is not to be trusted, so it is left out."""
    assert evidence.ends is not None
    widened = pairs.with_ends(*evidence.ends)
    return widened if informative >= ENOUGH else replace(widened, third=(0.0, 0.0, 0.0, 0.0))


def _reach(evidence: Evidence, weights: tuple[float, float]) -> tuple[float | None, float | None]:
    """Smallest and largest possible value of the weighed figure."""
    low, high = evidence.column.spec.low, evidence.column.spec.high
    if weights[0] < 0:
        return (None, None) if low is None or high is None else (low - high, high - low)
    return low, high


def _ranked(evidence: Evidence, arm: int) -> Choice:
    values = evidence.values[arm] if evidence.values is not None else np.zeros(0)
    found = OrderStatistics(np.sort(values), evidence.column.quantile or 0.0)
    if found.interval(2 * evidence.confidence - 1) is None:
        return Choice(reason=f"{len(values)} {evidence.what} are too few to bound this percentile")
    return Choice(found)


def _resampled(evidence: Evidence, *, relative: bool) -> Choice:
    """The paired bootstrap, for percentiles; only where each side's own percentile can be bounded."""
    for arm in (0, 1):
        ranked = _ranked(evidence, arm)
        if ranked.inference is None:
            return ranked
    if evidence.replicates is None or evidence.metric.change.varied < ENOUGH:
        return Choice(reason=too_alike(evidence))
    found = resampled_ratio(*evidence.replicates) if relative else resampled_difference(*evidence.replicates)
    if found is None or not has_width(found, evidence.confidence):
        return Choice(reason=too_alike(evidence))
    return Choice(found)


def resampled_difference(before: Floats, after: Floats) -> Resampled | None:
    """Percentile paired bootstrap of candidate - baseline; None where a resample is undefined."""
    with np.errstate(all="ignore"):
        deltas = after - before
    name = f"paired percentile bootstrap, {len(deltas):,} resamples"
    return None if np.isnan(deltas).any() else Resampled(deltas, deltas, name)


def resampled_ratio(before: Floats, after: Floats) -> Resampled | None:
    """Percentile paired bootstrap of delta / baseline, the same as of the log of the ratio; resamples whose baseline is not
    on its usual side of 0 count against both ends."""
    if np.isnan(before).any() or np.isnan(after).any():
        return None
    ordered, middle = np.sort(before), len(before) // 2
    # twice the median (whose sign alone matters): `np.median` would load numpy.ma
    median = ordered[middle] + ordered[-1 - middle]
    crossed = np.sign(before) != (1.0 if median > 0 else -1.0)
    with np.errstate(all="ignore"):
        ratios = (after - before) / before
    lowest, highest = np.where(crossed, -np.inf, ratios), np.where(crossed, np.inf, ratios)
    if np.isnan(lowest).any() or np.isnan(highest).any():
        return None
    return Resampled(lowest, highest, f"paired bootstrap of the log ratio, {len(ratios):,} resamples")
