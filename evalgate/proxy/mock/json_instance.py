"""A small instance of a JSON Schema, drawn by the key; what the mock cannot make it says, and never makes up.

Source: JSON Schema 2020-12, core and validation; the part of it that providers accept for structured outputs.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from evalgate.core.errors import BadInput
from evalgate.core.patterns import compile_pattern
from evalgate.proxy.mock.draws import below
from evalgate.proxy.mock.sentences import sentences

MAX_DEPTH = 24
MAX_VALUES = 5_000
MAX_ITEMS = 200
MAX_LENGTH = 20_000
_NOTES = frozenset(
    "$schema $id $comment $anchor $defs definitions title description default examples deprecated readOnly writeOnly"
    " contentMediaType contentEncoding contentSchema strict name".split()
)
_HANDLED = frozenset(
    "$ref type enum const anyOf oneOf allOf properties required additionalProperties minProperties maxProperties items"
    " prefixItems minItems maxItems minLength maxLength pattern format minimum maximum exclusiveMinimum exclusiveMaximum"
    " multipleOf".split()
)
_FORMATS = {
    "date": "2024-05-17",
    "time": "09:30:00Z",
    "date-time": "2024-05-17T09:30:00Z",
    "duration": "P3D",
    "email": "somebody@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}
_SAMPLES = ("word", "Word", "WORD", "a", "A", "1", "12", "123", "1234", "12345", "a1", "A1", "AB-12", "a-b", "1.5", *_FORMATS.values())


class CannotMake(Exception):
    """A schema asks for something that the mock does not know how to make; says what."""


def instance_of(schema: Any, key: str) -> Any:
    """A value that the schema accepts.

    Raises: CannotMake when the schema uses what is not supported, contradicts itself, or never ends.
    """
    return _Maker(schema, key).make(schema, "$", 0)


class _Maker:
    def __init__(self, root: Any, key: str) -> None:
        self._root, self._key = root, key
        self._made = 0

    def make(self, schema: Any, place: str, depth: int) -> Any:
        self._made += 1
        if depth > MAX_DEPTH or self._made > MAX_VALUES:
            raise CannotMake("a schema whose answers never end")
        if schema is True:
            schema = {}
        if not isinstance(schema, Mapping):
            raise CannotMake("a schema that accepts nothing")
        _check_known(schema)
        for word in ("anyOf", "oneOf"):
            if word in schema:
                return self._branch(schema, word, place, depth)
        if "allOf" in schema or "$ref" in schema:
            return self.make(self._merged(schema), place, depth + 1)
        if "const" in schema or "enum" in schema:
            return self._listed(schema, place)
        return self._typed(_type_of(schema), schema, place, depth)

    def _branch(self, schema: Mapping[str, Any], word: str, place: str, depth: int) -> Any:
        """The first alternative that can be made."""
        branches = schema[word] if isinstance(schema[word], list) else []
        rest = {name: value for name, value in schema.items() if name != word}
        reason = CannotMake(f"an empty {word}")
        for branch in branches:
            if word == "oneOf" and len(branches) > 1 and not _apart(branches):
                raise CannotMake("oneOf whose alternatives may overlap")
            try:
                return self.make(_both(rest, branch), place, depth + 1)
            except CannotMake as error:
                reason = error
        raise reason

    def _merged(self, schema: Mapping[str, Any]) -> Any:
        """One schema in place of a reference, or of several that hold together."""
        found: Any = {name: value for name, value in schema.items() if name not in ("allOf", "$ref")}
        if "$ref" in schema:
            found = _both(found, self._resolved(schema["$ref"]))
        for part in schema.get("allOf", ()):
            found = _both(found, part)
        return found

    def _resolved(self, reference: Any) -> Any:
        if not isinstance(reference, str) or not reference.startswith("#"):
            raise CannotMake("$ref to another document")
        found = self._root
        for part in reference.split("/")[1:]:
            name = part.replace("~1", "/").replace("~0", "~")
            if not isinstance(found, Mapping) or name not in found:
                raise CannotMake("$ref that leads nowhere")
            found = found[name]
        return found

    def _listed(self, schema: Mapping[str, Any], place: str) -> Any:
        """One of the values that the schema lists; whatever else it says, the value must still be one of that type."""
        values = [schema["const"]] if "const" in schema else schema["enum"]
        values = [value for value in values if "enum" not in schema or value in schema["enum"]] if values else []
        values = [value for value in values if _has_type(value, schema.get("type"))]
        if not values:
            raise CannotMake("an enum without a value that fits")
        if set(schema) & _LIMITING:
            raise CannotMake("an enum with further limits")
        return values[below(self._key, place, len(values))]

    def _typed(self, kind: str, schema: Mapping[str, Any], place: str, depth: int) -> Any:
        if kind == "object":
            return self._object(schema, place, depth)
        if kind == "array":
            return self._array(schema, place, depth)
        if kind == "string":
            return _string(schema, self._key, place)
        if kind in ("integer", "number"):
            return _number(schema, self._key, place, whole=kind == "integer")
        return None if kind == "null" else below(self._key, place, 2) == 1

    def _object(self, schema: Mapping[str, Any], place: str, depth: int) -> dict[str, Any]:
        """The required properties; all of them where the schema requires none."""
        properties = schema.get("properties") or {}
        required = schema.get("required") or list(properties)
        made: dict[str, Any] = {}
        for name in dict.fromkeys((*(n for n in properties if n in required), *required)):
            extra = schema.get("additionalProperties", True)
            made[name] = self.make(properties.get(name, extra), f"{place}.{name}", depth + 1)
        if not schema.get("minProperties", 0) <= len(made) <= schema.get("maxProperties", math.inf):
            raise CannotMake("an object with a number of properties")
        return made

    def _array(self, schema: Mapping[str, Any], place: str, depth: int) -> list[Any]:
        """One item, or as few as the schema allows where that is more."""
        first, items = schema.get("prefixItems") or [], schema.get("items", True)
        low, high = schema.get("minItems", 0), schema.get("maxItems", math.inf)
        count = int(min(high, max(low, len(first) or 1)))
        if low > high or count > MAX_ITEMS:
            raise CannotMake("an array of such a length")
        if items is False:
            count = min(count, len(first))
        made: list[Any] = []
        for index in range(count):
            rule = first[index] if index < len(first) else items
            try:
                made.append(self.make(rule, f"{place}[{index}]", depth + 1))
            except CannotMake:
                if index < low:
                    raise
                break
        if len(made) < low:
            raise CannotMake("an array of such a length")
        return made


_LIMITING = frozenset(
    "minLength maxLength pattern format minimum maximum exclusiveMinimum exclusiveMaximum multipleOf minItems maxItems"
    " minProperties maxProperties required properties items prefixItems".split()
)


def _check_known(schema: Mapping[str, Any]) -> None:
    unknown = sorted(str(word) for word in schema if word not in _HANDLED and word not in _NOTES and not str(word).startswith("x-"))
    if unknown:
        raise CannotMake(unknown[0][:40])


def _both(one: Any, other: Any) -> Any:
    """A schema that asks for what both ask for."""
    if one is False or other is False:
        return False
    one, other = ({} if part is True else part for part in (one, other))
    if not isinstance(one, Mapping) or not isinstance(other, Mapping):
        raise CannotMake("a schema that is no object")
    merged = dict(one)
    for word, value in other.items():
        if word not in merged or merged[word] == value or word in _NOTES:
            merged[word] = value
        else:
            merged[word] = _joined(word, merged[word], value)
    return merged


def _joined(word: str, one: Any, other: Any) -> Any:
    """What a word says where two schemas say it differently."""
    if word in ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"):
        return max(one, other)
    if word in ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"):
        return min(one, other)
    if word == "required":
        return [*one, *other]
    if word == "properties":
        return {name: _both(one.get(name, True), other.get(name, True)) for name in {**one, **other}}
    if word == "allOf":
        return [*one, *other]
    if word == "enum":
        return [value for value in one if value in other]
    if word == "type":
        names = [name for name in _names(one) if name in _names(other) or (name == "integer" and "number" in _names(other))]
        return names or ["integer"] if {"integer", "number"} <= {*_names(one), *_names(other)} else names
    raise CannotMake(f"two different {word}")


def _apart(branches: list[Any]) -> bool:
    """Whether no value can belong to two alternatives, as far as types and constants tell."""
    seen: list[set[str]] = []
    for branch in branches:
        if not isinstance(branch, Mapping):
            return False
        if "const" in branch:
            marks = {json.dumps(branch["const"], sort_keys=True)}
        elif "type" in branch:
            marks = set(_names(branch["type"])) | ({"integer"} if "number" in _names(branch["type"]) else set())
        else:
            return False
        if any(marks & other for other in seen):
            return False
        seen.append(marks)
    kinds = ["const" in branch for branch in branches]
    return all(kinds) or not any(kinds)


def _names(kind: Any) -> list[str]:
    return [kind] if isinstance(kind, str) else list(kind)
