"""Strict JSON: what RFC 8259 leaves open is refused, so that no two readers can see different values."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NoReturn

MAX_DEPTH = 100


def parse_json(text: str) -> Any:
    """Parse one JSON value.

    Raises:
        ValueError: not JSON; or NaN, Infinity, a number that overflows, a duplicate key, a lone surrogate, nesting
            deeper than 100.
    """
    try:
        value = _parsed(text)
    except RecursionError:
        raise ValueError(f"nested deeper than {MAX_DEPTH}") from None
    # Only an escape can bring a lone surrogate into a text that was decoded, and only brackets can nest: most lines have
    # neither, and walking through all of a value costs as much as parsing it.
    if "\\u" in text or text.count("[") + text.count("{") > MAX_DEPTH or not (text.isascii() or _is_whole(text)):
        _check(value, 0)
    return value


def _parsed(text: str) -> Any:
    try:
        value, end = _SCAN(text, 0)
        if end == len(text):
            return value
    except StopIteration:
        pass
    # White space around the value, something behind it, or no value at all: `decode` accepts the first and names the others.
    return json.loads(text, object_pairs_hook=_object, parse_constant=_constant, parse_float=_float)


def _is_whole(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise ValueError(f"duplicate key {key!r}")
            seen.add(key)
    return value


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _float(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ValueError(f"number out of range: {text[:40]}")
    return value


def _check(value: Any, depth: int) -> None:
    if isinstance(value, str):
        if not value.isascii() and any("\ud800" <= c <= "\udfff" for c in value):
            raise ValueError("lone surrogate in a text")
    elif isinstance(value, (dict, list)):
        if depth >= MAX_DEPTH:
            raise ValueError(f"nested deeper than {MAX_DEPTH}")
        if isinstance(value, dict):
            for key in value:
                _check(key, depth)
        for item in value.values() if isinstance(value, dict) else value:
            _check(item, depth + 1)


_SCAN: Callable[[str, int], tuple[Any, int]] = json.JSONDecoder(
    object_pairs_hook=_object, parse_constant=_constant, parse_float=_float
).scan_once  # type: ignore[attr-defined]
"""Kept: `json.loads` builds a new decoder for every text when it is given hooks, which costs more than parsing a short line."""
