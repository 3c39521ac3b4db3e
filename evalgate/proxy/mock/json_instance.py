"""A small instance of a JSON Schema, drawn by the key; what the mock cannot make it says, and never makes up.

Source: JSON Schema 2020-12; of it, what providers accept for structured outputs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from evalgate.proxy.mock.draws import below
from evalgate.proxy.mock.json_scalars import CannotMake, number_for, text_for

MAX_DEPTH = 40
MAX_VALUES = 5_000
MAX_ITEMS = 200
_DEEP = 8
"""From here on recursive schemas are ended where they allow it."""
_NOTES = frozenset(
    {"$schema", "$id", "$comment", "$defs", "definitions", "title", "description", "default", "examples", "deprecated"}
    | {"readOnly", "writeOnly", "contentMediaType", "contentEncoding", "discriminator"}
)
_NAMING = ("$ref", "anyOf", "allOf")
_OF_TYPE = {
    "object": frozenset({"properties", "required", "additionalProperties", "minProperties", "maxProperties"}),
    "array": frozenset({"items", "prefixItems", "minItems", "maxItems", "uniqueItems"}),
    "string": frozenset({"minLength", "maxLength", "pattern", "format"}),
    "number": frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}),
}
_PYTHON_TYPES: Mapping[type, tuple[str, ...]] = {
    type(None): ("null",),
    bool: ("boolean",),
    str: ("string",),
    int: ("integer", "number"),
    float: ("number",),
    dict: ("object",),
    list: ("array",),
}
_LIMITS = frozenset[str]().union(*_OF_TYPE.values())
_KNOWN = _NOTES | _LIMITS | {*_NAMING, "type", "enum", "const"}


def instance_of(schema: Any, key: str) -> Any:
    """A value that the schema accepts.

    Raises: CannotMake when the schema uses what is not supported, contradicts itself, or never ends.
    """
    try:
        return _Maker(schema, key).make(schema, "$", 0)
    except (TypeError, AttributeError, ValueError, ArithmeticError) as error:
        raise CannotMake("a schema that is not well formed") from error


class _Maker:
    def __init__(self, root: Any, key: str) -> None:
        self._root, self._key = root, key
        self._made = 0

    def make(self, schema: Any, place: str, depth: int) -> Any:
        """The value that stands at a place."""
        self._made += 1
        if depth > MAX_DEPTH or self._made > MAX_VALUES:
            raise CannotMake("an answer without end")
        schema = {} if schema is True else schema
        if not isinstance(schema, Mapping):
            raise CannotMake("what no value fits")
        unknown = sorted(str(word) for word in schema if word not in _KNOWN and not str(word).startswith("x-"))
        if unknown:
            raise CannotMake(f"what {unknown[0][:40]} says")
        naming = [word for word in _NAMING if word in schema]
        if naming:
            return self._named(schema, naming, place, depth)
        if "const" in schema or "enum" in schema:
            return self._listed(schema, place)
        return self._typed(_type_of(schema), schema, place, depth)

    def _named(self, schema: Mapping[str, Any], naming: list[str], place: str, depth: int) -> Any:
        """A reference, or the first alternative that can be made."""
        if len(naming) > 1 or set(schema) & (_LIMITS | {"enum", "const"}):
            raise CannotMake(f"{naming[0]} together with other limits")
        word = naming[0]
        parts = [self._resolved(schema[word])] if word == "$ref" else schema[word]
        if not isinstance(parts, list) or not parts or (word == "allOf" and len(parts) > 1):
            raise CannotMake(f"what {word} says")
        reason: CannotMake | None = None
        for part in sorted(parts, key=_is_branching) if depth >= _DEEP else parts:
            try:
                made = self.make(part, place, depth + 1)
            except CannotMake as error:
                reason = reason or error
                continue
            if "type" not in schema or _has_type(made, schema["type"]):
                return made
        raise reason or CannotMake(f"what {word} says beside type")

    def _resolved(self, reference: Any) -> Any:
        if not isinstance(reference, str) or (reference != "#" and not reference.startswith("#/")):
            raise CannotMake("what another document or an anchor says")
        found = self._root
        for part in reference.split("/")[1:]:
            name = unquote(part).replace("~1", "/").replace("~0", "~")
            if not isinstance(found, Mapping) or name not in found:
                raise CannotMake("a $ref that leads nowhere")
            found = found[name]
        return found

    def _listed(self, schema: Mapping[str, Any], place: str) -> Any:
        """One of the values that the schema lists."""
        if set(schema) & _LIMITS or ("const" in schema and "enum" in schema):
            raise CannotMake("an enum together with other limits")
        values = [schema["const"]] if "const" in schema else schema["enum"]
        fitting = [value for value in values if "type" not in schema or _has_type(value, schema["type"])]
        if not fitting:
            raise CannotMake("an enum without a value that fits")
        return fitting[below(self._key, place, len(fitting))]

    def _typed(self, kind: str, schema: Mapping[str, Any], place: str, depth: int) -> Any:
        if kind == "object":
            return self._object(schema, place, depth)
        if kind == "array":
            return self._array(schema, place, depth)
        if kind == "string":
            return text_for(schema, self._key, place)
        if kind in ("integer", "number"):
            return number_for(schema, self._key, place, whole=kind == "integer")
        if kind not in ("null", "boolean"):
            raise CannotMake(f"the type {kind[:40]}")
        return None if kind == "null" else below(self._key, place, 2) == 1

    def _object(self, schema: Mapping[str, Any], place: str, depth: int) -> dict[str, Any]:
        """The required properties; all of them where none is required."""
        properties, required = schema.get("properties", {}), schema.get("required", [])
        names = [name for name in properties if name in required or (not required and depth < _DEEP)]
        names += [name for name in required if name not in properties]
        others = schema.get("additionalProperties", True)
        made = {name: self.make(properties.get(name, others), f"{place}.{name}", depth + 1) for name in names}
        if not schema.get("minProperties", 0) <= len(made) <= schema.get("maxProperties", math.inf):
            raise CannotMake("an object with such a number of properties")
        return made

    def _array(self, schema: Mapping[str, Any], place: str, depth: int) -> list[Any]:
        """One item where that is allowed, and as few as possible deep inside."""
        first, items = schema.get("prefixItems", []), schema.get("items", True)
        low, high = schema.get("minItems", 0), schema.get("maxItems", math.inf)
        wanted = max(low, len(first) or 1) if depth < _DEEP else low
        count = min(wanted, high, len(first) if items is False else math.inf)
        if count < low or count > MAX_ITEMS or (schema.get("uniqueItems") and count > 1):
            raise CannotMake("an array of such a length")
        rules = [first[index] if index < len(first) else items for index in range(int(count))]
        return [self.make(rule, f"{place}[{index}]", depth + 1) for index, rule in enumerate(rules)]


def _type_of(schema: Mapping[str, Any]) -> str:
    """The type that is asked for, else the one whose limits are given."""
    if "type" in schema:
        kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        return next((str(kind) for kind in kinds if kind != "null"), "null")
    return next((kind for kind, words in _OF_TYPE.items() if words & set(schema)), "string")


def _has_type(value: Any, kinds: Any) -> bool:
    own = _PYTHON_TYPES.get(type(value), ())
    own = (*own, "integer") if isinstance(value, float) and value.is_integer() else own
    return any(kind in own for kind in (kinds if isinstance(kinds, list) else [kinds]))


def _is_branching(schema: Any) -> bool:
    """Whether a schema leads further down."""
    return isinstance(schema, Mapping) and bool({"$ref", "properties", "items", "anyOf", "allOf", "prefixItems"} & set(schema))
