"""The numbers that a text states, whatever their notation, and the numbers that a source makes known."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache

from evalgate.safety.number_words import MISREAD, MONTHS, SCALES, cardinals, loose_values

_FIGURE = re.compile(r"(?<![^\W_])(?:[0-9]{1,3}(?:[ '’][0-9]{3})+(?![0-9])|[0-9]+(?:[.,][0-9]+)*)")
_AFTER = re.compile(r"[ -]?([a-z]+)")
_WORD = re.compile(r"[a-z]+")
_LETTERED: dict[str, int] = {"k": 3, "m": 6, "b": 9, "mn": 6, "bn": 9, "tn": 12}
_PERCENT = re.compile(r" ?(?:%|percent|per cent|prozent|pour ?cent|por ?cien|per ?cento|por ?cento|procent)")
_MARKER = re.compile(r"(?:^|\n)[ \t*_#>-]*(?:(?:step|option|schritt|etape|paso|passo|stap) )?$", re.IGNORECASE)
_JOINT = re.compile(r" ?-? ?(?:(?:and|y|e|et|und) )?")
_FULL_HOUR = (frozenset({"0"}),)
_DECIMALS = 12
_LONGEST = 40
"""Digits of the longest number that is scaled or rounded; a longer one is a code."""


@dataclass(frozen=True, slots=True)
class StatedNumber:
    """One number in a text."""

    start: int
    end: int
    parts: tuple[frozenset[str], ...]
    """What it says; each part may be read in several ways: `1.000` is 1000 or 1."""


def stated_numbers(plain: str) -> Iterator[StatedNumber]:
    """The numbers that a folded text without accents states, in order within each kind.

    Figures, number words (but for those that often mean something else), and months next to a day or year. Numbers inside
    words (`B2B`) are left out.
    """
    figures: list[tuple[int, int]] = []
    for match in _FIGURE.finditer(plain):
        start, end = match.span()
        figures.append((start, end))
        parts = _with_unit(_parts(match.group()), plain, end)
        if not (plain[start - 1 : start] == ":" and parts == _FULL_HOUR):
            yield StatedNumber(start, end, parts)
    words = frozenset(_WORD.findall(plain))
    for start, end, value, misread in _number_words(plain, words):
        if not misread:
            yield StatedNumber(start, end, (frozenset({value}),))
    if figures and not MONTHS.keys().isdisjoint(words):
        yield from _months(plain, figures, words)


def known_numbers(plain: str) -> set[str]:
    """Every number that a source makes known: as stated, scaled, rounded, on the clock of twelve hours, as a word."""
    known: set[str] = set()
    for match in _FIGURE.finditer(plain):
        for readings in _parts(match.group()):
            for value in readings:
                known.add(value)
                known.update(_rounded(value))
                if value.isdigit() and 12 < int(value[:4]) < 24:
                    known.add(str(int(value[:4]) - 12))
        for readings in _with_unit(_parts(match.group()), plain, match.end()):
            known |= readings
            for value in readings:
                known.update(_rounded(value))
        if (
            plain.startswith(("pm", " pm", " p.m", "p.m"), match.end())
            or plain[match.end() : match.end() + 6].strip("0123456789: ") == "pm"
        ):
            known.update(str(int(value) + 12) for value in _parts(match.group())[0] if value.isdigit() and len(value) < 3)
    words = frozenset(_WORD.findall(plain))
    known.update(value for _, _, value, _ in _number_words(plain, words))
    loose = loose_values()
    for word in words:
        known.update(loose.get(word, ()))
        if word in SCALES:
            known.add("1" + "0" * SCALES[word])
    return known


def is_known(number: StatedNumber, known: Set[str]) -> bool:
    """Whether a source makes every part of a number known; `10.30` may be a time."""
    if all(readings & known for readings in number.parts):
        return True
    if len(number.parts) == 1 and len(number.parts[0]) == 1:
        hours, dot, minutes = next(iter(number.parts[0])).partition(".")
        minutes = minutes.ljust(2, "0")
        if dot and len(minutes) == 2 and len(hours) < 3 and int(hours) < 24 and int(minutes) < 60:
            return hours in known and (minutes.lstrip("0") or "0") in known
    return False


@lru_cache(maxsize=1 << 14)
def _parts(figure: str) -> tuple[frozenset[str], ...]:
    text = figure.replace(" ", "").replace("'", "").replace("’", "")
    signs = [character for character in text if character in ".,"]
    if not signs:
        return (frozenset({_plain_number(text)}),)
    groups = text.replace(",", ".").split(".")
    grouped = len(groups[0]) <= 3 and groups[0] != "0" and all(len(group) == 3 for group in groups[1:])
    if len(set(signs)) == 2 and signs.count(signs[-1]) == 1:
        return (frozenset({_plain_number("".join(groups[:-1]), groups[-1])}),)
    if len(groups) == 2:
        readings = {_plain_number(*groups)} if groups[1] != "000" or not grouped else set()
        return (frozenset(readings | {_plain_number("".join(groups))} if grouped else readings),)
    if grouped and len(set(signs)) == 1:
        return (frozenset({_plain_number("".join(groups))}),)
    return tuple(frozenset({_plain_number(group)}) for group in groups)


def _plain_number(whole: str, decimals: str = "") -> str:
    whole, decimals = whole.lstrip("0") or "0", decimals.rstrip("0")
    return f"{whole}.{decimals}" if decimals else whole


def _with_unit(parts: tuple[frozenset[str], ...], plain: str, end: int) -> tuple[frozenset[str], ...]:
    """With the scale or the percent sign that follows."""
    if len(parts) != 1:
        return parts
    if _PERCENT.match(plain, end):
        return (parts[0] | {_shifted(value, -2) for value in parts[0]},)
    match = _AFTER.match(plain, end, end + 14)
    if match is None:
        return parts
    word = match.group(1)
    if word in SCALES:
        return (frozenset(_shifted(value, SCALES[word]) for value in parts[0]),)
    if word in _LETTERED:
        return (parts[0] | {_shifted(value, _LETTERED[word]) for value in parts[0]},)
    return parts


def _shifted(value: str, places: int) -> str:
    if len(value) > _LONGEST:
        return value
    whole, _, decimals = value.partition(".")
    if places >= 0:
        decimals = decimals.ljust(places, "0")
        return _plain_number(whole + decimals[:places], decimals[places:])
    whole = whole.rjust(1 - places, "0")
    return _plain_number(whole[:places], whole[places:] + decimals)


def _rounded(value: str) -> Iterator[str]:
    """A decimal number cut and rounded to fewer places."""
    whole, _, decimals = value.partition(".")
    if not decimals or len(value) > _LONGEST:
        return
    scaled = int(whole + decimals[:_DECIMALS])
    for places in range(1, len(decimals[:_DECIMALS]) + 1):
        for rounded in (scaled // 10**places, (scaled + 5 * 10 ** (places - 1)) // 10**places):
            yield _shifted_back(str(rounded), len(decimals[:_DECIMALS]) - places)


def _shifted_back(digits: str, places: int) -> str:
    return _shifted(digits, -places) if places else digits


def counts_items(text: str, start: int, end: int) -> bool:
    """Whether a figure only counts a list (`2.`), a step, or a footnote (`[3]`)."""
    if text[start - 1 : start] == "[" and text[end : end + 1] == "]":
        return True
    if text[end : end + 1] not in (".", ")", ":"):
        return False
    return _MARKER.search(text, max(0, start - 24), start) is not None


def _number_words(plain: str, words: Set[str]) -> Iterator[tuple[int, int, str, bool]]:
    """(start, end, value, whether it may mean something else) of numbers in words, `two hundred and five` as one."""
    values = cardinals()
    if values.keys().isdisjoint(words):
        return
    counting = words & (values.keys() | SCALES.keys())
    found = sorted((match for word in counting for match in _alone(word).finditer(plain)), key=re.Match.start)
    place = 0
    while place < len(found):
        last, value = _spelled_out(plain, found, place)
        first = found[place]
        if first.group() not in SCALES:
            yield first.start(), found[last].end(), str(value), last == place and first.group() in MISREAD
        place = last + 1


@lru_cache(maxsize=1 << 10)
def _alone(word: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![a-z]){word}(?![a-z])")


def _spelled_out(plain: str, found: Sequence[re.Match[str]], place: int) -> tuple[int, int]:
    """The last word of the number that begins at a place, and its value."""
    values = cardinals()
    total, current, last = 0, values.get(found[place].group(), 1), place
    step = 1 if current < 20 else 10
    while last + 1 < len(found) and _JOINT.fullmatch(plain, found[last].end(), found[last + 1].start()):
        word = found[last + 1].group()
        if word in SCALES:
            if SCALES[word] == 2:
                current, step = (current or 1) * 100, 100
            else:
                total, current, step = total + (current or 1) * 10 ** SCALES[word], 0, 1000
        elif values[word] < step and step > 1 and values[word] > 0:
            current, step = current + values[word], 10 if values[word] >= 20 else 1
        elif 10 <= current < 100 <= current * 10 and values[word] >= 10 and total == 0:
            current, step = current * 100 + values[word], 10 if values[word] >= 20 else 1
        else:
            break
        last += 1
        if last - place > 12:
            break
    return last, total + current


def _months(plain: str, figures: Sequence[tuple[int, int]], words: Set[str]) -> Iterator[StatedNumber]:
    starts, ends = {start for start, _ in figures}, {end for _, end in figures}
    named = sorted((match for word in words & MONTHS.keys() for match in _alone(word).finditer(plain)), key=re.Match.start)
    for match in named:
        start, end = match.span()
        before = any(place in ends for place in range(start - 6, start)) and _beside(plain, start)
        if before or end + 1 in starts:
            yield StatedNumber(start, end, (frozenset({str(MONTHS[match.group()])}),))


def _beside(plain: str, start: int) -> bool:
    return re.search(r"[0-9](?:st|nd|rd|th|\.|er)?(?: of| de| di)? $", plain[max(0, start - 8) : start]) is not None
