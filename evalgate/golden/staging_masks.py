"""Secrets and personal data masked in values that come from production, before anything of them is kept or shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from evalgate.core.patterns import encodable
from evalgate.core.personal_data import KINDS, luhn, personal_data
from evalgate.core.secret_texts import secrets_in

_KEY = "key or token"
_CARD = "payment card number"
_CARD_DIGITS = range(13, 20)


@dataclass(slots=True)
class Masks:
    """Masks values and counts what was masked; the same input always gives the same output."""

    secrets: Callable[[str], str]
    """Takes secrets out of a text."""
    found: Counter[str] = field(default_factory=Counter)
    """Kind → how often, since the counter was last emptied."""

    def value(self, value: Any) -> Any:
        """A JSON value with every text in it masked, keys of objects included."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(str(name)): self.value(item) for name, item in value.items()}
        if isinstance(value, list):
            return [self.value(item) for item in value]
        if isinstance(value, int) and not isinstance(value, bool) and _is_card_number(value):
            self.found[_CARD] += 1
            return _placeholder(_CARD)
        return value

    def text(self, text: str) -> str:
        """A text with `[redacted:KIND]` for what looks like a secret or like personal data."""
        safe = self.secrets(text)
        if safe != text:
            self.found[_KEY] += max(1, safe.count("[redacted") - text.count("[redacted"))
        safe = self._without_written(encodable(safe))
        for kind in KINDS:
            safe = self._without(kind, encodable(safe))
        return safe

    def _without_written(self, text: str) -> str:
        """A text without passwords that only what stands beside them gives away."""
        kept, position = [], 0
        for _, start, end in secrets_in(text):
            kept += [text[position:start], _placeholder(_KEY)]
            position = end
            self.found[_KEY] += 1
        return "".join([*kept, text[position:]]) if kept else text

    def _without(self, kind: str, text: str) -> str:
        kept, position = [], 0
        for start, end in personal_data(kind, text):
            while start < end and not (text[start].isalnum() or text[start] in "+("):
                start += 1  # a pattern may begin with the character before
            kept += [text[position:start], _placeholder(kind)]
            position = end
            self.found[kind] += 1
        return "".join([*kept, text[position:]]) if kept else text


def _placeholder(kind: str) -> str:
    return f"[redacted:{kind.lower().replace(' ', '-')}]"


def _is_card_number(value: int) -> bool:
    digits = str(value)
    return value > 0 and len(digits) in _CARD_DIGITS and luhn(digits)
