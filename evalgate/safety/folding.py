"""Texts as a reader takes them: folded for comparison, with the way back to the original characters."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Folded:
    """A folded text; character i of it came from character `origin[i]` of the original."""

    text: str
    origin: tuple[int, ...]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The original characters behind a non-empty folded span."""
        return self.origin[start], self.origin[end - 1] + 1


def fold(text: str, keep: Callable[[str], bool]) -> Folded:
    """Fold compatibility forms, case and accents apart from letters, drop what cannot be seen, keep what `keep` says.

    Each original character is folded by itself (NFKC, then case folding), so that offsets stay true.
    """
    if text.isascii():
        lowered = text.lower()
        places = [i for i, c in enumerate(lowered) if keep(c)]
        return Folded("".join(lowered[i] for i in places), tuple(places))
    characters: list[str] = []
    origin: list[int] = []
    for place, character in enumerate(text):
        if unicodedata.category(character) == "Cf":
            continue
        for folded in unicodedata.normalize("NFKC", character).casefold():
            if keep(folded):
                characters.append(folded)
                origin.append(place)
    return Folded("".join(characters), tuple(origin))


def everything(character: str) -> bool:
    """Keep every visible character."""
    return True


def letters_and_digits(character: str) -> bool:
    """Keep what a separator cannot be: `Z-E-7 4` and `ze74` become the same."""
    return character.isalnum()


def occurrences(needle: str, folded: Folded) -> list[tuple[int, int]]:
    """Original spans of all non-overlapping occurrences of a folded needle."""
    found: list[tuple[int, int]] = []
    start = folded.text.find(needle)
    while start >= 0:
        found.append(folded.span(start, start + len(needle)))
        start = folded.text.find(needle, start + len(needle))
    return found
