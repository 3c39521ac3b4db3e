"""What a worker copies out of the storage, and hands in again: the job, one shard's cases, and once a host the recording."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import stat
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from evalgate.core.canonical import digest_file
from evalgate.core.errors import Incomplete, Problem
from evalgate.core.files import write_whole
from evalgate.core.strict_json import parse_json
from evalgate.runner.case_lines import cases_path
from evalgate.runner.job import CASES_FOLDER, JOB_FILE, RECORDING_FILE, SHARDS_FOLDER, ShardTask
from evalgate.runner.receipt import receipt_path
from evalgate.runner.shard_file import shard_path
from evalgate.runner.storage import Storage

RECORDING_FOLDER = "work/recording"
RECORDING_LIST = "files.json"
"""Names and digests of the files of the recording; stored last, so that its presence means that they are there."""
INDEX_NAME = "index"
_HELD: dict[str, int] = {}
"""The run whose copies this process uses → the descriptor of its lock."""
_FIRST = threading.Lock()
"""Threads of one worker copy the job once."""


@contextmanager
def copied(url: str, run: str, task: ShardTask) -> Iterator[Path]:
    """A folder of this worker, laid out like a run folder, with what one shard needs.

    Raises: Incomplete when the storage has lost something, or has something else.
    Side effects: removes the shard's files at the end.
    """
    storage = Storage(url)
    with _FIRST:
        folder = _folder(run) / str(os.getpid())
    try:
        with _FIRST:
            if not (folder / JOB_FILE).exists():
                _copy_job(storage, folder)
        write_whole(cases_path(folder, task.shard), storage.read(f"{CASES_FOLDER.as_posix()}/{task.shard:05d}.jsonl"))
        (folder / SHARDS_FOLDER).mkdir(exist_ok=True)
        yield folder
    finally:
        for path in (cases_path(folder, task.shard), shard_path(folder, task.shard), receipt_path(folder, task.shard)):
            with suppress(OSError):
                path.unlink(missing_ok=True)


def hand_in(url: str, folder: Path, task: ShardTask) -> None:
    """Store a finished shard, its receipt last.

    Raises: Incomplete when the storage refuses.
    """
    storage = Storage(url)
    for path in (shard_path(folder, task.shard), receipt_path(folder, task.shard)):
        storage.write(f"{SHARDS_FOLDER.as_posix()}/{path.name}", path.read_bytes())


def remove_copies(run: str) -> None:
    """Remove what workers on this machine copied for a run that is over."""
    with _FIRST:
        _let_go()
    with suppress(OSError, Incomplete):
        base = _base()
        shutil.rmtree(base / run, ignore_errors=True)
        (base / f"{run}.lock").unlink(missing_ok=True)


def _copy_job(storage: Storage, folder: Path) -> None:
    job = storage.read(JOB_FILE.as_posix())
    if parse_json(job.decode("utf-8"))["recording"]:
        write_whole(folder / RECORDING_FILE, json.dumps(_recording(storage, folder.parent)))
    write_whole(folder / JOB_FILE, job)


def _recording(storage: Storage, base: Path) -> dict[str, str]:
    """What `Recording.load` reads: the copy of this host, made by whoever comes first."""
    target = base / "recording"
    with (base / "recording.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        if not target.exists():
            _copy_recording(storage.below(RECORDING_FOLDER), base / "recording.part")
            (base / "recording.part").rename(target)
    name = parse_json((target / RECORDING_LIST).read_text(encoding="utf-8"))["name"]
    return {"folder": str(target), "name": name, "index": str(target / INDEX_NAME)}


def _copy_recording(storage: Storage, target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    listed = storage.read(RECORDING_LIST)
    for name, wanted in parse_json(listed.decode("utf-8"))["files"]:
        if Path(name).name != name:
            raise Incomplete(Problem("the storage names a file outside its folder", f"{storage.url}/{name[:100]}"))
        storage.fetch(name, target / name)
        if digest_file(target / name) != wanted:
            hint = "run again with --fresh, which stores the recording anew"
            raise Incomplete(Problem("the storage has another recording than this run", f"{storage.url}/{name}", hint))
    (target / RECORDING_LIST).write_bytes(listed)


def _folder(run: str) -> Path:
    """Where this host keeps what it copied for a run; what runs that are over left behind is removed first."""
    _leave(run)
    return _base() / run


def _leave(run: str) -> None:
    """Take hold of a run's copies, and let go of those of the run before: a file that is kept open holds the lock."""
    if run in _HELD:
        return
    _let_go()
    base = _base()
    for path in base.glob("*.lock"):
        if path.stem != run:
            _remove_unused(base, path)
    while True:
        handle = os.open(base / f"{run}.lock", os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(handle, fcntl.LOCK_SH)
        with suppress(FileNotFoundError):
            if os.fstat(handle).st_ino == (base / f"{run}.lock").stat().st_ino:
                (base / run).mkdir(exist_ok=True)
                _HELD[run] = handle
                return
        os.close(handle)


def _let_go() -> None:
    while _HELD:
        os.close(_HELD.popitem()[1])


def _remove_unused(base: Path, lock: Path) -> None:
    with suppress(OSError), lock.open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(base / lock.stem, ignore_errors=True)
        lock.unlink(missing_ok=True)


def _base() -> Path:
    """A folder that nobody else on this host can write to.

    Raises: Incomplete when somebody else made it.
    """
    base = Path(tempfile.gettempdir(), f"evalgate-{os.getuid()}")
    base.mkdir(mode=0o700, exist_ok=True)
    found: Any = base.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o022:
        raise Incomplete(Problem("belongs to somebody else", str(base), "set TMPDIR to a folder of your own"))
    return base
