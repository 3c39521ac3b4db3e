"""Workers of an existing Ray cluster, through joblib and Ray's own backend for it."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from evalgate.runner.backends import Connection, missing_extra, require_answer, unreachable

LOCAL = "local"
"""Instead of an address: start Ray on this machine."""


@contextmanager
def ray_cluster(address: str | None, jobs: int | None) -> Iterator[Connection]:
    """Connect to a head node such as `head:6379`, `ray://head:10001` or `auto`; `local` starts Ray on this machine.

    Raises: Incomplete when `ray` is not installed or the head node does not answer.
    """
    assert address is not None
    try:
        import ray
        from ray.util.joblib import register_ray
    except ImportError as error:
        raise missing_extra("ray", "ray") from error
    if address not in (LOCAL, "auto"):
        require_answer("ray", address)
    own = not ray.is_initialized()
    try:
        if own:
            with _signals_kept():
                ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, OSError, ValueError, RuntimeError) as error:
        raise unreachable("ray", address, str(error) or type(error).__name__) from error
    try:
        register_ray()
        processors = max(1, int(ray.cluster_resources().get("CPU", 1)))
        yield Connection("ray", min(jobs, processors) if jobs else processors, (ray.exceptions.RayActorError,))
    finally:
        if own:
            ray.shutdown()


@contextmanager
def _signals_kept() -> Iterator[None]:
    """Ray takes over how a program ends when it is told to; how this one ends is decided already."""
    handler = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, handler or signal.SIG_DFL)
