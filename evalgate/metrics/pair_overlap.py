"""How many n-grams two token sequences share, counted for many pairs at once.

An n-gram of a pair becomes one whole number; sorting puts the equal ones of both sides beside each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

Tokens = Sequence[Sequence[int]]
Flat = tuple[NDArray[np.int64], NDArray[np.int64]]
"""The tokens of all sequences in one line, and the length of each sequence."""
_PAIRS = 4096
"""Pairs sorted at once; fewer where their numbers would not fit."""
_CODE_BITS = 62
"""What one number has room for, beside the sign and the side it stands on."""


def overlaps(first: Tokens, second: Tokens, order: int) -> NDArray[np.int64]:
    """N-grams that two sequences share, each as often as it occurs in both.

    Shapes: n and n sequences of numbers from 0 to 2**31 - 1 → (n,); `order` is 1 or 2.
    """
    return flat_overlaps(_flat(first), _flat(second), order)


def flat_overlaps(first: Flat, second: Flat, order: int) -> NDArray[np.int64]:
    """`overlaps` of sequences that are flat already."""
    found = [np.zeros(0, dtype=np.int64)]
    while first[1].size:
        found.append(_shared_of_block(_head(first, _PAIRS), _head(second, _PAIRS), order))
        first, second = _tail(first, _PAIRS), _tail(second, _PAIRS)
    return np.concatenate(found)


def chosen(flat: Flat, places: NDArray[np.int64]) -> Flat:
    """Some of the sequences, in the order and as often as they are named. `places`: (m,)."""
    tokens, lengths = flat
    sizes = lengths[places]
    shifts = (np.cumsum(lengths) - lengths)[places] - (np.cumsum(sizes) - sizes)
    return tokens[np.arange(int(sizes.sum())) + np.repeat(shifts, sizes)], sizes


def _flat(sequences: Tokens) -> Flat:
    lengths = np.fromiter(map(len, sequences), np.int64, len(sequences))
    return np.fromiter(chain.from_iterable(sequences), np.int64, int(lengths.sum())), lengths


def _shared_of_block(first: Flat, second: Flat, order: int) -> NDArray[np.int64]:
    pairs = first[1].size
    bits = max(int(tokens.max(initial=1)).bit_length() for tokens, _ in (first, second))
    if pairs > 1 and pairs.bit_length() + order * bits > _CODE_BITS:
        half = pairs // 2
        sides = [(cut(first, half), cut(second, half)) for cut in (_head, _tail)]
        return np.concatenate([_shared_of_block(*side, order) for side in sides])
    return _shared(_codes(first, order, bits), _codes(second, order, bits), order * bits, pairs)


def _head(flat: Flat, pairs: int) -> Flat:
    return flat[0][: int(flat[1][:pairs].sum())], flat[1][:pairs]


def _tail(flat: Flat, pairs: int) -> Flat:
    return flat[0][int(flat[1][:pairs].sum()) :], flat[1][pairs:]


def _codes(flat: Flat, order: int, bits: int) -> NDArray[np.int64]:
    """Every n-gram as its pair's place and its tokens, in one number each."""
    tokens, lengths = flat
    owner = np.repeat(np.arange(lengths.size, dtype=np.int64), lengths)
    codes: NDArray[np.int64] = (owner << bits) | tokens
    if order == 1:
        return codes
    neighbours: NDArray[np.int64] = ((codes[:-1] << bits) | tokens[1:])[owner[:-1] == owner[1:]]
    return neighbours


def _shared(first: NDArray[np.int64], second: NDArray[np.int64], bits: int, pairs: int) -> NDArray[np.int64]:
    both = np.concatenate([first << 1, (second << 1) | 1])
    if not both.size:
        return np.zeros(pairs, dtype=np.int64)
    both.sort()
    grams = both >> 1
    starts = np.concatenate([[0], np.flatnonzero(grams[1:] != grams[:-1]) + 1])
    in_second = np.add.reduceat(both & 1, starts)
    in_first = np.diff(starts, append=both.size) - in_second
    counts = np.bincount(grams[starts] >> bits, weights=np.minimum(in_first, in_second), minlength=pairs)
    shared: NDArray[np.int64] = counts.astype(np.int64)
    return shared
