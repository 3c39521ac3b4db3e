"""`dataset.lock` beside a card: one line for each case, so that a change can be named and reviewed.

The first line is a JSON object, which also binds what the card says the columns mean. Every other line is `<digest> <digest
without the reference columns> <id>`: 16 hexadecimal digits each (`-` where the card has no reference), the id as JSON, in the
order of the data. What proves the data is the whole SHA-256 in the card; these lines only say where it was broken, for which
64 bits are enough, and a million cases take 50 MB. They are text so that a pull request shows one changed line for one changed
case.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evalgate.core.canonical import digest, json_line
from evalgate.core.errors import BadInput
from evalgate.core.files import open_for_reading
from evalgate.core.strict_json import parse_json
from evalgate.golden.card import Card
from evalgate.golden.case_digests import case_digest

LOCK = "dataset.lock"
SCHEMA = "evalgate.dataset_lock/1"
SHORT_BYTES = 8
_KEYS = {"schema", "digest", "rows", "reference", "cases"}
_BINDING = {"dataset", "meaning"}
"""Keys that locks of earlier versions of evalgate lack: those are read, and refused where the meaning has to be proven."""
_MAX_LINE = 1 << 16
_NONE = b"-"


@dataclass(frozen=True, slots=True)
class LockedCase:
    """What a lock says about one case."""

    id: str
    whole: bytes
    """The first 8 bytes of `case_digest` of the row."""
    rest: bytes
    """The same without the reference columns; empty where the card has none."""


@dataclass(frozen=True, slots=True)
class LockHeader:
    """What a lock says about the whole content."""

    digest: str
    """The content digest that the card must have too."""
    rows: int
    reference: tuple[str, ...]
    """The reference columns of the card when it was locked."""
    cases: str
    """`sha256:<hex>` of the lines about cases, with line feeds."""
    meaning: str | None = None
    """`meaning_digest` of the card when it was locked; None in a lock of an earlier version of evalgate."""
    dataset: str | None = None
    """`name@version` of the card when it was locked; None in a lock of an earlier version of evalgate."""


def meaning_digest(card: Card) -> str:
    """`sha256:<hex>` over what a card says its columns mean: id, inputs, reference, group, slices and schema.

    The order of inputs and slices does not change it; that of the reference columns does, since it is that of the references.
    """
    said = {
        "id": card.id_column,
        "inputs": sorted(card.inputs),
        "reference": list(card.reference),
        "group": card.group,
        "slices": sorted(card.slices),
        "schema": dict(card.schema),
    }
    return digest(said)


@dataclass(slots=True)
class LockLines:
    """The lines of a lock that is being made."""

    card: Card
    body: bytearray = field(default_factory=bytearray)
    rows: int = 0

    def add(self, case_id: str, fields: Mapping[str, Any], canonical: bytes) -> None:
        """Take in the next case, with its whole row as canonical JSON."""
        reference = self.card.reference
        rest = _short(case_digest(fields, reference)) if reference else _NONE
        self.body += b"%b %b %b\n" % (_short(hashlib.sha256(canonical).digest()), rest, _id_bytes(case_id))
        self.rows += 1

    def file(self, digest: str) -> bytes:
        """The whole lock file for content of this digest."""
        header = {
            "schema": SCHEMA,
            "digest": digest,
            "rows": self.rows,
            "reference": list(self.card.reference),
            "cases": "sha256:" + hashlib.sha256(self.body).hexdigest(),
            "dataset": f"{self.card.name}@{self.card.version}",
            "meaning": meaning_digest(self.card),
        }
        return json_line(header).encode("utf-8") + self.body


def locked_case(case_id: str, fields: Mapping[str, Any], reference: tuple[str, ...]) -> LockedCase:
    """What a lock would say about a case."""
    rest = case_digest(fields, reference)[:SHORT_BYTES] if reference else b""
    return LockedCase(case_id, case_digest(fields)[:SHORT_BYTES], rest)


def read_header(path: Path, shown: str) -> LockHeader:
    """The first line of a lock.

    Raises: BadInput when the file cannot be read or is no lock of this version.
    """
    with open_for_reading(path, shown) as handle:
        line: bytes = handle.readline(_MAX_LINE)
    try:
        value = parse_json(line.decode("utf-8"))
        if not isinstance(value, dict) or set(value) not in (_KEYS, _KEYS | _BINDING) or value["schema"] != SCHEMA:
            raise ValueError(f"not {SCHEMA}")
        reference, rows = value["reference"], value["rows"]
        texts = [value["digest"], value["cases"], *(reference if isinstance(reference, list) else [None])]
        texts += [value[key] for key in _BINDING & set(value)]
        if not all(isinstance(text, str) for text in texts) or isinstance(rows, bool) or not isinstance(rows, int):
            raise ValueError("a value of another type")
    except ValueError as error:
        raise _damaged(f"{shown}:1", str(error)) from error
    return LockHeader(value["digest"], rows, tuple(reference), value["cases"], value.get("meaning"), value.get("dataset"))


def says_so(line: bytes, case_id: str, canonical: bytes) -> bool:
    """Whether a line of a lock is about this case, with its whole row as canonical JSON."""
    start = _short(hashlib.sha256(canonical).digest()) + b" "
    return line.startswith(start) and line[len(start) :].partition(b" ")[2] == _id_bytes(case_id)


def locked_cases(path: Path, header: LockHeader, shown: str) -> Iterator[LockedCase]:
    """The cases of a lock in order, as a stream.

    Raises: BadInput as `lock_lines`, and for a line that is not about a case.
    """
    for number, line in enumerate(lock_lines(path, header, shown), start=2):
        yield _parsed(line, f"{shown}:{number}")


def lock_lines(path: Path, header: LockHeader, shown: str) -> Iterator[bytes]:
    """The lines about cases, without their ends; a carriage return that Git put before a line feed does not count.

    Raises: BadInput at the end, when lines were added, lost or edited.
    """
    content = hashlib.sha256()
    rows = 0
    with open_for_reading(path, shown) as handle:
        handle.readline(_MAX_LINE)
        for raw in iter(lambda: handle.readline(_MAX_LINE), b""):
            rows += 1
            line = raw.rstrip(b"\r\n")
            content.update(line + b"\n")
            yield line
    if rows != header.rows or header.cases != "sha256:" + content.hexdigest():
        raise _damaged(shown, "lines were added, lost or edited")


def _short(digest: bytes) -> bytes:
    return digest[:SHORT_BYTES].hex().encode()


def _id_bytes(case_id: str) -> bytes:
    if case_id.isascii() and case_id.isprintable() and '"' not in case_id and "\\" not in case_id:
        return b'"%b"' % case_id.encode()
    return json_line(case_id).rstrip("\n").encode("utf-8")


def _parsed(line: bytes, where: str) -> LockedCase:
    try:
        whole, rest, text = line.decode("utf-8").split(" ", 2)
        case_id = parse_json(text)
        found = LockedCase(case_id, bytes.fromhex(whole), b"" if rest == "-" else bytes.fromhex(rest))
    except ValueError as error:
        raise _damaged(where, "not a line about a case") from error
    if not isinstance(case_id, str) or len(found.whole) != SHORT_BYTES or len(found.rest) not in (0, SHORT_BYTES):
        raise _damaged(where, "not a line about a case")
    return found


def _damaged(where: str, said: str) -> BadInput:
    hint = "restore it, or write it again with `evalgate dataset lock --replace` where the data is as it should be"
    return BadInput(f"the lock is damaged: {said}", where=where, hint=hint)
