"""Find toxic words and turns in a text, also spelled with digits, stretched, or letter by letter."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from evalgate.core.canonical import digest
from evalgate.core.patterns import Pattern, compile_pattern
from evalgate.safety.folding import Folded, fold
from evalgate.safety.rule_places import Place
from evalgate.safety.toxicity_words import SEVERITIES, WORDS

LANGUAGES = tuple(WORDS)
KINDS = tuple(SEVERITIES)
_LEET = str.maketrans("013457@$!|8", "oieastasilb")
_MIXED = re.compile(r"[a-z][013457@$!|8]+[a-z]|(?<!\S)[@$5!][a-z]{2,}")
_STRETCHED = re.compile(r"([a-z])\1{2,}")
_LETTERS = re.compile(r"(?<![^\W_])[^\W_](?:[\W_]{1,3}[^\W_](?![^\W_])){3,}")
_MARKS = re.compile("[\u0300-\u036f]+")


@dataclass(frozen=True, slots=True)
class _Reading:
    """One way to read a text; character i stands for character `origin[i]` of the original."""

    text: str
    origin: Sequence[int]


def toxic_words(text: str, languages: tuple[str, ...], kinds: tuple[str, ...]) -> tuple[Place, ...]:
    """(kind, start, end) of every toxic word or turn, sorted; where kinds overlap, the gravest one.

    Read as folded text, with digits and signs as the letters they stand for (`sh1t`), with stretched letters shortened
    (`fuuuck`), and with single letters joined (`f u c k`). Words count as a whole only: "Scunthorpe" holds none.
    Time is linear in the text.
    """
    found: set[Place] = set()
    quick = _compiled(languages, kinds)
    for reading in _readings(text):
        if quick.found_in(reading.text):
            found.update(_places(reading, languages, kinds))
    return _gravest(found) if found else ()


def lists_identity(languages: tuple[str, ...], kinds: tuple[str, ...]) -> str:
    """A digest that changes with any entry in use."""
    return digest([[language, kind, list(WORDS[language][kind])] for language in languages for kind in kinds])[7:19]


def _places(reading: _Reading, languages: tuple[str, ...], kinds: tuple[str, ...]) -> Iterator[Place]:
    for kind in kinds:
        for start, end in _compiled(languages, (kind,)).spans(reading.text):
            while start < end and not reading.text[start].isalnum():
                start += 1
            while end > start and reading.text[end - 1].isspace():
                end -= 1
            if start < end:
                yield kind, reading.origin[start], reading.origin[end - 1] + 1


def _gravest(found: set[Place]) -> tuple[Place, ...]:
    """Without what overlaps something graver, or something as grave that begins earlier or is longer."""
    kept: list[Place] = []
    for kind in sorted(KINDS, key=lambda kind: (-SEVERITIES[kind].rank, kind)):
        graver = sorted((start, end) for _, start, end in kept)
        last, place = -1, 0
        for _, start, end in sorted((p for p in found if p[0] == kind), key=lambda p: (p[1], -p[2])):
            while place < len(graver) and graver[place][1] <= start:
                place += 1
            if start >= last and (place == len(graver) or graver[place][0] >= end):
                kept.append((kind, start, end))
                last = end
    return tuple(sorted(kept, key=lambda p: (p[1], p[2], p[0])))


def _readings(text: str) -> Iterator[_Reading]:
    plain = _unaccented(fold(text))
    yield plain
    if _MIXED.search(plain.text):
        yield _Reading(plain.text.translate(_LEET), plain.origin)
    if _STRETCHED.search(plain.text):
        yield _shortened(plain, 1)
        yield _shortened(plain, 2)
    joined = _joined(plain)
    if joined is not None:
        yield joined


def _unaccented(folded: Folded) -> _Reading:
    if folded.text.isascii() or not _MARKS.search(folded.text):
        return _Reading(folded.text, folded.origin)
    origin: list[int] = []
    place = 0
    for match in _MARKS.finditer(folded.text):
        origin.extend(folded.origin[place : match.start()])
        place = match.end()
    origin.extend(folded.origin[place:])
    return _Reading(_MARKS.sub("", folded.text), origin)


def _shortened(plain: _Reading, left: int) -> _Reading:
    """Every letter that stands three times or more in a row stands `left` times."""
    pieces: list[str] = []
    origin: list[int] = []
    place = 0
    for match in _STRETCHED.finditer(plain.text):
        cut = match.end() - left
        for start, end in ((place, match.start()), (cut, match.end())):
            pieces.append(plain.text[start:end])
            origin.extend(plain.origin[start:end])
        place = match.end()
    pieces.append(plain.text[place:])
    origin.extend(plain.origin[place:])
    return _Reading("".join(pieces), origin)


def _joined(plain: _Reading) -> _Reading | None:
    """Runs of four or more single letters as words, one a line; None where there are none."""
    pieces: list[str] = []
    origin: list[int] = []
    for match in _LETTERS.finditer(plain.text):
        for place in range(*match.span()):
            if plain.text[place].isalnum():
                pieces.append(plain.text[place])
                origin.append(plain.origin[place])
        pieces.append("\n")
        origin.append(plain.origin[match.end() - 1])
    return _Reading("".join(pieces).translate(_LEET), origin) if pieces else None


@lru_cache(maxsize=64)
def _compiled(languages: tuple[str, ...], kinds: tuple[str, ...]) -> Pattern:
    entries = [entry for language in languages for kind in kinds for entry in WORDS[language][kind]]
    return compile_pattern("|".join(f"(?:{_bounded(entry)})" for entry in entries))


def _bounded(entry: str) -> str:
    """An entry as whole words; entries that begin with a place of their own keep it."""
    before = "" if entry.startswith("(?:(?:^") else r"\b"
    return rf"{before}(?:{entry})\b"
