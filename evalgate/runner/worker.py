"""What runs in a worker: one shard, and a watch that ends the worker when the run it works for is gone."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from evalgate.core.errors import EvalgateError, ExitCode, Problem
from evalgate.runner.job import JOB_FILE, ShardTask, load_job
from evalgate.runner.receipt import ShardOutcome
from evalgate.runner.shard import do_shard
from evalgate.runner.versions import host, require_same

LOOK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Order:
    """Where a worker finds its work, and for whom it does it."""

    folder: str
    """The run folder, on a disk that the worker shares."""
    digest: str
    """The job's."""
    parent: int | None = None
    """The process whose end is the worker's end; None where somebody else keeps the worker."""
    storage: str | None = None
    """The store with the work of this run, for workers that share no disk; None: the run folder itself."""
    run: str = ""
    """A name that no other run has: what a host keeps of the storage is kept under it."""
    source: str | None = None
    """Digest of evalgate's own files where the run was started; None: the worker is of the same installation."""


def do_in_worker(order: Order, task: ShardTask) -> ShardOutcome:
    """Do one shard; errors come back as values."""
    if order.parent is not None and order.parent == os.getppid():
        _end_with(order.parent)
    try:
        with _place(order, task) as folder:
            _check(order, folder)
            outcome = do_shard(str(folder), order.digest, task)
            if order.storage is not None and outcome.receipt is not None:
                from evalgate.runner.copies import hand_in

                hand_in(order.storage, folder, task)
    except EvalgateError as error:
        return ShardOutcome(task.shard, None, error.problems, error.exit_code)
    except OSError as error:
        return ShardOutcome(task.shard, None, (_unreadable(order, error),), ExitCode.INCOMPLETE)
    return replace(outcome, problems=tuple(_with_host(order, problem) for problem in outcome.problems))


@contextmanager
def _place(order: Order, task: ShardTask) -> Iterator[Path]:
    """The folder in which the shard can be done."""
    if order.storage is None:
        yield Path(order.folder)
        return
    from evalgate.runner.copies import copied

    with copied(order.storage, order.run, task) as folder:
        yield folder


def _check(order: Order, folder: Path) -> None:
    job = load_job(folder, order.digest)
    require_same(job.versions, job.choices, order.source)


def _unreadable(order: Order, error: OSError) -> Problem:
    """A worker that does not see the disk of the run."""
    path = error.filename or Path(order.folder) / JOB_FILE
    said = f"the worker cannot read {path}: {error.strerror or type(error).__name__}"
    hint = (
        "workers must share the disk of the run folder, or name a storage that all of them reach (--storage s3://bucket/prefix)"
    )
    return Problem(said, f"worker on {host()}", hint)


def _with_host(order: Order, problem: Problem) -> Problem:
    """Problems of the cases are the same everywhere; those of a place need its name."""
    if order.source is None or problem.where is None or not problem.where.startswith("/"):
        return problem
    return replace(problem, where=f"worker on {host()}, {problem.where}")


def begin_worker(parent: int) -> None:
    """First of all in a worker process: it ends with the process that started it, which may be gone before any work came."""
    if os.getppid() != parent:
        os._exit(1)
    _end_with(parent)


@lru_cache(maxsize=1)
def _end_with(parent: int) -> None:
    """A run that is killed cannot end its workers, and they would wait for ever."""
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    pause = threading.Event()
    while os.getppid() == parent:
        pause.wait(LOOK_SECONDS)
    os._exit(1)
