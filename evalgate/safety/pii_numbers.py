"""Payment cards, IBANs and national numbers: groups of digits and letters whose shape, length and check digits are right."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from evalgate.core.personal_data import IBAN_LENGTHS, card_network, iban_holds, luhn
from evalgate.safety.pii_national import NationalNumber, by_shape, words_of
from evalgate.safety.pii_plain import Plain

MOST_GROUPS = 8
"""Groups of one number: an IBAN apart, nothing has more."""
LONGEST = 28
_WHOLE = 13
"""Digits from which on a number is not the whole or the broken part of another."""
_SHAPE = str.maketrans("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", "#" * 10 + "A" * 52)
_GROUPINGS = ((4, 4, 4), (4, 4, 4, 4), (4, 4, 4, 4, 3), (4, 6, 4), (4, 6, 5))
_CARD_SHAPES = frozenset(
    [*("#" * size for size in range(12, 20))]
    + [blank.join("#" * size for size in groups) for blank in " -." for groups in _GROUPINGS]
)
_CARD_WORDS = (
    r"\bcard|\bcc\b|credit|debit|\bvisa\b|mastercard|maestro|amex|american express|diners|"
    r"\bkarten?\b|kreditkart|\bcarte\b|tarjeta|\bcarta\b|cartão"
)
_LINE_BROKEN = r"[0-9][0-9 -]{2,22}(?:\r?\n ?[0-9][0-9 -]{1,21}[0-9]){1,3}"
Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Found:
    """One piece of personal data in the plain view of a text."""

    rule: str
    start: int
    end: int


@lru_cache(maxsize=1)
def _group() -> re.Pattern[str]:
    """Letters and digits with a digit among them; a single letter after a hyphen belongs to it. Possessive, so linear."""
    return re.compile(r"(?<![A-Za-z0-9])[A-Za-z]*+[0-9][A-Za-z0-9]*+(?:-[A-Za-z](?![A-Za-z0-9]))?+")


@lru_cache(maxsize=1)
def _link() -> re.Pattern[str]:
    return re.compile(r"[ ./()-]{1,3}")


@lru_cache(maxsize=1)
def _line_broken() -> re.Pattern[str]:
    return re.compile(rf"(?<![A-Za-z0-9]){_LINE_BROKEN}(?![A-Za-z0-9])")


def runs(text: str) -> Iterator[list[Span]]:
    """Groups that stand in a row with nothing but blanks, dots, slashes, hyphens and brackets between them."""
    row: list[Span] = []
    link = _link()
    for match in _group().finditer(text):
        start, end = match.span()
        if row and not link.fullmatch(text, row[-1][1], start):
            yield row
            row = []
        row.append((start, end))
    if row:
        yield row


def number_findings(view: Plain, row: Sequence[Span], rules: frozenset[str]) -> Iterator[Found]:
    """Cards and national numbers in one run, leftmost first, without overlap."""
    text = view.text
    first = row[0][0]
    shape = text[first : row[-1][1]].translate(_SHAPE)
    place = 0
    while place < len(row):
        start, found = row[place][0], None
        before = text[row[place - 1][1] : start] if place else ""
        if before.strip(" ") == "" or (before == "/" and row[place][1] - start >= _WHOLE):
            for last in range(min(len(row), place + MOST_GROUPS) - 1, place - 1, -1):
                end = row[last][1]
                if end - start > LONGEST:
                    continue
                end += text[end : end + 1] == ")" and "(" in text[start:end]
                form = shape[start - first : end - first] if end <= row[-1][1] else shape[start - first :] + ")"
                found = _number(view, start, end, form, rules)
                if found is not None and _ends(text, end, text[start:end]):
                    yield found
                    place = last
                    break
        place += 1


def iban_findings(view: Plain) -> Iterator[Found]:
    """Account numbers, written together or in groups of four, in capitals or not."""
    text, last = view.text, 0
    for match in _iban_start().finditer(text):
        start = match.start()
        length = IBAN_LENGTHS.get(match.group()[:2].upper(), 0)
        end = _iban_end(text, start, length) if start >= last and length else 0
        if end and iban_holds(re.sub("[^A-Z0-9]", "", text[start:end].upper())):
            yield Found("iban", start, end)
            last = end


def line_broken_cards(view: Plain) -> Iterator[Found]:
    """Card numbers that a line break splits: only where a word says that it is a card."""
    if "\n" not in view.text:
        return
    for match in _line_broken().finditer(view.text):
        digits = re.sub("[^0-9]", "", match.group())
        start, end = match.span()
        if 12 <= len(digits) <= 19 and _card(digits) and view.holds_near(words_of(_CARD_WORDS), start, end):
            yield Found("card", start, end)


@lru_cache(maxsize=1)
def _iban_start() -> re.Pattern[str]:
    return re.compile(r"(?<![A-Za-z0-9])(?<![A-Za-z0-9]-)[A-Za-z]{2}[0-9]{2}(?=[ -]?[A-Za-z0-9]{3})")


def _iban_end(text: str, start: int, length: int) -> int:
    """Where an IBAN of so many characters ends: separators stand after every fourth or nowhere; 0 where it does not fit."""
    taken, place = 0, start
    while taken < length and place < len(text):
        character = text[place]
        if character.isascii() and character.isalnum():
            taken += 1
        elif character not in " -" or taken % 4 or not text[place - 1].isalnum():
            return 0
        place += 1
    return place if taken == length and not text[place : place + 1].isalnum() else 0


def _ends(text: str, end: int, piece: str) -> bool:
    """Whether the number is not the whole part of a longer one.

    A comma or a slash between digits is a decimal or a date only where the digits have that form; lists and tables have
    them between whole numbers.
    """
    after = text[end : end + 1]
    if after not in (".", ",", "-", "/") or not text[end + 1 : end + 2].isdigit():
        return True
    return (after == "," and _stands_in_lists(piece)) or (after == "/" and piece.isdigit() and len(piece) >= _WHOLE)


def _stands_in_lists(piece: str) -> bool:
    """Whether nobody would take it for a part of a number with a decimal comma."""
    return "-" in piece or " " in piece or (piece.isdigit() and len(piece) >= _WHOLE)


def _number(view: Plain, start: int, end: int, form: str, rules: frozenset[str]) -> Found | None:
    is_card = form in _CARD_SHAPES and "card" in rules
    kinds = by_shape().get(form, ())
    piece = view.text[start:end]
    if not (is_card or kinds) or not _begins(view.text, start, piece):
        return None
    compact = "".join(filter(str.isalnum, piece)).upper()
    if is_card and _card(compact) and _sure_card(view, start, end, compact):
        return Found("card", start, end)
    for kind, needs_word in kinds:
        if kind.rule in rules and _holds(kind, compact) and _named(view, start, end, kind, needs_word or piece != piece.upper()):
            return Found(kind.rule, start, end)
    return None


def _begins(text: str, start: int, piece: str) -> bool:
    """Whether no longer number, price or web address has led up to it."""
    before = text[start - 1 : start]
    if before in ("$", "€", "£", "¥", "~"):
        return False
    if before in (".", ",") and text[start - 2 : start - 1].isdigit():
        # `0,4012…` is a fraction, `1,4012…` is a row of a table.
        fraction = text[start - 2] == "0" and not text[start - 3 : start - 2].isdigit()
        if before == "." or fraction or not _stands_in_lists(piece):
            return False
    return not in_web_address(text, start)


def in_web_address(text: str, start: int) -> bool:
    """Whether the word that reaches up to a place is the beginning of a web address."""
    if start == 0 or text[start - 1].isspace():
        return False
    word = text[max(0, start - 200) : start].rsplit(None, 1)[-1]
    return "://" in word or word.startswith("www.")


def _card(digits: str) -> bool:
    return len(set(digits)) > 1 and luhn(digits)


def _sure_card(view: Plain, start: int, end: int, digits: str) -> bool:
    if len(digits) >= 14 and card_network(digits):
        return True
    # A bank issues nothing else. Source: ISO/IEC 7812-1, major industry identifiers.
    return digits[0] in "3456" and view.holds_near(words_of(_CARD_WORDS), start, end)


def _holds(kind: NationalNumber, compact: str) -> bool:
    return len(set(compact)) > 1 and kind.holds(compact)


def _named(view: Plain, start: int, end: int, kind: NationalNumber, needed: bool) -> bool:
    return not (needed and kind.words) or view.holds_near(words_of(kind.words), start, end)
