"""Small makers of paired rows, so that every test says only what matters to it."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest

from evalgate.core.values import Direction, MetricSpec, Scale
from evalgate.stats.compare import compare_metrics
from evalgate.stats.draws import case_keys
from evalgate.stats.interface import MetricColumns, PairedBlock, StatOptions


def ratio(sums):
    return sums[:, 0] / sums[:, 1]


def power(sums):
    """A score that is no mean: the ratio of two sums, squared."""
    return (sums[:, 0] / sums[:, 1]) ** 2


def column(name="m", scale=Scale.MEAN, start=0, low=0.0, high=1.0, higher=True, quantile=None, score=None) -> MetricColumns:
    direction = Direction.HIGHER if higher else Direction.LOWER
    spec = MetricSpec(name, direction, "0-1", low, high, "1", 2, scale, "sig")
    return MetricColumns(spec, score or (power if scale is Scale.CORPUS else ratio), start, start + 2, quantile)


def rows(*scores) -> np.ndarray:
    """Scores of one or more metrics as (score, 1) columns side by side."""
    parts = []
    for score in scores:
        score = np.asarray(score, dtype=float)
        parts += [score, np.ones(len(score))]
    return np.column_stack(parts)


def keys(n: int) -> np.ndarray:
    return case_keys([f"case-{number}" for number in range(n)])


def blocks(baseline, candidate, size=256, groups=None, identical=None) -> Callable:
    ids = keys(len(baseline))
    same = np.zeros(len(baseline), bool) if identical is None else np.asarray(identical)

    def read():
        for start in range(0, len(baseline), size):
            part = slice(start, start + size)
            grouped = None if groups is None else groups[part]
            yield PairedBlock(baseline[part], candidate[part], grouped, same[part], ids[part])

    return read


def options(resamples=None, confidence=0.95, seed=7) -> StatOptions:
    return StatOptions(confidence, seed, resamples)


def compare(before, after, scale=Scale.MEAN, *, groups=None, resamples=1000, confidence=0.95, identical=None, **how):
    """One metric over plain scores."""
    read = blocks(rows(before), rows(after), groups=groups, identical=identical)
    return compare_metrics([column(scale=scale, **how)], read, options(resamples, confidence))["m"]


@pytest.fixture
def make():
    return SimpleNamespace(column=column, rows=rows, blocks=blocks, options=options, compare=compare, ratio=ratio, keys=keys)
