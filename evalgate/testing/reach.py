"""See whether code reaches outside its process: connections, names to be resolved, other programs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

_SOCKET = ("bind", "connect", "getaddrinfo", "gethostbyaddr", "gethostbyname", "getnameinfo", "sendmsg", "sendto")
_OS = ("exec", "fork", "forkpty", "posix_spawn", "spawn", "startfile", "system")
EVENTS = frozenset((*(f"socket.{name}" for name in _SOCKET), *(f"os.{name}" for name in _OS), "subprocess.Popen"))
"""Audit events of the interpreter; what a library written in C does on its own raises none."""

_watching: list[list[str]] = []


@contextmanager
def outside_calls() -> Iterator[list[str]]:
    """The events of what is done inside, as they come; each is refused with a PermissionError before it happens."""
    _hook()
    calls: list[str] = []
    _watching.append(calls)
    try:
        yield calls
    finally:
        _watching[:] = [others for others in _watching if others is not calls]


@lru_cache(maxsize=1)
def _hook() -> None:
    # an audit hook stays for the life of the process: there is one, and it does nothing while nobody watches
    sys.addaudithook(_heard)


def _heard(event: str, arguments: tuple[Any, ...]) -> None:
    if _watching and event in EVENTS:
        for calls in _watching:
            calls.append(event)
        raise PermissionError(f"{event} is refused while a detector looks")
