"""When what looks like a secret is none: the filters of detect-secrets, in linear time.

Left out are the two by which a text could excuse itself (the `pragma: allowlist secret` comment, names of files): what a
model writes must not switch its own check off. Those that judge by the rest of the line apply only to quoted strings, for
a key in a service's format is a key wherever it stands.
Source: detect-secrets 1.5, filters.heuristic.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from evalgate.safety.plain_bytes import SPACE, WORD, as_bytes, byte_pattern

LONGEST_REFERENCE = 1_000
"""A longer line is no `secret = function(…)`. The library's limit."""
LONGEST_ID_LINE = 10_000
"""In a longer line names of identifiers excuse nothing: asking about each of thousands of strings would take too long."""

_ID = re.compile(r"(?:^(?:my|user)?id|_id)s?[^a-z0-9]", re.IGNORECASE)


@dataclass(slots=True)
class LineFilter:
    """What the rest of a line says of the quoted strings in it."""

    line: str
    _reference: bool | None = None
    _first_id: int | None = None

    def excuses(self, value: str, start: int) -> bool:
        """Whether a quoted string is an identifier's, or the line calls a function for its secret."""
        return self._is_reference() or self._is_id(value, start)

    def _is_reference(self) -> bool:
        if self._reference is None:
            short = len(self.line) <= LONGEST_REFERENCE
            self._reference = short and _reference().search(as_bytes(self.line, False)) is not None
        return self._reference

    def _is_id(self, value: str, start: int) -> bool:
        if len(self.line) > LONGEST_ID_LINE:
            return False
        if self._first_id is None:
            found = _ID.search(self.line)
            self._first_id = len(self.line) + 1 if found is None else found.end()
        if start < self._first_id:
            return False
        # The library asks where the string stands first.
        return self.line.find(value, 0, self._first_id + len(value) - 1) < 0


def is_harmless(value: str) -> bool:
    """Whether a value is a placeholder, a sequence, a UUID, or without a single letter."""
    return any(check(value) for check in _checks())


@lru_cache(maxsize=1)
def _checks() -> tuple[Any, ...]:
    from detect_secrets.filters import heuristic

    return (
        heuristic.is_not_alphanumeric_string,
        heuristic.is_templated_secret,
        heuristic.is_prefixed_with_dollar_sign,
        heuristic.is_potential_uuid,
        heuristic.is_sequential_string,
    )


@lru_cache(maxsize=1)
def _reference() -> Any:
    word = WORD.replace("]", ".-]")
    return byte_pattern(rf"[:=!]{SPACE}*{word}+[\[(][^\x0b]*[\])]")
