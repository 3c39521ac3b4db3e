"""Texts of a case as the health checks compare them: without differences of Unicode form, white space and case."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator
from typing import Any

COLUMN_BREAK = "\n"
"""Stands between the columns of a joined text; a folded text has no line break of its own."""


def text_of(value: Any) -> str:
    """A value as text: texts as they are, anything else as JSON with sorted keys."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def folded(text: str) -> str:
    """A text for comparison: NFKC, case folded, white space as single spaces.

    Source: compatibility caseless matching, Unicode Standard chapter 3.13 (D146), with white space added.
    """
    return both_forms(text)[1]


def both_forms(text: str) -> tuple[str, str]:
    """A text for the strictest comparison, and folded.

    The first is NFC with single spaces and nothing more, so that `2²` and `22`, `us` and `US` stay apart.
    """
    if text.isascii():
        exact = " ".join(text.split())
        return exact, exact.lower()
    # Folding case can undo normalisation, so it is normalised again.
    alike = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return " ".join(unicodedata.normalize("NFC", text).split()), " ".join(alike.split())


def texts_in(value: Any) -> Iterator[str]:
    """Every text inside a JSON value, keys of objects included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, item in value.items():
            yield str(name)
            yield from texts_in(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from texts_in(item)
