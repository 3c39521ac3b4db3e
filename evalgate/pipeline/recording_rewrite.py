"""Take lines out of a recording so that a crash at any point loses nothing.

What is dropped is first written elsewhere. Then one segment after the other is replaced by a copy that lacks the dropped
lines. A line that counts stands in the old and in the new form of its segment, so that whichever of them are in place, the
recording is whole and answers everything as before; it only holds more than it needs, and the same command continues.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from evalgate.core.errors import Incomplete
from evalgate.core.refusal import refused
from evalgate.pipeline.recordings import Named
from evalgate.proxy.key_index import IndexBuilder, index_from
from evalgate.proxy.recording import INDEX, Recording
from evalgate.proxy.segments import read_segment

WORK = ".pruning"


@dataclass(slots=True)
class Rewrite:
    """Which lines of which segment go, and the three steps of taking them out."""

    named: Named
    recording: Recording
    """As it is now."""
    drops: dict[str, set[int]] = field(default_factory=dict)
    """Segment → offsets of the lines to drop; only segments that lose any."""
    emptied: set[str] = field(default_factory=set)
    """Segments of which nothing stays."""
    answers: str = ""
    """Digest of what the kept lines answer."""

    def prepare(self) -> None:
        """Write the new form of every segment that changes, and prove that together they answer as before.

        Raises: Incomplete when they do not, OSError when the disk refuses.
        Side effects: writes a folder inside the recording that no reader looks at.
        """
        work = self.named.folder / WORK
        work.mkdir()
        builder = IndexBuilder(self.named.name)
        segments = self.recording.index.segments
        for number, segment in enumerate(segments):
            path = self.named.folder / segment.name
            if segment.name in self.drops:
                drops = self.drops[segment.name]
                path = _written(work / segment.name, (raw for offset, raw in _lines(path) if offset not in drops))
            for line, exchange in read_segment(path, f"{self.named.name}/{segment.name}"):
                builder.add(number, line, exchange)
        _sync(work)
        if index_from(builder.image(segments), self.named.name).answers != self.answers:
            raise Incomplete("the recording changed while it was pruned", where=self.named.name, hint="run again")

    def put_aside(self) -> Path:
        """Write what goes into a folder of its own, as segments: importing them brings it back.

        Raises: OSError when the disk refuses.
        Returns: the folder, which stands beside the recording.
        """
        folder = _unfinished_aside(self.named)
        folder.mkdir()
        for name, drops in self.drops.items():
            _written(folder / name, (raw for offset, raw in _lines(self.named.folder / name) if offset in drops))
        _sync(folder)
        plain = f"{self.named.folder.name}.pruned-{self.recording.seal.removeprefix('sha256:')[:8]}"
        aside, number = folder.with_name(plain), 1
        while aside.exists():
            number += 1
            aside = folder.with_name(f"{plain}-{number}")
        folder.rename(aside)
        _sync(aside.parent)
        return aside

    def replace(self) -> None:
        """Put the new segments in place; each is at any time its old or its new form.

        Raises: OSError when the disk refuses.
        """
        folder = self.named.folder
        for name in self.drops:
            if name in self.emptied:
                (folder / name).unlink()
            else:
                (folder / WORK / name).replace(folder / name)
        _sync(folder)
        shutil.rmtree(folder / WORK, ignore_errors=True)
        (folder / INDEX).unlink(missing_ok=True)


def clear(named: Named) -> None:
    """Remove what an interrupted pruning left: copies, of which the originals are still there."""
    shutil.rmtree(named.folder / WORK, ignore_errors=True)
    shutil.rmtree(_unfinished_aside(named), ignore_errors=True)


@contextmanager
def told(named: Named) -> Iterator[None]:
    """Say of a refusing disk that nothing is lost."""
    try:
        yield
    except OSError as error:
        hint = "the recording is whole and answers as before; make room, and the same command continues"
        raise refused(error, named.folder, "cannot be pruned", hint) from error


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """(offset, bytes with line feed) of every line."""
    offset = 0
    with path.open("rb") as handle:
        for raw in handle:
            mark = 3 if offset == 0 and raw.startswith(b"\xef\xbb\xbf") else 0
            yield offset + mark, raw[mark:] if raw.endswith(b"\n") else raw[mark:] + b"\n"
            offset += len(raw)


def _written(path: Path, lines: Iterator[bytes]) -> Path:
    with path.open("wb") as handle:
        handle.writelines(lines)
        handle.flush()
        os.fsync(handle.fileno())
    return path


def _unfinished_aside(named: Named) -> Path:
    return named.folder.with_name(f".{named.folder.name}{WORK}")


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
