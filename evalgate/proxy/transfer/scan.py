"""Read the lines of a recording without stopping at the first that is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalgate.core.errors import BadInput, Problem
from evalgate.core.files import MAX_LINE_BYTES, JsonLine, open_for_reading, parse_line
from evalgate.proxy.exchange import Exchange, parse_exchange

_MIXED_HINT = "a line was edited or pasted: put lines from elsewhere into a segment of their own with `recording import`"


@dataclass(frozen=True, slots=True)
class RawLine:
    """One line as bytes."""

    number: int
    offset: int
    body: bytes
    """Without the line end; cut when the line is too long."""
    too_long: bool = False


@dataclass(frozen=True, slots=True)
class Verified:
    """One line that is right."""

    line: JsonLine
    exchange: Exchange


def raw_lines(path: Path, shown: str) -> Iterator[RawLine]:
    """Every line that is not blank, a byte order mark dropped.

    Raises: BadInput when the file cannot be read.
    """
    offset = 0
    with open_for_reading(path, shown) as handle:
        for number, raw in enumerate(_pieces(handle), start=1):
            start = offset
            offset += len(raw)
            too_long = len(raw) > MAX_LINE_BYTES
            while too_long and not raw.endswith(b"\n") and (rest := handle.readline(MAX_LINE_BYTES)):
                raw = rest
                offset += len(rest)
            body = raw.rstrip(b"\r\n")
            if number == 1 and body.startswith(b"\xef\xbb\xbf"):
                body, start = body[3:], start + 3
            if too_long or body.strip():
                yield RawLine(number, start, body, too_long)


def json_of(raw: RawLine, shown: str) -> Any:
    """The JSON value of a line.

    Raises: BadInput with `file:line`.
    """
    if raw.too_long:
        raise BadInput(f"line longer than {MAX_LINE_BYTES >> 20} MiB", where=f"{shown}:{raw.number}")
    return parse_line(raw.body, f"{shown}:{raw.number}")


def scan_lines(path: Path, shown: str, until: int | None = None) -> Iterator[Verified | Problem]:
    """Every line of a segment, verified, or what is wrong with it; those before byte `until`, where it is given.

    A segment in which some lines carry a digest and others do not is wrong at every line that differs from the first.

    Raises: BadInput when the file cannot be read.
    """
    sealed: bool | None = None
    for raw in raw_lines(path, shown):
        if until is not None and raw.offset >= until:
            return
        where = f"{shown}:{raw.number}"
        try:
            value = json_of(raw, shown)
            exchange = parse_exchange(value, where)
        except BadInput as error:
            yield from error.problems
            continue
        sealed = exchange.sealed if sealed is None else sealed
        if sealed is not exchange.sealed:
            said = "has no digest, and lines before it have" if sealed else "has a digest, and lines before it have none"
            yield Problem(f"the line {said}", where, _MIXED_HINT)
            continue
        yield Verified(JsonLine(raw.number, raw.offset, len(raw.body), value), exchange)


def _pieces(handle: Any) -> Iterator[bytes]:
    return iter(lambda: handle.readline(MAX_LINE_BYTES + 1), b"")
