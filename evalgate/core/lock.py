"""A lock file that says who holds it: appears whole or not at all, and a dead holder's is taken over."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from evalgate.core.errors import BadInput, Incomplete
from evalgate.core.refusal import refused
from evalgate.core.strict_json import parse_json


@contextmanager
def locked(lock: Path, hint: str) -> Iterator[None]:
    """Hold a lock file; `hint` is what somebody who is refused may try.

    Raises: BadInput when a living process holds it, Incomplete when the disk refuses.
    Side effects: the lock file is removed at the end.
    """
    _take(lock, hint)
    try:
        _sweep(lock)
        yield
    finally:
        lock.unlink(missing_ok=True)


def _take(lock: Path, hint: str) -> None:
    pid, now = os.getpid(), datetime.now(UTC).isoformat(timespec="seconds")
    content = json.dumps({"pid": pid, "host": socket.gethostname(), "since": now, "started": _started(pid)})
    mine = lock.with_name(f"{lock.name}.{pid}")
    try:
        mine.write_text(content, encoding="utf-8")
        with _one_at_a_time(lock.parent):
            if lock.exists():
                _refuse_if_held(lock, hint)
                lock.unlink(missing_ok=True)
            # A link appears with its content, so nobody can ever read a lock that is half written.
            _link(mine, lock)
    except FileExistsError as error:
        said = "another process took this folder at the same moment"
        raise BadInput(said, where=str(lock.parent), hint="try again") from error
    except OSError as error:
        raise refused(error, lock, "cannot be locked") from error
    finally:
        with suppress(OSError):  # a file system that is read-only refuses this even where there is nothing to remove
            mine.unlink(missing_ok=True)


def _link(mine: Path, lock: Path) -> None:
    try:
        os.link(mine, lock)
    except OSError as error:
        if error.errno in (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK):
            hint = "the lock needs hard links: choose a place on a file system that has them"
            raise Incomplete(f"cannot be locked: {error.strerror}", where=str(lock), hint=hint) from error
        raise


def _refuse_if_held(lock: Path, hint: str) -> None:
    holder = _holder(lock)
    if holder is None:
        return  # a torn lock belongs to nobody alive
    pid, host, since, started = holder
    if host == socket.gethostname() and not _alive(pid, started):
        return
    raise BadInput(f"locked by process {pid} on {host} since {since}", where=str(lock.parent), hint=hint)


def _sweep(lock: Path) -> None:
    """Remove what processes left that were killed while they took the lock."""
    for left in lock.parent.glob(f"{lock.name}.*"):
        holder = _holder(left)
        if holder is not None and holder[1] == socket.gethostname() and not _alive(holder[0], holder[3]):
            left.unlink(missing_ok=True)


def _holder(lock: Path) -> tuple[int, str, str, str | None] | None:
    try:
        holder = parse_json(lock.read_text(encoding="utf-8"))
        started = holder.get("started")
        return int(holder["pid"]), str(holder["host"]), str(holder["since"]), None if started is None else str(started)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


@contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    """Between looking at a dead holder's lock and taking it over nobody else may do the same."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # a file system without such locks has them only for an instant less
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _alive(pid: int, started: str | None) -> bool:
    """Whether the process that wrote a lock still runs: the same number, begun at the same moment."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    now = _started(pid)
    # In a container that is started again the numbers are the same: the moment tells two processes apart.
    return started is None or now is None or started == now


def _started(pid: int) -> str | None:
    """When a process began, as the system counts (Linux: boot and ticks since then); None where it cannot be told."""
    try:
        ticks = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19]
        return f"{Path('/proc/sys/kernel/random/boot_id').read_text(encoding='utf-8').strip()}/{ticks}"
    except (OSError, IndexError):
        return None
