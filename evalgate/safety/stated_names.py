"""The names that a text states: capitalised words that no sentence start explains, and titles in quotation marks."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from evalgate.safety.number_words import MONTHS

_WORD = re.compile(r"[^\W\d_](?:[\w'’\-&]*\w)?")
_CAPITAL = re.compile(r"(?<!\w)[^\W\d_a-z](?:[\w'’\-&]*\w)?")
_MARGIN = ' \t*_#>-•"“„«‘(0123456789.)'
_HEADING = 240
"""Characters of the longest heading in title case."""
_LABEL = 80
"""Characters of the longest label before a colon."""
_STARTS = re.compile(r"(?:[.!?:;…。！？|(\[*#>\"“„«‘]|(?:^|\n)[ \t]*(?:[-•]|\d{1,3}[.)]))[\s*_\"“„«‘(]*$")
_BLANK = re.compile(r"[ \u00a0]+")
_TITLE = re.compile(r"[“\"„«]([^“”\"„»«\n]{2,80})[”\"“»]")
_PARTICLES = frozenset(
    {
        "&", "al", "and", "bin", "da", "de", "del", "della", "den", "der", "des", "di", "do", "dos", "du", "e", "et",
        "la", "le", "of", "the", "van", "von", "y",
    }
)  # fmt: skip
_ENDINGS = ("'s", "’s", "s", "es", "y", "n", "an", "ian", "ns", "ans", "ians", "ese", "ish", "e", "in", "er", "ern")
_LAST = tuple(sorted({ending[-1] for ending in _ENDINGS}))
_SHORTEST_STEM = 4
_GERMAN = frozenset(
    {
        "auf", "das", "dem", "den", "der", "die", "ein", "eine", "für", "im", "ist", "mit", "nicht", "sich", "und",
        "von", "wird", "zu",
    }
)  # fmt: skip
_DAYS = (
    "monday tuesday wednesday thursday friday saturday sunday montag dienstag mittwoch donnerstag freitag samstag sonnabend "
    "sonntag mondays tuesdays wednesdays thursdays fridays saturdays sundays lundi mardi mercredi jeudi vendredi samedi dimanche"
)
_ORDINARY = (
    "i i'm i'll i've i'd mr mrs ms miss dr prof sir lady lord president prime minister king queen god ok okay ai faq pdf "
    "url html json api id tv cd dvd am pm ad bc ce bce q a b c d e f g h x y z yes no please note hi hello dear herr frau "
    "madame monsieur senor senora signor signora sie ihnen ihr ihre ihrem ihren ihrer christmas easter the an "
    "this that these those it its in on "
    "at by for from with and or but if when while as he she they we you his her their our my your there here what who how why "
    "where which also however finally first second then der die das ein eine le la les un une el los las il lo gli o os"
)
ORDINARY = frozenset(f"{_DAYS} {_ORDINARY}".split()) | frozenset(MONTHS)
"""Capitalised words that name nobody: days, months, titles, function words and common abbreviations."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the sources of a case name."""

    stems: frozenset[str]
    """Every word, and what is left of it without a common ending."""
    initials: frozenset[str]
    """First letters of capitalised runs: `un` for "United Nations"."""
    running: str
    """All words with single spaces, to look for titles."""


class _Piece(NamedTuple):
    """A capitalised word."""

    start: int
    end: int
    key: str
    opens: bool
    """Whether a sentence, a line, a heading or a quotation begins with it."""


def known_names(texts: Iterable[str]) -> Known:
    """Read the sources of a case."""
    stems: set[str] = set()
    initials: set[str] = set()
    running: list[str] = []
    for text in texts:
        pieces = [match.group() for match in _WORD.finditer(text)]
        keys = [name_key(piece) for piece in pieces]
        running.append(" ".join(keys))
        for piece, key in zip(pieces, keys, strict=True):
            stems |= _stems(key)
            for part in re.split(r"['’&\-]", key):
                stems |= _stems(part)
            if piece.isupper() and 1 < len(piece) < 7:
                stems.add(key)
        initials |= _initials(pieces)
    return Known(frozenset(stems), frozenset(initials), f" {'  '.join(running)} ")


def unknown_names(text: str, known: Known) -> Iterator[tuple[int, int]]:
    """Spans of the names that no source knows, in order; a run of unknown words is one span.

    The first word of a sentence counts only where the text has it capitalised elsewhere; lines in title case or capitals are
    left out. In German, where every noun is capitalised, only two or more unknown capitalised words in a row count.
    """
    pieces = list(_pieces(text))
    if not pieces:
        return
    inside = {piece.key for piece in pieces if not piece.opens}
    least = 2 if _is_german(text) else 1
    titles = list(_unknown_titles(text, known))
    yield from titles
    run: list[_Piece] = []
    for piece in pieces:
        counts = (not piece.opens or piece.key in inside) and not _is_known(piece.key, known)
        if run and not (counts and _BLANK.fullmatch(text, run[-1].end, piece.start)):
            yield from _closed(text, run, least, titles, known)
            run = []
        if counts:
            run.append(piece)
    yield from _closed(text, run, least, titles, known)


@lru_cache(maxsize=1 << 14)
def name_key(word: str) -> str:
    """A word as names are compared: in lower case, without accents."""
    if word.isascii():
        return word.lower()
    return "".join(c for c in unicodedata.normalize("NFKD", word.casefold()) if not unicodedata.combining(c))


def _closed(
    text: str, run: Sequence[_Piece], least: int, titles: Sequence[tuple[int, int]], known: Known
) -> Iterator[tuple[int, int]]:
    if len(run) < least:
        return
    start, end = run[0].start, run[-1].end
    if len(run) > 1 and "".join(piece.key[0] for piece in run) in known.stems:
        return
    if _is_label(text, start, end):
        return
    place = bisect_right(titles, (start, len(text))) - 1
    if place < 0 or titles[place][1] < end:
        yield start, end


def _is_label(text: str, start: int, end: int) -> bool:
    """Whether capitalised words alone, with a colon behind them, begin a line: `Key Points:`."""
    if text[end : end + 3].lstrip("*_")[:1] != ":":
        return False
    head = text[max(0, start - _LABEL) : end].rpartition("\n")[2]
    words = _WORD.findall(head)
    return len(head) < _LABEL and len(words) < 6 and all(word[0].isupper() or word in _PARTICLES for word in words)


def _pieces(text: str) -> Iterator[_Piece]:
    """The capitalised words of a text, those of headings in title case or capitals left out."""
    place = 0
    for line in text.splitlines(keepends=True):
        found = [match for match in _CAPITAL.finditer(line) if match.group()[0].isupper()]
        if found and not (len(found) > 2 and _is_heading(line)):
            for match in found:
                start = place + match.start()
                yield _Piece(start, place + match.end(), name_key(match.group()), _opens(text, line, place, start))
        place += len(line)


def _opens(text: str, line: str, place: int, start: int) -> bool:
    """Whether a sentence, a line or a quotation begins at `start`, in the line that begins at `place`."""
    if start - place > 12 and text[start - 1] == " " and text[start - 2].isalpha():
        return False  # nearly every capital in the middle of a sentence
    if start - place < 12 and not line[: start - place].strip(_MARGIN):
        return True
    return _STARTS.search(text, max(place, start - 12), start) is not None


def _is_heading(line: str) -> bool:
    if len(line) > _HEADING or line.rstrip(" \r\n*_").endswith((".", "!", "?", ";", ",")):
        return line.isupper()
    long = [word for word in _WORD.findall(line) if len(word) > 3]
    capitals: int = sum(word[0].isupper() for word in long)
    return capitals > 0.8 * len(long)


def _is_german(text: str) -> bool:
    words = text.split()
    return len(words) > 5 and not _GERMAN.isdisjoint(words) and sum(map(_GERMAN.__contains__, words)) > 0.15 * len(words)


def _unknown_titles(text: str, known: Known) -> Iterator[tuple[int, int]]:
    for match in _TITLE.finditer(text):
        words = [m.group() for m in _WORD.finditer(match.group(1))]
        long = [word for word in words if len(word) > 3]
        titled = len(words) > 1 and words[0][0].isupper() and len(long) > 0 and all(word[0].isupper() for word in long)
        if titled and f" {' '.join(map(name_key, words))} " not in known.running:
            yield match.span(1)


def _is_known(key: str, known: Known) -> bool:
    if key in known.stems or key in ORDINARY or key in known.initials or not _stems(key).isdisjoint(known.stems):
        return True
    if key.isalpha():
        return False
    parts = [part for part in re.split(r"['’&\-]", key) if len(part) > 1]
    return len(parts) > 1 and all(part in ORDINARY or not _stems(part).isdisjoint(known.stems) for part in parts)


@lru_cache(maxsize=1 << 14)
def _stems(key: str) -> frozenset[str]:
    if not key.endswith(_LAST):
        return frozenset((key,))
    kept = len(key) - _SHORTEST_STEM
    return frozenset((key, *(key[: -len(ending)] for ending in _ENDINGS if len(ending) <= kept and key.endswith(ending))))


def _initials(words: Sequence[str]) -> set[str]:
    """First letters of every run of two to six capitalised words, small words apart; of longer runs, those of each window."""
    found: set[str] = set()
    letters: list[str] = []
    for word in (*words, "a"):
        if word[0].isupper():
            letters = [*letters, name_key(word)[:1]][-6:]
            found.update("".join(letters[-count:]) for count in range(2, len(letters) + 1))
        elif word.lower() not in _PARTICLES:
            letters = []
    return found
