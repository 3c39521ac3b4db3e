"""Workers of any joblib backend: fed while the cases are read, replaced when they die, ended with the run."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from evalgate.core.errors import EvalgateError, Incomplete, Problem
from evalgate.runner.backends import OWN, Connection, connect, unreachable
from evalgate.runner.job import ShardTask
from evalgate.runner.receipt import ShardOutcome, receipt_path, valid_receipt
from evalgate.runner.tally import Tally
from evalgate.runner.versions import source_digest
from evalgate.runner.worker import Order, begin_worker, do_in_worker

if TYPE_CHECKING:
    from evalgate.runner.depot import Depot

MOST_RESTARTS = 20
MOST_IDLE_RESTARTS = 3
"""Deaths of workers, one after the other, in which no shard was finished."""
LOOK_SECONDS = 0.2
STORAGE_SECONDS = 2.0
"""Between two looks into a storage, which costs a request."""


@dataclass(frozen=True, slots=True)
class PoolChoice:
    """Which workers."""

    backend: str
    jobs: int | None
    """None: as many as there are processors."""
    address: str | None = None
    """Of the cluster."""


@dataclass(slots=True)
class Restarts:
    """How often workers died and were replaced."""

    count: int = 0
    idle: int = 0


@dataclass(slots=True)
class Pool:
    """Workers for one run."""

    choice: PoolChoice
    folder: Path
    fresh: bool
    """Whether idle worker processes of an earlier run must not be used again: they know the environment, and so the keys, of
    that time."""
    depot: Depot | None = None
    """Where the work goes out to workers that share no disk."""
    _feed: _Feed | None = field(default=None, init=False)
    _open: ExitStack = field(default_factory=ExitStack, init=False)
    _connection: Connection = field(default_factory=lambda: Connection("sequential", 1), init=False)

    def __enter__(self) -> Self:
        if self.fresh and self.choice.backend == "loky":
            _executor().shutdown(wait=True)
        self._connection = self._open.enter_context(connect(self.choice.backend, self.choice.address, self.choice.jobs))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._feed is not None:
            self._feed.stop()
        if kind is not None and self.choice.backend == "loky":
            # joblib ends its workers only for an error inside its own call.
            _executor().shutdown(wait=False, kill_workers=True)
        if self.depot is not None:
            self.depot.close()
        self._open.close()

    @property
    def jobs(self) -> int:
        """Shards at the same time."""
        return self._connection.jobs

    def outcomes(self, digest: str, tasks: Iterable[ShardTask], tally: Tally, restarts: Restarts) -> list[ShardOutcome]:
        """Do all tasks. A worker that dies is replaced, and what it had not finished is done again.

        Raises: whatever reading the tasks raises, once the work under way has ended; Incomplete when workers die again and
            again, or cannot be reached any more.
        """
        sent = tasks if self.depot is None else self.depot.sent(tasks)
        self._feed = feed = _Feed(sent)
        found: dict[int, ShardOutcome] = {}
        left: list[ShardTask] = []
        with _looking(feed, self.folder, tally, self.depot):
            while True:
                try:
                    done = self._round(digest, feed.tasks(left))
                except self._connection.deaths as error:
                    done = self._finished(digest, feed, found)
                    self._count_death(restarts, progressed=bool(done), feed=feed, found=found, error=error)
                    tally.say(f"worker processes died (out of memory, or killed); they are replaced ({restarts.count})")
                found |= {outcome.shard: self._checked(feed, outcome) for outcome in done}
                left = [task for task in list(feed.given.values()) if task.shard not in found]
                if not left and feed.over:
                    break
        feed.raise_error()
        return [*found.values(), *(self.depot.kept.values() if self.depot is not None else ())]

    def _round(self, digest: str, tasks: Iterator[ShardTask]) -> list[ShardOutcome]:
        import joblib

        calls = (joblib.delayed(do_in_worker)(self._order(digest), task) for task in tasks)
        # Tasks are long enough to travel alone; batches would wait for cases that are not read yet.
        if self.choice.backend in OWN:
            name, start = self._connection.backend, self._start()
            return list(joblib.Parallel(n_jobs=self.jobs, backend=name, batch_size=1, **start)(calls))
        return self._from_cluster(calls)

    def _from_cluster(self, calls: Iterator[Any]) -> list[ShardOutcome]:
        """joblib waits for ever where a scheduler is gone, so it waits in a thread that can be left behind."""
        answered: queue.Queue[list[ShardOutcome] | BaseException] = queue.Queue()
        threading.Thread(target=_ask_cluster, args=(self._connection, calls, answered), daemon=True).start()
        while True:
            try:
                answer = answered.get(timeout=LOOK_SECONDS)
            except queue.Empty:
                if (why := self._connection.alive()) is not None:
                    raise unreachable(self.choice.backend, self.choice.address or "", why) from None
                continue
            if isinstance(answer, list):
                return answer
            if isinstance(answer, (EvalgateError, *self._connection.deaths)):
                raise answer
            said = f"the backend {self.choice.backend} failed: {type(answer).__name__}: {str(answer)[:300]}"
            hint = "see that the cluster runs and that its workers have the same evalgate; the same command continues"
            raise Incomplete(Problem(said, f"--address {self.choice.address}", hint)) from answer

    def _start(self) -> dict[str, Any]:
        """What a new worker process does first."""
        return {"initializer": begin_worker, "initargs": (os.getpid(),)} if self.choice.backend == "loky" else {}

    def _order(self, digest: str) -> Order:
        """What a worker is told. Tasks are given out once the depot knows its place."""
        depot, own = self.depot, self.choice.backend in OWN
        return Order(
            folder=str(self.folder.absolute()),
            digest=digest,
            parent=os.getpid() if self.choice.backend == "loky" else None,
            storage=None if depot is None else depot.place.url,
            run="" if depot is None else depot.run,
            source=None if own else source_digest(),
        )

    def _checked(self, feed: _Feed, outcome: ShardOutcome) -> ShardOutcome:
        return outcome if self.depot is None else self.depot.checked(feed.given[outcome.shard], outcome)

    def _finished(self, digest: str, feed: _Feed, found: dict[int, ShardOutcome]) -> list[ShardOutcome]:
        """What died workers, and those that died with them, had finished: their receipts say it."""
        open_tasks = [task for task in list(feed.given.values()) if task.shard not in found]
        if self.depot is not None:
            self.depot.bring(open_tasks)
        receipts = ((task, valid_receipt(self.folder, task, digest)) for task in open_tasks)
        return [ShardOutcome(task.shard, receipt) for task, receipt in receipts if receipt is not None]

    def _count_death(
        self, restarts: Restarts, *, progressed: bool, feed: _Feed, found: dict[int, ShardOutcome], error: BaseException
    ) -> None:
        restarts.count += 1
        restarts.idle = 0 if progressed else restarts.idle + 1
        if restarts.count < MOST_RESTARTS and restarts.idle < MOST_IDLE_RESTARTS:
            return
        open_tasks = [task for task in list(feed.given.values()) if task.shard not in found]
        which = f"{len(open_tasks)} shards are open, the first has the cases {open_tasks[0].first + 1} to " if open_tasks else ""
        which += f"{open_tasks[0].first + open_tasks[0].rows}" if open_tasks else ""
        hint = "finished shards are kept: the same command continues; with less memory use --jobs 1"
        said = f"worker processes died {restarts.count} times (out of memory, or killed); {which}"
        raise Incomplete(Problem(said.rstrip("; "), str(self.folder), hint)) from error


class _Feed:
    """Reads tasks in a thread of its own, ahead of the workers: cases wait on disk, so nothing is gained by holding back."""

    def __init__(self, tasks: Iterable[ShardTask]) -> None:
        self.given: dict[int, ShardTask] = {}
        """What was handed to workers."""
        self.over = False
        self._error: BaseException | None = None
        self._stopped = threading.Event()
        self._queue: queue.Queue[ShardTask | None] = queue.Queue()
        self._thread = threading.Thread(target=self._read, args=(tasks,), daemon=True)
        self._thread.start()

    def tasks(self, again: list[ShardTask]) -> Iterator[ShardTask]:
        """What has to be done again, then what is read."""
        yield from again
        while not (self.over or self._stopped.is_set()):
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
        self._queue.put(None)
        self._thread.join()

    def raise_error(self) -> None:
        """Raise what reading the tasks raised."""
        if self._error is not None:
            raise self._error

    def _read(self, tasks: Iterable[ShardTask]) -> None:
        try:
            for task in tasks:
                self._queue.put(task)
                if self._stopped.is_set():
                    return
        except BaseException as error:  # noqa: BLE001 - it is raised again where the workers' outcomes are awaited
            self._error = error
        self._queue.put(None)


def _ask_cluster(connection: Connection, calls: Iterator[Any], answered: queue.Queue[list[ShardOutcome] | BaseException]) -> None:
    import joblib

    try:
        # As many shards are under way as were asked for, whatever the cluster could do.
        with joblib.parallel_config(backend=connection.backend, n_jobs=connection.jobs, **connection.settings):
            answered.put(list(joblib.Parallel(batch_size=1, pre_dispatch=connection.in_flight)(calls)))
    except BaseException as error:  # noqa: BLE001 - it is raised again where the answer is awaited
        answered.put(error)


class _looking:  # noqa: N801 - used as a statement
    """Tell of finished shards by looking for their receipts, which works for every backend."""

    def __init__(self, feed: _Feed, folder: Path, tally: Tally, depot: Depot | None) -> None:
        self._feed, self._folder, self._tally, self._depot = feed, folder, tally, depot
        self._pause = LOOK_SECONDS if depot is None else STORAGE_SECONDS
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
        while not self._stop.wait(self._pause):
            if self._depot is not None:
                with suppress(Incomplete):  # it is asked for once more at the end, and then says what is wrong
                    self._depot.bring(self._open())
            self._look()

    def _open(self) -> list[ShardTask]:
        return [task for shard, task in list(self._feed.given.items()) if shard not in self._told]

    def _look(self) -> None:
        for task in self._open():
            if receipt_path(self._folder, task.shard).exists():
                self._told.add(task.shard)
                self._tally.done(task)


def _executor() -> Any:
    from joblib.externals.loky import get_reusable_executor

    return get_reusable_executor(reuse=True)
