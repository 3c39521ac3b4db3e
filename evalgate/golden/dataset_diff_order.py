"""Which cases moved: the fewest whose moving explains the new order."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence


def moved_ids(before: Sequence[str], after: Sequence[str]) -> tuple[str, ...]:
    """The ids that left their place among the others, in the order of `before`.

    Both orders hold the same ids. Those that stay are a longest common subsequence; where there are several, the choice
    depends on the ids alone, so that the way back moves the same cases.

    Source: patience sorting, Fredman (1975), On computing the length of longest increasing subsequences.
    """
    places = {one: place for place, one in enumerate(after)}
    sequence = [places[one] for one in before]
    if all(place == number for number, place in enumerate(sequence)):
        return ()
    ahead = _longest_to(sequence)
    behind = _longest_to([-place for place in reversed(sequence)])[::-1]
    longest = max(ahead)
    levels: list[list[int]] = [[] for _ in range(longest)]
    for number, (length, rest) in enumerate(zip(ahead, behind, strict=True)):
        if length + rest - 1 == longest:
            levels[length - 1].append(number)
    kept: set[int] = set()
    last, last_place = -1, -1
    for level in levels:
        last = min((n for n in level if n > last and sequence[n] > last_place), key=lambda n: before[n])
        last_place = sequence[last]
        kept.add(last)
    return tuple(one for number, one in enumerate(before) if number not in kept)


def _longest_to(sequence: Sequence[int]) -> list[int]:
    """For each item the length of the longest increasing subsequence that ends with it."""
    tails: list[int] = []
    lengths = []
    for item in sequence:
        level = bisect_left(tails, item)
        if level == len(tails):
            tails.append(item)
        else:
            tails[level] = item
        lengths.append(level + 1)
    return lengths
