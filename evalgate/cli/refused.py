"""What the system refuses, for want of memory, files, threads or space, is no bug: the evaluation could not be completed."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

from evalgate.core.errors import BadInput, EvalgateError, Incomplete, Problem
from evalgate.core.refusal import refusal_hint, shown_place

_KEPT = "finished shards are kept: the same command continues"
_HINTS = {
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
    errno.ENFILE: "raise the limit of open files of this machine",
    errno.ENOMEM: "use --jobs 1, or a machine with more memory",
    errno.EAGAIN: "raise the limit of processes (ulimit -u), or use --jobs 1",
    errno.ENOSPC: "free space",
    errno.EDQUOT: "free space",
}
_MAPPING = ("failed to map segment", "cannot allocate memory")
"""How the dynamic linker says that there is no memory for a library."""
_THREADS = ("can't start new thread", "Failed to launch worker thread")
"""How Python and Arrow say that there may be no further thread."""


def refused_by_system(error: BaseException) -> EvalgateError | None:
    """The error that says so, where this error or what caused it is such a refusal; else None.

    A name that no file can have is bad input, wherever it is met; a file system that may only be read leaves things undone.
    """
    for one in _chain(error):
        if isinstance(one, OSError) and one.errno in (errno.ENAMETOOLONG, errno.EROFS):
            place = one.filename if isinstance(one.filename, str) else ""
            kind = BadInput if one.errno == errno.ENAMETOOLONG else Incomplete
            return kind(os.strerror(one.errno), where=shown_place(place) or None, hint=refusal_hint(one, Path(place)))
        number = _number(one)
        if number is not None:
            where = one.filename if isinstance(one, OSError) and isinstance(one.filename, str) else None
            said = "out of memory" if number == errno.ENOMEM else f"the system refuses: {os.strerror(number)}"
            return Incomplete(Problem(said, where, f"{_HINTS[number]}; {_KEPT}"))
    return None


def _number(error: BaseException) -> int | None:
    if isinstance(error, MemoryError):
        return errno.ENOMEM
    if isinstance(error, ImportError) and any(said in str(error).lower() for said in _MAPPING):
        return errno.ENOMEM
    if isinstance(error, Exception) and any(said in str(error) for said in _THREADS):
        return errno.EAGAIN
    return error.errno if isinstance(error, OSError) and error.errno in _HINTS else None


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    one: BaseException | None = error
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        yield one
        one = one.__cause__ or one.__context__
