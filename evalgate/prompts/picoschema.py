"""Picoschema, the short form of JSON Schema in Dotprompt files.

Source: https://google.github.io/dotprompt/reference/picoschema/
"""

from __future__ import annotations

from typing import Any

SCALARS = ("any", "boolean", "integer", "null", "number", "string")
_WILDCARD = "(*)"
_MAX_DEPTH = 30


def json_schema_of(given: Any) -> dict[str, Any]:
    """The JSON Schema that a `schema:` of Dotprompt means; JSON Schema itself is taken as it is.

    Raises: ValueError for a type that does not exist, named schemas of a program included.
    """
    if isinstance(given, dict):
        if given.get("type") in (*SCALARS, "object", "array"):
            return dict(given)
        if isinstance(given.get("properties"), dict):
            return {**given, "type": "object"}
    return _converted(given, 0)


def _converted(given: Any, depth: int) -> dict[str, Any]:
    if depth > _MAX_DEPTH:
        raise ValueError(f"nested more than {_MAX_DEPTH} deep")
    if isinstance(given, str):
        kind, description = _with_description(given)
        if kind not in SCALARS:
            raise ValueError(f"there is no type {kind!r}; types: {', '.join(SCALARS)}")
        schema: dict[str, Any] = {} if kind == "any" else {"type": kind}
        return {**schema, "description": description} if description else schema
    if not isinstance(given, dict):
        raise ValueError(f"a schema has names and types, not {given!r}")
    properties: dict[str, Any] = {}
    required: list[str] = []
    schema = {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
    for key, value in given.items():
        if key == _WILDCARD:
            schema["additionalProperties"] = _converted(value, depth + 1)
            continue
        head, _, rest = str(key).partition("(")
        name = head.removesuffix("?")
        if name in properties or not name:
            raise ValueError(f"the name {name!r} stands twice" if name else "a name is empty")
        if not head.endswith("?"):
            required.append(name)
        properties[name] = _property(value, rest.removesuffix(")"), head.endswith("?"), depth + 1)
    if not required:
        del schema["required"]
    return schema


def _property(value: Any, told: str, optional: bool, depth: int) -> dict[str, Any]:
    kind, description = _with_description(told)
    if kind in ("", "object"):
        schema = _converted(value, depth)
        if optional and isinstance(schema.get("type"), str):
            schema["type"] = [schema["type"], "null"]
    elif kind == "array":
        schema = {"type": ["array", "null"] if optional else "array", "items": _converted(value, depth)}
    elif kind == "enum":
        if not isinstance(value, list):
            raise ValueError(f"an enum is a list of values, not {value!r}")
        schema = {"enum": [*value, None] if optional and None not in value else value}
    else:
        raise ValueError(f"there is no form ({kind}); forms: object, array, enum")
    return {**schema, "description": description} if description else schema


def _with_description(text: str) -> tuple[str, str]:
    kind, _, description = text.partition(",")
    return kind.strip(), description.strip()
