"""JSON documents inside a text, read without recursion: where each ends, and which of its keys are dangerous.

Source: RFC 8259; section 4 on names that are not unique.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from evalgate.safety.rule_places import Place

DEEPEST = 200
"""Levels of nesting; readers of JSON break between some hundred and some thousand."""
_TOKEN = re.compile(
    r"[ \t\r\n]*(?:([{}\[\],:])|(\"(?:[^\"\\\x00-\x1f]|\\(?:[\"\\/bfnrt]|u[0-9A-Fa-f]{4}))*\")"
    r"|(-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null)(?![0-9A-Za-z.+]))"
)
_BEGIN = re.compile(r"[{\[]")
_PROTOTYPE = frozenset(("__proto__", "constructor", "prototype"))


@dataclass(slots=True)
class Document:
    """One JSON document in a text, or the beginning of one."""

    start: int
    end: int
    whole: bool = False
    faults: list[Place] = field(default_factory=list)


def documents(text: str) -> Iterator[Document]:
    """The objects and arrays of a text from left to right, none inside another; broken ones as far as they are JSON."""
    place = 0
    while (begin := _BEGIN.search(text, place)) is not None:
        document = scan(text, begin.start())
        yield document
        place = max(document.end, begin.end())


def scan(text: str, start: int) -> Document:
    """The JSON value that begins at `start`, as far as it goes."""
    document = Document(start, start)
    stack: list[set[str] | None] = []
    """The keys of each object that is open; None for an array."""
    expect: str | None = "value"
    while expect is not None and (match := _TOKEN.match(text, document.end)) is not None:
        document.end = match.end()
        if len(stack) > DEEPEST:
            document.faults.append(("too_deep", document.end - 1, document.end))
            return document
        expect = _step(match[1] or ("string" if match[2] else "scalar"), expect, stack)
        if expect == "colon":
            document.faults += _key_faults(match[2], match.span(2), stack)
        if expect == "end" and not stack:
            document.whole = True
            return document
    return document


def _step(mark: str, expect: str, stack: list[set[str] | None]) -> str | None:
    """What may follow a token; None when it may not stand here. Opens and closes levels on the stack."""
    if expect in ("value", "value or ]"):
        if mark in "{[":
            stack.append(set() if mark == "{" else None)
            return "key or }" if mark == "{" else "value or ]"
        if mark in ("string", "scalar"):
            return "end"
        return _close(stack) if mark == "]" and expect == "value or ]" else None
    if expect in ("key", "key or }"):
        if mark == "string":
            return "colon"
        return _close(stack) if mark == "}" and expect == "key or }" else None
    if expect == "colon":
        return "value" if mark == ":" else None
    if mark == ",":
        return "value" if stack[-1] is None else "key"
    return _close(stack) if mark == ("]" if stack[-1] is None else "}") else None


def _close(stack: list[set[str] | None]) -> str:
    stack.pop()
    return "end"


def _key_faults(written: str, span: tuple[int, int], stack: list[set[str] | None]) -> Iterator[Place]:
    keys = stack[-1]
    name = str(json.loads(written))
    if name in _PROTOTYPE:
        yield "prototype_key", *span
    if keys is not None:
        if name in keys:
            yield "duplicate_key", *span
        keys.add(name)
