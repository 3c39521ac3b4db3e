"""The words of ROUGE as numbers: rouge-score's tokeniser, every text of a shard read once for all its ROUGE metrics.

Source: rouge-score 0.1.2 (`tokenize`): lower case, runs of ASCII letters and digits, words of more than three characters
stemmed on request.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from functools import lru_cache

from evalgate.metrics.porter_stemmer import stem

_STEMMED_FROM = 4
"""rouge-score stems words of more than three characters."""
_KEPT_CHARACTERS = 1 << 24
"""Texts of more characters in all are not kept for the next call."""
_LETTERS = bytes(code if code < 128 and chr(code).isalnum() else ord(" ") for code in range(256))
_kept = threading.local()


class NumberedTexts:
    """Texts → word numbers; equal words have equal numbers within one object, and only there."""

    __slots__ = ("_numbers", "_texts", "characters")

    def __init__(self, stem: Callable[[str], str] | None) -> None:
        self._numbers = _Numbers() if stem is None else _StemNumbers(stem)
        self._texts: dict[str, list[int]] = {}
        self.characters = 0

    def missing(self, texts: Iterable[str]) -> set[str]:
        """Which of these texts were not read yet."""
        return set(texts) - self._texts.keys()

    def __getitem__(self, text: str) -> list[int]:
        """The word numbers of a text; not to be changed."""
        found = self._texts.get(text)
        if found is None:
            # Lower case comes first: it turns the Kelvin sign into k. What is not ASCII then only parts words.
            words = text.lower().encode("ascii", "replace").translate(_LETTERS).split()
            found = self._texts[text] = list(map(self._numbers.__getitem__, words))
            self.characters += len(text)
        return found


def numbered_texts(texts: Iterable[str], *, stemmed: bool) -> NumberedTexts:
    """A reader for the texts of one call.

    It is the one of the last call on this thread where that already knows most of these texts (the same shard, measured
    by another ROUGE metric), else a new one; so what is kept is bounded by the texts of a shard and by 16 Mi characters.
    """
    wanted = set(texts)
    last: NumberedTexts | None = getattr(_kept, "stemmed" if stemmed else "plain", None)
    if last is not None and last.characters <= _KEPT_CHARACTERS and 2 * len(last.missing(wanted)) <= len(wanted):
        return last
    reader = NumberedTexts(_stem if stemmed else None)
    keep = sum(map(len, wanted)) <= _KEPT_CHARACTERS
    setattr(_kept, "stemmed" if stemmed else "plain", reader if keep else None)
    return reader


class _Numbers(dict[bytes, int]):
    """Word → number, counted up from 0."""

    def __missing__(self, word: bytes) -> int:
        number = self[word] = len(self)
        return number


class _StemNumbers(dict[bytes, int]):
    """Word → number of its stem."""

    def __init__(self, stem: Callable[[str], str]) -> None:
        super().__init__()
        self._stem = stem
        self._stems: dict[str, int] = {}

    def __missing__(self, word: bytes) -> int:
        form = word.decode("ascii")
        stem = self._stem(form) if len(form) >= _STEMMED_FROM else form
        number = self[word] = self._stems.setdefault(stem, len(self._stems))
        return number


_stem = lru_cache(maxsize=1 << 16)(stem)
