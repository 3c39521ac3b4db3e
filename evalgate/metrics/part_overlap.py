"""How the parts of one output overlap with each other, counted for many outputs at once.

Every part is compared with all other parts of its output as its references. Of an n-gram the best count among the others is
the best of all parts, or the second best where the part itself has the best alone: the work grows with the text, not with
the number of pairs of parts.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from evalgate.metrics.interface import Rows

_Ints = NDArray[np.int64]


def rows_against_others(symbols: _Ints, lengths: _Ints, owners: _Ints, order: int) -> Rows:
    """BLEU's sufficient statistics of every part against the other parts of its output.

    Shapes: the tokens of all parts in one line, as numbers; (p,) tokens per part; (p,) output per part, ascending, each with
    two parts or more → (p, 2 + 2 x order).
    """
    rows = np.zeros((lengths.size, 2 + 2 * order), dtype=np.float64)
    rows[:, 0] = lengths
    part = np.repeat(np.arange(lengths.size, dtype=np.int64), lengths)
    place = np.arange(part.size, dtype=np.int64)
    grams = symbols
    for n in range(order):
        if n:
            # An n-gram is the rank of its beginning and one token more, as far as the part goes.
            longer = place + n < part.size
            longer[longer] = part[place[longer] + n] == part[place[longer]]
            place = place[longer]
            grams = np.unique((grams[longer] << 32) | symbols[place + n], return_inverse=True)[1]
        rows[:, 2 + n] = _found_elsewhere(grams, part[place], owners)
        rows[:, 2 + order + n] = np.maximum(lengths - n, 0)
    ends = np.flatnonzero(np.diff(owners, append=-1)) + 1
    rows[:, 1] = [closest for group in np.split(lengths, ends[:-1]) for closest in _closest_others(group.tolist())]
    return rows


def _found_elsewhere(grams: _Ints, part: _Ints, owners: _Ints) -> NDArray[np.float64]:
    """N-grams of each part that another part of its output has, at most as often as one other part has them."""
    parts = owners.size
    if not grams.size:
        return np.zeros(parts)
    codes, counts = np.unique(grams * parts + part, return_counts=True)
    gram, part = np.divmod(codes, parts)
    owner = owners[part]
    starts = np.concatenate([[0], np.flatnonzero((gram[1:] != gram[:-1]) | (owner[1:] != owner[:-1])) + 1])
    group = np.repeat(np.arange(starts.size), np.diff(starts, append=codes.size))
    best = np.maximum.reduceat(counts, starts)[group]
    is_best = counts == best
    second = np.maximum.reduceat(np.where(is_best, 0, counts), starts)[group]
    alone = np.add.reduceat(is_best.astype(np.int64), starts)[group] == 1
    elsewhere = np.where(is_best & alone, second, best)
    found: NDArray[np.float64] = np.bincount(part, weights=np.minimum(counts, elsewhere), minlength=parts).astype(np.float64)
    return found


def _closest_others(lengths: Sequence[int]) -> list[int]:
    """For each of some lengths the closest among all but one of that length; the shorter of two equally close."""
    ascending = sorted(lengths)
    closest = []
    for length in lengths:
        at = bisect_left(ascending, length)
        others = [ascending[i] for i in (at - 1, at + 1) if 0 <= i < len(ascending)]
        closest.append(min((abs(other - length), other) for other in others)[1])
    return closest
