"""The files of a recording: numbered segments of JSON lines, their digests, and tails that a crash tore."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from evalgate.core.canonical import digest, digest_file
from evalgate.core.errors import BadInput, Problem
from evalgate.core.files import JsonLine, parse_line, read_json_lines
from evalgate.proxy.exchange import Exchange, parse_exchange

PARALLEL_BYTES = 16 << 20
"""Above this, segments are digested by two threads (SHA-256 releases the interpreter)."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One file of a recording as it was when it was opened."""

    name: str
    size: int
    """Bytes."""
    digest: str


def segment_names(folder: Path) -> tuple[str, ...]:
    """Names of the segments in reading order."""
    return tuple(sorted(p.name for p in folder.glob("*.jsonl") if p.is_file() and not p.name.startswith(".")))


def digest_segments(folder: Path, shown: str) -> tuple[Segment, ...]:
    """Digest every byte of every segment.

    Raises: BadInput when a segment cannot be read.
    """
    try:
        names = segment_names(folder)
        sizes = [(folder / name).stat().st_size for name in names]
        if sum(sizes) < PARALLEL_BYTES or len(names) == 1:
            digests = [digest_file(folder / name) for name in names]
        else:
            with ThreadPoolExecutor(2) as pool:
                digests = list(pool.map(lambda name: digest_file(folder / name), names))
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}", where=shown, hint="check its permissions") from error
    return tuple(Segment(name, size, found) for name, size, found in zip(names, sizes, digests, strict=True))


def seal_of(segments: tuple[Segment, ...]) -> str:
    """One digest over the names and bytes of all segments."""
    return digest([[segment.name, segment.digest] for segment in segments])


def read_segment(path: Path, shown: str) -> Iterator[tuple[JsonLine, Exchange]]:
    """Every exchange of a segment, verified.

    A segment in which some lines carry a digest and others do not is refused: a line was pasted, or its digest was taken
    out to hide an edit.

    Raises: BadInput with `file:line`.
    """
    sealed: bool | None = None
    for line in read_json_lines(path, shown):
        where = f"{shown}:{line.number}"
        exchange = parse_exchange(line.value, where)
        if sealed is None:
            sealed = exchange.sealed
        elif sealed is not exchange.sealed:
            said = "has no digest, and lines before it have" if sealed else "has a digest, and lines before it have none"
            hint = "a line was edited or pasted: put lines from elsewhere into a segment of their own with `recording import`"
            raise BadInput(f"the line {said}", where=where, hint=hint)
        yield line, exchange


def torn_tail(path: Path) -> int | None:
    """Byte offset at which a torn last line begins, or None when the segment ends well.

    Only a last line without its line feed can be torn: lines are written with it in one piece.
    """
    size = path.stat().st_size
    with path.open("rb") as handle:
        start = _last_line_start(handle, size)
        if start == size:
            return None
        handle.seek(start)
        tail = handle.read()
    try:
        parse_exchange(parse_line(tail.rstrip(b"\x00"), path.name), path.name)
    except BadInput:
        return start
    # A power failure may leave zeros behind a whole record: only they are torn off.
    whole = tail.rstrip(b"\x00")
    return None if whole == tail else start + len(whole)


def repair_tails(folder: Path, shown: str) -> tuple[Problem, ...]:
    """Cut torn tails back to the last valid record; the cut bytes are kept in `<segment>.torn-<offset>`.

    Side effects: truncates segments, completes a valid last line with its line feed, writes `.torn-` files.
    Returns: what was done, to be said.
    """
    done: list[Problem] = []
    for name in segment_names(folder):
        path = folder / name
        if path.is_symlink():
            said = "a segment is a symbolic link, and is not written through"
            raise BadInput(said, where=f"{shown}/{name}", hint="put the file itself there")
        start, size = torn_tail(path), path.stat().st_size
        if start is not None:
            with path.open("r+b") as handle:
                handle.seek(start)
                aside = folder / f"{name}.torn-{start}"
                with aside.open("wb") as kept:
                    kept.write(handle.read())
                    kept.flush()
                    os.fsync(kept.fileno())
                handle.truncate(start)
                handle.seek(0, os.SEEK_END)
                if start and not _ends_with_line_feed(path):
                    handle.write(b"\n")
            said = f"the last line was torn: {size - start} bytes are cut off and kept in {aside.name}"
            done.append(Problem(said, f"{shown}/{name}, byte {start}"))
        elif size and not _ends_with_line_feed(path):
            with path.open("ab") as handle:
                handle.write(b"\n")
    return tuple(done)


def _ends_with_line_feed(path: Path) -> bool:
    with path.open("rb") as handle:
        handle.seek(-1, 2)
        return handle.read(1) == b"\n"


def _last_line_start(handle: object, size: int) -> int:
    from typing import BinaryIO, cast

    source = cast(BinaryIO, handle)
    end = size
    while end > 0:
        begin = max(0, end - (1 << 16))
        source.seek(begin)
        found = source.read(end - begin).rfind(b"\n")
        if found >= 0:
            return begin + found + 1
        end = begin
    return 0
