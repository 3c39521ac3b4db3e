"""Baseline against candidate: every metric with its intervals, from a few passes over the same rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evalgate.core.errors import BadInput
from evalgate.core.values import Scale
from evalgate.core.verdict import MetricResult
from evalgate.stats.bootstrap import replicate_sums
from evalgate.stats.draws import default_resamples, fewest_resamples
from evalgate.stats.interface import Blocks, Floats, Keys, MetricColumns, StatOptions
from evalgate.stats.judge import judge
from evalgate.stats.methods import Evidence
from evalgate.stats.quantile import paired_values, replicate_quantiles
from evalgate.stats.randomisation import randomise
from evalgate.stats.scoring import scores
from evalgate.stats.survey import ENOUGH, MetricSurvey, Survey, take_survey
from evalgate.stats.unit_values import unit_moments

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
    usable = {number for number, column in enumerate(columns) if survey.n > 1 and _usable(survey, column)}
    moments = unit_moments(survey, usable)
    asked = [number for number in sorted(moments) if _second_asked(survey, number, options)]
    replicates = _replicates(survey, asked, resamples, options)
    randomised = randomise(survey, asked, resamples, options)
    results = {}
    for number, (column, metric) in enumerate(zip(columns, survey.metrics, strict=True)):
        values, drawn = None, replicates.get(number)
        if column.quantile is not None:
            before, after, keys = _values(column, metric, survey)
            values = before, after
            if number in usable and len(keys) > 1:
                drawn = replicate_quantiles(values, keys, column.quantile, resamples, options.seed)
        evidence = Evidence(column, metric, survey, options.confidence, moments.get(number), drawn, values)
        results[column.spec.name] = judge(evidence, randomised.get(number))
    return results


def _second_asked(survey: Survey, number: int, options: StatOptions) -> bool:
    """Whether resampling is asked of a metric, and can say anything; pass/fail metrics have a closed form instead."""
    column, metric = survey.columns[number], survey.metrics[number]
    wanted = options.second is None or column.spec.name in options.second
    binary = column.spec.scale is Scale.PROPORTION and metric.binary and not survey.grouped
    return wanted and not binary and metric.change.varied >= ENOUGH


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
        raise BadInput("is measured twice", where=f"metric {name!r}", hint="name it once, or with other parameters")


def _usable(survey: Survey, column: MetricColumns) -> bool:
    """Whether every row of a metric is a finite number that can be summed."""
    with np.errstate(all="ignore"):
        return bool(np.isfinite(survey.peak[column.start : column.stop] * survey.n).all())


def _replicates(survey: Survey, chosen: Sequence[int], resamples: int, options: StatOptions) -> dict[int, Replicates]:
    """Scores of every resample, for the metrics whose score is a function of summed rows."""
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


def _values(column: MetricColumns, metric: MetricSurvey, survey: Survey) -> tuple[Floats, Floats, Keys]:
    """Per-unit values of a percentile metric in both variants, and the keys of these units."""
    before, after = (np.concatenate(parts) if parts else np.zeros(0) for parts in metric.values)
    keys = np.concatenate(survey.keys) if survey.keys else np.zeros(0, dtype=np.uint64)
    first, second, kept = paired_values(before, after, column.spec.higher_is_better)
    return first, second, keys[kept]
