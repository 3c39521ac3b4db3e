"""One byte for each character, so that patterns written for Python's `re` run in RE2: linear, and with true offsets.

RE2 knows only ASCII digits, word characters and white space. Python's `re` goes by Unicode, so every other character is
replaced by a byte that stands for its kind. Two texts that differ only within a kind match the same patterns.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

WORD = r"[0-9A-Za-z_\xaa\xb2\xf1]"
NO_WORD = r"[^0-9A-Za-z_\xaa\xb2\xf1]"
SPACE = r"[\t-\r\x1c-\x20\x85]"
"""`\\w`, `\\W` and `\\s` of Python for these bytes."""
_LETTER, _DIGIT, _BLANK, _OTHER = "\xaa", "\xb2", "\t", "\xb0"
_KEPT = {"\xf1": "\xf1", "\xd1": "\xf1"}
"""The one letter beyond ASCII that a pattern names."""
_SAME = {"\u017f": "s", "\u212a": "k", "\u0131": "i", "\u0130": "i"}
"""Letters that Python's `re` takes for an ASCII letter when case is ignored."""


def as_bytes(text: str, ignore_case: bool) -> bytes:
    """The text with one byte for each character; `ignore_case`: the pattern to come ignores case."""
    if text.isascii():
        return text.encode("ascii")
    table = {ord(character): _byte(character, ignore_case) for character in set(text) if character > "\x7f"}
    return text.translate(table).encode("latin-1")


def folded(text: str) -> str:
    """Lower case, with every letter that Python's `re` would take for an ASCII letter as that letter: for literal looks."""
    if not text.isascii():
        for letter, plain in _SAME.items():
            text = text.replace(letter, plain)
    return text.lower()


@lru_cache(maxsize=64)
def byte_pattern(pattern: str, ignore_case: bool = False) -> Any:
    """A compiled RE2 pattern over such bytes.

    Raises: re2.error for a pattern that RE2 cannot hold.
    """
    import re2

    options = re2.Options()
    options.log_errors = False
    options.case_sensitive = not ignore_case
    options.max_mem = 64 << 20
    options.encoding = re2.Options.Encoding.LATIN1
    return re2.compile(pattern.encode("latin-1"), options=options)


def for_bytes(pattern: str) -> str:
    """A pattern of Python's `re` as one for these bytes: look-arounds at the edges become characters that are read along.

    Group 1 stays where it was. Whoever goes on to search must do so from its end, since the edges may be shared.
    """
    pattern = pattern.replace(r"(?:(?<=\W)|(?<=^))", f"(?:^|{NO_WORD})")
    pattern = re.sub(r"\(\?!\[([^\]]*)\]\)\)", lambda ahead: f")(?:[^{ahead[1]}]|$)", pattern)
    return pattern.replace(r"\s", SPACE)


def _byte(character: str, ignore_case: bool) -> str:
    if ignore_case and character in _SAME:
        return _SAME[character]
    if character in _KEPT:
        return _KEPT[character]
    if character.isspace():
        return _BLANK
    if character.isdecimal():
        return _DIGIT
    return _LETTER if character.isalnum() else _OTHER
