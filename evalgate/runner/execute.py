"""Do all shards of a job while its cases are still being read: in this process, or in workers. Finished shards are kept."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from evalgate.core.errors import BadInput, EvalgateError, ExitCode, Incomplete, Problem
from evalgate.runner.backends import BUILTINS, OWN, check_backend, processors
from evalgate.runner.job import SHARDS_FOLDER, Job, ShardTask
from evalgate.runner.measure import end_cells
from evalgate.runner.receipt import Receipt, ShardOutcome, Unanswered, receipt_path, valid_receipt
from evalgate.runner.shard import do_shard
from evalgate.runner.tally import Progress, Tally

if TYPE_CHECKING:
    from evalgate.runner.depot import Depot

BACKENDS = tuple(BUILTINS)
ALONE_SECONDS = 3.0
"""Processor seconds that this process works alone before it asks for workers, which cost about half of that to start."""
ALONE_WALL_SECONDS = 10.0
"""The same in seconds on the clock, for metrics that work elsewhere."""
WORTH_SECONDS = 3.0
"""Less than this left, at the pace so far, and this process is done sooner without workers, two of which save half of it."""
SHOWN_PROBLEMS = 10
READING = "reading cases"
WAITING = "waiting for workers"


@dataclass(frozen=True, slots=True)
class Workers:
    """How many workers, and which."""

    jobs: int | None = None
    """None: as many as there are processors, once the work turns out to be long enough."""
    backend: str = "loky"
    address: str | None = None
    """Of the cluster, for a backend that has one."""
    storage: str | None = None
    """A store that all workers reach, where they share no disk with this process."""
    fresh: bool = False
    """Whether what an interrupted run left in the storage is not used."""

    @property
    def elsewhere(self) -> bool:
        """Whether the work leaves this process in any case."""
        return self.backend not in OWN or self.storage is not None


@dataclass(frozen=True, slots=True)
class Executed:
    """What came of the shards of a job."""

    receipts: tuple[Receipt, ...]
    """In the order of shards."""
    facts: dict[str, object] = field(default_factory=dict)
    """How the work was done, for run.json."""


def execute(folder: Path, job: Job, tasks: Iterator[ShardTask], workers: Workers, progress: Progress) -> Executed:
    """Do what is not done yet.

    `tasks` come while the cases are read: whatever that raises is raised here, once the work under way has ended.

    Raises: Incomplete or BadInput with the first problems when any shard could not be done; what was done is kept.
    Side effects: writes shards and receipts into the run folder; removes those of other jobs.
    """
    check_backend(workers.backend, workers.address, workers.storage)
    timings = progress.timings
    flow = _Flow(folder, job.digest(), timings.each(READING, tasks), Tally(progress))
    pooled = _Pooled()
    try:
        outcomes = list(_alone(flow, workers))
        alone = len(outcomes)
        if not flow.ended:
            with timings.stage(WAITING):
                pooled = _in_workers(flow, workers, fresh=job.findings.key_env is not None)
            outcomes += pooled.outcomes
    finally:
        end_cells(flow.digest)
    for outcome in outcomes:
        timings.add(outcome.timings)
    _raise_problems(outcomes)
    receipts = flow.kept | {outcome.shard: outcome.receipt for outcome in outcomes if outcome.receipt is not None}
    if len(receipts) != flow.seen or sum(receipt.rows for receipt in receipts.values()) != flow.rows:
        raise Incomplete("rows were lost between workers and receipts", hint="run again with --fresh")
    _remove_others(folder, flow.seen)
    facts = {
        "backend": workers.backend if pooled.used else "sequential",
        "jobs": pooled.jobs,
        "shards": flow.seen,
        "kept": len(flow.kept) + pooled.kept,
        "in_this_process": alone,
        "restarts": pooled.restarts,
        **pooled.facts,
    }
    return Executed(tuple(receipts[shard] for shard in range(flow.seen)), facts)


def worker_count(workers: Workers) -> int:
    """How many workers of this machine: 1 means in this process."""
    return 1 if workers.backend == "sequential" else processors(workers.jobs)


@dataclass(frozen=True, slots=True)
class _Pooled:
    """What workers did."""

    outcomes: tuple[ShardOutcome, ...] = ()
    used: bool = False
    jobs: int = 1
    kept: int = 0
    """Shards that an interrupted run left in the storage."""
    restarts: int = 0
    facts: dict[str, object] = field(default_factory=dict)


def _in_workers(flow: _Flow, workers: Workers, *, fresh: bool) -> _Pooled:
    """Do what is left in workers; `fresh`: in none that an earlier run started."""
    if not workers.elsewhere or flow.more():
        return _pooled(flow, workers, fresh=fresh)
    # Everything was done before, and no cluster has to be there.
    depot = _depot(flow, workers)
    if depot is not None and flow.first is not None:
        depot.forget(flow.first)
    return _Pooled()


def _depot(flow: _Flow, workers: Workers) -> Depot | None:
    if workers.storage is None:
        return None
    from evalgate.runner.depot import Depot
    from evalgate.runner.storage import Storage

    return Depot(Storage.at(workers.storage), flow.folder, flow.digest, workers.fresh)


def _pooled(flow: _Flow, workers: Workers, *, fresh: bool) -> _Pooled:
    from evalgate.runner.pool import Pool, PoolChoice, Restarts

    depot, restarts = _depot(flow, workers), Restarts()
    facts: dict[str, object] = {}
    with Pool(PoolChoice(workers.backend, workers.jobs, workers.address), flow.folder, fresh, depot) as pool:
        jobs = pool.jobs
        flow.tally.say(f"{jobs} {'worker' if jobs == 1 else 'workers'} ({workers.backend})")
        outcomes = pool.outcomes(flow.digest, flow, flow.tally, restarts)
        if depot is not None and all(outcome.receipt is not None for outcome in outcomes):
            facts["storage"] = depot.done()
    kept = len(depot.kept) if depot is not None else 0
    return _Pooled(tuple(outcomes), len(outcomes) > kept, jobs, kept, restarts.count, facts)


class _Flow:
    """The tasks that are still to be done, as they come; what is done already is set aside."""

    def __init__(self, folder: Path, digest: str, tasks: Iterator[ShardTask], tally: Tally) -> None:
        self.folder, self.digest, self.tally = folder, digest, tally
        self.kept: dict[int, Receipt] = {}
        self.seen = self.rows = 0
        self.first: ShardTask | None = None
        self._tasks, self._all_read = tasks, False
        self._ready: list[ShardTask] = []

    @property
    def ended(self) -> bool:
        """Whether every task was handed out."""
        return self._all_read and not self._ready

    def more(self) -> bool:
        """Whether anything is left to do."""
        return self.ahead(1)

    def more_than(self, task: ShardTask) -> bool:
        """Whether anything is left to do besides a task, which is then handed out once more."""
        if not self.more():
            return False
        self._ready.insert(0, task)
        return True

    def ahead(self, rows: float) -> bool:
        """Whether so many cases are still to be measured; reads no further than it takes to know."""
        known = sum(task.rows for task in self._ready)
        unread = self._unread()
        while known < rows and (task := next(unread, None)) is not None:
            self._ready.append(task)
            known += task.rows
        return known >= rows

    def __iter__(self) -> Iterator[ShardTask]:
        unread = self._unread()
        while (task := self._ready.pop(0) if self._ready else next(unread, None)) is not None:
            yield task

    def _unread(self) -> Iterator[ShardTask]:
        for task in self._tasks:
            self.first = self.first or task
            self.seen, self.rows = self.seen + 1, self.rows + task.rows
            self.tally.found(task)
            receipt = valid_receipt(self.folder, task, self.digest)
            if receipt is None:
                receipt_path(self.folder, task.shard).unlink(missing_ok=True)
                yield task
            else:
                self.kept[task.shard] = receipt
                self.tally.kept(task)
        self._all_read = True
        self.tally.complete()


def _alone(flow: _Flow, workers: Workers) -> Iterator[ShardOutcome]:
    """Work in this process: to the end where there are no workers, else for as long as they would take to start."""
    if workers.elsewhere:
        return
    seconds = float("inf") if worker_count(workers) == 1 else ALONE_SECONDS if workers.jobs is None else 0.0
    worked, began, done = time.process_time(), time.monotonic(), 0
    for task in flow:
        if seconds == 0.0 and flow.more_than(task):
            return
        if not done:
            flow.tally.say("measuring in this process")
        done += task.rows
        outcome = do_shard(str(flow.folder), flow.digest, task)
        if outcome.receipt is not None:
            flow.tally.done(task)
        yield outcome
        took = time.monotonic() - began
        long = time.process_time() - worked > seconds or took > max(seconds, ALONE_WALL_SECONDS)
        if long and flow.ahead(max(1.0, done * WORTH_SECONDS / took)):
            return


def _remove_others(folder: Path, count: int) -> None:
    """What an earlier run with more shards left behind is no evidence of this one."""
    for path in (folder / SHARDS_FOLDER).iterdir():
        if not (path.stem.isdecimal() and int(path.stem) < count and path.suffix in (".json", ".parquet")):
            path.unlink(missing_ok=True)


def _raise_problems(outcomes: Sequence[ShardOutcome]) -> None:
    failed = sorted((outcome for outcome in outcomes if outcome.receipt is None), key=lambda outcome: outcome.shard)
    if not failed:
        return
    problems = list(dict.fromkeys(problem for outcome in failed for problem in outcome.problems))
    misses = sum(outcome.misses for outcome in failed)
    if misses and not problems:
        raise Unanswered(misses, tuple(miss for outcome in failed for miss in outcome.missed)[:SHOWN_PROBLEMS])
    shown = problems[:SHOWN_PROBLEMS]
    if len(problems) > len(shown):
        shown.append(Problem(f"{len(problems) - len(shown)} more problems"))
    code = max(outcome.exit_code for outcome in failed)
    kind: type[EvalgateError] = BadInput if code == ExitCode.BAD_INPUT else Incomplete
    raise kind(shown)
