"""attempts.jsonl: the history of a gate, appended to and chained, so that an edit does not go unseen.

Each line holds a digest of itself and the SHA-256 of the bytes of the line before it. Nothing in the file is trusted, and
nothing that is wrong with it, or with the disk, stops a run: it is said in a note.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from evalgate.core.canonical import canonical_json, digest
from evalgate.core.errors import BadInput
from evalgate.core.files import parse_line
from evalgate.evidence.attempt_entry import MAX_NUMBER, Entry, document_of, entry_of

MAX_LINE = 4 << 20
"""Bytes of one line."""
MAX_FILE = 16 << 20
"""Bytes of the history that are read, from its end."""
MAX_LINES = 20_000
"""Lines of it that are read, from its end."""
WAIT_S = 30.0
"""How long another run may hold the file before this one goes on without it."""
_FLAGS = os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Standing:
    """One attempt among the others of its gate and dataset."""

    entry: Entry
    """With its number."""
    others: tuple[Entry, ...]
    """The other attempts, by their numbers."""
    note: str | None
    """Why the history may be incomplete, or does not hold this attempt."""


@dataclass(frozen=True, slots=True)
class History:
    """What a history file holds."""

    entries: tuple[Entry, ...] = ()
    note: str | None = None
    """What is wrong with it, and from which line on."""
    last: bytes | None = None
    """The last line without its end; None where there is none."""
    torn: bool = False
    """Whether the last line has no end."""
    whole: bool = True
    """Whether it was read from its beginning."""
    sound: int = 0
    """Entries before the first damage; all of them where there is none."""


def remember(path: Path, entry: Entry) -> Standing:
    """Append an attempt to its gate's history, unless it stands there already, and say which attempt it is.

    The number of `entry` is not looked at: a run id that is known keeps its number, a new one gets the next.

    Side effects: creates or extends the file under a lock that other processes respect; on the disk when this returns.
    Never raises for what the file holds or for what the disk refuses.
    """
    try:
        descriptor = os.open(path, _FLAGS | os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        return _unwritten(path, entry, error)
    try:
        with _held(descriptor):
            history = _read(descriptor)
            standing = standing_of(history, entry)
            if stands_in(standing, history):
                return standing
            refused = _append(descriptor, history, standing.entry)
            return _noted(standing, refused) if refused else standing
    except OSError as error:
        return _noted(standing_of(History(), entry), f"the history of attempts cannot be used: {_said(error)}")
    finally:
        os.close(descriptor)


def known_history(path: Path) -> History:
    """What a history file holds; nothing is written.

    Raises: OSError when it is not there, no regular file, or cannot be read.
    """
    descriptor = os.open(path, _FLAGS | os.O_RDONLY)
    try:
        return _read(descriptor)
    finally:
        os.close(descriptor)


def read_history(data: bytes, *, whole: bool = True) -> History:
    """Read the lines of a history; `whole` is False where earlier lines were left out."""
    lines = data.rsplit(b"\n", MAX_LINES + 1)
    if len(lines) > MAX_LINES + 1:
        whole, lines = False, lines[1:]
    torn = lines[-1] != b""
    if not torn:
        lines.pop()
    entries: list[Entry] = []
    damage: str | None = None
    sound: int | None = None
    before: bytes | None = None
    for number, line in enumerate(lines, start=1):
        entry, wrong = _line(line, before, follows=whole or number > 1)
        if wrong is not None and damage is None:
            sound = len(entries)
            damage = f"the history is damaged from line {number} on{'' if whole else ' of those read'}: {wrong}"
        if entry is not None:
            entries.append(entry)
        before = line
    notes = [note for note in (None if whole else "only the end of the history was read", damage) if note]
    return History(tuple(entries), "; ".join(notes) or None, before, torn, whole, len(entries) if sound is None else sound)


def _line(line: bytes, before: bytes | None, *, follows: bool) -> tuple[Entry | None, str | None]:
    """One line as an entry, if it is one, and what is wrong with it, if anything."""
    if len(line) > MAX_LINE:
        return None, "it is too long"
    try:
        value = parse_line(line, "line")
    except BadInput:
        return None, "it is not a JSON line"
    if not isinstance(value, dict):
        return None, "it is not an object"
    previous, own = value.pop("previous", ""), value.pop("digest", "")
    try:
        entry = entry_of(value)
    except ValueError as error:
        return None, str(error)
    if previous is not None and not isinstance(previous, str):
        return entry, "it does not say what it follows"
    if own != digest({**value, "previous": previous}):
        return entry, "its content is not what its digest says"
    if follows and previous != _link(before):
        return entry, "it does not follow the line before it; one was changed, removed or added"
    return entry, None


def _link(before: bytes | None) -> str | None:
    return None if before is None else hashlib.sha256(before).hexdigest()


def standing_of(history: History, entry: Entry) -> Standing:
    """Where an attempt stands in a history, whether it is in there or comes next."""
    latest: dict[str, Entry] = {}
    number: dict[str, int] = {}
    for known in history.entries:
        if known.of == entry.of:
            number.setdefault(known.run_id, known.number)
            latest[known.run_id] = replace(known, number=number[known.run_id])
    following = min(max([len(number), *number.values()]) + 1, MAX_NUMBER)
    mine = replace(entry, number=number.get(entry.run_id, following))
    others = sorted((one for one in latest.values() if one.run_id != entry.run_id), key=lambda one: one.number)
    return Standing(mine, tuple(others), history.note)


def stands_in(standing: Standing, history: History) -> bool:
    """Whether the very same attempt, but for its time, is in the history."""
    entry = standing.entry
    mine, same_id = document_of(entry), (one for one in history.entries if one.run_id == entry.run_id)
    return any(document_of(replace(known, at=entry.at)) == mine for known in same_id)


def _append(descriptor: int, history: History, entry: Entry) -> str | None:
    """Write one line; says why it was not written."""
    content = {**document_of(entry), "previous": _link(history.last)}
    line = canonical_json({**content, "digest": digest(content)}) + b"\n"
    if len(line) > MAX_LINE:
        return "this attempt is too large to be remembered"
    # a line that was torn by a crash is ended, not cut off: the chain goes over what stands there
    left = memoryview(b"\n" + line if history.torn else line)
    size = os.fstat(descriptor).st_size
    try:
        while left:
            left = left[os.write(descriptor, left) :]
        os.fsync(descriptor)
    except OSError as error:
        with suppress(OSError):
            os.ftruncate(descriptor, size)
        return f"this attempt could not be remembered: {_said(error)}"
    return None


def _read(descriptor: int) -> History:
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        raise OSError(0, "it is not a regular file")
    start = max(0, found.st_size - MAX_FILE)
    blocks = []
    position = start
    while block := os.pread(descriptor, 1 << 20, position):
        blocks.append(block)
        position += len(block)
    data = b"".join(blocks)
    if start:
        data = data.partition(b"\n")[2]
    return read_history(data, whole=start == 0)


@contextmanager
def _held(descriptor: int) -> Iterator[None]:
    """Between reading the last line and writing the next nobody else may do the same."""
    _take(descriptor)
    try:
        yield
    finally:
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_UN)


def _take(descriptor: int) -> None:
    until = time.monotonic() + WAIT_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > until:
                raise OSError(0, f"another process held it for {WAIT_S:g} s") from None
            time.sleep(0.01)
        except OSError:
            return  # a file system without such locks: one append is one write at the end


def _unwritten(path: Path, entry: Entry, error: OSError) -> Standing:
    said = f"this attempt could not be remembered: {_said(error)}"
    try:
        descriptor = os.open(path, _FLAGS | os.O_RDONLY)
    except OSError:
        return _noted(standing_of(History(), entry), said)
    try:
        history = _read(descriptor)
        standing = standing_of(history, entry)
        return standing if stands_in(standing, history) else _noted(standing, said)
    except OSError:
        return _noted(standing_of(History(), entry), said)
    finally:
        os.close(descriptor)


def _noted(standing: Standing, said: str) -> Standing:
    return replace(standing, note=f"{standing.note}; {said}" if standing.note else said)


def _said(error: OSError) -> str:
    return "it is a symbolic link" if error.errno == errno.ELOOP else str(error.strerror or "the system refused")
