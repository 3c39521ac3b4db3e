"""Recordings: append-only JSON lines, verified when opened, looked up by key without holding the answers in memory."""

from __future__ import annotations

import json
import tempfile
import weakref
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalgate.core.errors import BadInput, Incomplete
from evalgate.core.files import NAME, parse_line, write_whole
from evalgate.core.strict_json import parse_json
from evalgate.proxy.exchange import Exchange, parse_exchange
from evalgate.proxy.key_index import IndexBuilder, KeyIndex, Place, index_from, load_index, save_index
from evalgate.proxy.segments import Segment, digest_segments, read_segment, seal_of

INDEX = ".index"
KEPT_BYTES = 8 << 20
"""Above this the index is kept on disk; a smaller recording is read faster than its index is managed."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A store of exchanges, open for look-ups."""

    folder: Path
    name: str
    index: KeyIndex
    index_path: Path | None
    """The index file, when there is one; else the index is in memory."""

    def __len__(self) -> int:
        return self.index.count

    def __contains__(self, key: str) -> bool:
        return self.index.find(key) is not None

    @property
    def seal(self) -> str:
        """Digest over the bytes of all segments: changes with any edit, order and time of recording included."""
        return seal_of(self.index.segments)

    @property
    def digest(self) -> str:
        """Digest over what is answered: independent of order, segments, latencies and times of recording."""
        return self.index.answers

    @property
    def timed_digest(self) -> str:
        """Like `digest`, latencies included."""
        return self.index.timed

    def answers(self, key: str) -> bool:
        """Whether a key has an answer that is no error."""
        place = self.index.find(key)
        return place is not None and not place.is_error

    def lookup(self, key: str) -> Exchange | None:
        """The exchange recorded for a key, or None: a miss.

        Raises: BadInput when the recording is no longer what was opened.
        """
        place = self.index.find(key)
        return None if place is None else self._read(place, key)

    def exchanges(self) -> Iterator[Exchange]:
        """Every exchange that counts, in the order of keys."""
        for at in range(self.index.count):
            yield self._read(self.index.place(at), self.index.key(at))

    def lines(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Every line that counts as it stands, with its key, in the order of keys."""
        for at in range(self.index.count):
            key, place = self.index.key(at), self.index.place(at)
            value, where = self._value(place)
            parse_exchange(value, where)
            yield key, value

    def requests(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Every recorded (key, request), for explaining a miss."""
        for exchange in self.exchanges():
            yield exchange.key, exchange.request

    def require_unchanged(self) -> None:
        """Prove at the end of a run that the recording is still what it was at the start.

        Raises: Incomplete when a segment was changed, added or removed meanwhile.
        """
        if digest_segments(self.folder, self.name) != self.index.segments:
            raise Incomplete("the recording changed during the run", where=self.name, hint="run again")

    def save(self, path: Path) -> None:
        """Write what workers need to open the same recording (JSON and the index; nothing is ever unpickled)."""
        index = self.index_path
        if index is None:
            index = path.with_suffix(INDEX)
            save_index(index, _image(self.folder, self.name, self.index.segments))
        pointer = {"folder": str(self.folder.absolute()), "name": self.name, "index": str(index.absolute())}
        write_whole(path, json.dumps(pointer))

    @classmethod
    def load(cls, path: Path) -> Recording:
        """Open what `save` wrote; the segments were verified by the process that saved it."""
        pointer = parse_json(path.read_text(encoding="utf-8"))
        index = Path(pointer["index"])
        try:
            return cls(Path(pointer["folder"]), pointer["name"], load_index(index), index)
        except (OSError, ValueError) as error:
            hint = "the recording or its index changed during the run; run again"
            raise Incomplete(f"the index cannot be read: {error}", where=str(index), hint=hint) from error

    def _read(self, place: Place, key: str) -> Exchange:
        value, where = self._value(place)
        exchange = parse_exchange(value, where)
        if exchange.key != key:
            raise BadInput("the recording changed while it was in use", where=where, hint="run again")
        return exchange

    def _value(self, place: Place) -> tuple[Any, str]:
        segment = self.index.segments[place.segment].name
        try:
            with (self.folder / segment).open("rb", buffering=0) as handle:
                handle.seek(place.offset)
                body = handle.read(place.length)
        except OSError as error:
            hint = "the recording changed while it was in use; run again"
            raise BadInput(f"cannot be read: {error.strerror}", where=f"{self.name}/{segment}", hint=hint) from error
        where = f"{self.name}/{segment}, byte {place.offset}"
        return parse_line(body, where), where


def recording_folder(name: str, root: Path, where: str | None = None) -> Path:
    """The folder of a recording named in a configuration.

    Raises: BadInput when the name is not a plain name or nothing is recorded under it.
    """
    folder = place_of_recording(name, root, where)
    if not folder.is_dir() and refreshed_folder(folder).is_dir():
        said = f"the refresh of recording {name!r} was interrupted before there was a recording in its place"
        raise BadInput(said, where=where, hint="--mode refresh continues it; what is answered is not asked again")
    if not folder.is_dir():
        from evalgate.core.plugins import suggestion

        parent = folder.parent
        known = sorted(p.name for p in parent.iterdir() if p.is_dir()) if parent.is_dir() else []
        raise BadInput(f"no recording {name!r} under {parent}", where=where, hint=suggestion(name, known))
    return folder


def refreshed_folder(place: Path) -> Path:
    """Where a refreshed recording stands until it takes its place: under a name that no recording can have."""
    return place.with_name(f".refresh-{place.name}")


def place_of_recording(name: str, root: Path, where: str | None = None) -> Path:
    """Where a recording of that name stands or will stand.

    Raises: BadInput when the name is not a plain name.
    """
    if not NAME.fullmatch(name):
        raise BadInput(f"recording {name!r} is not a plain name", where=where, hint="letters, digits, dot, dash, underscore")
    return root / "datasets" / "recordings" / name


def open_recording(folder: Path, name: str, *, fresh: bool = False, may_be_empty: bool = False) -> Recording:
    """Open a recording for look-ups: every segment is digested, every line was verified when the index was made.

    The index of a large recording is kept in its folder (or in a temporary one, where that is read-only) and made again
    whenever a digest differs; `fresh` makes it again in any case.

    Raises:
        BadInput: a damaged line, an edited request or answer, or one key with two different answers; all named by
            `file:line`.
    """
    segments = digest_segments(folder, name) if folder.is_dir() else ()
    if not segments and not may_be_empty:
        raise BadInput("the recording has no exchanges (no .jsonl file)", where=name)
    kept = folder / INDEX
    if sum(segment.size for segment in segments) < KEPT_BYTES:
        return Recording(folder, name, index_from(_image(folder, name, segments), name), None)
    if not fresh:
        with suppress(OSError, ValueError):
            index = load_index(kept)
            if index.segments == segments:
                return Recording(folder, name, index, kept)
    image = _image(folder, name, segments)
    try:
        save_index(kept, image)
    except Incomplete:
        place = tempfile.mkdtemp(prefix="evalgate-index-")
        kept = Path(place, "index")
        save_index(kept, image)
        index = load_index(kept)
        weakref.finalize(index.places.obj, _remove, place)
        return Recording(folder, name, index, kept)
    return Recording(folder, name, load_index(kept), kept)


def _image(folder: Path, name: str, segments: tuple[Segment, ...]) -> bytes:
    """Verify every line and make the index."""
    builder = IndexBuilder(name)
    for number, segment in enumerate(segments):
        for line, exchange in read_segment(folder / segment.name, f"{name}/{segment.name}"):
            builder.add(number, line, exchange)
    return builder.image(segments)


def _remove(place: str) -> None:
    import shutil

    shutil.rmtree(place, ignore_errors=True)
