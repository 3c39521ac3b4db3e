"""The inputs and outputs that a `.prompty` file declares, as JSON Schema."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from evalgate.core.document import Document
from evalgate.core.errors import Problem
from evalgate.core.plugins import suggestion
from evalgate.prompts.values import Input

_KINDS = {
    "string": "string",
    "integer": "integer",
    "float": "number",
    "number": "number",
    "boolean": "boolean",
    "array": "array",
    "object": "object",
}
_KEYS = (
    "name",
    "kind",
    "description",
    "required",
    "nullable",
    "default",
    "example",
    "enumValues",
    "items",
    "properties",
    "strict",
)
_KEYS_V1 = ("name", "type", "description", "required", "is_required", "default", "sample", "enum", "items", "properties")
_Path = tuple[str | int, ...]


def declared_inputs(document: Document, problems: list[Problem], *, old: bool) -> tuple[Input, ...] | None:
    """`inputs` of either version; None where the file declares none.

    An input without a default is required unless it says `required: false`: a column missing from a dataset must not pass
    as an empty text.
    """
    given = document.value.get("inputs")
    if given is None:
        return None
    return tuple(_input(document, name, path, problems, old=old) for name, path in _named(document, ("inputs",), problems))


def object_schema(document: Document, path: _Path, problems: list[Problem], *, old: bool) -> dict[str, Any]:
    """The JSON Schema of an object whose properties stand at a key path."""
    properties: dict[str, Any] = {}
    required: list[str] = []
    for name, place in _named(document, path, problems):
        value = _at(document.value, place)
        properties[name] = _schema(document, place, problems, old=old)
        if isinstance(value, dict) and (value.get("required") or value.get("is_required")):
            required.append(name)
    schema: dict[str, Any] = {"type": "object", "properties": properties}
    return {**schema, "required": required} if required else schema


def _named(document: Document, path: _Path, problems: list[Problem]) -> Iterator[tuple[str, _Path]]:
    """Name and key path of every property: of a mapping, or of a list whose items have names."""
    given = _at(document.value, path)
    if isinstance(given, dict):
        yield from ((str(name), (*path, name)) for name in given)
        return
    if not isinstance(given, list):
        problems.append(Problem(f"{path[-1]} must be a mapping or a list", document.place(*path)))
        return
    seen: set[str] = set()
    for index, item in enumerate(given):
        name = item.get("name") if isinstance(item, dict) else None
        if not isinstance(name, str) or not name or name in seen:
            said = f"{name!r} stands twice" if isinstance(name, str) and name in seen else "it needs a name"
            problems.append(Problem(f"item {index + 1} of {path[-1]}: {said}", document.place(*path, index)))
            continue
        seen.add(name)
        yield name, (*path, index)


def _input(document: Document, name: str, path: _Path, problems: list[Problem], *, old: bool) -> Input:
    value = _at(document.value, path)
    line = document.lines.get(path)
    schema = _schema(document, path, problems, old=old)
    if not isinstance(value, dict):
        return Input(name, schema, example=value, line=line)
    required = value.get("required", value.get("is_required", value.get("default") is None))
    if not isinstance(required, bool):
        problems.append(Problem("required must be true or false", document.place(*path, "required")))
    description = str(value.get("description") or "")
    example = value.get("example", value.get("sample"))
    return Input(name, schema, bool(required), value.get("default"), description, example, line)


def _schema(document: Document, path: _Path, problems: list[Problem], *, old: bool) -> dict[str, Any]:
    value = _at(document.value, path)
    if not isinstance(value, dict):
        return _inferred(value, document, path, problems)
    known = _KEYS_V1 if old else _KEYS
    problems += [
        Problem(f"unknown key {key!r}", document.place(*path, key), suggestion(str(key), known))
        for key in value
        if key not in known
    ]
    word = "type" if old else "kind"
    kind = value.get(word)
    if kind is not None and (not isinstance(kind, str) or kind not in _KINDS):
        hint = "evalgate sends texts" if kind in ("image", "file", "audio", "thread") else suggestion(str(kind), list(_KINDS))
        problems.append(Problem(f"{word} {kind!r} is not read", document.place(*path, word), hint))
        return {}
    schema: dict[str, Any] = {} if kind is None else {"type": _KINDS[kind]}
    if value.get("nullable") is True and kind is not None:
        schema["type"] = [_KINDS[kind], "null"]
    values = value.get("enumValues", value.get("enum"))
    if isinstance(values, list):
        schema["enum"] = values
    if isinstance(value.get("description"), str) and path[0] == "outputs":
        schema["description"] = value["description"]
    if kind == "array" and isinstance(value.get("items"), dict):
        schema["items"] = _schema(document, (*path, "items"), problems, old=old)
    if kind == "object" and value.get("properties"):
        schema |= object_schema(document, (*path, "properties"), problems, old=old)
    return schema


def _inferred(value: Any, document: Document, path: _Path, problems: list[Problem]) -> dict[str, Any]:
    """The short form `name: example`: the kind is that of the example."""
    for kind, name in ((bool, "boolean"), (int, "integer"), (float, "number"), (str, "string"), (list, "array")):
        if isinstance(value, kind):
            return {"type": name}
    problems.append(Problem("an input is a mapping or an example", document.place(*path), "name: {kind: string}"))
    return {}


def _at(value: Any, path: _Path) -> Any:
    for key in path:
        value = value[key]
    return value
