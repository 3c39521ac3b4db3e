"""Texts and numbers that keep the limits of a JSON Schema, drawn by the key."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from evalgate.core.errors import BadInput
from evalgate.core.patterns import compile_pattern
from evalgate.proxy.mock.draws import below, fraction
from evalgate.proxy.mock.sentences import sentences

MAX_LENGTH = 20_000
FORMATS = {
    "date": "2024-05-17",
    "time": "09:30:00Z",
    "date-time": "2024-05-17T09:30:00Z",
    "duration": "P3D",
    "email": "somebody@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}
_SAMPLES = ("word", "Word", "WORD", "a", "A", "1", "12", "123", "1234", "12345", "a1", "A1", "AB-12", "a-b", "a_b", "1.5")
_ABOVE, _UNDER = ("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")
_SPAN = 100
_TRIES = 50


class CannotMake(Exception):
    """A schema asks for something that the mock does not know how to make; says what."""


def text_for(schema: Mapping[str, Any], key: str, place: str) -> str:
    """A text of the length, format and pattern that the schema asks for.

    Raises: CannotMake.
    """
    low, high = schema.get("minLength", 0), schema.get("maxLength", math.inf)
    if low > min(high, MAX_LENGTH):
        raise CannotMake(f"a text of at least {low} characters")
    if "pattern" in schema or schema.get("format") in FORMATS:
        return _patterned(schema, low, high)
    made = sentences(key, place, 1 + below(key, f"{place} words", 4)).removesuffix(".")
    while len(made) < low:
        made += " " + sentences(key, f"{place} {len(made)}", 8)
    return made if len(made) <= high else made[: int(high)]


def number_for(schema: Mapping[str, Any], key: str, place: str, *, whole: bool) -> float:
    """A number within the bounds of the schema.

    Raises: CannotMake.
    """
    if any(isinstance(schema.get(word), bool) for word in (*_ABOVE, *_UNDER, "multipleOf")):
        raise CannotMake("bounds of an older draft")
    low, high = _bounds(schema)
    if "multipleOf" in schema:
        return _first_that_fits(_multiples(schema["multipleOf"], low, whole=whole), schema)
    first, last = math.ceil(low), math.floor(high)
    candidates: list[float] = [first + below(key, place, max(1, last - first + 1)), first, first + 1, last, last - 1]
    if not whole:
        drawn = low + fraction(key, f"{place} share") * (high - low)
        candidates = [round(drawn, 2), drawn, (low + high) / 2, *candidates]
    return _first_that_fits(candidates, schema)


def _patterned(schema: Mapping[str, Any], low: float, high: float) -> str:
    """One of a few well-known texts that fits; texts for any pattern are not made up."""
    pattern, form = schema.get("pattern"), schema.get("format")
    try:
        compiled = compile_pattern(pattern) if pattern is not None else None
    except BadInput as error:
        raise CannotMake("a pattern that is not RE2") from error
    candidates = [FORMATS[form]] if form in FORMATS else [*_SAMPLES, *FORMATS.values()]
    for text in candidates:
        if low <= len(text) <= high and (compiled is None or compiled.found_in(text)):
            return text
    raise CannotMake("a text with such a pattern or format")


def _bounds(schema: Mapping[str, Any]) -> tuple[float, float]:
    """A span of at most 100, from 0 on where that is allowed."""
    low = max(schema.get(word, -math.inf) for word in _ABOVE)
    high = min(schema.get(word, math.inf) for word in _UNDER)
    if low == -math.inf:
        low = 0 if high > 0 else high - _SPAN
    return low, min(high, low + _SPAN)


def _multiples(step: float, low: float, *, whole: bool) -> list[float]:
    if not step > 0:
        raise CannotMake("multiples of nothing")
    start = math.ceil(low / step)
    made = [step * number for number in range(start, start + _TRIES)]
    exact = [value for value in made if value / step == int(value / step)]
    return [int(value) for value in exact if value == int(value)] if whole else exact


def _first_that_fits(candidates: list[float], schema: Mapping[str, Any]) -> float:
    for value in candidates:
        above = value >= schema.get("minimum", -math.inf) and value > schema.get("exclusiveMinimum", -math.inf)
        under = value <= schema.get("maximum", math.inf) and value < schema.get("exclusiveMaximum", math.inf)
        if above and under:
            return value
    raise CannotMake("such bounds of a number")
