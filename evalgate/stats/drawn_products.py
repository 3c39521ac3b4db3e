"""Rows times draws, summed over units: exact, and in single precision wherever that is exact too.

Most columns are counts of words or characters: small whole numbers, of which a product with small weights fits into 24 bits.
Single precision costs half of double, and the sums are the same to the last bit.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from evalgate.stats.interface import Floats

_BITS = 24
"""Of a number in single precision."""
_SMALLEST = -900
"""Exponent below which units would leave the range of floats."""


class RowProducts:
    """Some rows, ready to be multiplied by many draws."""

    def __init__(self, rows: Floats, most: int) -> None:
        """`rows`: (m, width); `most`: the largest number that may be drawn for a row."""
        bound = np.abs(rows).max(axis=0, initial=0.0) * (most * len(rows))
        _, exponents = np.frexp(bound)
        narrow = np.isfinite(bound) & (exponents > _SMALLEST) & single_is_exact()
        units = np.ldexp(1.0, np.where(narrow, exponents - _BITS, 0))
        with np.errstate(all="ignore"):
            whole = rows / units
            narrow &= (np.rint(whole) == whole).all(axis=0)
        self._narrow = np.flatnonzero(narrow & (bound != 0))
        self._wide = np.flatnonzero(~narrow & (bound != 0))
        self._units = units[self._narrow, np.newaxis]
        self._wholes = np.ascontiguousarray(whole[:, self._narrow].T, dtype=np.float32)
        self._others = np.ascontiguousarray(rows[:, self._wide])

    def add_to(self, sums: Floats, drawn: NDArray[np.uint8]) -> None:
        """Add what was drawn. Shapes: sums (width, r), drawn (m, r)."""
        if len(self._narrow):
            sums[self._narrow] += (self._wholes @ drawn.astype(np.float32)).astype(np.float64) * self._units
        if len(self._wide):
            sums[self._wide] += (drawn.astype(np.float64).T @ self._others).T


@cache
def single_is_exact() -> bool:
    """Whether products in single precision keep all their bits here: some libraries can be told to shorten them."""
    rows = np.tile(np.arange(1024, 2048, dtype=np.float32), (64, 1))
    product = rows @ np.full((1024, 256), 7, dtype=np.float32)
    return bool((product == 7 * np.arange(1024, 2048).sum()).all())
