"""The view of a text in which personal data is looked for: plain digits, dashes and blanks, with the way back."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from evalgate.safety.folding import invisible


@dataclass(frozen=True, slots=True)
class Plain:
    """Case, letters and lines stay as they are, since addresses and labels need them."""

    text: str
    origin: Sequence[int]
    """Character i of the view came from character `origin[i]` of the text."""

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The original characters behind a non-empty span of the view."""
        return self.origin[start], self.origin[end - 1] + 1

    def before(self, start: int, size: int) -> str:
        """At most `size` characters that stand before a place."""
        return self.text[max(0, start - size) : start]

    def holds_near(self, pattern: re.Pattern[str], start: int, end: int) -> bool:
        """Whether a word of the pattern stands up to 60 characters before a span or 15 after it."""
        return pattern.search(self.before(start, 60)) is not None or pattern.search(self.text[end : end + 15]) is not None


class _Table(dict[int, str]):
    """Character → its plain form, worked out once for each character."""

    def __missing__(self, code: int) -> str:
        plain = self[code] = _plain_character(chr(code))
        return plain


_TABLE = _Table()


def plain(text: str) -> Plain:
    """Make digits of any script and width ASCII digits, dashes hyphens, blanks spaces; leave out what cannot be seen.

    Linear; one character becomes one character or none.
    """
    if text.isascii():
        return Plain(text.replace("\t", " "), range(len(text)))
    view = text.translate(_TABLE)
    if len(view) == len(text):
        return Plain(view, range(len(text)))
    return Plain(view, [place for place, character in enumerate(text) if _TABLE[ord(character)]])


def _plain_character(character: str) -> str:
    if character.isascii():
        return " " if character == "\t" else character
    if character in "\u2028\u2029\u0085":
        return "\n"
    if invisible(character):
        return ""
    if character.isspace():
        return " "
    if character.isdecimal():
        return str(unicodedata.decimal(character))
    if unicodedata.category(character) == "Pd" or character == "\u2212":
        return "-"
    folded = unicodedata.normalize("NFKC", character)
    return folded if len(folded) == 1 and folded.isascii() else character
