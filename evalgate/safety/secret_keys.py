"""Keys that are known by their prefix, the newer services included that detect-secrets does not know."""

from __future__ import annotations

import re
from collections.abc import Iterator

from evalgate.core.key_patterns import any_key, may_hold_key
from evalgate.core.patterns import encodable
from evalgate.safety.rule_places import Place

_PIECE = re.compile(r"[A-Za-z0-9]{12,}")
_WEAK = ("openai_key", "bearer_token")
"""Their prefix is also the beginning of ordinary words (`sk-learn-compatible`, `bearer responsibilities`)."""


def key_places(text: str, pieces: list[str]) -> Iterator[Place]:
    """Where a key stands whole; `pieces`: its long stretches without white space."""
    if not (pieces or "PRIVATE KEY" in text) or not may_hold_key(text):
        return
    for match in any_key().finditer(encodable(text)):
        kind = str(match.lastgroup)
        if kind not in _WEAK or any(_mixed(piece) for piece in _PIECE.findall(match.group())):
            yield kind, match.start(), match.end()


def _mixed(piece: str) -> bool:
    return any(c.isdigit() for c in piece) and any(c.isalpha() for c in piece)
