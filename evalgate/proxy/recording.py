"""Recordings: append-only JSON lines, verified when opened, looked up by key without holding the answers in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalgate.core.canonical import digest, digest_file
from evalgate.core.errors import BadInput, Incomplete, Problem
from evalgate.core.files import NAME, parse_line, read_json_lines, write_whole
from evalgate.core.strict_json import parse_json
from evalgate.proxy.exchange import Exchange, parse_exchange


@dataclass(frozen=True, slots=True)
class RecordingIndex:
    """Where each key's exchange stands; small enough to hand to every worker through a file."""

    folder: Path
    name: str
    segments: tuple[str, ...]
    places: Mapping[str, tuple[int, int, int]]
    """Key → (segment, byte offset, bytes)."""
    digest: str
    """Over the names and digests of all segments."""

    def lookup(self, key: str) -> Exchange | None:
        """The exchange recorded for a key, or None: a miss."""
        place = self.places.get(key)
        if place is None:
            return None
        segment, offset, length = place
        path = self.folder / self.segments[segment]
        try:
            with path.open("rb") as handle:
                handle.seek(offset)
                body = handle.read(length)
        except OSError as error:
            hint = "the recording changed while it was in use; run again"
            raise BadInput(f"cannot be read: {error.strerror}", where=f"{self.name}/{path.name}", hint=hint) from error
        where = f"{self.name}/{self.segments[segment]}, byte {offset}"
        exchange = parse_exchange(parse_line(body, where), where)
        if exchange.key != key:
            raise BadInput("the recording changed while it was in use", where=where, hint="run again")
        return exchange

    def requests(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Every recorded (key, request), for explaining a miss."""
        for key in self.places:
            exchange = self.lookup(key)
            if exchange is not None:
                yield key, exchange.request

    def require_unchanged(self) -> None:
        """Prove at the end of a run that the recording is still what it was at the start.

        Raises: Incomplete when a segment was changed, added or removed meanwhile.
        """
        if _seal(self.folder, _segments(self.folder)) != self.digest:
            raise Incomplete("the recording changed during the run", where=self.name, hint="run again")

    def save(self, path: Path) -> None:
        """Write the index for workers (JSON: nothing is ever unpickled)."""
        import json

        content = {
            "folder": str(self.folder),
            "name": self.name,
            "segments": self.segments,
            "places": self.places,
            "digest": self.digest,
        }
        write_whole(path, json.dumps(content, separators=(",", ":")))

    @classmethod
    def load(cls, path: Path) -> RecordingIndex:
        """Read an index that `save` wrote."""
        content = parse_json(path.read_text(encoding="utf-8"))
        places = {key: (place[0], place[1], place[2]) for key, place in content["places"].items()}
        return cls(Path(content["folder"]), content["name"], tuple(content["segments"]), places, content["digest"])


def recording_folder(name: str, root: Path, where: str | None = None) -> Path:
    """The folder of a recording named in a configuration.

    Raises: BadInput when the name is not a plain name or nothing is recorded under it.
    """
    if not NAME.fullmatch(name):
        raise BadInput(f"recording {name!r} is not a plain name", where=where, hint="letters, digits, dot, dash, underscore")
    folder = root / "datasets" / "recordings" / name
    if not folder.is_dir():
        from evalgate.core.plugins import suggestion

        parent = folder.parent
        known = sorted(p.name for p in parent.iterdir() if p.is_dir()) if parent.is_dir() else []
        raise BadInput(f"no recording {name!r} under {parent}", where=where, hint=suggestion(name, known))
    return folder


def open_recording(folder: Path, name: str) -> RecordingIndex:
    """Verify every line of a recording and index it.

    Raises:
        BadInput: a damaged line, an edited request, or one key with two different answers; all named by `file:line`.
    """
    segments = _segments(folder)
    if not segments:
        raise BadInput("the recording has no exchanges (no .jsonl file)", where=name)
    places: dict[str, tuple[int, int, int]] = {}
    answered: dict[str, tuple[str, str]] = {}
    problems: list[Problem] = []
    for number, segment in enumerate(segments):
        shown = f"{name}/{segment}"
        for line in read_json_lines(folder / segment, shown):
            where = f"{shown}:{line.number}"
            exchange = parse_exchange(line.value, where)
            place = (number, line.offset, line.length)
            if exchange.status == "error":
                places.setdefault(exchange.key, place)
                continue
            answer = digest({"text": exchange.text, "finish": exchange.finish})
            first_answer, first_where = answered.setdefault(exchange.key, (answer, where))
            if first_where == where:
                places[exchange.key] = place
            elif first_answer != answer:
                problems.append(Problem(f"another answer to the request that {first_where} already answers", where))
    if problems:
        raise BadInput(problems)
    return RecordingIndex(folder, name, segments, places, _seal(folder, segments))


def _segments(folder: Path) -> tuple[str, ...]:
    return tuple(sorted(p.name for p in folder.glob("*.jsonl") if p.is_file()))


def _seal(folder: Path, segments: tuple[str, ...]) -> str:
    return digest([[segment, digest_file(folder / segment)] for segment in segments])
