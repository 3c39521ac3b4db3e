"""What several rules and repairs look for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from evalgate.core.document import KeyPath
from evalgate.prompts.lint.values import Part, Source

OLD_TOKENS = re.compile(r"(?:^|[\s{,])(maxTokens)(?=[ ]*:)")
PLACEHOLDER = re.compile(r"\{\{\{?[&~]?[ \t]*([A-Za-z_][\w.-]*)[ \t]*~?\}?\}\}")
"""A variable, however it is written: `{{name}}`, `{{ name }}`, `{{{name}}}`."""
_DOUBTFUL = frozenset(("yes", "no", "on", "off", "y", "n"))


def old_token_lines(source: Source) -> tuple[int, ...]:
    """Lines that hold `maxTokens` as a parameter of a GitHub prompt; in a file whose YAML cannot be read, every line may."""
    if source.document is None:
        return tuple(number for number in range(1, len(source.lines) + 1) if number not in source.quiet)
    line = source.document.lines.get(("modelParameters", "maxTokens"))
    return () if line is None else (line,)


def doubtful_words(source: Source) -> Iterator[tuple[int, int, str]]:
    """Line, column and text of each unquoted value that YAML 1.1 reads as true or false.

    Source: YAML 1.1, https://yaml.org/type/bool.html
    """
    if source.document is None:
        return
    seen: set[tuple[int, int]] = set()
    for path, value in walk(source.document.value):
        if not isinstance(value, str) or value.lower() not in _DOUBTFUL:
            continue
        number = source.line_of(*path)
        unquoted = re.compile(rf"(?<=[\s:\[{{,-]){re.escape(value)}(?=[ \t\r]*(?:\Z|[,\]}}]|[ \t]#))")
        for found in unquoted.finditer(source.lines[number - 1]) if number <= len(source.lines) else ():
            if (number, found.start()) not in seen:
                seen.add((number, found.start()))
                yield number, found.start() + 1, value
                break


def variables(source: Source) -> Iterator[tuple[Part, re.Match[str], tuple[int, int]]]:
    """Every variable that stands in double braces: its message, the match (group 1 is its name), line and column.

    Where the template has logic, names of its own (of a loop, of the language) are left out.
    """
    prompt = source.prompt
    own = None if prompt is None or prompt.engine == "plain" else set(prompt.placeholders)
    for part in source.outline.parts:
        if "{{" not in part.content:
            continue
        found = list(PLACEHOLDER.finditer(part.content))
        for match, place in zip(found, _places(source, part, found), strict=True):
            if own is None or match.group(1) in own or match.group(1).split(".")[0] in own:
                yield part, match, place


def _places(source: Source, part: Part, found: list[re.Match[str]]) -> list[tuple[int, int]]:
    """Where variables stand in the file: read in one pass, since a message may hold very many."""
    written = [
        (match.group(), number, match.start() + 1)
        for number in range(part.line, min(part.last, len(source.lines)) + 1)
        for match in PLACEHOLDER.finditer(source.lines[number - 1])
    ]
    position, places = 0, []
    for match in found:
        # A folded or escaped text may write a variable otherwise; a chat file holds other messages between.
        step = next((i for i in range(position, min(position + 50, len(written))) if written[i][0] == match.group()), None)
        if step is None:
            places.append((part.line, 1))
            continue
        places.append((written[step][1], written[step][2]))
        position = step + 1
    return places


def walk(value: Any, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Any]]:
    """Every value of a document with its path, containers first."""
    yield path, value
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from walk(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from walk(item, (*path, index))
