"""The second opinion's resamples: summed rows of every resample, for all metrics in one pass."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from evalgate.core.errors import Incomplete
from evalgate.stats.draws import weighted_sums
from evalgate.stats.interface import Floats, Keys, StatOptions
from evalgate.stats.survey import Survey


def replicate_sums(survey: Survey, wanted: NDArray[np.int64], resamples: int, options: StatOptions) -> tuple[Floats, Floats]:
    """Sums of the wanted columns in every resample, for baseline and candidate.

    Shapes: (B, len(wanted)) each; resamples that draw no unit are left out.
    Raises: Incomplete when the second reading gives another number of rows than the first.
    """
    step = np.tile(grid(survey.peak[wanted], survey.n), 2)
    # counts of means are 1 for every unit: their sums are the number of drawn units, counted once for all of them
    counts = ((survey.totals[:, wanted] == survey.n) & (survey.peak[wanted] == 1)).reshape(-1)

    def rows() -> Iterator[tuple[Keys, Floats]]:
        read = 0
        for unit in survey.units():
            read += len(unit.keys)
            both = np.concatenate([unit.baseline[:, wanted], unit.candidate[:, wanted]], axis=1)
            others = np.rint(both[:, ~counts] / step[~counts])
            yield unit.keys, np.concatenate([others, np.ones((len(both), 1))], axis=1)
        if read != survey.n:
            raise Incomplete("rows changed while they were read", hint="run again")

    summed = weighted_sums(rows(), int((~counts).sum()) + 1, resamples, options.seed, options.threads)
    summed = summed[summed[:, -1] > 0]
    sums = np.empty((len(summed), len(counts)))
    sums[:, ~counts] = summed[:, :-1] * step[~counts]
    sums[:, counts] = summed[:, -1:]
    return sums[:, : len(wanted)], sums[:, len(wanted) :]


def grid(peak: Floats, units: int) -> Floats:
    """The step of a grid for each column: a power of two so coarse that every weighted sum of it is exact in float64.

    Integers stay what they are; other values move by less than 1e-11 of the largest one for up to 10,000 units. Exact sums
    have no order: chunks, threads, the linear algebra library and the other metrics' columns cannot change a bit.
    """
    _, exponent = np.frexp(peak * (2.0 * units + 64.0))
    return np.asarray(np.ldexp(1.0, np.maximum(exponent - 52, -1000)), dtype=np.float64)
