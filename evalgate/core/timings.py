"""Where the time of a run goes: wall and processor seconds by stage, summed over threads and workers."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

T = TypeVar("T")
_END = object()


@dataclass(frozen=True, slots=True)
class Spent:
    """What a stage took."""

    cpu_s: float = 0.0
    """Processor seconds of the thread that did it."""
    wall_s: float = 0.0
    """Seconds on a monotonic clock; of several workers at once the sum."""
    times: int = 0
    """How often it was done."""

    def __add__(self, other: Spent) -> Spent:
        return Spent(self.cpu_s + other.cpu_s, self.wall_s + other.wall_s, self.times + other.times)


@dataclass(slots=True)
class Timings:
    """A stopwatch with a hand for each stage. What it tells is no evidence: it differs from run to run."""

    spent: dict[str, Spent] = field(default_factory=dict)
    began: float = field(default_factory=time.monotonic)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time what happens inside, also when it fails."""
        cpu, wall = time.thread_time(), time.monotonic()
        try:
            yield
        finally:
            self.add({name: Spent(time.thread_time() - cpu, time.monotonic() - wall, 1)})

    def each(self, name: str, values: Iterable[T]) -> Iterator[T]:
        """The same values; the time it takes to get each is counted, what is done with it is not."""
        source = iter(values)
        while True:
            with self.stage(name):
                value = next(source, _END)
            if value is _END:
                return
            yield value  # type: ignore[misc]

    def add(self, spent: Mapping[str, Spent]) -> None:
        """Add what somebody else timed, a worker for example."""
        with self._lock:
            for name, one in spent.items():
                self.spent[name] = self.spent.get(name, Spent()) + one
