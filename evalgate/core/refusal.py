"""What it means that the system refuses to write, and what a reader may try: seldom is it space."""

from __future__ import annotations

import errno
from pathlib import Path

from evalgate.core.errors import BadInput, EvalgateError, Incomplete, Problem

NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
_UNUSABLE = (errno.ENAMETOOLONG, errno.ELOOP)
"""No place could ever have such a name: bad input. Anything else may be otherwise tomorrow."""
_HINTS = {
    errno.ENOSPC: "free space or choose another place; the same command continues",
    errno.EDQUOT: "free space or choose another place; the same command continues",
    errno.EROFS: "choose a place on a file system that is not mounted read-only",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.ELOOP: "its symbolic links lead in a circle, or to nowhere: name the real place",
    errno.ENOTDIR: "a file stands where a folder has to be: choose another place",
    errno.EEXIST: "a file stands where a folder has to be: choose another place",
    errno.EISDIR: "a folder stands there: name a file",
    errno.ENOENT: "its folder does not exist: make it first",
    errno.EMLINK: "the file system allows no more links or folders there: choose another place",
    errno.EFBIG: "raise the limit of file sizes (ulimit -f), or choose another file system",
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
    errno.ENFILE: "raise the limit of open files of this machine",
    errno.EIO: "the disk itself fails: choose a place on another one",
    errno.ETXTBSY: "a program that runs there is in the way: choose another place",
    errno.EBUSY: "another program holds it: choose another place, or end that program",
}


def refusal_hint(error: OSError, place: Path) -> str:
    """What to try when a place could not be written."""
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"let this user write in {_nearest(place)}, or choose another place"
    return _HINTS.get(error.errno or 0, "choose another place")


def refused(error: OSError, place: Path, said: str = "cannot be written", hint: str | None = None) -> EvalgateError:
    """The error that says so: BadInput for a name that no file can have, else Incomplete.

    `hint` is what else to try where there is no space: what was kept.
    """
    advice = hint if hint is not None and error.errno in NO_SPACE else refusal_hint(error, place)
    problem = Problem(f"{said}: {error.strerror or type(error).__name__}", shown_place(place), advice)
    return BadInput(problem) if error.errno in _UNUSABLE else Incomplete(problem)


def shown_place(place: Path | str) -> str:
    """A place for a message; of a name that is too long for any file, what tells it apart."""
    text = str(place)
    return text if len(text) <= 400 else f"{text[:200]}…{text[-60:]}"


def _nearest(place: Path) -> Path:
    """The nearest folder that is there: the place itself or above it."""
    for folder in (place, *place.parents):
        try:
            if folder.is_dir():
                return folder
        except OSError:
            continue
    return place.parent
