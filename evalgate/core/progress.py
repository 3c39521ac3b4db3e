"""How far a run is, as it is told to whoever watches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reached:
    """How far one part of a run is."""

    done: int
    total: int | None
    """None while nobody knows how many there will be."""
    before: int = 0
    """How many of those done were done by an earlier run, and so say nothing of this one's rate."""
    calls: int = 0
    """Attempts that reached a model's provider."""
    tokens: int = 0
    usd: float = 0.0


Watching = Callable[[Reached], None]
"""Called again and again, from whatever thread works."""


def unwatched(reached: Reached) -> None:
    """Nobody watches."""


def unheard(text: str) -> None:
    """Nobody listens."""
