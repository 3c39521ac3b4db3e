"""What looks like personal data in a text: addresses and numbers with a form that can be checked, not names."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from evalgate.core.patterns import compile_pattern

_BEFORE = r"(?:^|[^0-9A-Za-z+])"
_PATTERNS: Mapping[str, str] = MappingProxyType(
    {
        "e-mail address": r"[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}\b",
        "phone number": (
            _BEFORE + r"(?:\+[1-9](?:[ .()/-]{0,2}[0-9]){7,14}|\([2-9][0-9]{2}\) ?[2-9][0-9]{2}-[0-9]{4}"
            r"|[2-9][0-9]{2}-[2-9][0-9]{2}-[0-9]{4}|[2-9][0-9]{2}\.[2-9][0-9]{2}\.[0-9]{4})\b"
        ),
        "payment card number": (
            r"\b(?:[A-Z]{2}[0-9]{2} )?(?:[0-9]{13,19}|[0-9]{4}[ -][0-9]{4}[ -][0-9]{4}[ -][0-9]{1,7}"
            r"|[0-9]{4}[ -][0-9]{6}[ -][0-9]{4,5})\b"
        ),
        "IBAN": r"\b[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b",
        "IP address": r"\b(?:(?:[0-9]{1,3}\.){3}[0-9]{1,3}|[0-9A-Fa-f]{1,4}(?::{1,2}[0-9A-Fa-f]{1,4}){2,7})\b",
        "US social security number": r"\b[0-9]{3}-[0-9]{2}-[0-9]{4}\b",
    }
)
"""RE2; each match is then checked (check digits, lengths, reserved ranges)."""
KINDS = tuple(_PATTERNS)
_RESERVED_DOMAIN = re.compile(r"(?:^|\.)(?:example\.[a-z.]+|example|test|invalid|localhost|local)$")
_TEST_CARDS = frozenset(
    (
        "4111111111111111", "4242424242424242", "4012888888881881", "4000056655665556", "5555555555554444", "5105105105105100",
        "2223003122003222", "378282246310005", "371449635398431", "6011111111111117", "6011000990139424", "30569309025904",
        "38520000023237", "3530111333300000", "3566002020360505",
    )
)  # fmt: skip
"""Numbers that payment services publish for tests."""
_SAMPLE_IBANS = frozenset(
    ("DE89370400440532013000", "GB82WEST12345698765432", "GB29NWBK60161331926819", "FR1420041010050500013M02606")
)
_SAMPLE_SSNS = frozenset(("078051120", "219099999", "123456789"))
"""Printed in advertisements, and the one that everybody types."""
_PHONE_OF_FILMS = re.compile("^1?[2-9][0-9]{2}55501[0-9]{2}$")
"""Source: North American Numbering Plan, 555-0100 to 555-0199 are for fiction."""
IBAN_LENGTHS: Mapping[str, int] = MappingProxyType(
    {
        "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BI": 27, "BR": 29, "BY": 28,
        "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DJ": 27, "DK": 18, "DO": 28, "EE": 20, "EG": 29, "ES": 24, "FI": 18,
        "FK": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28, "HN": 28, "HR": 21, "HU": 28,
        "IE": 22, "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LC": 32, "LI": 21, "LT": 20,
        "LU": 20, "LV": 21, "LY": 25, "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MN": 20, "MR": 27, "MT": 31, "MU": 30, "NI": 28,
        "NL": 18, "NO": 15, "OM": 23, "PK": 24, "PL": 28, "PS": 29, "PT": 25, "QA": 29, "RO": 24, "RS": 22, "RU": 33, "SA": 24,
        "SC": 31, "SD": 18, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "SO": 23, "ST": 25, "SV": 28, "TL": 23, "TN": 24, "TR": 26,
        "UA": 29, "VA": 22, "VG": 24, "XK": 20, "YE": 30,
    }
)  # fmt: skip
"""Length by country. Source: SWIFT, IBAN registry."""


def personal_data(kind: str, text: str | bytes) -> Iterator[tuple[int, int]]:
    """Spans of one of KINDS in a text (characters), or in its UTF-8 form (bytes), in linear time.

    Left out is what stands for nobody: domains, telephone numbers and addresses reserved for documentation (RFC 2606, 5737,
    3849; 555-01xx), addresses of private networks, the card numbers that payment services publish for tests.
    """
    holds = _CHECKS[kind]
    for match in _compiled(kind).finditer(text):
        found = match.group()
        if holds(found.decode("utf-8") if isinstance(found, bytes) else found):
            yield match.start(), match.end()


def reserved(kind: str, found: str) -> bool:
    """Whether a value of one of KINDS stands for nobody, because a standard or its issuer keeps it for examples and tests."""
    if kind == "e-mail address":
        return _RESERVED_DOMAIN.search(found.lower().rpartition("@")[2]) is not None
    if kind == "phone number":
        return _PHONE_OF_FILMS.search(re.sub("[^0-9]", "", found)) is not None
    if kind == "payment card number":
        return re.sub("[^0-9]", "", found) in _TEST_CARDS
    if kind == "IBAN":
        return re.sub("[^0-9A-Z]", "", found.upper()) in _SAMPLE_IBANS
    if kind == "IP address":
        return not ipaddress.ip_address(found).is_global
    return re.sub("[^0-9]", "", found) in _SAMPLE_SSNS


def luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of the others. Source: ISO/IEC 7812-1, annex B."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def card_network(digits: str) -> bool:
    """Whether prefix and length are those of a large network of payment cards. Source: the networks' published ranges."""
    two, three, four, size = int(digits[:2]), int(digits[:3]), int(digits[:4]), len(digits)
    if size == 16:
        networks = 51 <= two <= 55 or 2221 <= four <= 2720 or two in (35, 62, 65) or four == 6011 or 644 <= three <= 649
        return networks or digits[0] == "4"
    return (
        (size in (13, 19) and digits[0] == "4")
        or (size == 15 and (two in (34, 37) or four in (1800, 2131)))
        or (size == 14 and two in (30, 36, 38))
    )


def ssn_issued(digits: str) -> bool:
    """Whether nine digits can be a US social security number. Source: Social Security Administration, randomization of 2011."""
    return digits[:3] not in ("000", "666") and digits[0] != "9" and digits[3:5] != "00" and digits[5:] != "0000"


def impersonal(address: str) -> bool:
    """Whether an e-mail address belongs to a program: the user of a repository, a sender that reads no answers."""
    return address.lower().rpartition("@")[0] in ("git", "noreply", "no-reply")


def iban_holds(text: str) -> bool:
    """Whether an IBAN without blanks has its country's length and right check digits. Source: ISO 13616-1, ISO 7064 MOD 97-10."""
    if len(text) != IBAN_LENGTHS.get(text[:2]):
        return False
    return int("".join(str(int(character, 36)) for character in text[4:] + text[:4])) % 97 == 1


@lru_cache(maxsize=16)
def _compiled(kind: str) -> Any:
    return compile_pattern(_PATTERNS[kind]).compiled


def _email(found: str) -> bool:
    return not (impersonal(found) or reserved("e-mail address", found))


def _phone(found: str) -> bool:
    digits = re.sub("[^0-9]", "", found)
    return not reserved("phone number", found) and 8 <= len(digits) <= 15 and len(set(digits)) > 3


def _card(found: str) -> bool:
    if found[0].isalpha():
        return False  # digits of an IBAN
    digits = re.sub("[^0-9]", "", found)
    return digits not in _TEST_CARDS and card_network(digits) and len(set(digits)) > 3 and luhn(digits)


def _iban(found: str) -> bool:
    whole = found.replace(" ", "")
    length = IBAN_LENGTHS.get(whole[:2], 0)
    # A word in capitals may follow after a blank.
    return not reserved("IBAN", whole[:length]) and len(whole) >= length > 0 and iban_holds(whole[:length])


def _ip(found: str) -> bool:
    try:
        address = ipaddress.ip_address(found)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        return address.is_global and 0x2000 <= int(address) >> 112 <= 0x3FFF
    # Four small numbers are the number of a version or of a section.
    return address.is_global and max(address.packed) >= 32


def _ssn(found: str) -> bool:
    return ssn_issued(found.replace("-", "")) and not reserved("US social security number", found)


_CHECKS: Mapping[str, Callable[[str], bool]] = MappingProxyType(
    {
        "e-mail address": _email,
        "phone number": _phone,
        "payment card number": _card,
        "IBAN": _iban,
        "IP address": _ip,
        "US social security number": _ssn,
    }
)
