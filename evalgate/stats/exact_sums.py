"""Sums of floats without rounding: the same bits in whatever order, chunks or shards the numbers come."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from evalgate.stats.interface import Floats

_BITS = 40
"""Bits of a number that are added at a time."""
_MOST = 1024
"""Numbers added at a time: their bits and the carries fit a float, and all of them the cache."""
_SMALLEST = -1074
"""Exponent of the smallest float; totals are counted in units of it."""
_LARGEST = 900
"""Exponent above which the trick below would leave the range of floats, and Python's integers add the numbers."""


class ExactSums:
    """Running totals of several lines of numbers, held as integers and rounded once, when they are read.

    From every number its upper bits are cut off by adding and taking away a large power of two; sums of such parts are exact.
    Source: the error-free splitting of Rump, Ogita and Oishi, 2008, "Accurate Floating-Point Summation".
    """

    def __init__(self, lines: int) -> None:
        self._totals = [0] * lines
        self._broken = [False] * lines

    def copy(self) -> ExactSums:
        """The same totals, to which other numbers can be added."""
        other = ExactSums(0)
        other._totals, other._broken = list(self._totals), list(self._broken)
        return other

    def add(self, numbers: Floats) -> None:
        """Add numbers to every line. Shapes: (lines, m)."""
        for start in range(0, numbers.shape[1], _MOST):
            self._add(numbers[:, start : start + _MOST])

    def values(self) -> list[float]:
        """The totals, correctly rounded; NaN where a number was not finite, infinite where the total is too large."""
        return [math.nan if broken else _rounded(total) for total, broken in zip(self._totals, self._broken, strict=True)]

    def _add(self, numbers: Floats) -> None:
        peaks = np.abs(numbers).max(axis=1)
        places, left = np.arange(len(numbers), dtype=np.int64), numbers
        while True:
            kept = self._plain(places, left, peaks)
            if not kept.all():
                places, left, peaks = places[kept], left[kept], peaks[kept]
            if not len(places):
                return
            _, exponents = np.frexp(peaks)
            steps = np.maximum(exponents - _BITS, _SMALLEST)
            large = np.ldexp(1.5, steps + 52)[:, np.newaxis]
            upper = (left + large) - large
            counts = np.ldexp(upper.sum(axis=1), -steps).tolist()
            for place, count, step in zip(places.tolist(), counts, steps.tolist(), strict=True):
                self._totals[place] += int(count) << (step - _SMALLEST)
            left = left - upper
            peaks = np.abs(left).max(axis=1)

    def _plain(self, places: NDArray[np.int64], left: Floats, peaks: Floats) -> NDArray[np.bool_]:
        """Which lines have something left that the trick can add; the others are dealt with."""
        kept = (peaks > 0) & (peaks < 2.0**_LARGEST)
        for number in np.flatnonzero(~kept & (peaks != 0)).tolist():
            place = int(places[number])
            if math.isfinite(peaks[number]):
                for value in left[number].tolist():
                    over, under = value.as_integer_ratio()
                    self._totals[place] += (over << -_SMALLEST) // under
            else:
                self._broken[place] = True
        return kept


def _rounded(total: int) -> float:
    try:
        return total / (1 << -_SMALLEST)
    except OverflowError:
        return math.inf if total > 0 else -math.inf
