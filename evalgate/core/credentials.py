"""Secrets that this process was given: known by value, so that they can be kept out of everything that is written.

The one piece of state that a process keeps: whoever prints or writes must be able to ask, wherever the secret came in.
"""

from __future__ import annotations

import base64
import html
import json
import os
import re
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import quote, quote_plus

PLACEHOLDER = "[redacted]"
SHORTEST = 6
"""A shorter value is no secret, and taking it out would tear texts apart."""
_known: set[str] = set()


def secret_from_environment(name: str) -> str | None:
    """The value of a named environment variable, which from now on is kept out of everything that is written."""
    value = os.environ.get(name)
    if value:
        remember(value)
    return value or None


def environment_with(changes: Mapping[str, str]) -> dict[str, str]:
    """The environment of this process with some changes, for a child that must have it."""
    return {**os.environ, **changes}


def setting_from_environment(name: str) -> str | None:
    """An address from the environment. Policy never comes from there."""
    return os.environ.get(name) or None


def remember(value: str) -> None:
    """Keep a value out of everything that is written from now on."""
    value = value.strip()
    if len(value) >= SHORTEST:
        _known.add(value)


def knows_secret_in(text: str) -> bool:
    """Whether a text holds a known secret: plain, URL-encoded, or in Base64 at any alignment."""
    return bool(_known) and _pattern(frozenset(_known)).search(text) is not None


def without_secrets(text: str) -> str:
    """The text with every known secret replaced by `[redacted]`."""
    return _pattern(frozenset(_known)).sub(PLACEHOLDER, text) if _known else text


@lru_cache(maxsize=4)
def _pattern(values: frozenset[str]) -> re.Pattern[str]:
    forms = {form for value in values for form in _forms(value)}
    # Longest first: an encoded form may contain a shorter one.
    return re.compile("|".join(re.escape(form) for form in sorted(forms, key=lambda f: (-len(f), f))))


def _forms(value: str) -> set[str]:
    forms = {value, quote(value, safe=""), quote_plus(value), html.escape(value)}
    # Both ways to write a percent escape are in use.
    forms |= {re.sub("%[0-9A-F]{2}", lambda escape: escape.group().lower(), form) for form in forms}
    data = value.encode("utf-8")
    for lead in range(3):
        # Inside a longer Base64 text a secret may begin at any of three alignments; the letters that also depend on its
        # neighbours are left out.
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            text = encode(bytes(lead) + data).decode("ascii").rstrip("=")
            start, spare = (0, 2, 3)[lead], (len(data) + lead) % 3
            core = text[start : len(text) - 1 if spare else len(text)]
            if len(core) >= SHORTEST:
                forms.add(core)
    forms |= {data.hex(), data.hex().upper(), json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
    # Whoever searches a JSON text for them sees them escaped once more.
    return forms | {json.dumps(form, ensure_ascii=False)[1:-1] for form in forms}
