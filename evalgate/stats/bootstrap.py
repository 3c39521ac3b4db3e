"""The second pass: streamed paired bootstrap of summed rows, shared by all metrics."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from evalgate.core.errors import Incomplete
from evalgate.stats.draws import ChunkShares, generator, unit_weights
from evalgate.stats.interface import Floats, StatOptions
from evalgate.stats.survey import Survey


def replicate_sums(survey: Survey, wanted: NDArray[np.int64], resamples: int, options: StatOptions) -> tuple[Floats, Floats]:
    """Sums of the wanted columns in every resample, for baseline and candidate.

    Rows are first put on a grid of powers of two so coarse that every weighted sum is exact in float64 (integers stay
    what they are; others move by less than 1e-12 of the largest value for up to 8,000 units). Exact sums have no order:
    chunking, threads, the linear algebra library and the other metrics' columns cannot change a bit.
    Shapes: (B, len(wanted)) each.
    Raises: Incomplete when the second reading gives other rows than the first.
    """
    grid = _grid(survey.peak[wanted], survey.n)
    sums = np.zeros((resamples, 2 * len(wanted)))
    shares = ChunkShares(survey.n, resamples)
    for number, (baseline, candidate) in enumerate(survey.units()):
        if len(baseline) > shares.units_left:
            raise Incomplete("rows were added while they were read")
        random = generator(options.seed, (*options.stage, number))
        both = np.concatenate([baseline[:, wanted], candidate[:, wanted]], axis=1)
        both = np.rint(both / np.tile(grid, 2))
        share = shares.take(len(baseline), random)
        for part, weights in unit_weights(share, len(baseline), random):
            sums[part] += weights @ both
    if not shares.finished:
        raise Incomplete("rows were lost while they were read")
    sums *= np.tile(grid, 2)
    return sums[:, : len(wanted)], sums[:, len(wanted) :]


def _grid(peak: Floats, units: int) -> Floats:
    """The step of each column's grid: sums of `units` values stay below 2**53 steps."""
    _, exponent = np.frexp(peak * units)
    return np.asarray(np.ldexp(1.0, np.maximum(exponent - 52, -1000)), dtype=np.float64)
