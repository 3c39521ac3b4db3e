"""Keys never stand in a file: tell a text that looks like one, without ever repeating it in a message."""

from __future__ import annotations

import re
from typing import Any

KEY_HINT = "keys never stand in a file: name the environment variable that holds it with api_key_env"

_PREFIXED = re.compile(
    r"(?:^|[^A-Za-z0-9])(?:(?:sk|pk|rk)[-_]|gsk_|xai-|gh[opsur]_|github_pat_|glpat-|hf_|xox[a-z]-|AKIA|ASIA|AIza)[A-Za-z0-9_-]{12,}"
    r"|(?:^|[^A-Za-z0-9])eyJ[A-Za-z0-9_-]{8,}\.|[Bb]earer\s+\S{8,}"
)
_PLAIN = re.compile(r"[A-Za-z0-9+/=-]{20,}")
_DIGITS_IN_A_WORD = 4


def looks_like_key(text: str) -> bool:
    """Whether a text holds what begins like the key of a known service."""
    return _PREFIXED.search(text) is not None


def looks_random(text: str) -> bool:
    """Whether one word looks drawn, not named: long, without an underscore, letters and digits mixed."""
    drawn = _PLAIN.fullmatch(text) is not None and sum(sign.isdigit() for sign in text) >= _DIGITS_IN_A_WORD
    return drawn and any(sign.isalpha() for sign in text)


def holds_key(value: Any) -> bool:
    """Whether a value of a configuration holds what looks like a key, at any depth."""
    if isinstance(value, str):
        return looks_like_key(value)
    if isinstance(value, dict):
        return any(looks_like_key(name) or holds_key(item) for name, item in value.items())
    return isinstance(value, list) and any(holds_key(item) for item in value)
