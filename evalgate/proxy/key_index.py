"""Where each key's exchange stands: sorted keys in one file that is memory-mapped, so that a look-up reads a few pages.

Layout: one line of JSON (the header), padded to 64 bytes; then n little-endian heads (the first 8 bytes of each key as a
number), n keys of 32 bytes, n places of 16 bytes. Nothing in it is trusted: the header names the digests of the segments
it was made from and of the index itself.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import struct
import sys
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evalgate.core.errors import BadInput, Problem
from evalgate.core.files import JsonLine, write_whole
from evalgate.core.strict_json import parse_json
from evalgate.proxy.exchange import Exchange
from evalgate.proxy.segments import Segment

SCHEMA = "evalgate.index/1"
KEY_BYTES = 32
_PLACE = struct.Struct("<IIQ")
_ERROR = 1 << 31
_ALIGN = 64


@dataclass(frozen=True, slots=True)
class Place:
    """Where one exchange stands."""

    segment: int
    offset: int
    length: int
    """Bytes without the line end."""
    is_error: bool


@dataclass(frozen=True, slots=True)
class KeyIndex:
    """The sorted index of a recording."""

    segments: tuple[Segment, ...]
    count: int
    errors: int
    """Keys for which only an error is recorded."""
    answers: str
    """Digest over every key and what it answers: the same whatever the order, the files or the times of recording."""
    timed: str
    """The same with every latency."""
    heads: Sequence[int] = field(compare=False, repr=False)
    keys: memoryview = field(compare=False, repr=False)
    places: memoryview = field(compare=False, repr=False)

    def find(self, key: str) -> Place | None:
        """The place of a key, or None."""
        wanted = bytes.fromhex(key)
        head = int.from_bytes(wanted[:8], "big")
        at = bisect_left(self.heads, head)
        while at < self.count and self.heads[at] == head:
            if self.keys[at * KEY_BYTES : (at + 1) * KEY_BYTES] == wanted:
                return self.place(at)
            at += 1
        return None

    def place(self, at: int) -> Place:
        """The place of the `at`-th key."""
        segment, length, offset = _PLACE.unpack_from(self.places, at * _PLACE.size)
        return Place(segment & ~_ERROR, offset, length, bool(segment & _ERROR))

    def key(self, at: int) -> str:
        """The `at`-th key in order."""
        return bytes(self.keys[at * KEY_BYTES : (at + 1) * KEY_BYTES]).hex()


class IndexBuilder:
    """Collects the exchanges of a recording in reading order and sorts them; holds about 100 bytes for each."""

    def __init__(self, shown: str) -> None:
        self._shown = shown
        self._keys, self._answers, self._timed = bytearray(), bytearray(), bytearray()
        self._segments, self._lengths, self._lines = array("I"), array("I"), array("I")
        self._offsets = array("Q")
        self._errors = bytearray()

    def add(self, segment: int, line: JsonLine, exchange: Exchange) -> None:
        """Take one verified exchange."""
        self._keys += bytes.fromhex(exchange.key)
        self._answers += exchange.answer_digest()
        self._timed += exchange.answer_digest(timed=True)
        self._segments.append(segment)
        self._lengths.append(line.length)
        self._lines.append(line.number)
        self._offsets.append(line.offset)
        self._errors.append(exchange.status != "ok")

    def image(self, segments: tuple[Segment, ...]) -> bytes:
        """The index as the bytes of its file.

        Raises: BadInput when one key has two different answers, naming both lines.
        """
        heads, keys, places = array("Q"), bytearray(), bytearray()
        answers, timed = hashlib.sha256(), hashlib.sha256()
        problems: list[Problem] = []
        errors = 0
        for same in self._groups():
            at = self._chosen(same, segments, problems)
            key, failed = self._key(at), bool(self._errors[at])
            heads.append(int.from_bytes(key[:8], "big"))
            keys += key
            places += _PLACE.pack(self._segments[at] | (_ERROR if failed else 0), self._lengths[at], self._offsets[at])
            answers.update(key + _part(self._answers, at))
            timed.update(key + _part(self._timed, at))
            errors += failed
        if problems:
            raise BadInput(problems[:100])
        if sys.byteorder == "big":
            heads.byteswap()
        body = heads.tobytes() + bytes(keys) + bytes(places)
        header: dict[str, Any] = {
            "schema": SCHEMA,
            "segments": [[s.name, s.size, s.digest] for s in segments],
            "count": len(heads),
            "errors": errors,
            "answers": "sha256:" + answers.hexdigest(),
            "timed": "sha256:" + timed.hexdigest(),
        }
        header["self"] = _self_digest(header, body)
        return _padded(json.dumps(header, sort_keys=True).encode("utf-8")) + body

    def _groups(self) -> Iterator[list[int]]:
        """Lines with the same key, keys in order, lines in reading order."""
        order = sorted(range(len(self._offsets)), key=self._key)
        same: list[int] = []
        for at in order:
            if same and self._key(same[0]) != self._key(at):
                yield same
                same = []
            same.append(at)
        if same:
            yield same

    def _chosen(self, same: list[int], segments: tuple[Segment, ...], problems: list[Problem]) -> int:
        """The line that answers: the first that is no error; a second, different answer is a problem."""
        answered = [at for at in same if not self._errors[at]]
        for at in answered[1:]:
            if _part(self._answers, at) != _part(self._answers, answered[0]):
                first, second = (f"{self._shown}/{segments[self._segments[x]].name}:{self._lines[x]}" for x in (answered[0], at))
                hint = "keep one of them; repeats of one request are recorded with `samples:`"
                problems.append(Problem(f"another answer to the request that {first} already answers", second, hint))
        return answered[0] if answered else same[-1]

    def _key(self, at: int) -> bytes:
        return _part(self._keys, at)


def index_from(data: Any, where: str) -> KeyIndex:
    """Read an index from its bytes or a memory map of its file.

    Raises: ValueError when it is not whole and unaltered.
    """
    view = memoryview(data)
    end = bytes(view[: 1 << 20]).find(b"\n")
    if end < 0:
        end = bytes(view).find(b"\n")
    header = parse_json(bytes(view[:end]).decode("utf-8"))
    start = -(-(end + 1) // _ALIGN) * _ALIGN
    if header.get("schema") != SCHEMA or header.pop("self") != _self_digest(header, view[start:]):
        raise ValueError(f"{where} is not an index of this version, or was altered")
    count = int(header["count"])
    keys_at, places_at = start + 8 * count, start + (8 + KEY_BYTES) * count
    heads: Sequence[int] = view[start:keys_at].cast("Q")
    if sys.byteorder == "big":
        swapped = array("Q", heads)
        swapped.byteswap()
        heads = swapped
    return KeyIndex(
        segments=tuple(Segment(name, size, found) for name, size, found in header["segments"]),
        count=count,
        errors=int(header["errors"]),
        answers=str(header["answers"]),
        timed=str(header["timed"]),
        heads=heads,
        keys=view[keys_at:places_at],
        places=view[places_at:],
    )


def load_index(path: Path) -> KeyIndex:
    """Memory-map an index file.

    Raises: OSError or ValueError when it is not there, not whole, or altered.
    """
    with path.open("rb") as handle:
        mapped = mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ)
    try:
        return index_from(mapped, path.name)
    except (KeyError, TypeError, IndexError, AttributeError, struct.error) as error:
        raise ValueError(f"{path.name} is damaged: {error}") from error


def save_index(path: Path, image: bytes) -> None:
    """Write an index file.

    Raises: Incomplete when the disk refuses.
    """
    write_whole(path, image)


def _self_digest(header: dict[str, Any], body: bytes | memoryview) -> str:
    """Digest of an index: of everything its header says, and of its body."""
    found = hashlib.sha256(json.dumps(header, sort_keys=True).encode("utf-8"))
    found.update(body)
    return found.hexdigest()


def _padded(header: bytes) -> bytes:
    line = header + b"\n"
    return line + bytes(-len(line) % _ALIGN)


def _part(data: bytearray, at: int) -> bytes:
    return bytes(data[at * KEY_BYTES : (at + 1) * KEY_BYTES])
