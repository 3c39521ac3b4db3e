"""Files: written whole or not at all, read strictly."""

from __future__ import annotations

import errno
import os
import re
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from evalgate.core.errors import BadInput
from evalgate.core.refusal import refused
from evalgate.core.strict_json import parse_json

MAX_LINE_BYTES = 64 << 20
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_CONFLICT = (b"<<<<<<< ", b"=======", b">>>>>>> ", b"||||||| ")


@dataclass(frozen=True, slots=True)
class JsonLine:
    """One line of a JSON-lines file."""

    number: int
    offset: int
    """Byte offset of the line."""
    length: int
    """Bytes without the line end."""
    value: Any


def read_json_lines(path: Path, name: str | None = None) -> Iterator[JsonLine]:
    r"""Read a JSON-lines file, one value at a time.

    Lines end at `\n` only; a `\r` before it, a byte order mark and blank lines are accepted.

    Raises:
        BadInput: the file cannot be read, or a line is not strict JSON in UTF-8; names `file:line`.
    """
    shown = name or str(path)
    for number, offset, body in _bodies(path, shown):
        yield JsonLine(number, offset, len(body), parse_line(body, f"{shown}:{number}"))


def read_json_values(path: Path, name: str | None = None) -> Iterator[tuple[int, Any]]:
    """Like `read_json_lines` for a reader who needs nothing but each value and the number of its line.

    Raises: BadInput, as `read_json_lines` does.
    """
    shown = name or str(path)
    for number, _, body in _bodies(path, shown):
        yield number, parse_line(body, f"{shown}:{number}")


def _bodies(path: Path, shown: str) -> Iterator[tuple[int, int, bytes]]:
    """Number, byte offset and bytes of every line that is not blank, without its end."""
    offset = 0
    with open_for_reading(path, shown) as handle:
        for number, raw in enumerate(iter(partial(handle.readline, MAX_LINE_BYTES + 1), b""), start=1):
            if len(raw) > MAX_LINE_BYTES:
                raise BadInput(f"line longer than {MAX_LINE_BYTES >> 20} MiB", where=f"{shown}:{number}")
            start, offset = offset, offset + len(raw)
            body = raw.rstrip(b"\r\n")
            if number == 1 and body.startswith(b"\xef\xbb\xbf"):
                body, start = body[3:], start + 3
            if body and not body.isspace():
                yield number, start, body


def parse_line(body: bytes, where: str) -> Any:
    """Parse the bytes of one JSON line.

    Raises: BadInput with the place.
    """
    if body.startswith(_CONFLICT):
        raise BadInput("this is a Git conflict marker", where=where, hint="resolve the merge and try again")
    try:
        return parse_json(body.decode("utf-8"))
    except UnicodeDecodeError as error:
        hint = "save the file as UTF-8"
        raise BadInput(f"not UTF-8 at byte {error.start + 1} of the line", where=where, hint=hint) from error
    except ValueError as error:
        raise BadInput(f"not valid JSON: {error}", where=where, hint="one JSON value a line") from error


def open_for_reading(path: Path, shown: str) -> Any:
    """Open a regular file as bytes.

    Raises: BadInput when it is missing, unreadable or not a regular file.
    """
    try:
        if not path.is_file():
            raise BadInput("is not a regular file" if path.exists() else "does not exist", where=shown)
        return path.open("rb")
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}", where=shown) from error


def read_text(path: Path, shown: str, limit: int = 4 << 20) -> str:
    """Read a small UTF-8 text file; a byte order mark is dropped.

    Raises: BadInput when it is missing, too large, or not UTF-8.
    """
    with open_for_reading(path, shown) as handle:
        data: bytes = handle.read(limit + 1)
    if len(data) > limit:
        raise BadInput(f"larger than {limit >> 20} MiB", where=shown)
    try:
        return data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise BadInput("not UTF-8", where=f"{shown}:{line}", hint="save the file as UTF-8") from error


def real_path(path: Path) -> Path:
    """Where a path leads, by all its links.

    Raises: OSError for links that go round in circles: from Python 3.13 on `resolve` gives a path within the circle. Before, a
    RuntimeError; ValueError for a path with a NUL character.
    """
    real = path.resolve()
    if real.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
    return real


def write_whole(path: Path, data: bytes | str) -> None:
    """Write a file so that it is absent or complete, whatever happens: temporary file, fsync, rename.

    A pipe or a device, such as /dev/null, is written to as it is, and never replaced by a file.

    Raises: Incomplete when the disk refuses (full, read-only, quota), BadInput for a name that no file can have.
    """
    payload = data.encode("utf-8") if isinstance(data, str) else data
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_native_id()}.part")
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            _write_into(path, payload)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as handle:
            handle.write(payload)
            handle.flush()
            os.fsync(handle.fileno())
        temporary.replace(path)
    except OSError as error:
        raise refused(error, path) from error
    finally:
        # After the rename there is nothing to remove; after a failure or Ctrl-C no part is left behind.
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _write_into(path: Path, payload: bytes) -> None:
    with path.open("wb") as handle:
        handle.write(payload)
