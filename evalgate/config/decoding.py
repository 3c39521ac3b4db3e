"""Bytes of a configuration file to text that is safe to parse: UTF-8, of sane size, no invisible characters."""

from __future__ import annotations

import re
from pathlib import Path

from evalgate.core.errors import BadInput

MAX_BYTES = 4 << 20

_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


def read_text(path: Path, name: str) -> str:
    """The text of a UTF-8 file of at most 4 MiB; a byte order mark is dropped.

    Raises:
        BadInput: the file is missing, unreadable, too large, or not UTF-8 (with line and byte).
    """
    try:
        with path.open("rb") as handle:
            data = handle.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise BadInput("there is no such file", where=name, hint=_neighbours(path)) from error
    except IsADirectoryError as error:
        raise BadInput("this is a folder, not a file", where=name, hint="name the YAML file inside it") from error
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or str(error)
        raise BadInput(f"the file cannot be read: {said}", where=name, hint="check its name and permissions") from error
    if len(data) > MAX_BYTES:
        raise _too_large(name)
    return _decode(data, name)


def check_text(text: str, name: str) -> str:
    """The text without its byte order mark and with `\\n` as its only line break.

    Raises:
        BadInput: it is too large, or holds characters that a reader cannot see.
    """
    if len(text) > MAX_BYTES:
        raise _too_large(name)
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    found = _FORBIDDEN.search(text)
    if found:
        line = text.count("\n", 0, found.start()) + 1
        code = ord(found.group())
        word = "a NUL character" if code == 0 else f"the invisible character U+{code:04X}"
        hint = f'remove it, or write it inside double quotes as "\\u{code:04x}"' if code else "is this a text file?"
        raise BadInput(f"the line holds {word}", where=f"{name}:{line}", hint=hint)
    return text


def _decode(data: bytes, name: str) -> str:
    if data.startswith(_UTF16):
        raise BadInput("the file is UTF-16, not UTF-8", where=f"{name}:1", hint="save it as UTF-8")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = f"byte {error.start + 1} (0x{data[error.start]:02x}) is not UTF-8"
        raise BadInput(message, where=f"{name}:{line}", hint="save the file as UTF-8") from error


def _too_large(name: str) -> BadInput:
    return BadInput("the file is larger than 4 MiB", where=name, hint="keep data in a dataset file, not in YAML")


def _neighbours(path: Path) -> str:
    """Files of the same kind beside a missing one, closest names first."""
    from evalgate.core.plugins import suggestion

    try:
        names = sorted(p.name for p in path.parent.iterdir() if p.suffix in {".yaml", ".yml"})
    except OSError:
        return f"the folder {path.parent} does not exist or cannot be read"
    return suggestion(path.name, names[:20]) if names else f"no .yaml file is in {path.parent}"
