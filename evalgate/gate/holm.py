"""Holm's correction: several claims at once, and the chance that any of them is wrong stays where it was."""

from __future__ import annotations

from collections.abc import Sequence


def holm(p: Sequence[float]) -> tuple[float, ...]:
    """Adjusted p-values in the order given: a claim holds at level α when its adjusted p is at most α.

    Step-down: the smallest p counts as many times as there are claims, the next one time less, and no adjusted p lies below
    one of a smaller p.

    Raises: ValueError for what is no probability.
    Source: Holm, 1979, "A Simple Sequentially Rejective Multiple Test Procedure".
    """
    for value in p:
        if not 0.0 <= value <= 1.0:
            raise ValueError(f"{value!r} is no probability")
    adjusted = [1.0] * len(p)
    reached = 0.0
    for rank, place in enumerate(sorted(range(len(p)), key=lambda i: p[i])):
        reached = max(reached, min(1.0, (len(p) - rank) * p[place]))
        adjusted[place] = reached
    return tuple(adjusted)
