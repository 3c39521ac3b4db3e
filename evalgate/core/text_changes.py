"""Two texts line by line, and word by word inside a line that changed: values that every surface can show."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

CONTEXT = 2
"""Unchanged lines shown on each side of a change."""
LONGEST_LINES = 2_000
LONGEST_WORDS = 400
"""Lines of a text and words of a line beyond which nothing is aligned: all of the old goes, all of the new comes."""
ALIKE = 0.5
"""Share of the characters of two lines that must stay for them to be shown as one line that changed."""
_TOKEN = re.compile(r"\s*\w+|\s*[^\w\s]|\s+")

Kind = Literal["same", "gone", "come", "mixed", "skipped"]
PieceKind = Literal["same", "gone", "come"]


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a line."""

    kind: PieceKind
    text: str


@dataclass(frozen=True, slots=True)
class LineChange:
    """One line of a comparison; `skipped` stands for unchanged lines that are not shown."""

    kind: Kind
    pieces: tuple[Piece, ...]


def changed_lines(before: str, after: str) -> tuple[LineChange, ...]:
    """What went, what came and what changed, with a little of what stayed around it; empty when the texts are equal."""
    if before == after:
        return ()
    old, new = before.split("\n"), after.split("\n")
    if max(len(old), len(new)) > LONGEST_LINES:
        return (*(_line("gone", text) for text in old), *(_line("come", text) for text in new))
    found: list[LineChange] = []
    codes = difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    for number, (tag, a, b, c, d) in enumerate(codes):
        if tag == "equal":
            found += _context(old[a:b], first=number == 0, last=number == len(codes) - 1)
        else:
            found += _replaced(old[a:b], new[c:d])
    return tuple(found)


def whole_text(kind: PieceKind, text: str) -> tuple[LineChange, ...]:
    """All lines of a text that went, or that came."""
    return tuple(_line(kind, line) for line in text.split("\n"))


def changed_words(before: str, after: str) -> tuple[Piece, ...]:
    """One line word by word; white space belongs to the word behind it."""
    old, new = _TOKEN.findall(before), _TOKEN.findall(after)
    if max(len(old), len(new)) > LONGEST_WORDS:
        return _told((("gone", before), ("come", after)))
    found: list[tuple[PieceKind, str]] = []
    for tag, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            found.append(("same", "".join(old[a:b])))
        else:
            found += [("gone", "".join(old[a:b])), ("come", "".join(new[c:d]))]
    return _told(found)


def _told(found: Sequence[tuple[PieceKind, str]]) -> tuple[Piece, ...]:
    return tuple(Piece(kind, text) for kind, text in found if text)


def _line(kind: PieceKind, text: str) -> LineChange:
    return LineChange(kind, (Piece(kind, text),))


def _context(lines: Sequence[str], *, first: bool, last: bool) -> Iterator[LineChange]:
    head, tail = (0 if first else CONTEXT), (0 if last else CONTEXT)
    if len(lines) <= head + tail:
        yield from (_line("same", text) for text in lines)
        return
    yield from (_line("same", text) for text in lines[:head])
    yield LineChange("skipped", ())
    yield from (_line("same", text) for text in lines[len(lines) - tail :])


def _replaced(old: Sequence[str], new: Sequence[str]) -> Iterator[LineChange]:
    paired = min(len(old), len(new))
    gone: list[str] = []
    come: list[str] = []
    for before, after in zip(old[:paired], new[:paired], strict=True):
        pieces = changed_words(before, after)
        kept = sum(len(piece.text) for piece in pieces if piece.kind == "same")
        if 2 * kept > ALIKE * (len(before) + len(after)):
            yield from _apart(gone, come)
            gone, come = [], []
            yield LineChange("mixed", pieces)
        else:
            gone.append(before)
            come.append(after)
    yield from _apart([*gone, *old[paired:]], [*come, *new[paired:]])


def _apart(gone: Sequence[str], come: Sequence[str]) -> Iterator[LineChange]:
    yield from (_line("gone", text) for text in gone)
    yield from (_line("come", text) for text in come)
