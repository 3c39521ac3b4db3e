"""Cut a text into the pieces of a stream, and write events as server-sent events."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

MOST = 2_000
"""Pieces of a text at most: a text of a megabyte is not sent word by word."""
_WORD = re.compile(r"\S{1,64}\s{0,64}|\s{1,64}")


def pieces(text: str) -> Iterator[str]:
    """Words with the white space behind them; joined they are the text again, character for character."""
    words = _WORD.findall(text)
    together = max(1, -(-len(words) // MOST))
    for at in range(0, len(words), together):
        yield "".join(words[at : at + together])


def event(data: Mapping[str, Any], name: str | None = None) -> bytes:
    """One server-sent event.

    Everything beyond ASCII is escaped: some clients split lines at U+2028 or U+0085, which are no line ends here.
    """
    head = f"event: {name}\n" if name is not None else ""
    return f"{head}data: {json.dumps(data, separators=(',', ':'), allow_nan=False)}\n\n".encode("ascii")
