"""Which rule speaks about which problem that a reader of prompt files reports: every problem belongs to exactly one."""

from __future__ import annotations

import re
from collections.abc import Iterator

from evalgate.core.errors import Problem
from evalgate.prompts.lint.values import Source

UNREADABLE = "unreadable"
DUPLICATE = "duplicate"
HIDDEN = "hidden"
BRACES = "braces"
UNSAFE = "unsafe"
NO_SCHEMA = "no schema"
SCHEMA = "schema"
PARAMETER = "parameter"
_KINDS = (
    (re.compile(r"\bkey .* is given twice|the key .* stands twice|^duplicate key"), DUPLICATE),
    (re.compile(r"holds (a NUL character|the invisible character)"), HIDDEN),
    (re.compile(r"is not a placeholder"), BRACES),
    (
        re.compile(
            r": refused\Z|^the (?:attribute|name|filter|test) .* is refused\Z|^attribute= of a filter is refused"
            r"|^recursive loops are refused|^set takes one name"
        ),
        UNSAFE,
    ),
    (re.compile(r"json_schema and jsonSchema belong together"), NO_SCHEMA),
    (re.compile(r"\bjsonSchema\b|\bschema\b"), SCHEMA),
    (
        re.compile(
            r"model parameter|responseFormat"
            r"|^(max\w*Tokens|temperature|topP|topK|seed|stop\w*|frequencyPenalty|presencePenalty)\b"
        ),
        PARAMETER,
    ),
)
_PLACE = re.compile(r":([1-9][0-9]*)\Z")


def kind_of(problem: Problem) -> str:
    """The kind of a problem; `unreadable` for everything that has no rule of its own."""
    return next((kind for pattern, kind in _KINDS if pattern.search(problem.message)), UNREADABLE)


def of_kind(source: Source, kind: str) -> Iterator[Problem]:
    """The problems of one kind, each once."""
    return (problem for problem in dict.fromkeys(source.problems) if kind_of(problem) == kind)


def line_in(problem: Problem) -> int:
    """The line a problem names; 1 when it names none."""
    found = _PLACE.search(problem.where or "")
    return int(found.group(1)) if found else 1
