"""Backends: what starts workers, on this machine or on a cluster that is already there; all of them through joblib."""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar
from urllib.parse import urlsplit

from evalgate.core.errors import BadInput, EvalgateError, Incomplete, Problem
from evalgate.core.plugins import known_names, load_plugin, suggestion

T = TypeVar("T")

GROUP = "evalgate.backends"
OWN = ("loky", "threading", "sequential")
"""Those that work on this machine and need no address."""
BUILTINS: Mapping[str, str] = {
    "loky": "evalgate.runner.backends:processes",
    "threading": "evalgate.runner.backends:threads",
    "sequential": "evalgate.runner.backends:in_turn",
    "dask": "evalgate.runner.dask_backend:dask",
    "ray": "evalgate.runner.ray_backend:ray_cluster",
}
CONNECT_SECONDS = 15.0
"""How long a scheduler has to answer."""
WORKERS_SECONDS = 60.0
"""How long it has to have a first worker."""


@dataclass(frozen=True, slots=True)
class Connection:
    """Workers that are ready, as joblib reaches them."""

    backend: str
    """joblib's name of the backend."""
    jobs: int
    """Shards at the same time."""
    deaths: tuple[type[BaseException], ...] = ()
    """What is raised when a worker died; what it had not finished is then given out again."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """What `joblib.parallel_config` needs besides."""
    alive: Callable[[], str | None] = lambda: None
    """Why the workers cannot be reached any more; None: they can."""
    in_flight: int | str = "2*n_jobs"
    """Shards that are given out and not done, as joblib's `pre_dispatch`."""


Connect: TypeAlias = "Callable[[str | None, int | None], AbstractContextManager[Connection]]"
"""A backend: (address, jobs) → the connection, closed at the end. Raises Incomplete when the cluster cannot be reached."""


def check_backend(name: str, address: str | None = None, storage: str | None = None) -> None:
    """Refuse workers that there cannot be, before anything is paid for.

    Raises: BadInput.
    """
    known = known_names(GROUP, BUILTINS)
    if name not in known:
        raise BadInput(f"unknown backend {name!r}", where="--backend", hint=suggestion(name, known))
    if name in ("dask", "ray") and not address:
        hint = "--address tcp://scheduler:8786" if name == "dask" else "--address HOST:6379, or local for this machine alone"
        raise BadInput(f"backend {name} needs the address of a cluster", where="--address", hint=hint)
    if name in OWN and address:
        raise BadInput(f"backend {name} takes no address", where="--address", hint="--backend dask or --backend ray")
    if storage is not None:
        from evalgate.runner.storage import Storage

        if Storage.at(storage).in_memory and name not in ("threading", "sequential"):
            raise BadInput("workers do not see the memory of this process", where="--storage", hint="name a folder or a store")


@contextmanager
def connect(name: str, address: str | None, jobs: int | None) -> Iterator[Connection]:
    """Reach the workers of a backend.

    Raises: BadInput when there is no such backend, Incomplete when what it needs is missing or cannot be reached, or when the
        code of a package fails.
    """
    backend: Connect = load_plugin(GROUP, BUILTINS, name, where="--backend")
    opened = ExitStack()
    with _somebody_elses(name):
        connection: object = opened.enter_context(backend(address, jobs))
    try:
        if not isinstance(connection, Connection) or connection.jobs < 1:
            raise Incomplete(Problem(f"backend {name} gave no Connection with at least one job", "--backend"))
        yield connection
    except BaseException:
        with suppress(Exception):  # what happened first is what is told
            opened.close()
        raise
    with _somebody_elses(name):
        opened.close()


@contextmanager
def _somebody_elses(name: str) -> Iterator[None]:
    """Whatever the code of a package raises is told as its fault."""
    try:
        yield
    except EvalgateError:
        raise
    except Exception as error:
        said = f"backend {name} failed: {type(error).__name__}: {str(error)[:200]}"
        hint = "finished shards are kept: the same command continues, also with another --backend"
        raise Incomplete(Problem(said, "--backend", hint)) from error


@contextmanager
def processes(address: str | None, jobs: int | None) -> Iterator[Connection]:
    """Processes of this machine, replaced when they die."""
    from joblib.externals.loky.process_executor import BrokenProcessPool

    yield Connection("loky", processors(jobs), (BrokenProcessPool,))


@contextmanager
def threads(address: str | None, jobs: int | None) -> Iterator[Connection]:
    """Threads of this process."""
    yield Connection("threading", processors(jobs))


@contextmanager
def in_turn(address: str | None, jobs: int | None) -> Iterator[Connection]:
    """One shard after the other in this process."""
    yield Connection("sequential", 1)


def processors(jobs: int | None) -> int:
    """As many workers as were asked for, else as this process may use processors."""
    if jobs is not None:
        return max(1, jobs)
    import os

    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def require_answer(backend: str, address: str) -> None:
    """Find out within seconds whether anything listens at an address, where it names a host and a port.

    Raises: Incomplete naming the address.
    """
    parts = urlsplit(address if "://" in address else f"//{address}")
    try:
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise BadInput(f"not an address: {error}", where=f"--address {address[:200]}", hint="HOST:PORT") from error
    if host is None or port is None:
        return
    try:
        socket.create_connection((host, port), CONNECT_SECONDS).close()
    except OSError as error:
        raise unreachable(backend, address, error.strerror or str(error) or type(error).__name__) from error


def within(seconds: float, call: Callable[[], T]) -> T:
    """What a call returns or raises, if it does so in time; some libraries wait for ever for what answers strangely.

    Raises: TimeoutError, and leaves the call behind.
    """
    answered: queue.Queue[tuple[T | None, BaseException | None]] = queue.Queue()

    def attempt() -> None:
        try:
            answered.put((call(), None))
        except BaseException as error:  # noqa: BLE001 - it is raised again where the answer is awaited
            answered.put((None, error))

    threading.Thread(target=attempt, daemon=True).start()
    try:
        found, error = answered.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError(f"no answer within {seconds:.0f} s") from None
    if error is not None:
        raise error
    return found  # type: ignore[return-value]


def unreachable(backend: str, address: str, why: str) -> Incomplete:
    """The error about a cluster that does not answer."""
    hint = "start it or correct the address; finished shards are kept: the same command continues"
    return Incomplete(Problem(f"no {backend} cluster answers at {address[:200]}: {why[:200]}", "--address", hint))


def missing_extra(backend: str, extra: str) -> Incomplete:
    """The error about a package that is not installed."""
    hint = f"pip install 'evalgate-engine[{extra}]', on the workers too"
    return Incomplete(Problem(f"backend {backend} needs a package that is not installed", "--backend", hint))
