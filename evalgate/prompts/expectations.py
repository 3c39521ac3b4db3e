"""Properties that rendered messages must have: what a test of a template may expect."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalgate.core.document import Document, KeyPath
from evalgate.core.errors import BadInput, Problem
from evalgate.core.patterns import compile_pattern
from evalgate.core.plugins import suggestion
from evalgate.prompts.prompt_file import ROLES
from evalgate.prompts.values import Message

SELECTORS = ("role", "message")
TEXTS = ("contains", "not_contains", "equals")
PATTERNS = ("matches", "not_matches")
COUNTS = ("count", "max_characters", "max_tokens")
CHECKS = (*TEXTS, *PATTERNS, *COUNTS)
_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Expectation:
    """Of the selected messages, all checks must hold."""

    checks: Mapping[str, Any]
    role: str | None = None
    number: int | None = None
    """Counted from 1; from the end when negative."""


def estimated_tokens(text: str) -> int:
    """Tokens of a text, estimated without a tokenizer: a third of its UTF-8 bytes, rounded up.

    More than common tokenizers count for prose in European languages, so a bound that holds here holds there.
    """
    return -(-len(text.encode("utf-8", "surrogatepass")) // 3)


def read_expectations(document: Document, path: KeyPath, problems: list[Problem]) -> tuple[Expectation, ...]:
    """The list of expectations at a place of a test file; what is wrong is added to `problems`."""
    value = document.value
    for key in path:
        value = value[key]
    if not isinstance(value, list) or not value:
        hint = "expect: [{contains: …}, {role: system, max_characters: 500}]"
        problems.append(Problem("expect must be a list of expectations", document.place(*path), hint))
        return ()
    found = (_expectation(document, (*path, index), given, problems) for index, given in enumerate(value))
    return tuple(expectation for expectation in found if expectation is not None)


def _expectation(document: Document, path: KeyPath, given: Any, problems: list[Problem]) -> Expectation | None:
    place = document.place(*path)
    if not isinstance(given, dict):
        problems.append(Problem("an expectation is a mapping such as {contains: …}", place))
        return None
    before = len(problems)
    known = (*SELECTORS, *CHECKS)
    problems += [
        Problem(f"unknown key {key!r}", document.place(*path, key), suggestion(str(key), known))
        for key in given
        if key not in known
    ]
    checks = {key: given[key] for key in CHECKS if key in given}
    if not checks and len(problems) == before:
        problems.append(Problem("the expectation checks nothing", place, f"add one of: {', '.join(CHECKS)}"))
    for key, value in checks.items():
        problems += _check_faults(key, value, document.place(*path, key))
    role, number = given.get("role"), given.get("message")
    if "role" in given and role not in ROLES:
        problems.append(Problem(f"unknown role {role!r}", document.place(*path, "role"), suggestion(str(role), ROLES)))
    if "message" in given and (isinstance(number, bool) or not isinstance(number, int) or number == 0):
        problems.append(Problem("message is a number: 1 is the first, -1 the last", document.place(*path, "message")))
    return Expectation(checks, role, number) if len(problems) == before else None


def _check_faults(key: str, value: Any, place: str) -> list[Problem]:
    if key in COUNTS:
        fits = isinstance(value, int) and not isinstance(value, bool) and value >= (0 if key == "count" else 1)
        return [] if fits else [Problem(f"{key} must be a whole number", place)]
    if key == "equals":
        return [] if isinstance(value, str) else [Problem("equals must be a text", place, "put it in quotes")]
    texts = _several(value)
    if not texts or not all(isinstance(text, str) and text for text in texts):
        return [Problem(f"{key} must be a text or a list of texts, none of them empty", place, "put it in quotes")]
    if key not in PATTERNS:
        return []
    found: list[Problem] = []
    for text in texts:
        try:
            compile_pattern(text, where=place)
        except BadInput as error:
            found.extend(error.problems)
    return found


def failures_of(expectation: Expectation, messages: Sequence[Message]) -> list[str]:
    """What does not hold, one sentence for each check; empty: everything holds."""
    chosen = _selected(expectation, messages)
    whose = _whose(expectation)
    count = expectation.checks.get("count")
    found = [] if count is None or count == len(chosen) else [f"{whose}: {len(chosen)} messages, expected {count}"]
    others = {key: value for key, value in expectation.checks.items() if key != "count"}
    if others and not chosen:
        # "Nothing says X" must not hold because there is nothing.
        return found or [f"{whose}: there is no such message"]
    contents = [message.content for message in chosen]
    for key, value in others.items():
        found += [f"{whose}: {said}" for said in _JUDGES[key](value, contents)]
    return found


def _selected(expectation: Expectation, messages: Sequence[Message]) -> list[Message]:
    chosen = [message for message in messages if expectation.role in (None, message.role)]
    if expectation.number is None:
        return chosen
    index = expectation.number - 1 if expectation.number > 0 else expectation.number
    return [chosen[index]] if -len(chosen) <= index < len(chosen) else []


def _whose(expectation: Expectation) -> str:
    role = f"{expectation.role} messages" if expectation.role else "messages"
    return role if expectation.number is None else f"{role}, number {expectation.number}"


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _short(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…")


def _contains(value: Any, contents: list[str]) -> list[str]:
    return [f"none contains {_short(text)}" for text in _several(value) if not any(text in content for content in contents)]


def _not_contains(value: Any, contents: list[str]) -> list[str]:
    return [f"one contains {_short(text)}" for text in _several(value) if any(text in content for content in contents)]


def _equals(value: Any, contents: list[str]) -> list[str]:
    if value in contents:
        return []
    was = f", but {_short(contents[0])}" if len(contents) == 1 else ""
    return [f"none is {_short(value)}{was}"]


def _matches(value: Any, contents: list[str]) -> list[str]:
    wanted = [(text, compile_pattern(text)) for text in _several(value)]
    return [f"none matches {text!r}" for text, pattern in wanted if not any(pattern.found_in(content) for content in contents)]


def _not_matches(value: Any, contents: list[str]) -> list[str]:
    wanted = [(text, compile_pattern(text)) for text in _several(value)]
    return [f"one matches {text!r}" for text, pattern in wanted if any(pattern.found_in(content) for content in contents)]


def _max_characters(value: int, contents: list[str]) -> list[str]:
    count = sum(map(len, contents))
    return [] if count <= value else [f"{count:,} characters, at most {value:,} were expected"]


def _max_tokens(value: int, contents: list[str]) -> list[str]:
    count = sum(map(estimated_tokens, contents))
    return [] if count <= value else [f"about {count:,} tokens (estimate), at most {value:,} were expected"]


_JUDGES: Mapping[str, Callable[[Any, list[str]], list[str]]] = {
    "contains": _contains,
    "not_contains": _not_contains,
    "equals": _equals,
    "matches": _matches,
    "not_matches": _not_matches,
    "max_characters": _max_characters,
    "max_tokens": _max_tokens,
}
