"""The laws of a metric: additive, blind to order and splits, deterministic, finite, best on identity."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from evalgate.core.values import Expectation, MetricSpec, Output, Scale
from evalgate.metrics.interface import Metric, Rows
from evalgate.testing.law import law

TOLERANCE = 1e-12


def check_metric(
    metric: Metric, outputs: Sequence[Output], expectations: Sequence[Expectation], *, identity: Sequence[Output] | None = None
) -> None:
    """Assert every law of a metric on some outputs (at least two).

    `identity`: outputs that are as good as can be; the score of their sum must then be the best of the range.

    Raises: AssertionError that names the broken law.
    """
    law(len(outputs) == len(expectations) >= 2, "the laws need at least two outputs")
    before = copy.deepcopy((outputs, expectations))
    rows = metric.rows(outputs, expectations)
    _check_rows(metric.spec, rows, len(outputs))
    law((outputs, expectations) == before, "rows() changed its arguments")
    law(np.array_equal(rows, metric.rows(outputs, expectations)), "the same call gave other rows")
    _check_splits(metric, rows, outputs, expectations)
    _check_score(metric, rows)
    if identity is not None:
        best = metric.spec.high if metric.spec.higher_is_better else metric.spec.low
        found = float(metric.score(metric.rows(identity, expectations).sum(axis=0, keepdims=True))[0])
        if best is None:
            raise AssertionError("identity can only be best where the range has an end")
        law(abs(found - best) <= 1e-9 * max(1.0, abs(best)), f"identity scores {found}, the best is {best}")


def _check_rows(spec: MetricSpec, rows: Rows, count: int) -> None:
    law(isinstance(rows, np.ndarray), "rows() gives a numpy array")
    law(rows.dtype == np.float64, f"rows are float64, not {rows.dtype}")
    law(rows.shape == (count, spec.columns), f"rows have shape {rows.shape}, not {(count, spec.columns)}")
    law(np.isfinite(rows).all(), "rows are finite")
    if spec.scale in (Scale.MEAN, Scale.PROPORTION):
        law(spec.columns == 2, "a mean has two columns: value and count")
        law((rows[:, 1] >= 0).all(), "counts are not negative")


def _check_splits(metric: Metric, rows: Rows, outputs: Sequence[Output], expectations: Sequence[Expectation]) -> None:
    backwards = metric.rows(outputs[::-1], expectations[::-1])[::-1]
    law(np.array_equal(rows, backwards), "the order of cases changed a row")
    single = np.concatenate([metric.rows([o], [e]) for o, e in zip(outputs, expectations, strict=True)])
    law(np.array_equal(rows, single), "a row depends on the other rows of its batch")
    empty = metric.rows([], [])
    law(empty.shape == (0, metric.spec.columns), "no outputs give no rows")


def _check_score(metric: Metric, rows: Rows) -> None:
    half = len(rows) // 2
    whole = rows.sum(axis=0)
    parts = rows[:half].sum(axis=0) + rows[half:].sum(axis=0)
    both = metric.score(np.stack([whole, parts]))
    law(both.shape == (2,), f"score of 2 sums has shape {both.shape}")
    law(_close(both[0], both[1]), "a split changed the score")
    one = metric.score(whole[np.newaxis, :])
    law(_close(one[0], both[0]), "the score depends on what is scored beside it")
    law(metric.score(np.zeros((0, metric.spec.columns))).shape == (0,), "no sums give no scores")
    nothing = metric.score(np.zeros((1, metric.spec.columns)))
    law(not np.isinf(nothing).any(), "the score of nothing is a number or NaN")
    _check_range(metric.spec, metric.score(rows), both)


def _check_range(spec: MetricSpec, singles: NDArray[np.float64], sums: NDArray[np.float64]) -> None:
    for score in (*singles.tolist(), *sums.tolist()):
        if np.isnan(score):
            continue
        law(spec.low is None or score >= spec.low - TOLERANCE, f"score {score} below {spec.low}")
        law(spec.high is None or score <= spec.high + TOLERANCE, f"score {score} above {spec.high}")


def _close(a: float, b: float) -> bool:
    return bool(np.isnan(a) and np.isnan(b)) or abs(a - b) <= TOLERANCE * max(1.0, abs(a), abs(b))
