"""Secrets without quotes behind a telling name, as `.env` and YAML files write them: `DB_PASSWORD=hunter2024`.

detect-secrets looks for these only in files whose name says configuration; an answer has no name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from evalgate.safety.plain_bytes import SPACE, as_bytes, byte_pattern, folded
from evalgate.safety.rule_places import Place
from evalgate.safety.secret_filters import is_harmless

UNQUOTED = "unquoted_secret"
SHORTEST = 6
"""A value needs that many letters and digits in a row, of both kinds: `hunter2024`, not `see-section-4b`."""
_NAMES = "(?:api|auth|access|private|secret)[_ -]?key|secret|password|passwd|passphrase|pwd|token"
_MARKS = ("key", "secret", "pass", "pwd", "token")
_ASSIGNED = (
    rf"(?:^|[^0-9A-Za-z]|_)(?:(?:{_NAMES})(?:_[0-9A-Za-z_]{{1,30}})?[*`]{{0,2}}{SPACE}?[:=][*`]{{0,2}}{SPACE}?[*`]{{0,2}}|pass=)"
    rf"(?:([^\t-\x20\x85'\"`,;<>{{}}()\[\]$*|\\/]{{{SHORTEST},200}})|([0-9A-Za-z+/]{{20,200}}={{0,2}}))(?:[\t-\x20,;.`'\"*)]|$)"
)
"""Chat answers are Markdown: marks may stand around the name and the value. A value with slashes has the letters of Base64."""
_PIECE = re.compile(rf"[^\W_]{{{SHORTEST},}}")
_LONG_WORD = re.compile(r"[a-z]{7,}|[A-Z][a-z]{5,}")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T")


def unquoted_places(text: str) -> Iterator[Place]:
    """Values that are assigned without quotes and look made up."""
    if not ("=" in text or ":" in text) or not any(mark in folded(text) for mark in _MARKS):
        return
    for match in byte_pattern(_ASSIGNED, True).finditer(as_bytes(text, True)):
        start, end = match.span(1) if match.span(1)[0] >= 0 else match.span(2)
        value = text[start:end].rstrip(".!?:")
        if _looks_made_up(value) and ("/" not in value or _is_mixed(value)):
            yield UNQUOTED, start, start + len(value)


def _is_mixed(value: str) -> bool:
    """Whether a value with slashes is no path: many different characters, of all kinds, and no long word among them."""
    kinds = (str.isdigit, str.isupper, str.islower)
    return len(set(value)) >= 14 and all(any(map(kind, value)) for kind in kinds) and _LONG_WORD.search(value) is None


def _looks_made_up(value: str) -> bool:
    if _TIME.match(value) or is_harmless(value):
        return False
    return any(any(c.isdigit() for c in piece) and any(c.isalpha() for c in piece) for piece in _PIECE.findall(value))
