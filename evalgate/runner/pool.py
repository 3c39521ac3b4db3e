"""Workers of any joblib backend: fed while the cases are read, replaced when they die, ended with the run."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from evalgate.core.errors import Incomplete, Problem
from evalgate.runner.job import ShardTask
from evalgate.runner.receipt import ShardOutcome, receipt_path, valid_receipt
from evalgate.runner.tally import Tally
from evalgate.runner.worker import do_in_worker

MOST_RESTARTS = 20
MOST_IDLE_RESTARTS = 3
"""Deaths of workers, one after the other, in which no shard was finished."""
LOOK_SECONDS = 0.2


@dataclass(slots=True)
class Restarts:
    """How often workers died and were replaced."""

    count: int = 0
    idle: int = 0


@dataclass(slots=True)
class Pool:
    """Workers for one run."""

    backend: str
    jobs: int
    folder: Path
    fresh: bool
    """Whether idle worker processes of an earlier run must not be used again: they know the environment, and so the keys, of
    that time."""
    _feed: _Feed | None = field(default=None, init=False)

    def __enter__(self) -> Self:
        if self.fresh and self.backend == "loky":
            _executor().shutdown(wait=True)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._feed is not None:
            self._feed.stop()
        if kind is not None and self.backend == "loky":
            # joblib ends its workers only for an error inside its own call.
            _executor().shutdown(wait=False, kill_workers=True)

    def outcomes(self, digest: str, tasks: Iterable[ShardTask], tally: Tally, restarts: Restarts) -> list[ShardOutcome]:
        """Do all tasks. A worker that dies is replaced, and what it had not finished is done again.

        Raises: whatever reading the tasks raises, once the work under way has ended; Incomplete when workers die again and
            again.
        """
        self._feed = feed = _Feed(tasks, ahead=2 * self.jobs + 2)
        found: dict[int, ShardOutcome] = {}
        left: list[ShardTask] = []
        with _looking(feed, self.folder, tally):
            while True:
                try:
                    done = self._round(digest, feed.tasks(left))
                except _worker_deaths() as error:
                    done = _finished(self.folder, digest, feed, found)
                    self._count_death(restarts, progressed=bool(done), feed=feed, found=found, error=error)
                found |= {outcome.shard: outcome for outcome in done}
                left = [task for task in feed.given.values() if task.shard not in found]
                if not left and feed.over:
                    break
        feed.raise_error()
        return list(found.values())

    def _round(self, digest: str, tasks: Iterator[ShardTask]) -> list[ShardOutcome]:
        import joblib

        parent = os.getpid() if self.backend == "loky" else None
        calls = (joblib.delayed(do_in_worker)(str(self.folder), digest, task, parent) for task in tasks)
        # Tasks are long enough to travel alone; batches would wait for cases that are not read yet.
        return list(joblib.Parallel(n_jobs=self.jobs, backend=self.backend, batch_size=1)(calls))

    def _count_death(
        self, restarts: Restarts, *, progressed: bool, feed: _Feed, found: dict[int, ShardOutcome], error: BaseException
    ) -> None:
        restarts.count += 1
        restarts.idle = 0 if progressed else restarts.idle + 1
        if restarts.count < MOST_RESTARTS and restarts.idle < MOST_IDLE_RESTARTS:
            return
        open_tasks = [task for task in feed.given.values() if task.shard not in found]
        which = f"{len(open_tasks)} shards are open, the first has the cases {open_tasks[0].first + 1} to " if open_tasks else ""
        which += f"{open_tasks[0].first + open_tasks[0].rows}" if open_tasks else ""
        hint = "finished shards are kept: the same command continues; with less memory use --jobs 1"
        said = f"worker processes died {restarts.count} times (out of memory, or killed); {which}"
        raise Incomplete(Problem(said.rstrip("; "), str(self.folder), hint)) from error


class _Feed:
    """Reads tasks in a thread of its own, a few ahead of the workers."""

    def __init__(self, tasks: Iterable[ShardTask], ahead: int) -> None:
        self.given: dict[int, ShardTask] = {}
        """What was handed to workers."""
        self.over = False
        self._error: BaseException | None = None
        self._stopped = threading.Event()
        self._queue: queue.Queue[ShardTask | None] = queue.Queue(ahead)
        self._thread = threading.Thread(target=self._read, args=(tasks,), daemon=True)
        self._thread.start()

    def tasks(self, again: list[ShardTask]) -> Iterator[ShardTask]:
        """What has to be done again, then what is read."""
        yield from again
        while not self.over:
            task = self._queue.get()
            if task is None:
                self.over = True
                self._queue.put(None)  # a thread of a pool that died may wait here too
                return
            self.given[task.shard] = task
            yield task

    def stop(self) -> None:
        """Read no further, and wake whoever waits for a task."""
        self._stopped.set()
        while self._thread.is_alive():
            try:
                self._queue.get_nowait()
            except queue.Empty:
                self._thread.join(0.01)
        self._queue.put(None)

    def raise_error(self) -> None:
        """Raise what reading the tasks raised."""
        if self._error is not None:
            raise self._error

    def _read(self, tasks: Iterable[ShardTask]) -> None:
        try:
            for task in tasks:
                self._put(task)
                if self._stopped.is_set():
                    return
        except BaseException as error:  # noqa: BLE001 - it is raised again where the workers' outcomes are awaited
            self._error = error
        self._put(None)

    def _put(self, task: ShardTask | None) -> None:
        while not self._stopped.is_set():
            try:
                self._queue.put(task, timeout=LOOK_SECONDS)
            except queue.Full:
                continue
            return


def _finished(folder: Path, digest: str, feed: _Feed, found: dict[int, ShardOutcome]) -> list[ShardOutcome]:
    """What died workers, and those that died with them, had finished: their receipts say it."""
    open_tasks = [task for task in feed.given.values() if task.shard not in found]
    receipts = ((task, valid_receipt(folder, task, digest)) for task in open_tasks)
    return [ShardOutcome(task.shard, receipt) for task, receipt in receipts if receipt is not None]


class _looking:  # noqa: N801 - used as a statement
    """Tell of finished shards by looking for their receipts, which works for every backend."""

    def __init__(self, feed: _Feed, folder: Path, tally: Tally) -> None:
        self._feed, self._folder, self._tally = feed, folder, tally
        self._told: set[int] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._look()

    def _watch(self) -> None:
        while not self._stop.wait(LOOK_SECONDS):
            self._look()

    def _look(self) -> None:
        for task in [task for shard, task in list(self._feed.given.items()) if shard not in self._told]:
            if receipt_path(self._folder, task.shard).exists():
                self._told.add(task.shard)
                self._tally.done(task)


def _worker_deaths() -> tuple[type[BaseException], ...]:
    from joblib.externals.loky.process_executor import BrokenProcessPool

    return (BrokenProcessPool,)


def _executor() -> Any:
    from joblib.externals.loky import get_reusable_executor

    return get_reusable_executor(reuse=True)
