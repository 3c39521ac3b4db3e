"""Telephone numbers: with a country code, in a national form that nothing else has, or near a word that announces one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property, lru_cache

from evalgate.core.errors import BadInput, Incomplete
from evalgate.safety.pii_numbers import MOST_GROUPS, Found, Span, in_web_address
from evalgate.safety.pii_plain import Plain

_COUNTRY_CODE = (
    r"(?:2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|21[12368]|22[0-9]|23[0-9]|24[0-9]|25[0-8]|26[0-9]|29[01789]|35[0-9]|"
    r"37[0-8]|38[0-35-79]|42[013]|50[0-9]|59[0-9]|67[02-9]|68[0-35-9]|69[0-2]|80[08]|85[02356]|87[08]|88[0-368]|96[0-8]|97[0-79]|"
    r"99[2-68])"
)
"""Source: ITU-T E.164, list of assigned country codes; 1 and 7 apart, whose numbers have eleven digits."""
_ANNOUNCED = (
    r"phones?|telephones?|tele(?:fon|fono|fone|foon|fonu|fonnummer)|t[ée]l[ée]phone|tel[ée]fonos?|t[ée]l|tlf|tfno|"
    r"mobiles?|mobil|mobilnummer|m[óo]vil|portable|cell|cell ?phone|celular|cellulare|telem[óo]vel|handy|handynummer|rufnummer|"
    r"fax|hotline|helpline|whats ?app|sms|call|calls|called|calling|dial|dialing|ring|anrufen|"
    r"text (?:me|us|him|her|them)|reach(?:ed)? (?:me|us|him|her|them)|contact (?:me|us|him|her|them|number|no)|phone number"
)
_CJK_ANNOUNCED = "电话|電話|手机|手機|号码|携帯|телефон|тел|моб|факс|전화|휴대폰|फ़ोन|फोन|โทร|هاتف|جوال|τηλ"
_JOINING = (
    r"(?:[\W\d_]|\b(?:numbers?|no|nr|num|is|was|are|at|on|to|in|the|a|my|our|your|his|her|their|me|us|him|them|you|this|that|"
    r"following|new|old|direct|directly|main|private|home|work|office|desk|landline|line|please|back|now|today|tomorrow|anytime|"
    r"and|or|via|by|using|under|with|toll|free|emergency|support|service|customer|international|national|local|uk|us|"
    r"nummer|unter|ist|lautet|mich|uns|an|auf|meine|die|der|das|und|oder|num[ée]ro|au|est|le|mon|moi|ou|et|n[úu]mero|al|es|el|mi|y|o|"
    r"numero|è|il|mio|e|meu|é|nummeret|er|mit|nummer)\b)*"
)
"""What may stand between the word and the number: no other thing is counted or named there."""
_LABEL = r"(?:desk|office|home|work|direct|main|reception|landline)(?: (?:line|number|no))?\.?\s*[:#]\s*$"
_MESSAGED = (
    r"\b(?:messages?|answering|reachable|texts|sms|otp)(?:\s+(?:is|are|was|were|be|sent|me|us|him|her|them)){0,2}"
    r"\s+(?:at|on|to|under)(?:\s+(?:my|your|his|her|our|their|the|this|registered|mobile|own|number|no)){0,3}\s*$"
)
_OTHER = (
    r"order|invoice|isbn|serial|parts?\b|sku|account|acct|version|tracking|case|ticket|item|model|policy|\bid\b|identif|\bref|code|"
    r"\bcard|\biban|\bpin\b|number of|years?|\bzip|patent|doi|issn|batch|transaction|booking|reservation|€|£|\$"
)
_AFTER = r"[\s\-–,;(]{0,3}(fax|mobile|cell|phone|tel|office|desk|home|work|direct)\b(?! ?[A-Za-z0-9])"
_NANP = (
    r"(?:1[ .-])?(?:\([2-9][0-9]{2}\) ?[2-9][0-9]{2}[.-][0-9]{4}"
    r"|[2-9][0-9]{2}-[2-9][0-9]{2}-[0-9]{4}|[2-9][0-9]{2}\.[2-9][0-9]{2}\.[0-9]{4})"
)
_DATE = r"(?:(?:19|20)[0-9]{2}[./ -][01]?[0-9][./ -][0-3]?[0-9]|[0-3]?[0-9][./ -][0-3]?[0-9][./ -](?:19|20)[0-9]{2})\b"
_YEARS = r"(?:19|20)[0-9]{2} ?[-/ ]{1,3} ?(?:19|20)[0-9]{2}"
_NOT_DIGIT = re.compile("[^0-9]")
_PIECE = re.compile("[0-9 ./()-]+")
_EXTENSION = r" ?(?:x|ext\.?|extension|#) ?[0-9]{1,6}(?![A-Za-z0-9])"


@lru_cache(maxsize=32)
def _words(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


@lru_cache(maxsize=1)
def _announcement() -> re.Pattern[str]:
    return _words(rf"\b(?:{_ANNOUNCED})\b|{_CJK_ANNOUNCED}")


class _Beginning:
    """Where a number may begin, and what the text before it says: worked out once, when it is asked for."""

    def __init__(self, view: Plain, start: int) -> None:
        self.view = view
        self.start = start
        self.left = _opening(view.text, start)

    @cached_property
    def signed(self) -> bool:
        sign = "+" in self.view.text[self.left : self.start]
        return sign and not self.view.before(self.left, 1).isalnum()

    @cached_property
    def announced(self) -> bool:
        return _announced(self.view.before(self.left, 60))

    @cached_property
    def other(self) -> bool:
        return _words(_OTHER).search(self.view.before(self.left, 28)) is not None

    def alone(self, end: int) -> bool:
        """Whether no other number stands next to it, as in a table or a dump of bytes."""
        before, after = self.view.before(self.left, 2), self.view.text[end : end + 2]
        return not any(pair.strip(" ").isdigit() and " " in pair for pair in (before, after))

    @cached_property
    def in_address(self) -> bool:
        return in_web_address(self.view.text, self.left)


def phone_findings(view: Plain, row: Sequence[Span], region: str | None) -> Iterator[Found]:
    """Telephone numbers in one run of groups, of which none is another number. Leftmost first, without overlap."""
    place = 0
    while place < len(row):
        if _may_begin(view.text, row, place):
            beginning = _Beginning(view, row[place][0])
            for last in range(min(len(row), place + MOST_GROUPS) - 1, place - 1, -1):
                end = _phone(beginning, row[last][1], region)
                if end:
                    yield Found("phone", beginning.left, end)
                    place = last
                    break
        place += 1


def _may_begin(text: str, row: Sequence[Span], place: int) -> bool:
    start = row[place][0]
    before = text[start - 1 : start]
    if place and before not in ("(", "+") and text[row[place - 1][1] : start].strip(" "):
        return False
    return not (before in ("$", "€", "£", "¥", "#") or (before in (".", ",", ":") and text[start - 2 : start - 1].isdigit()))


def _phone(begin: _Beginning, end: int, region: str | None) -> int:
    """Where the number ends, an extension included; 0 where it is none."""
    text = begin.view.text
    if not 7 <= end - begin.start <= 32:
        return 0
    piece, extended = _without_extension(text[begin.start : end])
    digits = _NOT_DIGIT.sub("", piece)
    if not 7 <= len(digits) <= 17 or not _PIECE.fullmatch(piece) or len(set(digits)) < 3 or _goes_on(text, end):
        return 0
    if _words(_DATE).match(piece) or _words(_YEARS).fullmatch(piece):
        return 0
    if not _is_phone(begin, end, piece, digits, region) or begin.in_address:
        return 0
    more = None if extended else _words(_EXTENSION).match(text, end)
    return more.end() if more else end


def _goes_on(text: str, end: int) -> bool:
    """Whether the number is part of a longer one, or an amount."""
    following = text[end : end + 2]
    return (following[:1] in (".", ",", ":", "/", "-") and following[1:].isdigit()) or following.lstrip(" ")[:1] in (
        "%",
        "€",
        "£",
        "$",
    )


def _is_phone(begin: _Beginning, end: int, piece: str, digits: str, region: str | None) -> bool:
    if begin.signed:
        return _international(digits, 9 if piece.isdigit() and not begin.announced else 8)
    if begin.announced or _labelled_after(begin.view.text, end, piece):
        return len(digits) <= 15
    written = begin.view.text[begin.left : begin.start] + piece
    plain = (
        (begin.alone(end) and (_prefixed(piece, digits) or _trunk(piece, digits)))
        or _words(_NANP).fullmatch(written) is not None
        or (region is not None and _national(written, digits, region))
    )
    return plain and not begin.other


def _international(digits: str, least: int = 9) -> bool:
    """Whether an assigned country code and a number of possible length follow the plus sign."""
    if digits[0] in "17":
        return len(digits) == 11
    return least <= len(digits) <= 15 and _words(_COUNTRY_CODE).match(digits) is not None


def _prefixed(piece: str, digits: str) -> bool:
    """Whether it is grouped and begins with the international prefix 00."""
    return piece.startswith("00") and not piece.isdigit() and _international(digits[2:])


def _trunk(piece: str, digits: str) -> bool:
    """Whether it is grouped and begins with a trunk zero and an area code, as in most of Europe, Africa and Asia."""
    groups = re.split(r"[^0-9]+", piece)
    if not (9 <= len(digits) <= 11 and digits[0] == "0" and digits[1] != "0" and 2 <= len(groups[0]) <= 5):
        return False
    if len(groups) > 5 or any(len(group) < 2 for group in groups) or "/" in piece[len(groups[0]) + 1 :]:
        return False
    separators = re.split("[0-9]+", piece)[1:-1]
    if max(map(len, separators), default=0) > 1 or ("." in separators and set(separators) != {"."}):
        return False
    # `03262 2437` may be a postcode and a house, `01001-99998` a range.
    return len(groups) > 2 or (len(groups) == 2 and len(digits) >= 10 and (len(groups[1]) != 5 or separators != ["-"]))


def _announced(before: str) -> bool:
    """Whether a word such as `phone` or `call` leads up to the number, and no word for another number after it."""
    ends = [match.end() for match in _announcement().finditer(before)]
    if ends:
        between = before[ends[-1] :]
        apart = "\n\n" in between or re.search(r"[!?$€£%=]|\.\s+[A-Z]|[0-9]{5}", between) is not None
        if not apart and _words(_JOINING).fullmatch(between):
            return True
    return _words(_LABEL).search(before) is not None or _words(_MESSAGED).search(before) is not None


def _labelled_after(text: str, end: int, piece: str) -> bool:
    match = _words(_AFTER).match(text, end)
    if match is None:
        return False
    return not piece.isdigit() or match.group(1).lower() in ("fax", "mobile", "cell", "phone", "tel")


def _opening(text: str, start: int) -> int:
    """The plus sign or bracket before the first digit, where there is one."""
    bracket = text[start - 1 : start] == "("
    start -= bracket
    start -= text[start - 1 : start] == "+"
    if not bracket and text[start - 1 : start] == "(" and ")" in text[start : start + 6]:
        start -= 1
    return start


def _without_extension(piece: str) -> tuple[str, bool]:
    match = re.search(r"(?<=[0-9])(?:x|ext)[0-9]{1,6}$", piece, re.IGNORECASE)
    return (piece[: match.start()], True) if match else (piece, False)


def _national(written: str, digits: str, region: str) -> bool:
    """Whether the numbering plan of a region has such a number; without separators it needs the trunk zero and nine digits."""
    if written.isdigit() and not (digits[0] == "0" and len(digits) >= 9):
        return False
    import phonenumbers

    try:
        return bool(phonenumbers.is_valid_number(phonenumbers.parse(written, region)))
    except phonenumbers.NumberParseException:
        return False


def require_region(region: str) -> str:
    """Check that the numbering plans are there and know a region.

    Returns: the version of the library, for the signature.
    Raises: Incomplete: it is not installed. BadInput: it does not know the region.
    """
    try:
        import phonenumbers
    except ImportError as error:
        said = "detector pii: parameter 'region' needs the library phonenumbers, which cannot be imported"
        raise Incomplete(said, hint="pip install 'evalgate-engine[phones]'") from error
    if region not in phonenumbers.SUPPORTED_REGIONS:
        raise BadInput(f"parameter 'region' is no country with telephone numbers: {region}", where="detector pii")
    return str(phonenumbers.__version__)
