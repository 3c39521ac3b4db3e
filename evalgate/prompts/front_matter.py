"""Prompt files that begin with YAML between two lines of dashes: split, with the lines of both halves kept."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from evalgate.core.document import Document
from evalgate.core.errors import BadInput, Problem

_FENCE = re.compile(r"(---|\+\+\+)[ \t]*\Z")
_REFERENCE = re.compile(r"\$\{\s*(env|file)\s*:", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Split:
    """The two halves of a file."""

    yaml: str | None
    """The front matter, with one empty line for each line before it, so that line numbers are those of the file."""
    body: str
    body_line: int
    """Line of the file on which the body begins."""


def split_front_matter(text: str, name: str, *, comments: bool = False) -> Split:
    """Split a file at its fences (`---`, or `+++`); `comments` allows lines with `#` before the first.

    Line breaks become `\\n`. A file without front matter is all body.
    Raises: BadInput when the front matter is never closed.
    """
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    start = _opening(lines, comments)
    if start is None:
        return Split(None, "\n".join(lines), 1)
    fence = lines[start].strip()
    for number in range(start + 1, len(lines)):
        if _FENCE.match(lines[number]) and lines[number].strip() == fence:
            matter = "\n" * (start + 1) + "\n".join(lines[start + 1 : number])
            return Split(matter, "\n".join(lines[number + 1 :]), number + 2)
    raise BadInput("the front matter is never closed", where=f"{name}:{start + 1}", hint=f"end it with a line {fence}")


def refused_references(document: Document, skipped: tuple[tuple[str, ...], ...] = ()) -> list[Problem]:
    """`${env:…}` and `${file:…}`: a prompt reads neither the environment nor other files.

    Key paths in `skipped` are never used, so `${env:…}` may stand there; it is not resolved.
    """
    problems = []
    for path, text in _texts(document.value, ()):
        found = _REFERENCE.search(text)
        if found is None or (found.group(1).lower() == "env" and any(path[: len(skip)] == skip for skip in skipped)):
            continue
        kind = found.group(1).lower()
        what = "the environment" if kind == "env" else "other files"
        hint = "write the value itself; secrets and addresses belong to the models of the configuration"
        problems.append(Problem(f"${{{kind}:…}} is refused: a prompt does not read {what}", document.place(*path), hint))
    return problems


def _opening(lines: list[str], comments: bool) -> int | None:
    for number, line in enumerate(lines):
        if _FENCE.match(line):
            return number
        if line.strip() and not (comments and line.startswith("#")):
            return None
    return None


def _texts(value: Any, path: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _texts(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, (*path, index))
