"""A parsed file that remembers on which line everything stood, so that every error can name its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

KeyPath = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """Plain values (None, bool, int, float, str, list, dict) with the line of every key and item."""

    value: Any
    lines: Mapping[KeyPath, int]
    """Path of keys and indices → line, counted from 1; `()` is the document itself."""
    name: str
    """The file as a user would name it."""
    below: Mapping[KeyPath, int] = field(default_factory=dict)
    """Where a value begins on a later line than its key: every block text (`|` or `>`), and what is written below the key."""

    def text_line(self, *path: str | int) -> int | None:
        """The line on which the text of a key begins, behind the key or below it; None when there is no such key."""
        return self.below.get(path) or self.lines.get(path)

    def place(self, *path: str | int) -> str:
        """`file:line` of a key path; the nearest enclosing place when the path itself has none."""
        for length in range(len(path), -1, -1):
            line = self.lines.get(path[:length])
            if line is not None:
                return f"{self.name}:{line}"
        return self.name
