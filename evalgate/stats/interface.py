"""What statistics receive: paired blocks of additive rows, and how to score their sums."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalgate.core.values import MetricSpec

Floats = NDArray[np.float64]
Keys = NDArray[np.uint64]
Scorer = Callable[[Floats], Floats]


@dataclass(frozen=True, slots=True)
class PairedBlock:
    """One shard's rows of the selected cases, in case order.

    Shapes: n cases × D columns, float64; all metrics' columns side by side.
    """

    baseline: Floats
    candidate: Floats
    groups: NDArray[np.int64] | None
    """(n,) cluster number of each case, numbered over the whole dataset; None: every case is its own unit."""
    identical: NDArray[np.bool_]
    """(n,) whether both outputs are byte-identical."""
    keys: Keys
    """(n,) digest of each case's id: what the second opinion's draws depend on."""
    lost: NDArray[np.bool_] | None = None
    """(n,) whether an answer of either variant is missing; None: none is."""
    baseline_lost: NDArray[np.bool_] | None = None
    """(n,) whether an answer of the baseline is missing; None: none is."""


Blocks = Callable[[], Iterable[PairedBlock]]
"""Called once per pass; every call gives the same blocks in the same order."""


@dataclass(frozen=True, slots=True)
class MetricColumns:
    """Which columns belong to a metric, and how their sum is scored."""

    spec: MetricSpec
    score: Scorer
    """(k, d) sums of rows → (k,) scores; NaN where undefined."""
    start: int
    stop: int
    quantile: float | None = None
    """For `NAME.p95`: 0.95, taken over the score of each unit; None: the score of the sum."""


@dataclass(frozen=True, slots=True)
class StatOptions:
    """How sure, and with which random numbers."""

    confidence: float
    seed: int
    resamples: int | None
    """Bootstrap replicates; None: chosen from the number of units."""
    second: frozenset[str] | None = None
    """Names of the metrics for which a second method is asked; None: all of them."""
    threads: int = 1
    """How many threads may make draws; no figure depends on it."""
