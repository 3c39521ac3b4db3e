"""Collect everything that is wrong with a configuration, so that it can be said at once and in order."""

from __future__ import annotations

import json
from typing import Any

from evalgate.core.document import Document, KeyPath
from evalgate.core.errors import BadInput, Problem

MAX_FAULTS = 100
MAX_ENTRIES = 1_000
SHOWN = 60


class Faults:
    """A list of problems that belong to one document."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.found: list[tuple[int, Problem]] = []

    def add(self, path: KeyPath, message: str, hint: str | None = None) -> None:
        """Note a fault at a key path; the message is a full sentence that names the key itself."""
        self.found.append((self._line(path), Problem(message, self.document.place(*path), hint)))

    def add_at(self, place: str, message: str, hint: str | None = None) -> None:
        """Note a fault at a place that is known as text (`file:line`)."""
        line = place.rpartition(":")[2]
        self.found.append((int(line) if line.isdecimal() else 0, Problem(message, place, hint)))

    def too_many(self, path: KeyPath, entries: list[Any]) -> bool:
        """Whether a list is longer than any gate needs, which is noted: checking it would take for ever."""
        if len(entries) <= MAX_ENTRIES:
            return False
        self.add(path, f"{key_text(path)} has {len(entries):,} entries", f"at most {MAX_ENTRIES:,} are read")
        return True

    def raise_if_any(self) -> None:
        """Raise all of them, in the order of the file.

        Raises:
            BadInput: at least one fault was noted.
        """
        if self.found:
            ordered = sorted(self.found, key=lambda fault: fault[0])
            raise BadInput([problem for _, problem in ordered[:MAX_FAULTS]])

    def _line(self, path: KeyPath) -> int:
        lines = self.document.lines
        return next((lines[path[:n]] for n in range(len(path), -1, -1) if path[:n] in lines), 0)


def key_text(path: KeyPath) -> str:
    """A key path as people write it: `thresholds[2].max`, the first item being 0."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{clipped(part)}" if text else clipped(part)
    return text or "the configuration"


def unknown_key(path: KeyPath) -> str:
    """What is said of a key that means nothing: the place of it, and the key once."""
    above = f"{key_text(path[:-1])}: " if path[:-1] else ""
    return f"{above}unknown key {clipped(str(path[-1]))!r}"


def shown(value: Any) -> str:
    """A value as a message shows it: what kind of thing it is, and its beginning."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return f"the number {value}"
    if isinstance(value, str):
        return f"the text {json.dumps(clipped(value), ensure_ascii=False)}"
    return f"a list of {len(value)}" if isinstance(value, list) else "a mapping"


def clipped(text: str) -> str:
    """A text short enough for a message."""
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
