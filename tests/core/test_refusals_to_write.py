"""A place that cannot be written: what really happened, and what helps against that."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from evalgate.core.errors import BadInput, Incomplete
from evalgate.core.files import write_whole
from evalgate.core.lock import locked

CAUSES = [
    (errno.EACCES, "Permission denied", "let this user write in {folder}, or choose another place", 3),
    (errno.EPERM, "Operation not permitted", "let this user write in {folder}, or choose another place", 3),
    (errno.EROFS, "Read-only file system", "choose a place on a file system that is not mounted read-only", 3),
    (errno.ENOSPC, "No space left on device", "free space or choose another place; the same command continues", 3),
    (errno.EDQUOT, "Disk quota exceeded", "free space or choose another place; the same command continues", 3),
    (errno.EMLINK, "Too many links", "the file system allows no more links or folders there: choose another place", 3),
    (errno.EIO, "Input/output error", "the disk itself fails: choose a place on another one", 3),
    (errno.ENAMETOOLONG, "File name too long", "choose a shorter name", 2),
]


def refusing(number: int) -> Any:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    return refuse


@pytest.mark.parametrize(("number", "said", "hint", "code"), CAUSES)
def test_a_file_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, said: str, hint: str, code: int
) -> None:
    monkeypatch.setattr(Path, "open", refusing(number))
    with pytest.raises((Incomplete, BadInput)) as raised:
        write_whole(tmp_path / "a" / "file", "x")
    (problem,) = raised.value.problems
    assert int(raised.value.exit_code) == code
    assert problem.where == str(tmp_path / "a" / "file")
    assert problem.message == f"cannot be written: {said}"
    assert problem.hint == hint.format(folder=tmp_path / "a")


@pytest.mark.parametrize(("number", "said", "hint", "code"), CAUSES)
def test_a_lock_that_cannot_be_made_is_nobody_elses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, said: str, hint: str, code: int
) -> None:
    monkeypatch.setattr(Path, "write_text", refusing(number))
    # A read-only file system refuses to remove what is not there, too.
    monkeypatch.setattr(Path, "unlink", refusing(number))
    with pytest.raises((Incomplete, BadInput)) as raised, locked(tmp_path / ".lock", "wait for it"):
        raise AssertionError
    (problem,) = raised.value.problems
    assert int(raised.value.exit_code) == code
    assert (problem.message, problem.hint) == (f"cannot be locked: {said}", hint.format(folder=tmp_path))


def test_a_file_system_without_hard_links_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "link", refusing(errno.EPERM))
    said = "cannot be locked: Operation not permitted .the lock needs hard links"
    with pytest.raises(Incomplete, match=said), locked(tmp_path / ".lock", "wait for it"):
        raise AssertionError


def test_what_stands_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    for place, hint in ((tmp_path, "name a file"), (tmp_path / "file" / "below", "a file stands where a folder has to be")):
        with pytest.raises(Incomplete, match=hint):
            write_whole(place, "x")
