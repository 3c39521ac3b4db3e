"""Texts as a reader takes them: folded for comparison, with the way back to the original characters."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

WIDEST_GAP = 5
"""Separators between two letters that still count as spelling something out: `**-**` between bold letters is five."""
_BREAK = "\0"
_WORDS = re.compile(r"[^\W_]+")
_PIECE = re.compile(r"[!-~]+(?: [!-~]+)*|.", re.DOTALL)
"""A stretch of ASCII that folds as a whole, or one character."""
_UNEVEN = re.compile(r"\s\s|[^\S ]")
_BLANK_LETTERS = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"


@dataclass(frozen=True, slots=True)
class Folded:
    """A folded text; character i of it came from character `origin[i]` of the original."""

    text: str
    origin: Sequence[int]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The original characters behind a non-empty folded span."""
        places = self.origin[start:end]
        return min(places), max(places) + 1


@dataclass(frozen=True, slots=True)
class Spelled:
    """The letters and digits of a folded text without what separates them: `Z-E-7 4` and `ze74` become the same."""

    text: str
    """Letters and digits, with a NUL wherever more than `WIDEST_GAP` other characters stood."""
    origin: Sequence[int]
    """Character i came from character `origin[i]` of the folded text."""
    fresh: bytes
    """1 where a character stood apart from the one before it; one longer than the text."""

    def spans(self, needle: str) -> list[tuple[int, int]]:
        """Folded spans of a needle that begins and ends where the text has a separator."""
        found: list[tuple[int, int]] = []
        start = self.text.find(needle)
        while start >= 0:
            end = start + len(needle)
            whole = self.fresh[start] and self.fresh[end]
            if whole:
                found.append((self.origin[start], self.origin[end - 1] + 1))
            after = self.fresh.find(1, end if whole else start + 1)
            start = self.text.find(needle, after) if after >= 0 else -1
        return found


@lru_cache(maxsize=8)
def fold(text: str) -> Folded:
    """Fold compatibility forms and case, drop what cannot be seen, make one space of any white space.

    Composed and decomposed accents become the same; accents stay.
    The last few texts are kept, since several detectors read the same output one after the other.
    Source: NFKD and case folding, Unicode Standard Annex 15 and chapter 3.13.
    """
    if text.isascii() and not _UNEVEN.search(text):
        return Folded(text.lower(), range(len(text)))
    seen: dict[str, str] = {}
    characters: list[str] = []
    origin: list[int] = []
    for match in _PIECE.finditer(text):
        piece, place = match.group(), match.start()
        if len(piece) > 1:
            characters.append(piece.lower())
            origin.extend(range(place, match.end()))
            continue
        folded = seen.get(piece)
        if folded is None:
            folded = seen[piece] = _fold_character(piece)
        for part in folded:
            if part == " " and characters and characters[-1] == " ":
                continue
            characters.append(part)
            origin.append(place)
    return _ordered("".join(characters), origin)


def spell(folded: Folded) -> Spelled:
    """Take a folded text letter by letter."""
    pieces: list[str] = []
    origin: list[int] = []
    fresh = bytearray()
    last = 0
    for match in _WORDS.finditer(folded.text):
        start, end = match.span()
        if pieces and start - last > WIDEST_GAP:
            pieces.append(_BREAK)
            origin.append(last)
            fresh.append(1)
        pieces.append(match.group())
        origin.extend(range(start, end))
        fresh += b"\1" + bytes(end - start - 1)
        last = end
    return Spelled("".join(pieces), origin, bytes(fresh) + b"\1")


def letters_of(folded: Folded) -> str:
    """All letters and digits in a row: what is in `spell(folded)` is in here too, and this costs less."""
    return "".join(_WORDS.findall(folded.text))


def occurrences(needle: str, text: str) -> list[tuple[int, int]]:
    """Spans of all non-overlapping occurrences of a non-empty needle."""
    found: list[tuple[int, int]] = []
    start = text.find(needle)
    while start >= 0:
        found.append((start, start + len(needle)))
        start = text.find(needle, start + len(needle))
    return found


def _fold_character(character: str) -> str:
    if character.isspace():
        return " "
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", character).casefold())
    return "".join(" " if part.isspace() else part for part in plain if not invisible(part))


def invisible(character: str) -> bool:
    """Whether a reader sees nothing of it, not even a blank."""
    if "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef":
        return True  # variation selectors
    return unicodedata.category(character) == "Cf" or character in _BLANK_LETTERS


def _ordered(text: str, origin: list[int]) -> Folded:
    """Put runs of accents into canonical order, which folding character by character cannot do."""
    if unicodedata.is_normalized("NFD", text):
        return Folded(text, origin)
    order = list(range(len(text)))
    start = 0
    for place in range(len(text) + 1):
        if place < len(text) and unicodedata.combining(text[place]):
            continue
        if place - start > 1:
            order[start:place] = sorted(order[start:place], key=lambda i: unicodedata.combining(text[i]))
        start = place + 1
    return Folded("".join(text[i] for i in order), [origin[i] for i in order])
