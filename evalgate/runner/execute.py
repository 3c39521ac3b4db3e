"""Do all shards of a job: in this process when that is quicker, else in joblib workers. Finished shards are kept."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from evalgate.core.errors import BadInput, EvalgateError, ExitCode, Incomplete, Problem
from evalgate.runner.job import Job
from evalgate.runner.receipt import Receipt, ShardOutcome, Unanswered, count_receipts, valid_receipt
from evalgate.runner.shard import do_shard

Progress = Callable[[int, int], None]
"""Called with (shards done, shards in all)."""

BACKENDS = ("loky", "threading", "sequential")
SMALL_JOB = 4_000
"""Outputs x metrics under which workers cost more time (0.7 s to start) than they save."""
SHOWN_PROBLEMS = 10


@dataclass(frozen=True, slots=True)
class Workers:
    """How many workers, and which."""

    jobs: int | None = None
    """None: decided from the size of the job."""
    backend: str = "loky"


def execute(folder: Path, job: Job, workers: Workers, progress: Progress) -> tuple[Receipt, ...]:
    """Do what is not done yet and return all receipts in shard order.

    Raises: Incomplete or BadInput with the first problems when any shard could not be done; what was done is kept.
    Side effects: writes shards and receipts into the run folder.
    """
    if workers.backend not in BACKENDS:
        raise BadInput(f"unknown backend {workers.backend!r}", hint=f"available: {', '.join(BACKENDS)}")
    digest = job.digest()
    kept = [valid_receipt(folder, shard, digest) for shard in range(len(job.shards))]
    pending = [shard for shard, receipt in enumerate(kept) if receipt is None]
    for shard in pending:
        (folder / "shards" / f"{shard:05d}.json").unlink(missing_ok=True)
    progress(len(kept) - len(pending), len(kept))
    outcomes = _outcomes(folder, job, pending, workers, progress)
    _raise_problems(outcomes)
    done = {o.shard: o.receipt for o in outcomes if o.receipt is not None}
    receipts = [done.get(shard, receipt) for shard, receipt in enumerate(kept)]
    if any(receipt is None for receipt in receipts) or sum(r.rows for r in receipts if r) != sum(s.rows for s in job.shards):
        raise Incomplete("rows were lost between workers and receipts", hint="run again with --fresh")
    return tuple(receipt for receipt in receipts if receipt is not None)


def worker_count(job: Job, pending: int, workers: Workers) -> int:
    """How many workers a job gets: 1 means in this process."""
    if workers.backend == "sequential" or pending <= 1:
        return 1
    if workers.jobs is not None:
        return max(1, min(workers.jobs, pending))
    outputs = 2 * job.samples * sum(span.rows for span in job.shards)
    if outputs * max(1, len(job.metrics) + len(job.detectors)) < SMALL_JOB:
        return 1
    from os import cpu_count

    return min(cpu_count() or 1, pending)


def _outcomes(folder: Path, job: Job, pending: Sequence[int], workers: Workers, progress: Progress) -> list[ShardOutcome]:
    count = worker_count(job, len(pending), workers)
    if count == 1:
        return list(_in_turn(folder, job, pending, progress))
    import joblib
    from joblib.externals.loky.process_executor import BrokenProcessPool

    tasks = [joblib.delayed(do_shard)(str(folder), job.plan_digest, shard) for shard in pending]
    try:
        with _watched(folder, len(job.shards), progress):
            if job.findings.key_env is not None and workers.backend == "loky":
                _forget_processes()
            return list(joblib.Parallel(n_jobs=count, backend=workers.backend)(tasks))
    except BrokenProcessPool as error:
        hint = "finished shards are kept: the same command continues; with less memory use --jobs 1"
        raise Incomplete(Problem("a worker process died (out of memory, or killed)", str(folder), hint)) from error


def _forget_processes() -> None:
    """End idle worker processes of an earlier run: they know the environment, and so the key, of that time."""
    from joblib.externals.loky import get_reusable_executor

    get_reusable_executor(reuse=True).shutdown(wait=True)


def _in_turn(folder: Path, job: Job, pending: Sequence[int], progress: Progress) -> Iterator[ShardOutcome]:
    done = len(job.shards) - len(pending)
    for shard in pending:
        outcome = do_shard(str(folder), job.plan_digest, shard)
        done += outcome.receipt is not None
        progress(done, len(job.shards))
        yield outcome


@contextmanager
def _watched(folder: Path, total: int, progress: Progress) -> Iterator[None]:
    """Report progress by counting receipts, which works for every backend."""
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(0.2):
            progress(count_receipts(folder), total)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        progress(count_receipts(folder), total)


def _raise_problems(outcomes: Sequence[ShardOutcome]) -> None:
    failed = [outcome for outcome in outcomes if outcome.receipt is None]
    if not failed:
        return
    problems = [problem for outcome in failed for problem in outcome.problems]
    misses = sum(outcome.misses for outcome in failed)
    if misses and not problems:
        raise Unanswered(misses, tuple(miss for outcome in failed for miss in outcome.missed)[:SHOWN_PROBLEMS])
    shown = problems[:SHOWN_PROBLEMS]
    if len(problems) > len(shown):
        shown.append(Problem(f"{len(problems) - len(shown)} more problems"))
    code = max(outcome.exit_code for outcome in failed)
    kind: type[EvalgateError] = BadInput if code == ExitCode.BAD_INPUT else Incomplete
    raise kind(shown)
