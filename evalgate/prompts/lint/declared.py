"""The variables a prompt file declares, in the notation of each format."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalgate.core.document import Document, KeyPath
from evalgate.prompts.values import Input

_KINDS = {
    "string": "string",
    "text": "string",
    "integer": "integer",
    "int": "integer",
    "float": "number",
    "number": "number",
    "boolean": "boolean",
    "bool": "boolean",
    "array": "array",
    "list": "array",
    "object": "object",
    "null": "null",
}
_SCHEMA_KEYS = ("type", "enum", "maxLength", "minLength", "pattern", "minimum", "maximum", "items", "properties", "format")


def declared_inputs(kind: str, fields: Mapping[str, Any], document: Document | None) -> tuple[Input, ...] | None:
    """The inputs of a file's YAML; None where it declares none."""
    if kind == "dotprompt":
        given = fields.get("input")
        return _picoschema(given, document) if isinstance(given, dict) and isinstance(given.get("schema"), dict) else None
    given = fields.get("inputs")
    if isinstance(given, dict):
        return tuple(_input(str(name), value, _line(document, "inputs", name)) for name, value in given.items())
    if isinstance(given, list):
        named = [(index, one) for index, one in enumerate(given) if isinstance(one, dict) and isinstance(one.get("name"), str)]
        return tuple(_input(one["name"], one, _line(document, "inputs", index)) for index, one in named)
    return None


def schema_of(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON Schema that one declaration stands for; empty where it says nothing about values."""
    schema = {key: fields[key] for key in _SCHEMA_KEYS if key in fields}
    kind = fields.get("kind")
    if "type" not in schema and isinstance(kind, str) and kind in _KINDS:
        schema["type"] = _KINDS[kind]
    if isinstance(schema.get("type"), str):
        schema["type"] = _KINDS.get(schema["type"], schema["type"])
    if "enumValues" in fields:
        schema["enum"] = fields["enumValues"]
    nested = fields.get("schema")
    return {**schema, **nested} if isinstance(nested, dict) else schema


def _input(name: str, given: Any, line: int) -> Input:
    if not isinstance(given, dict):
        return Input(name, {}, example=given, line=line)
    default = given.get("default")
    required = given.get("required", default is None)
    example = given.get("example", given.get("sample"))
    return Input(name, schema_of(given), bool(required), default, str(given.get("description", "")), example, line)


def _picoschema(given: Mapping[str, Any], document: Document | None) -> tuple[Input, ...]:
    schema: dict[str, Any] = given["schema"]
    defaults = given.get("default")
    held: dict[str, Any] = defaults if isinstance(defaults, dict) else {}
    nested = schema.get("properties") if schema.get("type") == "object" else None
    if isinstance(nested, dict):
        needed = schema.get("required")
        wanted: list[Any] = needed if isinstance(needed, list) else []
        return tuple(
            Input(str(name), schema_of(value if isinstance(value, dict) else {}), name in wanted, held.get(name))
            for name, value in nested.items()
        )
    found = []
    for key, value in schema.items():
        name, _, rest = str(key).partition("(")
        base = name.rstrip("?").strip()
        kind = rest.rstrip(")").split(",")[0].strip() if rest else str(value).split(",")[0].strip()
        known: dict[str, Any] = (
            {"type": _KINDS[kind]} if kind in _KINDS else ({} if kind in ("any", "") else {"description": kind})
        )
        description = "" if isinstance(value, (dict, list)) else str(value).partition(",")[2].strip()
        line = _line(document, "input", "schema", key)
        found.append(Input(base, known, not name.endswith("?"), held.get(base), description, None, line))
    return tuple(found)


def _line(document: Document | None, *path: str | int) -> int:
    key: KeyPath = path
    return document.lines.get(key, 1) if document is not None else 1
