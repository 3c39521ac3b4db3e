"""How far a run is, counted in cases, and where its time goes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from evalgate.core.progress import Reached, Watching, unheard, unwatched
from evalgate.core.timings import Timings
from evalgate.runner.job import ShardTask


@dataclass(frozen=True, slots=True)
class Progress:
    """Who is told how far a run is, and what its stages took. Nothing of it reaches the evidence."""

    cases: Watching = unwatched
    working: Callable[[str], None] = unheard
    """Told how the work is done, as soon as it is decided, and what happens to workers."""
    expected: int | None = None
    """Cases there will be, where it is known before they are read."""
    timings: Timings = field(default_factory=Timings)
    profile: bool = False
    """Whether the timings are written into the run folder."""


class Tally:
    """Counts cases as they are found and measured, from whatever thread, and tells it."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._lock = threading.Lock()
        self._found = self._done = self._kept = 0
        self._all_found = False

    def found(self, task: ShardTask) -> None:
        """Cases that are to be measured."""
        with self._lock:
            self._found += task.rows
            self._tell()

    def kept(self, task: ShardTask) -> None:
        """Cases that an earlier run measured."""
        with self._lock:
            self._kept += task.rows
            self._done += task.rows
            self._tell()

    def done(self, task: ShardTask) -> None:
        """Cases that are measured."""
        with self._lock:
            self._done += task.rows
            self._tell()

    def complete(self) -> None:
        """All cases were found."""
        with self._lock:
            self._all_found = True
            self._tell()

    def say(self, text: str) -> None:
        """Tell how the work is done."""
        self._progress.working(text)

    def _tell(self) -> None:
        self._progress.cases(Reached(self._done, self._found if self._all_found else self._progress.expected, self._kept))
