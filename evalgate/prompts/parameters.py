"""The model parameters and the answer format of a prompt file, under the names that requests use."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

from evalgate.core.canonical import MAX_SAFE_INTEGER
from evalgate.core.document import Document
from evalgate.core.errors import Problem
from evalgate.core.plugins import suggestion

FORMATS = ("text", "json_object", "json_schema")
_SCHEMA_HINT = 'jsonSchema is a text holding JSON: {"name": "answer", "schema": {…}}'


def read_parameters(
    document: Document,
    problems: list[Problem],
    path: tuple[str, ...] = ("modelParameters",),
    names: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The model parameters at a key path by their wire names; what is wrong is added to `problems`.

    `names` maps the keys of the file to the rules of GitHub Models' names; None: they are those names.
    """
    given = _at(document.value, path)
    if given is None and path[-1] not in (_at(document.value, path[:-1]) or {}):
        return {}
    if not isinstance(given, dict):
        problems.append(Problem(f"{path[-1]} must be a mapping", document.place(*path)))
        return {}
    known = {key: key for key in _GITHUB} if names is None else names
    found: dict[str, Any] = {}
    for key, value in given.items():
        where = document.place(*path, key)
        rule = _RULES.get(known.get(key, "")) if isinstance(key, str) else None
        if rule is None:
            problems.append(Problem(f"unknown model parameter {key!r}", where, suggestion(str(key), sorted(known))))
            continue
        name, accepts, wanted = rule
        if not accepts(value):
            problems.append(Problem(f"{key} must be {wanted}, not {value!r}", where))
        elif name in found:
            problems.append(Problem(f"{key} is given twice under two names", where, "keep maxCompletionTokens"))
        else:
            found[name] = value
    return found


def json_schema_format(schema: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The request parameters that ask for an answer of this schema."""
    return {"response_format": {"type": "json_schema", "json_schema": {"name": name, "schema": dict(schema)}}}


def _at(value: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def read_format(document: Document, problems: list[Problem]) -> tuple[dict[str, Any], Mapping[str, Any] | None]:
    """`responseFormat` and `jsonSchema`.

    Returns: the request parameters they stand for, and the schema of the answer (None without one).
    """
    chosen = document.value.get("responseFormat", "text")
    if chosen not in FORMATS:
        hint = suggestion(str(chosen), FORMATS)
        problems.append(Problem(f"unknown responseFormat {chosen!r}", document.place("responseFormat"), hint))
        return {}, None
    if (chosen == "json_schema") != ("jsonSchema" in document.value):
        place = document.place("responseFormat" if chosen == "json_schema" else "jsonSchema")
        problems.append(Problem("responseFormat: json_schema and jsonSchema belong together", place, _SCHEMA_HINT))
        return {}, None
    if chosen == "json_schema":
        return _schema(document, problems)
    return ({} if chosen == "text" else {"response_format": {"type": chosen}}), None


def _schema(document: Document, problems: list[Problem]) -> tuple[dict[str, Any], Mapping[str, Any] | None]:
    where = document.place("jsonSchema")
    text = document.value["jsonSchema"]
    if not isinstance(text, str):
        problems.append(Problem("jsonSchema must be a text", where, _SCHEMA_HINT))
        return {}, None
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        problems.append(Problem(f"jsonSchema is not JSON: {error}", where, _SCHEMA_HINT))
        return {}, None
    schema = value.get("schema") if isinstance(value, dict) else None
    if not isinstance(schema, dict) or not isinstance(value.get("name"), str) or not value["name"]:
        problems.append(Problem("jsonSchema needs a name and a schema", where, _SCHEMA_HINT))
        return {}, None
    return {"response_format": {"type": "json_schema", "json_schema": value}}, schema


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in found if names.count(name) > 1)
        raise ValueError(f"the key {twice!r} stands twice in one object")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON value")


def _number(low: float, high: float) -> Callable[[Any], bool]:
    def accepts(value: Any) -> bool:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return False
        return math.isfinite(value) and low <= value <= high

    return accepts


def _whole(low: int) -> Callable[[Any], bool]:
    def accepts(value: Any) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and low <= value <= MAX_SAFE_INTEGER

    return accepts


def _stop(value: Any) -> bool:
    texts = value if isinstance(value, list) else [value]
    return bool(texts) and all(isinstance(text, str) and text for text in texts)


_GITHUB = (
    "maxCompletionTokens",
    "maxTokens",
    "temperature",
    "topP",
    "seed",
    "stop",
    "frequencyPenalty",
    "presencePenalty",
)
_RULES: Mapping[str, tuple[str, Callable[[Any], bool], str]] = {
    "maxCompletionTokens": ("max_tokens", _whole(1), "a whole number of at least 1"),
    "maxTokens": ("max_tokens", _whole(1), "a whole number of at least 1"),
    "temperature": ("temperature", _number(0, 2), "a number from 0 to 2"),
    "topP": ("top_p", _number(0, 1), "a number from 0 to 1"),
    "topK": ("top_k", _whole(1), "a whole number of at least 1"),
    "seed": ("seed", _whole(-MAX_SAFE_INTEGER), "a whole number"),
    "stop": ("stop", _stop, "a text or a list of texts, none of them empty"),
    "frequencyPenalty": ("frequency_penalty", _number(-2, 2), "a number from -2 to 2"),
    "presencePenalty": ("presence_penalty", _number(-2, 2), "a number from -2 to 2"),
}
