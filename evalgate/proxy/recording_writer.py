"""Append exchanges to a recording so that nothing that was paid for is lost: written at once, on disk in groups."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Any

from evalgate.core.canonical import json_line
from evalgate.core.errors import Incomplete, Problem
from evalgate.core.lock import locked
from evalgate.core.refusal import NO_SPACE, refusal_hint, refused
from evalgate.proxy.segments import repair_tails, segment_names

LOCK = ".lock"
SEGMENT_BYTES = 32 << 20
"""A segment that has grown beyond this is followed by another: reviewable pieces, digested side by side."""
IN_FLIGHT = 32
"""Answers that may be on their way to the disk at most; whoever asks `room` waits when there are more."""
GROUP = IN_FLIGHT // 2
"""How many are put on the disk together at the latest: one group is written while the next is collected."""
GROUP_DELAY_S = 0.2
"""How long the first of them waits for others."""


class RecordingWriter:
    """The one writer of a recording folder, as a context manager.

    Raises: BadInput when another process writes into the recording, Incomplete when the disk refuses.
    Side effects: creates the folder, holds its lock, cuts torn tails back (`repaired` says so).
    """

    def __init__(self, folder: Path, name: str, *, durable: bool = True) -> None:
        self.folder, self.name = folder, name
        self.written = 0
        """Lines written by this writer."""
        self.repaired: tuple[Problem, ...] = ()
        self._durable = durable
        self._descriptor: int | None = None
        self._size = 0
        self._held = ExitStack()
        self._closing = Lock()

    def __enter__(self) -> RecordingWriter:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise refused(
                error, self.folder, "recording needs a folder that can be written, and this one cannot be made"
            ) from error
        hint = "wait for it; one recording has one writer at a time"
        self._held.enter_context(locked(self.folder / LOCK, hint))
        try:
            self.repaired = repair_tails(self.folder, self.name)
        except OSError as error:
            self._held.close()
            raise self._refused(error) from error
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            if self._descriptor is not None:
                self.flush()
        finally:
            self._close_segment()
            self._held.close()

    def append(self, line: Mapping[str, Any]) -> None:
        """Write one sealed line; it survives the end of this process at once, and of the machine after `flush`.

        Raises: Incomplete when the disk refuses; what was written before is kept whole.
        """
        data = json_line(line).encode("utf-8")
        try:
            if self._descriptor is None or self._size >= SEGMENT_BYTES:
                self._next_segment()
            self._write(data)
        except OSError as error:
            raise self._refused(error) from error
        self.written += 1

    def flush(self) -> None:
        """Put everything that was written onto the disk.

        Raises: Incomplete when the disk refuses; what was not flushed counts as lost.
        """
        if not self._durable:
            return
        try:
            # The thread of a GroupCommit flushes while the loop may go on to the next segment and close this one.
            with self._closing:
                if self._descriptor is not None:
                    os.fsync(self._descriptor)
        except OSError as error:
            raise self._refused(error) from error

    def _write(self, data: bytes) -> None:
        assert self._descriptor is not None
        done = 0
        try:
            while done < len(data):
                # A full disk writes less than it was given before it says so.
                done += os.write(self._descriptor, data[done:])
        except OSError:
            os.ftruncate(self._descriptor, self._size)
            raise
        self._size += len(data)

    def _next_segment(self) -> None:
        self.flush()
        self._close_segment()
        names = segment_names(self.folder)
        last = self.folder / names[-1] if names else None
        path = last if last is not None and _is_ours(last) else self.folder / f"{_number(names) + 1:04d}.jsonl"
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
        self._size = os.fstat(self._descriptor).st_size
        if self._durable:
            _sync_folder(self.folder)

    def _close_segment(self) -> None:
        with self._closing:
            if self._descriptor is not None:
                os.close(self._descriptor)
                self._descriptor = None

    def _refused(self, error: OSError) -> Incomplete:
        hint = f"{self.written} new answers are recorded: make room, and the same command continues"
        if error.errno not in NO_SPACE:
            hint = f"{self.written} new answers are recorded: {refusal_hint(error, self.folder)}; the same command continues"
        return Incomplete(Problem(f"the recording cannot be written: {error.strerror}", str(self.folder), hint))


class GroupCommit:
    """Durable appends for many calls at once: one fsync for 16 answers or after 0.2 s, whichever comes first."""

    def __init__(self, writer: RecordingWriter) -> None:
        self._writer = writer
        self._waiting: list[asyncio.Future[None]] = []
        self._wake = asyncio.Event()
        self._full = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="evalgate-disk")
        self._task = asyncio.create_task(self._commit())
        self._error: Incomplete | None = None
        self._closing = False
        self._unsafe = 0
        self._roomy = asyncio.Event()
        self._roomy.set()

    async def room(self) -> None:
        """Wait while as many answers as may be lost in a crash are on their way to the disk."""
        await self._roomy.wait()

    def add(self, line: Mapping[str, Any]) -> asyncio.Future[None]:
        """Write a line; the future is done once it is durable.

        Raises: Incomplete when the disk refused this line or one before it.
        """
        if self._error is not None:
            raise self._error
        try:
            self._writer.append(line)
        except Incomplete as error:
            self._error = error
            raise
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        self._unsafe += 1
        if self._unsafe >= IN_FLIGHT:
            self._roomy.clear()
        self._wake.set()
        if len(self._waiting) >= GROUP:
            self._full.set()
        return future

    async def close(self) -> None:
        """Make everything durable and stop.

        Raises: Incomplete when the disk refuses.
        """
        # Not cancelled: a wait that ends at the same moment swallows the cancellation.
        self._closing = True
        self._wake.set()
        self._full.set()
        await self._task
        self._thread.shutdown()
        if self._error is not None:
            raise self._error

    async def _commit(self) -> None:
        while not self._closing or self._waiting:
            await self._wake.wait()
            if not self._closing:
                with suppress(TimeoutError):
                    async with asyncio.timeout(GROUP_DELAY_S):
                        await self._full.wait()
                self._wake.clear()
                self._full.clear()
            await self._flush()

    async def _flush(self) -> None:
        group, self._waiting = self._waiting, []
        if not group:
            return
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._writer.flush)
        except Incomplete as error:
            self._error = error
        self._unsafe -= len(group)
        if self._unsafe < IN_FLIGHT:
            self._roomy.set()
        for future in group:
            if future.done():
                continue
            if self._error is not None:
                future.set_exception(self._error)
                future.exception()  # whoever does not wait for it need not hear of it: close() raises it
            else:
                future.set_result(None)


def _is_ours(path: Path) -> bool:
    """Whether the segment can be appended to: not full, and its lines carry digests as ours do."""
    size = path.stat().st_size
    if size >= SEGMENT_BYTES:
        return False
    with path.open("rb") as handle:
        return size == 0 or b'"digest":"' in handle.readline()


def _number(names: tuple[str, ...]) -> int:
    return max((int(name.partition(".")[0]) for name in names if name.partition(".")[0].isdecimal()), default=0)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
