"""Tokens as the mock counts them: pieces of at most five characters, about four for each three English words."""

from __future__ import annotations

import re

_PIECE = re.compile(r"\S{1,5}")


def count_tokens(text: str) -> int:
    """How many tokens a text has."""
    return sum(1 for _ in _PIECE.finditer(text))


def cut_tokens(text: str, limit: int) -> str | None:
    """The text up to its `limit`-th token; None when it has no more than that."""
    end = 0
    for number, match in enumerate(_PIECE.finditer(text)):
        if number == limit:
            return text[:end]
        end = match.end()
    return None
