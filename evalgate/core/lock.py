"""A lock file that says who holds it: appears whole or not at all, and a dead holder's is taken over."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from evalgate.core.errors import BadInput, Incomplete, Problem
from evalgate.core.strict_json import parse_json


@contextmanager
def locked(lock: Path, hint: str) -> Iterator[None]:
    """Hold a lock file; `hint` is what somebody who is refused may try.

    Raises: BadInput when a living process holds it, Incomplete when the disk refuses.
    Side effects: the lock file is removed at the end.
    """
    _take(lock, hint)
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)


def _take(lock: Path, hint: str) -> None:
    content = json.dumps(
        {"pid": os.getpid(), "host": socket.gethostname(), "since": datetime.now(UTC).isoformat(timespec="seconds")}
    )
    mine = lock.with_name(f"{lock.name}.{os.getpid()}")
    try:
        mine.write_text(content, encoding="utf-8")
        for _ in range(2):
            try:
                # A link appears with its content, so nobody can ever read a lock that is half written.
                os.link(mine, lock)
            except FileExistsError:
                _refuse_if_held(lock, hint)
                lock.unlink(missing_ok=True)
            else:
                return
    except OSError as error:
        raise Incomplete(Problem(f"cannot be locked: {error.strerror}", str(lock), hint)) from error
    finally:
        mine.unlink(missing_ok=True)
    raise BadInput("another process took this folder at the same moment", where=str(lock.parent), hint="try again")


def _refuse_if_held(lock: Path, hint: str) -> None:
    try:
        holder = parse_json(lock.read_text(encoding="utf-8"))
        pid, host, since = int(holder["pid"]), str(holder["host"]), str(holder["since"])
    except (OSError, ValueError, KeyError, TypeError):
        return  # a torn lock belongs to nobody alive
    if host == socket.gethostname() and not _alive(pid):
        return
    raise BadInput(f"locked by process {pid} on {host} since {since}", where=str(lock.parent), hint=hint)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
