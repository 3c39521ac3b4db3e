"""The longest common subsequence of two lists of words: which words of a text are still there in the other one.

One bit a word: the table of the dynamic programme is a whole number for each word of the second list, so that a row costs
a few machine instructions per 64 words of the first.
Source: Hyyrö, 2004, "Bit-Parallel LCS-length Computation Revisited".
"""

from __future__ import annotations

from collections.abc import Sequence

Pairs = list[tuple[int, int]]
"""(place in the first list, place in the second), both rising."""


def common_words(first: Sequence[str], second: Sequence[str]) -> Pairs:
    """Pairs of equal words, as many as there can be without crossing.

    What both lists begin and end with is paired up; in between, of several ways the one closest to the end.
    """
    shortest = min(len(first), len(second))
    start = 0
    while start < shortest and first[start] == second[start]:
        start += 1
    end = 0
    while end < shortest - start and first[-1 - end] == second[-1 - end]:
        end += 1
    inner = _pairs(first[start : len(first) - end], second[start : len(second) - end])
    found = [(place, place) for place in range(start)]
    found += [(start + one, start + other) for one, other in inner]
    return found + [(len(first) - back, len(second) - back) for back in range(end, 0, -1)]


def _pairs(first: Sequence[str], second: Sequence[str]) -> Pairs:
    rows = _rows(first, second)
    found: Pairs = []
    left, right = len(first), len(second)
    while left and right:
        bit = 1 << (left - 1)
        if rows[right] & bit:  # no word more is common with this word than without it
            left -= 1
        elif rows[right - 1] & bit:
            left, right = left - 1, right - 1
            found.append((left, right))
        else:
            right -= 1
    found.reverse()
    return found


def _rows(first: Sequence[str], second: Sequence[str]) -> list[int]:
    """For every beginning of `second`: a number whose bit i is 0 where word i of `first` adds one to what is common."""
    places: dict[str, int] = {}
    for place, word in enumerate(first):
        places[word] = places.get(word, 0) | 1 << place
    everything = (1 << len(first)) - 1
    row = everything
    rows = [row]
    for word in second:
        equal = row & places.get(word, 0)
        if equal:
            row = ((row + equal) | (row - equal)) & everything
        rows.append(row)
    return rows
