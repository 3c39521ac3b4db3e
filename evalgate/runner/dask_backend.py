"""Workers of an existing Dask cluster, through joblib's own backend."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from evalgate.core.errors import EvalgateError, Incomplete, Problem
from evalgate.runner.backends import (
    CONNECT_SECONDS,
    WORKERS_SECONDS,
    Connection,
    missing_extra,
    require_answer,
    unreachable,
    within,
)
from evalgate.runner.versions import host

LOST_TASK_SECONDS = 10.0
"""How long a task may be lost before it is taken for one that nobody does again."""
LOST_SECONDS = 30.0
"""How long a scheduler may be gone, for a restart of it."""


@contextmanager
def dask(address: str | None, jobs: int | None) -> Iterator[Connection]:
    """Connect to a scheduler such as `tcp://scheduler:8786`.

    Raises: Incomplete when `distributed` is not installed, the scheduler does not answer, or no worker comes.
    """
    assert address is not None
    try:
        import distributed
    except ImportError as error:
        raise missing_extra("dask", "dask") from error
    require_answer("dask", address)
    # Its own account of a lost connection is longer than what is said here.
    for name in ("distributed", "distributed.client", "tornado", "asyncio"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        made = lambda: distributed.Client(address, timeout=CONNECT_SECONDS, set_as_default=False)  # noqa: E731
        client = within(2 * CONNECT_SECONDS, made)
    except (OSError, ValueError, ImportError, TypeError, RuntimeError) as error:
        raise unreachable("dask", address, str(error) or type(error).__name__) from error
    try:
        try:
            client.wait_for_workers(1, timeout=WORKERS_SECONDS)
        except TimeoutError as error:
            raise unreachable("dask", address, f"it has no worker after {WORKERS_SECONDS:.0f} s") from error
        _probe(client, address)
        threads = sum(client.ncores().values())
        # joblib would use every thread of the cluster: fewer are used where fewer shards are given out.
        flight: int | str = jobs or "2*n_jobs"
        yield Connection("dask", jobs or threads, (distributed.KilledWorker,), {"client": client}, _Watch(client), flight)
    finally:
        client.close(timeout=5)


def _probe(client: Any, address: str) -> None:
    """Have a function of evalgate called once: where the scheduler or a worker lacks evalgate, joblib would wait for ever."""
    try:
        client.submit(host, pure=False).result(timeout=WORKERS_SECONDS)
    except BaseException as error:
        if isinstance(error, (KeyboardInterrupt, SystemExit, EvalgateError)):
            raise
        why = f"{type(error).__name__}: {str(error)[:200]}"
        hint = "scheduler and workers need the same evalgate as the machine that starts the run"
        raise Incomplete(
            Problem(f"the dask cluster at {address[:200]} cannot call evalgate: {why}", "--address", hint)
        ) from error


class _Watch:
    """Notices that a scheduler is gone, or has lost a task, for which joblib would wait for ever."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._since: float | None = None
        self._lost_since: float | None = None

    def __call__(self) -> str | None:
        status = self._client.status
        if status == "running":
            self._since = None
            return "the scheduler lost a task" if self._lost() else None
        self._since = self._since or time.monotonic()
        if status == "closed" or time.monotonic() - self._since > LOST_SECONDS:
            return f"the connection to the scheduler is {status}"
        return None

    def _lost(self) -> bool:
        """Whether a task has been lost for some time: the results of a worker that died are lost until they are made again."""
        if not any(state.status in ("cancelled", "lost") for state in list(self._client.futures.values())):
            self._lost_since = None
            return False
        self._lost_since = self._lost_since or time.monotonic()
        return time.monotonic() - self._lost_since > LOST_TASK_SECONDS
