"""Which cell belongs to whom: one for each thread of a worker and each job, ended when the job or the worker ends."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from evalgate.core.canonical import json_line
from evalgate.core.errors import Incomplete
from evalgate.core.settings import PluginChoice
from evalgate.runner.cell import Answer, Cell

if TYPE_CHECKING:
    from evalgate.runner.cell_metrics import CellMetric

IDLE_SECONDS = 60.0
"""After so long without a question a cell ends: the worker of a cluster lives on after a run, and a model is large."""
LOOK_SECONDS = 5.0
_owned: dict[tuple[int, int], Cells] = {}
_guard = threading.Lock()


@dataclass(slots=True)
class Cells:
    """The cell of one thread for one job, and the metrics that measure there."""

    job: str
    lock: threading.RLock = field(default_factory=threading.RLock)
    """Held while a question is open."""
    cell: Cell = field(default_factory=Cell)
    metrics: dict[str, CellMetric] = field(default_factory=dict)
    closed: bool = False
    asked: float = field(default_factory=time.monotonic)

    def metric(self, choice: PluginChoice, name: str) -> CellMetric:
        """The metric of a choice, under the name it is printed with.

        Raises: Incomplete when it cannot be made.
        """
        from evalgate.runner.cell_metrics import CellMetric

        key = json_line([choice.name, dict(choice.parameters), name])
        if key not in self.metrics:
            self.metrics[key] = CellMetric(self, choice, name)
        return self.metrics[key]

    def ask(self, request: Mapping[str, Any], numbers: bytes = b"", *, seconds: float, most_numbers: int = 0) -> Answer:
        """As `Cell.ask`.

        Raises: Incomplete when the run is over.
        """
        if self.closed:
            raise Incomplete("the run was ended while a metric was measuring")
        try:
            return self.cell.ask(request, numbers, seconds=seconds, most_numbers=most_numbers)
        finally:
            self.asked = time.monotonic()

    def process(self) -> object:
        """The process that is there now, or None."""
        return self.cell.process if self.cell.alive else None

    def weigh(self) -> None:
        """As `Cell.weigh`."""
        self.cell.weigh()

    def close(self) -> None:
        """End the cell, also while a question is open: whoever asked is told that the run is over."""
        self.closed = True
        waited = self.lock.acquire(timeout=0.1)
        try:
            self.cell.close() if waited else self.cell.kill()
        finally:
            if waited:
                self.lock.release()


def cells_of(job: str) -> Cells:
    """The cells of this thread for a job; those of a job before are ended."""
    own = os.getpid(), threading.get_ident()
    with _guard:
        if not any(process == own[0] for process, _ in _owned):
            threading.Thread(target=_end_idle, args=(own[0],), daemon=True).start()
        found = _owned.get(own)
        if found is None or found.job != job or found.closed:
            if found is not None:
                found.close()
            found = _owned[own] = Cells(job)
        return found


def close_cells(job: str) -> None:
    """End all cells that this process has for a job."""
    with _guard:
        own = os.getpid()
        gone = [key for key, cells in _owned.items() if key[0] == own and cells.job == job]
        for key in gone:
            _owned.pop(key).close()


def _end_idle(process: int) -> None:
    """Runs until this process has no cells left."""
    pause = threading.Event()
    while True:
        pause.wait(LOOK_SECONDS)
        with _guard:
            threads = {thread.ident for thread in threading.enumerate()}
            for key, cells in list(_owned.items()):
                idle = key[1] not in threads or time.monotonic() - cells.asked > IDLE_SECONDS
                if key[0] == process and idle and cells.lock.acquire(blocking=False):
                    cells.cell.close()
                    cells.lock.release()
                    if key[1] not in threads:
                        del _owned[key]
            if not any(owner == process for owner, _ in _owned):
                return
