"""How far a run is, counted in cases."""

from __future__ import annotations

import threading
from collections.abc import Callable

from evalgate.runner.job import ShardTask

Progress = Callable[[int, int], None]
"""Called with (cases measured, cases found so far)."""


class Tally:
    """Counts cases as they are found and measured, from whatever thread, and tells it."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._lock = threading.Lock()
        self._found = self._done = 0

    def found(self, task: ShardTask) -> None:
        """Cases that are to be measured."""
        with self._lock:
            self._found += task.rows
        self._tell()

    def done(self, task: ShardTask) -> None:
        """Cases that are measured."""
        with self._lock:
            self._done += task.rows
        self._tell()

    def _tell(self) -> None:
        self._progress(self._done, self._found)
