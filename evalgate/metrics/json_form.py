"""JSON Schema (draft 2020-12) that cannot fetch, hang or loop: for schemas of users and answers of models."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from evalgate.core.canonical import canonical_json
from evalgate.core.errors import BadInput, Problem
from evalgate.core.patterns import compile_pattern

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_MAPS = ("properties", "$defs", "definitions", "dependentSchemas")
_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
_SINGLE = (
    "items",
    "contains",
    "not",
    "if",
    "then",
    "else",
    "additionalProperties",
    "propertyNames",
    "unevaluatedItems",
    "unevaluatedProperties",
)
_REFERENCES = ("$ref", "$dynamicRef")
_ANCHORS = ("$anchor", "$dynamicAnchor")


@dataclass(frozen=True, slots=True)
class JsonForm:
    """A compiled schema."""

    validator: Any

    def fits(self, value: Any) -> bool:
        """Whether a JSON value conforms.

        Raises: BadInput: the schema refers to itself without consuming anything.
        """
        try:
            return bool(self.validator.is_valid(value))
        except OverflowError:
            # A number too large to be divided by `multipleOf` in floating point is no multiple that can be shown.
            return False
        except RecursionError:
            hint = "a $ref must lead to a smaller part of the answer"
            raise BadInput("the schema refers to itself without end", where="metric json_schema", hint=hint) from None


def compile_form(schema: Mapping[str, Any], *, where: str) -> JsonForm:
    """Check a schema wholly and compile it; no answer is needed to find its faults.

    Raises: BadInput with every fault: not valid by the draft, another draft, a reference that leaves the schema or
        leads nowhere, a pattern that is not RE2, or `patternProperties`.
    """
    from jsonschema import Draft202012Validator, FormatChecker
    from jsonschema.exceptions import SchemaError
    from referencing import Registry

    try:
        plain = json.loads(canonical_json(schema))
        Draft202012Validator.check_schema(plain, format_checker=FormatChecker(formats=()))
    except SchemaError as error:
        place = f"{where} schema{error.json_path.removeprefix('$')}"
        raise BadInput(f"the schema is not valid: {error.message[:200]}", where=place, hint=f"see {DIALECT}") from error
    except (ValueError, RecursionError) as error:
        raise BadInput(f"the schema is not plain JSON: {error}", where=where) from error
    problems = list(_faults(plain, where))
    if problems:
        raise BadInput(problems)
    # An empty registry has no way to retrieve anything, where the default one would ask the network.
    return JsonForm(_safe_validator()(plain, registry=Registry()))


def _safe_validator() -> Any:
    """Draft 2020-12 with RE2 in place of a backtracking engine, and uniqueness in linear time."""
    from jsonschema import Draft202012Validator, ValidationError, validators

    def pattern(validator: Any, wanted: str, instance: Any, schema: Any) -> Iterator[ValidationError]:
        if isinstance(instance, str) and not compile_pattern(wanted).found_in(instance):
            yield ValidationError(f"does not match {wanted!r}")

    def unique(validator: Any, wanted: bool, instance: Any, schema: Any) -> Iterator[ValidationError]:
        if wanted and isinstance(instance, list) and len({_identity(item) for item in instance}) != len(instance):
            yield ValidationError("has equal items")

    extend: Any = validators.extend
    return extend(Draft202012Validator, {"pattern": pattern, "uniqueItems": unique})


def _identity(item: Any) -> str:
    """Equal for equal JSON values: 1 and 1.0 are one number, true is none."""
    return json.dumps(_whole(item), sort_keys=True)


def _whole(item: Any) -> Any:
    if isinstance(item, float) and item.is_integer():
        return int(item)
    if isinstance(item, dict):
        return {key: _whole(value) for key, value in item.items()}
    return [_whole(value) for value in item] if isinstance(item, list) else item


def _faults(schema: Any, where: str) -> Iterator[Problem]:
    parts = dict(_subschemas(schema, ""))
    anchors = {part[key] for part in parts.values() for key in _ANCHORS if key in part}
    for pointer, part in parts.items():
        place = f"{where} schema #{pointer}"
        yield from _dialect_faults(pointer, part, place)
        for key in _REFERENCES:
            target = part.get(key)
            if target is not None and not _resolves(target, parts, anchors):
                hint = "refer to a part of this schema: #/$defs/NAME; nothing else is loaded"
                yield Problem(f"{key} {target!r} does not lead to a part of this schema", place, hint)
        if "pattern" in part:
            yield from _pattern_faults(part["pattern"], place)


def _dialect_faults(pointer: str, part: Mapping[str, Any], place: str) -> Iterator[Problem]:
    if part.get("$schema", DIALECT).rstrip("#") != DIALECT:
        yield Problem(f"$schema {part['$schema']!r} is another draft", place, f"write the schema for {DIALECT}")
    if pointer and "$id" in part:
        yield Problem("a part of the schema has its own $id", place, "remove it and refer by #/$defs/NAME")
    if "patternProperties" in part:
        hint = "use propertyNames with a pattern, and additionalProperties for the values"
        yield Problem("patternProperties is not supported", place, hint)


def _pattern_faults(pattern: str, place: str) -> Iterator[Problem]:
    try:
        compile_pattern(pattern, where=place)
    except BadInput as error:
        yield from error.problems


def _resolves(target: str, parts: Mapping[str, Any], anchors: set[str]) -> bool:
    if not target.startswith("#"):
        return False
    fragment = unquote(target[1:])
    return fragment in parts or fragment in anchors


def _subschemas(schema: Any, pointer: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every part of a schema that is itself a schema, with its JSON pointer; true and false hold nothing to check."""
    if not isinstance(schema, dict):
        return
    yield pointer, schema
    for key in _SINGLE:
        yield from _subschemas(schema.get(key), f"{pointer}/{key}")
    for key in _LISTS:
        for index, part in enumerate(schema.get(key, ())):
            yield from _subschemas(part, f"{pointer}/{key}/{index}")
    for key in _MAPS:
        for name, part in schema.get(key, {}).items():
            yield from _subschemas(part, f"{pointer}/{key}/{_escaped(name)}")


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
