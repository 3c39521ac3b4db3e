"""How the scores of single cases moved, as histograms that a report can draw; read shard by shard."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evalgate.core.record import DeltaHistogram
from evalgate.core.values import Arm
from evalgate.pipeline.instruments import Instruments
from evalgate.pipeline.shards import ShardStore
from evalgate.pipeline.verdict import UNCHANGED
from evalgate.runner.shard_file import ShardNumbers

BINS = 24
"""An even number: no bin lies on both sides of 0."""


def case_deltas(store: ShardStore, built: Instruments) -> tuple[DeltaHistogram, ...]:
    """Count by how much cases moved: one pass for the widest move of each metric, a second one for the bins."""
    names = [instrument.spec.name for instrument in built.metrics]
    if not names:
        return ()
    widest = np.zeros(len(names))
    for moved in map(_moved, store.all_numbers()):
        widest = np.fmax(widest, np.nan_to_num(np.abs(moved), nan=0.0).max(axis=0, initial=0.0))
    counts = np.zeros((len(names), BINS), dtype=np.int64)
    unchanged, undefined = np.zeros(len(names), dtype=np.int64), np.zeros(len(names), dtype=np.int64)
    for moved in map(_moved, store.all_numbers()):
        known = ~np.isnan(moved)
        still = known & (np.abs(moved) <= UNCHANGED)
        unchanged += still.sum(axis=0)
        undefined += (~known).sum(axis=0)
        for column in range(len(names)):
            counts[column] += _binned(moved[known[:, column] & ~still[:, column], column], float(widest[column]))
    return tuple(
        DeltaHistogram(name, float(widest[i]), tuple(counts[i].tolist()), int(unchanged[i]), int(undefined[i]))
        for i, name in enumerate(names)
    )


def _moved(numbers: ShardNumbers) -> NDArray[np.float64]:
    scores = numbers.scores
    with np.errstate(invalid="ignore"):
        moved: NDArray[np.float64] = scores[Arm.CANDIDATE] - scores[Arm.BASELINE]
    return np.where(np.isfinite(moved), moved, np.nan)


def _binned(moved: NDArray[np.float64], widest: float) -> NDArray[np.int64]:
    """(BINS,) cases in each bin."""
    if widest <= 0 or not len(moved):
        return np.zeros(BINS, dtype=np.int64)
    half = BINS // 2
    places = np.floor((moved / widest + 1) * half).astype(np.int64)
    # a move that is tiny beside the widest one stays on its side of 0
    places = np.where(moved < 0, np.clip(places, 0, half - 1), np.clip(places, half, BINS - 1))
    return np.bincount(places, minlength=BINS)
