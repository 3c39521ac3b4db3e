"""What somebody else's metric started: weighed with it, and ended with it.

It is found by a mark in its environment, whatever session, group or parent it chose.
Ending a process group misses a child that made a session of its own, and a child whose parent is gone hangs on nobody any
more. The environment that a process was started with stays readable and is handed down, so a mark in it finds them all,
except one that was started with another environment on purpose. Linux only; elsewhere nobody is found.
"""

from __future__ import annotations

import os
import secrets
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

MARK = "EVALGATE_CELL"
_ROUNDS = 20
"""Scans after which children that keep starting others are left alone."""


def held_bytes(pid: int) -> int | None:
    """Memory of a process with all that it started; None where the system does not say.

    What several of them share is counted once: a metric that forks its workers is no larger for it.
    """
    family = list(_family(pid))
    try:
        if len(family) == 1:
            return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
        return sum(map(_share, family))
    except (OSError, IndexError, ValueError):
        return None


def _family(pid: int) -> Iterator[int]:
    yield pid
    with suppress(OSError, ValueError):
        for task in os.scandir(f"/proc/{pid}/task"):
            for child in Path(task.path, "children").read_text(encoding="ascii").split():
                yield from _family(int(child))


def _share(pid: int) -> int:
    """Bytes of a process, of shared pages its part; 0 once it is gone."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0


def new_mark() -> str:
    """A value of the variable `MARK` that no other process has."""
    return secrets.token_hex(16)


def end_offspring(mark: str) -> None:
    """Kill every process that was started with a mark, until there is none.

    Side effects: sends SIGKILL.
    """
    for _ in range(_ROUNDS):
        if not [pid for pid in _marked(mark) if _killed(pid, mark)]:
            return


def _marked(mark: str) -> Iterator[int]:
    with suppress(OSError):
        for entry in os.scandir("/proc"):
            if entry.name.isdecimal() and _has(int(entry.name), mark):
                yield int(entry.name)


def _has(pid: int, mark: str) -> bool:
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:  # ended meanwhile, or somebody else's; of one that ended and waits to be buried nothing can be read
        return False
    return f"{MARK}={mark}".encode() in environment.split(b"\0")


def _killed(pid: int, mark: str) -> bool:
    """Kill one process; its number may belong to another one by now, which the mark tells once the number is held."""
    try:
        held = os.pidfd_open(pid)
    except OSError:
        return False
    try:
        if not _has(pid, mark):
            return False
        signal.pidfd_send_signal(held, signal.SIGKILL)
        return True
    except OSError:
        return False
    finally:
        os.close(held)
