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


def variables(source: Source) -> Iterator[tuple[Part, re.Match[str]]]:
    """Every variable that stands in double braces, with its message; group 1 is its name.

    Where the template has logic, names of its own (of a loop, of the language) are left out.
    """
    prompt = source.prompt
    own = None if prompt is None or prompt.engine == "plain" else set(prompt.placeholders)
    for part in source.outline.parts:
        for found in PLACEHOLDER.finditer(part.content) if "{{" in part.content else ():
            if own is None or found.group(1) in own or found.group(1).split(".")[0] in own:
                yield part, found


def walk(value: Any, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Any]]:
    """Every value of a document with its path, containers first."""
    yield path, value
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from walk(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from walk(item, (*path, index))
