"""The storage of a run, as its parent uses it: the work goes out, finished shards come back into the run folder."""

from __future__ import annotations

import json
import secrets
import socket
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evalgate.core.canonical import digest, digest_file
from evalgate.core.errors import EvalgateError, ExitCode, Incomplete, Problem
from evalgate.core.files import write_whole
from evalgate.proxy.recording import Recording
from evalgate.runner.case_lines import cases_path
from evalgate.runner.copies import INDEX_NAME, RECORDING_FOLDER, RECORDING_LIST, remove_copies
from evalgate.runner.job import CASES_FOLDER, JOB_FILE, RECORDING_FILE, SHARDS_FOLDER, ShardTask
from evalgate.runner.receipt import ShardOutcome, receipt_path, valid_receipt
from evalgate.runner.shard_file import shard_path
from evalgate.runner.storage import HINT, Missing, Storage

TRANSFERS = 8
"""Objects under way at the same time, in each direction."""
USER_SECONDS = 24 * 3600
"""How long a run is thought to be using the storage; one that was killed does not say that it stopped."""
CLEARED, LEFT, REFUSED = "cleared", "left to another run", "could not be cleared"
_CASES, _SHARDS, _USERS = CASES_FOLDER.as_posix(), SHARDS_FOLDER.as_posix(), "users"


@dataclass(slots=True)
class Depot:
    """The place of one run in a storage, laid out like a run folder.

    It is named by the job and the first cases, so that the same command finds it again from wherever it is started. Two runs of
    the same job share it, and only the last to end removes it.
    """

    root: Storage
    folder: Path
    """The run folder: everything comes back into it."""
    job: str
    """Digest of the job."""
    fresh: bool = False
    """Whether what an interrupted run left in the storage is thrown away."""
    run: str = field(default_factory=lambda: secrets.token_hex(8))
    kept: dict[int, ShardOutcome] = field(default_factory=dict)
    """Shards that an interrupted run had finished in the storage."""
    _place: Storage | None = None
    _threads: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(2 * TRANSFERS))
    _brought: set[int] = field(default_factory=set)
    _bringing: dict[int, threading.Lock] = field(default_factory=dict)
    """One shard may be asked for by the thread that looks and by the one that checks."""

    @property
    def place(self) -> Storage:
        """Where the work of this run stands; known once the first task was sent."""
        if self._place is None:
            raise AssertionError("no task was sent yet")
        return self._place

    def sent(self, tasks: Iterable[ShardTask]) -> Iterator[ShardTask]:
        """Store the cases of every task before it is given out; what the storage has finished is brought and not given out.

        Raises: Incomplete when the storage refuses.
        """
        there: frozenset[str] = frozenset()
        under_way: deque[tuple[ShardTask, Future[bool]]] = deque()
        for task in tasks:
            if self._place is None:
                there = self._open(task)
            under_way.append((task, self._threads.submit(self._ready, task, f"{task.shard:05d}.json" in there)))
            while under_way and (under_way[0][1].done() or len(under_way) >= TRANSFERS):
                yield from self._to_do(*under_way.popleft())
        while under_way:
            yield from self._to_do(*under_way.popleft())

    def bring(self, tasks: Iterable[ShardTask]) -> None:
        """Bring what is finished by now.

        Raises: Incomplete when the storage refuses.
        """
        waited = [task for task in tasks if task.shard not in self._brought]
        if not waited or self._place is None:
            return
        there = self.place.names(_SHARDS)
        finished = [task for task in waited if f"{task.shard:05d}.json" in there]
        for _ in self._threads.map(self._bring, finished):
            pass

    def checked(self, task: ShardTask, outcome: ShardOutcome) -> ShardOutcome:
        """What a worker said, if the run folder holds it; else why it does not."""
        if outcome.receipt is None:
            return outcome
        try:
            if task.shard not in self._brought:
                self._bring(task)
        except EvalgateError as error:
            return ShardOutcome(task.shard, None, error.problems, error.exit_code)
        if valid_receipt(self.folder, task, self.job) == outcome.receipt:
            return outcome
        said = f"shard {task.shard} is not what the worker handed in"
        return ShardOutcome(task.shard, None, (Problem(said, self.place.url, HINT),), ExitCode.INCOMPLETE)

    def done(self) -> str:
        """Remove the work of a run that has everything in its folder, unless another run uses it; what became of it."""
        try:
            if self._place is not None:
                self._leave(self._place)
                if self._is_used(self._place):
                    return LEFT
                self._place.clear()
        except Incomplete:
            return REFUSED
        return CLEARED

    def forget(self, first: ShardTask) -> None:
        """Remove what is left of a run whose folder has everything already; a storage that refuses is no matter then."""
        self._place = self._named(first)
        self.done()
        self.close()

    def close(self) -> None:
        """Wait for nothing more."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        remove_copies(self.run)
        if self._place is not None:
            with suppress(Incomplete):
                self._leave(self._place)

    def _open(self, first: ShardTask) -> frozenset[str]:
        """Store the job and the recording; what shards an interrupted run had finished."""
        place = self._named(first)
        if self.fresh:
            place.clear()
        place.write(f"{_USERS}/{self._user()}", str(int(time.time())).encode("ascii"))
        place.write(JOB_FILE.as_posix(), (self.folder / JOB_FILE).read_bytes())
        if (self.folder / RECORDING_FILE).exists():
            self._send_recording(place.below(RECORDING_FOLDER))
        self._place = place
        return place.names(_SHARDS)

    def _user(self) -> str:
        """The name of this run among those that use the place: the same when it is started again."""
        return digest([socket.gethostname(), str(self.folder.resolve())]).removeprefix("sha256:")[:32]

    def _leave(self, place: Storage) -> None:
        with suppress(Missing):
            place.remove(f"{_USERS}/{self._user()}")

    def _is_used(self, place: Storage) -> bool:
        for name in place.names(_USERS):
            with suppress(Missing, ValueError):
                if time.time() - int(place.read(f"{_USERS}/{name}")) < USER_SECONDS:
                    return True
        return False

    def _named(self, first: ShardTask) -> Storage:
        # By the job's file, which says where everything stands: two copies of a project do not share a place.
        name = digest([digest_file(self.folder / JOB_FILE), first.cases]).removeprefix("sha256:")[:32]
        return self.root.below(f"evalgate-{name}")

    def _send_recording(self, place: Storage) -> None:
        if RECORDING_LIST in place.names(""):
            return
        recording = Recording.load(self.folder / RECORDING_FILE)
        assert recording.index_path is not None
        for segment in recording.index.segments:
            place.send(recording.folder / segment.name, segment.name)
        place.send(recording.index_path, INDEX_NAME)
        files: list[list[Any]] = [[segment.name, segment.digest] for segment in recording.index.segments]
        listed = {"name": recording.name, "files": [*files, [INDEX_NAME, digest_file(recording.index_path)]]}
        place.write(RECORDING_LIST, json.dumps(listed).encode("utf-8"))

    def _ready(self, task: ShardTask, may_be_done: bool) -> bool:
        """Whether a task has to be done; if so, its cases are in the storage now."""
        if may_be_done:
            with suppress(Missing):  # lost, and so not done
                self._bring(task)
            receipt = valid_receipt(self.folder, task, self.job)
            if receipt is not None:
                self.kept[task.shard] = ShardOutcome(task.shard, receipt)
                return False
            self._brought.discard(task.shard)
            receipt_path(self.folder, task.shard).unlink(missing_ok=True)
            self.place.remove(f"{_SHARDS}/{task.shard:05d}.json")
        self.place.send(cases_path(self.folder, task.shard), f"{_CASES}/{task.shard:05d}.jsonl")
        return True

    def _to_do(self, task: ShardTask, ready: Future[bool]) -> Iterator[ShardTask]:
        if ready.result():
            yield task

    def _bring(self, task: ShardTask) -> None:
        """Copy a shard and its receipt into the run folder, the receipt last."""
        shard, receipt = shard_path(self.folder, task.shard), receipt_path(self.folder, task.shard)
        with self._bringing.setdefault(task.shard, threading.Lock()):
            if task.shard in self._brought:
                return
            said = self.place.read(f"{_SHARDS}/{receipt.name}")
            write_whole(shard, self.place.read(f"{_SHARDS}/{shard.name}"))
            write_whole(receipt, said)
            self._brought.add(task.shard)
