"""Read a model's answer as JSON, strictly: what two parsers could read differently is not JSON here."""

from __future__ import annotations

import json
import re
from typing import Any

from evalgate.core.strict_json import parse_json

MAX_CHARACTERS = 1_000_000

_FENCE = re.compile(r"```[A-Za-z0-9]*[ \t]*\r?\n")


class StrictJsonError(ValueError):
    """The text is not strict JSON; the message says why."""


def read_json(text: str, *, fenced: bool = False) -> Any:
    """Parse one JSON value that fills the whole text.

    `fenced`: one Markdown code fence around the value is accepted.
    Raises:
        StrictJsonError: a syntax error, a duplicate key, NaN or a number beyond double precision's range, more than
            1,000,000 characters, a lone surrogate, or more than 100 levels.
    Source: RFC 8259, with the restrictions of RFC 7493 (I-JSON) on keys and numbers.
    """
    if len(text) > MAX_CHARACTERS:
        raise StrictJsonError(f"longer than {MAX_CHARACTERS} characters")
    try:
        return parse_json(_unfenced(text) if fenced else text)
    except ValueError as error:
        raise StrictJsonError(str(error)) from error


def field_of(value: Any, path: str) -> Any:
    """Follow a dotted path (`customer.orders.0.id`) through objects and lists.

    Raises: KeyError where the path leads nowhere.
    """
    for step in path.split("."):
        if isinstance(value, dict) and step in value:
            value = value[step]
        elif isinstance(value, (list, tuple)) and step.isascii() and step.isdecimal() and _number(step) < len(value):
            value = value[_number(step)]
        else:
            raise KeyError(path)
    return value


def text_of(value: Any) -> str:
    """A JSON value as comparable text: a text as it is, 5.0 as `5`, everything else as JSON with sorted keys."""
    if isinstance(value, str):
        return value
    return json.dumps(_plain(value), sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _plain(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def _number(step: str) -> int:
    # A path has at most a few digits; more would be a list no answer can hold.
    return int(step[:9])


def _unfenced(text: str) -> str:
    inner = text.strip()
    opening = _FENCE.match(inner)
    if opening is None or not inner.endswith("```") or len(inner) < opening.end() + 3:
        return text
    return inner[opening.end() : -3]
