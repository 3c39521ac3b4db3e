"""Personal data without a form of its own, which counts only after the words that announce it: licences, passports, ages."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from types import MappingProxyType

from evalgate.safety.pii_numbers import Found
from evalgate.safety.pii_plain import Plain

_NAMED = r"(?: (?:number|no\.?|nr\.?|id|#))?(?: (?:is|was))?\s{0,3}[:#]?\s{0,3}"
_LICENCE = r"(?-i:[A-Z]{0,3})[0-9](?:[ -]?[0-9]){4,16}"
_POSTCODE = (
    r"(?-i:[A-Z]{1,2}[0-9][A-Z0-9]? ?[0-9][A-Z]{2}|[A-Z][0-9][A-Z] ?[0-9][A-Z][0-9]|[0-9]{3,6}(?: [A-Z]{2}|[ -][0-9]{2,4})?)"
)
_PATTERNS: Mapping[str, str] = MappingProxyType(
    {
        "driver_license": rf"(?:driver['’]?s?['’]?|driving) licen[cs]e{_NAMED}(?P<value>{_LICENCE})\b",
        "passport": (
            rf"\b(?:passport|reisepass|passeport|pasaporte|passaporto){_NAMED}"
            r"(?P<value>(?-i:[A-Z]{0,3})[0-9]{6,9})\b"
        ),
        "postcode": rf"\b(?:zip(?: ?code)?|post(?:al)? ?code|plz|c[óo]digo postal){_NAMED}(?P<value>{_POSTCODE})\b",
        "age": (
            r"\b(?P<value>[0-9]{1,3})(?:[ -]years?[ -]old|[ -]?y/o\b|[ -]?yo\b)"
            r"|\b(?:aged?|age of|age is|turn(?:s|ed|ing)?|when (?:he|she) was)\s{0,3}:?\s{0,3}"
            r"(?P<years>[0-9]{1,3})\b(?!\s*(?:%|percent|[./-][0-9]))"
        ),
    }
)
_MARKS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "driver_license": ("icense", "icence", "ICEN"),
        "passport": ("assp", "asap", "isepass", "ASSP"),
        "postcode": ("zip", "ZIP", "Zip", "ost", "plz", "PLZ", "ode"),
        "age": ("year", "y", "age", "Age", "turn", "was"),
    }
)
"""One of these must be there before the pattern is worth trying."""
DESCRIBED = tuple(_PATTERNS)


@lru_cache(maxsize=8)
def _compiled(rule: str) -> re.Pattern[str]:
    return re.compile(_PATTERNS[rule], re.IGNORECASE)


def described_findings(view: Plain, rules: frozenset[str]) -> Iterator[Found]:
    """Values after the words that announce them; the words are not part of the span."""
    for rule in DESCRIBED:
        if rule not in rules or not any(mark in view.text for mark in _MARKS[rule]):
            continue
        for match in _compiled(rule).finditer(view.text):
            group = "value" if match.group("value") is not None else "years"
            yield Found(rule, *match.span(group))
