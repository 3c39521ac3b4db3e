"""Baseline against candidate: every metric with its intervals, from two or three passes over the same rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evalgate.core.errors import BadInput
from evalgate.core.values import Scale
from evalgate.core.verdict import MetricResult
from evalgate.stats.bootstrap import replicate_sums
from evalgate.stats.draws import default_resamples, fewest_resamples
from evalgate.stats.guard import Jackknife, Moments
from evalgate.stats.interface import Blocks, Floats, MetricColumns, StatOptions
from evalgate.stats.judge import Evidence, judge
from evalgate.stats.quantile import paired_values, replicate_quantiles
from evalgate.stats.scoring import scores
from evalgate.stats.survey import ENOUGH, MetricSurvey, Survey, take_survey

Replicates = tuple[Floats, Floats]


def compare_metrics(columns: Sequence[MetricColumns], blocks: Blocks, options: StatOptions) -> dict[str, MetricResult]:
    """Estimates, differences and intervals of every metric; a metric's result does not depend on its neighbours.

    Returns: metric name → result; a number that is not defined is None and `reason` says why. Nothing is ever NaN.
    Raises:
        BadInput: the options cannot give an interval, or two metrics have one name.
        Incomplete: rows are not paired, or change between passes.
    """
    _check(columns, options)
    survey = take_survey(columns, blocks)
    resamples = options.resamples or default_resamples(survey.n, options.confidence)
    replicates = _replicates(survey, resamples, options)
    moments = _moments(survey)
    results = {}
    for number, (column, metric) in enumerate(zip(columns, survey.metrics, strict=True)):
        values = _values(column, metric)
        drawn = replicates.get(number)
        if values is not None and survey.n > 1 and _usable(survey, column) and len(values[0]) > 1:
            drawn = replicate_quantiles(values, column.quantile or 0.0, resamples, options)
        evidence = Evidence(column, metric, survey, options.confidence, drawn, moments.get(number), values)
        results[column.spec.name] = judge(evidence)
    return results


def _check(columns: Sequence[MetricColumns], options: StatOptions) -> None:
    if not 0.5 < options.confidence < 1:
        message = f"confidence is {options.confidence!r}, but must lie between 0.5 and 1"
        raise BadInput(message, where="confidence", hint="0.95 is usual")
    if options.seed < 0:
        raise BadInput(f"seed is {options.seed}, but must not be negative", where="seed")
    fewest = fewest_resamples(options.confidence)
    if options.resamples is not None and options.resamples < fewest:
        message = f"{options.resamples} resamples are too few for confidence {options.confidence:g}"
        raise BadInput(message, where="resamples", hint=f"use at least {fewest}, better 10,000")
    names = [column.spec.name for column in columns]
    for name in sorted({name for name in names if names.count(name) > 1}):
        raise BadInput(f"metric {name!r} is measured twice", where=name, hint="name it once, or with other parameters")


def _usable(survey: Survey, column: MetricColumns) -> bool:
    """Whether every row of a metric is a finite number that can be summed."""
    with np.errstate(all="ignore"):
        return bool(np.isfinite(survey.peak[column.start : column.stop] * survey.n).all())


def _replicates(survey: Survey, resamples: int, options: StatOptions) -> dict[int, Replicates]:
    """Scores of every resample, for the metrics whose score is a function of summed rows."""
    chosen = [
        number
        for number, column in enumerate(survey.columns)
        if survey.n > 1 and column.quantile is None and _usable(survey, column)
    ]
    if not chosen:
        return {}
    spans = [np.arange(survey.columns[i].start, survey.columns[i].stop, dtype=np.int64) for i in chosen]
    sums = replicate_sums(survey, np.concatenate(spans), resamples, options)
    found: dict[int, Replicates] = {}
    start = 0
    for number, span in zip(chosen, spans, strict=True):
        own = slice(start, start + len(span))
        column = survey.columns[number]
        found[number] = scores(column, sums[0][:, own]), scores(column, sums[1][:, own])
        start += len(span)
    return found


def _moments(survey: Survey) -> dict[int, tuple[Moments, Moments, Moments]]:
    """Per-unit moments of the bounded means that may need the guard; costs a pass only when one does."""
    needed = {
        number: Jackknife(column, survey.totals, survey.n)
        for number, (column, metric) in enumerate(zip(survey.columns, survey.metrics, strict=True))
        if survey.n > 1 and _usable(survey, column) and _may_need_guard(column, metric)
    }
    if needed:
        for baseline, candidate in survey.units():
            for jackknife in needed.values():
                jackknife.add(baseline, candidate)
    found = {number: jackknife.moments() for number, jackknife in needed.items()}
    return {number: moments for number, moments in found.items() if moments is not None}


def _may_need_guard(column: MetricColumns, metric: MetricSurvey) -> bool:
    spec = column.spec
    mean = spec.scale in (Scale.MEAN, Scale.PROPORTION) and column.quantile is None
    bounded = spec.low is not None and spec.high is not None
    return mean and bounded and min(metric.baseline.varied, metric.candidate.varied, metric.change.varied) <= ENOUGH


def _values(column: MetricColumns, metric: MetricSurvey) -> Replicates | None:
    """Per-unit values of a percentile metric; None for every other."""
    if column.quantile is None:
        return None
    before, after = (np.concatenate(parts) if parts else np.zeros(0) for parts in metric.values)
    return paired_values(before, after, column.spec.higher_is_better)
