"""Turn what the passes found about one metric into its result: say which methods, never say too much."""

from __future__ import annotations

import numpy as np

from evalgate.core.values import Scale
from evalgate.core.verdict import Answered, Estimate, Inference, Interval, MetricResult, SecondOpinion
from evalgate.stats.bands import Resampled, estimate, has_width, two_sided
from evalgate.stats.exact_counts import mcnemar_mid_p, mcnemar_one_sided
from evalgate.stats.methods import (
    Choice,
    Evidence,
    change,
    own_value,
    relative_change,
    resampled_difference,
    resampled_ratio,
)
from evalgate.stats.paired_rates import Tango, newcombe_interval
from evalgate.stats.quantile import point
from evalgate.stats.randomisation import Randomised
from evalgate.stats.scoring import score_one
from evalgate.stats.survey import ENOUGH


def judge(evidence: Evidence, randomised: Randomised | None) -> MetricResult:
    """The result of one metric."""
    values = _arm_value(evidence, 0), _arm_value(evidence, 1)
    own = [Choice() if value is None else own_value(evidence, arm, value) for arm, value in enumerate(values)]
    before, after = (estimate(v, c.inference, evidence.confidence) for v, c in zip(values, own, strict=True))
    paired = values[0] is not None and values[1] is not None and not evidence.metric.one_sided
    delta = (values[1] or 0.0) - (values[0] or 0.0) if paired else None
    moved = Choice(reason=_undefined(evidence, values)) if delta is None else change(evidence, delta)
    share, relative = _relative(evidence, values[0], delta)
    estimates = (
        before,
        after,
        estimate(delta, moved.inference, evidence.confidence),
        estimate(relative, share.inference if moved.inference else None, evidence.confidence),
    )
    reasons = [choice.reason for choice in (moved, share, *own) if choice.reason]
    second = _second(evidence, moved.inference, randomised)
    return _result(evidence, estimates, second, (_method(evidence, moved, own), "; ".join(dict.fromkeys(reasons)) or None))


def _result(
    evidence: Evidence,
    estimates: tuple[Estimate, Estimate, Estimate, Estimate],
    second: SecondOpinion | None,
    words: tuple[str, str | None],
) -> MetricResult:
    spec, metric, survey = evidence.column.spec, evidence.metric, evidence.survey
    counted = spec.scale is Scale.PROPORTION and evidence.column.quantile is None
    return MetricResult(
        name=spec.name,
        baseline=estimates[0],
        candidate=estimates[1],
        delta=estimates[2],
        relative=estimates[3],
        p_value=_p_value(evidence, estimates[2].inference),
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
        stable=metric.stable if counted else None,
        flaky=metric.flaky if counted else None,
        repeats=metric.repeats if counted else None,
        second=second,
        answered=_answered(evidence),
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
    if evidence.metric.one_sided:
        return f"{evidence.metric.one_sided} {evidence.what} have a score in one variant only"
    names = [name for name, value in zip(("baseline", "candidate"), values, strict=True) if value is None]
    return f"the score of the {' and the '.join(names)} is not defined"


def _relative(evidence: Evidence, baseline: float | None, delta: float | None) -> tuple[Choice, float | None]:
    if delta is None or baseline is None:
        return Choice(), None
    if baseline == 0:
        return Choice(reason="the baseline is 0, so a relative change is not defined"), None
    value = delta / baseline
    return relative_change(evidence), value if np.isfinite(value) else None


def _p_value(evidence: Evidence, inference: Inference | None) -> float | None:
    if inference is None:
        return None
    if evidence.pass_fail:
        return mcnemar_mid_p(evidence.metric.gained, evidence.metric.dropped)
    return two_sided(inference)


def _second(evidence: Evidence, first: Inference | None, randomised: Randomised | None) -> SecondOpinion | None:
    """Another method's word, where the first one speaks and the data are not too few to resample."""
    level = 2 * evidence.confidence - 1
    if isinstance(first, Tango):
        metric = evidence.metric
        both = metric.ones[0] - metric.dropped
        neither = metric.defined[0] - both - metric.gained - metric.dropped
        return SecondOpinion(
            "Newcombe hybrid score",
            newcombe_interval(both, metric.gained, metric.dropped, neither, level),
            None,
            None,
            "exact McNemar",
            mcnemar_one_sided(metric.gained, metric.dropped),
            mcnemar_one_sided(metric.dropped, metric.gained),
        )
    if first is None or evidence.replicates is None or randomised is None or evidence.metric.change.varied < ENOUGH:
        return None
    before, after = evidence.replicates
    deltas, ratios = resampled_difference(before, after), resampled_ratio(before, after)
    alone = None if np.isnan(after).any() else Resampled(after, after, "")
    return SecondOpinion(
        f"percentile paired bootstrap, {len(before):,} resamples",
        _ends(deltas, evidence.confidence),
        _ends(ratios, evidence.confidence),
        _ends(alone, evidence.confidence),
        randomised.method,
        randomised.p_higher,
        randomised.p_lower,
    )


def _ends(found: Resampled | None, confidence: float) -> Interval | None:
    """The deciding interval, unless it has collapsed."""
    return found.interval(2 * confidence - 1) if found is not None and has_width(found, confidence) else None


def _answered(evidence: Evidence) -> Answered | None:
    """The scores over the cases that both variants answered; None when no answer was lost."""
    survey, column = evidence.survey, evidence.column
    if survey.answered is None:
        return None
    if evidence.values is not None:
        both = np.isfinite(evidence.values[0]) & np.isfinite(evidence.values[1])
        sides = [point(values[both], column.quantile or 0.0) for values in evidence.values]
        return Answered(int(both.sum()), sides[0], sides[1])
    own = slice(column.start, column.stop)
    before, after = (score_one(column, survey.answered[arm, own]) for arm in (0, 1))
    return Answered(survey.answered_cases, before, after)


def _method(evidence: Evidence, moved: Choice, own: list[Choice]) -> str:
    parts = [moved.inference.method if moved.inference else "no interval of the difference"]
    methods = dict.fromkeys(choice.inference.method for choice in own if choice.inference)
    if methods:
        parts.append(f"own values: {', '.join(methods)}")
    if evidence.survey.grouped:
        averaged = "resampled whole" if evidence.corpus else "averaged first"
        parts.append(f"{evidence.survey.n} groups of {evidence.survey.rows} cases {averaged}")
    return "; ".join(parts)
