"""Longest common subsequences of tokens, as ROUGE-L and ROUGE-Lsum need them, without the quadratic table.

Source: Hyyrö, 2004, "Bit-parallel LCS-length computation revisited" (the rows as bit vectors); Lin, 2004, "ROUGE: A
Package for Automatic Evaluation of Summaries", section 3.2 (the union over sentences); rouge-score 0.1.2 for which of
several longest subsequences is taken.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def lcs_lengths(first: Sequence[Sequence[int]], second: Sequence[Sequence[int]]) -> NDArray[np.int64]:
    """Lengths of the longest common subsequences of n pairs of token sequences, given as token numbers.

    Shapes: n, n → (n,).
    """
    from rapidfuzz.distance import LCSseq

    return np.fromiter(map(LCSseq.similarity, first, second), np.int64, len(first))


def union_hits(reference: Sequence[Sequence[int]], output: Sequence[Sequence[int]]) -> int:
    """Tokens of the reference's sentences that the union of their subsequences with the output's sentences covers.

    A token is counted at most as often as it occurs in the whole reference and in the whole output.
    """
    if len(reference) == 1 and len(output) == 1:
        return int(lcs_lengths(reference, output)[0])
    left_in_reference = Counter(token for sentence in reference for token in sentence)
    left_in_output = Counter(token for sentence in output for token in sentence)
    looked_up = [(other, _places(other)) for other in output]
    hits = 0
    for sentence in reference:
        covered: set[int] = set()
        for other, places in looked_up:
            covered.update(_positions(sentence, other, places))
        for position in sorted(covered):
            token = sentence[position]
            if left_in_output[token] > 0 and left_in_reference[token] > 0:
                hits += 1
                left_in_output[token] -= 1
                left_in_reference[token] -= 1
    return hits


def lcs_positions(reference: Sequence[int], output: Sequence[int]) -> list[int]:
    """Positions in the reference of one longest common subsequence, from last to first.

    Where several are equally long, it is the one that rouge-score reads out of its table: walk back from the end, take
    equal tokens, else step back in the output if that alone keeps the length, else in the reference.
    """
    return _positions(reference, output, _places(output))


def _places(output: Sequence[int]) -> dict[int, int]:
    """Token → where it stands in the output, as bits."""
    places: dict[int, int] = {}
    for j, token in enumerate(output):
        places[token] = places.get(token, 0) | (1 << j)
    return places


def _positions(reference: Sequence[int], output: Sequence[int], places: dict[int, int]) -> list[int]:
    # Tokens of the reference that the output has nowhere are always stepped over; those of the output decide ties.
    known = [i for i, token in enumerate(reference) if token in places]
    if len(known) < 2:
        return known
    kept = [reference[i] for i in known]
    rows = _rows(kept, places, len(output))
    i, j = len(kept), len(output)
    positions = []
    while i > 0 and j > 0:
        if kept[i - 1] == output[j - 1]:
            i, j = i - 1, j - 1
            positions.append(known[i])
        elif _grows(rows, i, j):
            j -= 1
        else:
            i -= 1
    return positions


def _rows(reference: Sequence[int], places: dict[int, int], columns: int) -> list[int]:
    """The table of lengths, one whole number per row: bit j is 0 where the length grows from column j to j + 1."""
    full = (1 << columns) - 1
    row = full
    rows = [row]
    for token in reference:
        taken = row & places[token]
        row = ((row + taken) | (row - taken)) & full
        rows.append(row)
    return rows


def _grows(rows: list[int], i: int, j: int) -> bool:
    """Whether the length at (i, j) exceeds that at (i - 1, j), which says that (i, j - 1) exceeds (i - 1, j)."""
    mask = (1 << j) - 1
    return (rows[i] & mask).bit_count() < (rows[i - 1] & mask).bit_count()
