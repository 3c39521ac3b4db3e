"""Joint moments of paired values up to the third order: all that the closed-form intervals of a difference or ratio need."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evalgate.stats.exact_sums import ExactSums
from evalgate.stats.interface import Floats

_PARTS = 9
"""b, c, bb, bc, cc, bbb, bbc, bcc, ccc."""


@dataclass(frozen=True, slots=True)
class Moments:
    """Moments of n values."""

    n: int
    mean: float
    squares: float
    """Sum of squared deviations from the mean."""
    cubes: float = 0.0
    """Sum of cubed deviations."""

    def negated(self) -> Moments:
        """Moments of the values with the other sign."""
        return Moments(self.n, 0.0 - self.mean, self.squares, 0.0 - self.cubes)


@dataclass(frozen=True, slots=True)
class PairMoments:
    """Moments of n pairs (baseline, candidate)."""

    n: int
    means: tuple[float, float]
    second: tuple[float, float, float]
    """Sums of products of deviations: bb, bc, cc."""
    third: tuple[float, float, float, float]
    """bbb, bbc, bcc, ccc."""

    def of(self, base: float, cand: float) -> Moments:
        """Moments of `base` x baseline + `cand` x candidate, unit by unit.

        Terms are added in pairs, so that variants and weights that change places give the very same bits.
        """
        bb, bc, cc = self.second
        bbb, bbc, bcc, ccc = self.third
        mean = base * self.means[0] + cand * self.means[1]
        squares = (base * base * bb + cand * cand * cc) + 2 * (base * cand) * bc
        cubes = (base * base * base * bbb + cand * cand * cand * ccc) + 3 * (base * cand) * (base * bbc + cand * bcc)
        return Moments(self.n, mean, max(squares, 0.0), cubes)

    def with_ends(self, low: float, high: float) -> PairMoments:
        """The same with two pseudo-units at the ends of the possible range: (low, high) and (high, low).

        Source: the idea of Agresti and Min (2005) and Bonett and Price (2012) for paired proportions.
        """
        sums = PairSums((self.means[0], self.means[1]))
        sums.restore(self)
        sums.add(np.array([low, high]), np.array([high, low]))
        return sums.moments()


class PairSums:
    """Collects pairs chunk by chunk; `shift` is any value near the means, so that nothing is lost by subtraction."""

    def __init__(self, shift: tuple[float, float]) -> None:
        self._shift = shift
        self._n = 0
        self._sums = ExactSums(_PARTS)

    def add(self, baseline: Floats, candidate: Floats) -> None:
        """Add the values of a chunk. Shapes: (m,) each, finite."""
        with np.errstate(all="ignore"):
            b, c = baseline - self._shift[0], candidate - self._shift[1]
            self._n += len(b)
            bb, bc, cc = b * b, b * c, c * c
            parts = (b, c, bb, bc, cc, bb * b, bb * c, b * cc, cc * c)
        self._sums.add(np.stack(parts))

    def restore(self, pairs: PairMoments) -> None:
        """Start from moments whose means are the shift."""
        self._n = pairs.n
        self._sums = ExactSums(_PARTS)
        self._sums.add(np.array([[0.0, 0.0, *pairs.second, *pairs.third]]).T)

    def moments(self) -> PairMoments:
        """What was collected; zeros when there was nothing, infinite or NaN where powers are too large for a number."""
        n = max(self._n, 1)
        b, c, bb, bc, cc, bbb, bbc, bcc, ccc = (total / n for total in self._sums.values())
        second = (bb - b * b, bc - b * c, cc - c * c)
        third = (
            bbb - 3 * b * bb + 2 * b * (b * b),
            bbc - 2 * b * bc - c * bb + 2 * c * (b * b),
            bcc - 2 * c * bc - b * cc + 2 * b * (c * c),
            ccc - 3 * c * cc + 2 * c * (c * c),
        )
        means = (self._shift[0] + b, self._shift[1] + c)
        squares = (n * max(second[0], 0.0), n * second[1], n * max(second[2], 0.0))
        return PairMoments(self._n, means, squares, (n * third[0], n * third[1], n * third[2], n * third[3]))
