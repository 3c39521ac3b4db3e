"""Recordings as a user names them, opened for looking at: a torn tail is told and not refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalgate.core.errors import BadInput, Problem
from evalgate.core.files import NAME, parse_line
from evalgate.proxy.key_index import IndexBuilder, Place, index_from
from evalgate.proxy.recording import Recording, open_recording, place_of_recording, recording_folder
from evalgate.proxy.segments import digest_segments, segment_names, torn_tail
from evalgate.proxy.transfer.scan import Verified, scan_lines

SHOWN_PROBLEMS = 1000


@dataclass(frozen=True, slots=True)
class Named:
    """A recording as the user named it."""

    name: str
    folder: Path


def named_recording(value: str, root: Path) -> Named:
    """A recording that exists: a plain name under `datasets/recordings/`, or a folder.

    Raises: BadInput when there is none.
    """
    wanted = wanted_recording(value, root)
    if wanted.folder.is_dir():
        return wanted
    if NAME.fullmatch(value) and not Path(value).is_dir():
        return Named(value, recording_folder(value, root))
    folder = Path(value).resolve()
    if not folder.is_dir():
        raise BadInput("no folder of that name", where=value, hint="a name under datasets/recordings/, or a folder")
    return Named(value, folder)


def wanted_recording(value: str, root: Path) -> Named:
    """A recording that may not be there yet.

    Raises: BadInput when the name is neither plain nor a path, or stands for a file.
    """
    is_path = not NAME.fullmatch(value) and ("/" in value or (value != "" and Path(value).is_dir()))
    folder = Path(value).resolve() if is_path else place_of_recording(value, root)
    if folder.exists() and not folder.is_dir():
        raise BadInput("is a file, not a folder", where=value, hint="a name under datasets/recordings/, or a folder")
    return Named(value, folder)


def every_recording(root: Path) -> tuple[Named, ...]:
    """All recordings of a project.

    Raises: BadInput when there is none.
    """
    parent = root / "datasets" / "recordings"
    folders = sorted(p for p in parent.iterdir() if p.is_dir() and not p.name.startswith(".")) if parent.is_dir() else []
    if not folders:
        raise BadInput("there are no recordings", where=str(parent), hint="name a folder")
    return tuple(Named(folder.name, folder) for folder in folders)


def opened_despite_torn_tails(named: Named, torn: Mapping[str, int]) -> Recording:
    """Open a recording; a torn last line of a segment is left out.

    Raises: BadInput with everything else that is wrong.
    """
    if not torn:
        return open_recording(named.folder, named.name)
    segments = digest_segments(named.folder, named.name)
    builder = IndexBuilder(named.name)
    problems: list[Problem] = []
    for number, found in scanned(named, tuple(s.name for s in segments), torn):
        if isinstance(found, Problem):
            problems.append(found)
        else:
            builder.add(number, found.line, found.exchange)
    if problems:
        raise BadInput(problems[:SHOWN_PROBLEMS])
    return Recording(named.folder, named.name, index_from(builder.image(segments), named.name), None)


def scanned(named: Named, names: tuple[str, ...], torn: Mapping[str, int]) -> Iterator[tuple[int, Verified | Problem]]:
    """(segment number, line) of some segments, without their torn tails."""
    for number, name in enumerate(names):
        for found in scan_lines(named.folder / name, f"{named.name}/{name}", torn.get(name)):
            yield number, found


def torn_tails(named: Named) -> dict[str, int]:
    """Segment → byte at which its torn last line begins."""
    try:
        found = {name: torn_tail(named.folder / name) for name in segment_names(named.folder)}
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}", where=named.name, hint="check its permissions") from error
    return {name: at for name, at in found.items() if at is not None}


def unsealed_lines(named: Named, torn: Mapping[str, int]) -> dict[str, int]:
    """Segment → its lines without a digest. In a segment that was verified all lines have one, or none has."""
    counts: dict[str, int] = {}
    for name in segment_names(named.folder):
        lines = scan_lines(named.folder / name, f"{named.name}/{name}", torn.get(name))
        first = next(lines, None)
        if isinstance(first, Verified) and not first.exchange.sealed:
            counts[name] = 1 + sum(1 for _ in lines)
    return counts


def line_at(recording: Recording, place: Place) -> Any:
    """The recorded line at a place, as it stands in its segment.

    Raises: BadInput when it is no longer there.
    """
    segment = recording.index.segments[place.segment].name
    where = f"{recording.name}/{segment}, byte {place.offset}"
    try:
        with (recording.folder / segment).open("rb") as handle:
            handle.seek(place.offset)
            return parse_line(handle.read(place.length), where)
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}", where=where, hint="run again") from error


def place_in_file(recording: Recording, place: Place) -> str:
    """`recording/segment:line` of a place."""
    segment = recording.index.segments[place.segment].name
    with (recording.folder / segment).open("rb") as handle:
        line, left = 1, place.offset
        while left > 0 and (block := handle.read(min(left, 1 << 20))):
            line += block.count(b"\n")
            left -= len(block)
    return f"{recording.name}/{segment}:{line}"
