"""What the system refuses is exit 3 with advice; everything else stays the bug that it is."""

from __future__ import annotations

import errno

import pytest

from evalgate.cli.refused import refused_by_system


def caused(outer: BaseException, inner: BaseException) -> BaseException:
    outer.__cause__ = inner
    return outer


@pytest.mark.parametrize(
    ("error", "said", "advice"),
    [
        (MemoryError(), "out of memory", "--jobs 1"),
        (OSError(errno.ENOMEM, "x"), "out of memory", "--jobs 1"),
        (OSError(errno.EMFILE, "x", "/a/b"), "/a/b: the system refuses: Too many open files", "ulimit -n"),
        (OSError(errno.ENFILE, "x"), "Too many open files in system", "open files of this machine"),
        (BlockingIOError(errno.EAGAIN, "x"), "Resource temporarily unavailable", "ulimit -u"),
        (RuntimeError("can't start new thread"), "Resource temporarily unavailable", "ulimit -u"),
        (Exception("Unknown error: Failed to launch worker thread: x"), "Resource temporarily unavailable", "ulimit -u"),
        (OSError(errno.ENOSPC, "x"), "No space left on device", "free space"),
        (OSError(errno.EDQUOT, "x"), "Disk quota exceeded", "free space"),
        (ImportError("libarrow.so: failed to map segment from shared object"), "out of memory", "--jobs 1"),
        (caused(ValueError("y"), MemoryError()), "out of memory", "--jobs 1"),
        (caused(ValueError("y"), caused(KeyError("z"), OSError(errno.EMFILE, "x"))), "Too many open files", "ulimit -n"),
    ],
)
def test_refusals_of_the_system(error: BaseException, said: str, advice: str) -> None:
    found = refused_by_system(error)
    assert found is not None and found.exit_code == 3
    assert said in str(found) and advice in str(found) and "the same command continues" in str(found)


@pytest.mark.parametrize(
    "error",
    [
        ValueError("out of memory"), RuntimeError("no thread"), ImportError("no module named x"), OSError("plain"), SystemExit(0),
        OSError(errno.ENOENT, "x"), OSError(errno.EACCES, "x"), caused(ValueError("y"), KeyError("z")),
    ],
)  # fmt: skip
def test_bugs_stay_bugs(error: BaseException) -> None:
    assert refused_by_system(error) is None


def test_a_circle_of_causes_ends() -> None:
    one, other = ValueError("a"), ValueError("b")
    one.__cause__, other.__cause__ = other, one
    assert refused_by_system(one) is None


def test_places_are_told_from_bugs() -> None:
    long = refused_by_system(OSError(errno.ENAMETOOLONG, "x", "/a/b"))
    assert long is not None and (long.exit_code, str(long)) == (2, "/a/b: File name too long (choose a shorter name)")
    locked = refused_by_system(caused(ValueError("y"), OSError(errno.EROFS, "x", "/a/b")))
    assert locked is not None and locked.exit_code == 3 and "not mounted read-only" in str(locked)
