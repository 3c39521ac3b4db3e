"""A few threads for work on arrays, where numpy lets several run at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

MOST = 4
"""Threads beyond which the shares are too small to gain anything."""


class Crew:
    """Threads that share the work on a list of places; one of them is the caller."""

    def __init__(self, threads: int) -> None:
        self._threads = min(max(threads, 1), MOST)
        self._pool: ThreadPoolExecutor | None = None

    def __enter__(self) -> Self:
        if self._threads > 1:
            from concurrent.futures import ThreadPoolExecutor

            self._pool = ThreadPoolExecutor(self._threads - 1)
        return self

    def __exit__(self, *error: object) -> None:
        if self._pool is not None:
            self._pool.shutdown()

    def run(self, work: Callable[[Sequence[int]], None], places: Sequence[int]) -> None:
        """Do the work on all places; each thread does its own share of them."""
        others = [self._pool.submit(work, places[i :: self._threads]) for i in range(1, self._threads)] if self._pool else []
        work(places[:: self._threads])
        for other in others:
            other.result()
