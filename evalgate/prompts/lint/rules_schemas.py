"""Rules about what goes in and what comes out: schemas that are missing, wrong, or contradicted by the file itself."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from evalgate.core.lint_report import LintSeverity
from evalgate.prompts.lint.problem_kinds import NO_SCHEMA, SCHEMA, line_in, of_kind
from evalgate.prompts.lint.skeleton import github, prompty
from evalgate.prompts.lint.values import Hit, Rule, Source

_JSON = re.compile(r"\bJSON\b")
_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}


def _no_input_schema(source: Source) -> Iterator[Hit]:
    for one in source.outline.declared or ():
        if not one.schema:
            yield Hit(one.line or 1, 1, f"the input {one.name!r} is declared without a type", "say what it is: string, number, …")


def _no_output_schema(source: Source) -> Iterator[Hit]:
    outline = source.outline
    if outline.output_schema is not None or _no_schema_problems(source):
        return
    if outline.wants_json:
        yield Hit(
            source.line_of("responseFormat"), 1, "JSON is asked for, and no schema says which", "add a schema of the answer"
        )
        return
    for part in outline.parts:
        found = _JSON.search(part.content) if part.role != "assistant" else None
        if found:
            line, column = source.place(part, found.start(), found.end())
            yield Hit(line, column, "the text asks for JSON, and no schema says which", "add a schema of the answer")
            return


def _no_schema_problems(source: Source) -> bool:
    return any(True for _ in of_kind(source, NO_SCHEMA)) or any(True for _ in of_kind(source, SCHEMA))


def _schema_required(source: Source) -> Iterator[Hit]:
    for problem in of_kind(source, NO_SCHEMA):
        yield Hit(line_in(problem), 1, problem.message, problem.hint or "")


def _invalid(source: Source) -> Iterator[Hit]:
    for problem in of_kind(source, SCHEMA):
        yield Hit(line_in(problem), 1, problem.message, problem.hint or "")
    for schema, what, line in _schemas(source):
        said = schema_fault(schema)
        if said:
            yield Hit(line, 1, f"{what} is no JSON Schema: {said}", "see https://json-schema.org/draft/2020-12")


def schema_fault(schema: Any) -> str:
    """Why a value is no JSON Schema of draft 2020-12; empty when it is one."""
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError

    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        place = ".".join(map(str, error.absolute_path))
        return f"{error.message[:200]}{f' at {place}' if place else ''}"
    except RecursionError:
        return "it is nested too deep"
    return ""


def _schemas(source: Source) -> Iterator[tuple[Any, str, int]]:
    if source.prompt is not None and source.prompt.output_schema:
        key = next((key for key in ("jsonSchema", "outputs", "output") if source.line_of(key) > 1), "jsonSchema")
        yield source.prompt.output_schema, "the schema of the answer", source.line_of(key)
    for one in source.outline.declared or ():
        if set(one.schema) - {"type"} or not isinstance(one.schema.get("type", ""), str):
            yield dict(one.schema), f"the schema of the input {one.name!r}", one.line or 1


def _mismatch(source: Source) -> Iterator[Hit]:
    for one in source.outline.declared or ():
        for word, value in (("default", one.default), ("example", one.example)):
            said = _against(value, one.schema) if value is not None else ""
            if said:
                yield Hit(one.line or 1, 1, f"the {word} of the input {one.name!r} {said}", "make the two agree")


def _against(value: Any, schema: Mapping[str, Any]) -> str:
    kinds = schema.get("type")
    for kind in [kinds] if isinstance(kinds, str) else []:
        allowed = _TYPES.get(kind)
        fits = allowed is None or (isinstance(value, allowed) and (kind == "boolean" or not isinstance(value, bool)))
        if not fits:
            return f"is no {kind}: {_short(value)}"
    choices = schema.get("enum")
    if isinstance(choices, list) and value not in choices:
        return f"is none of the values allowed: {_short(value)}"
    longest = schema.get("maxLength")
    if isinstance(value, str) and isinstance(longest, int) and len(value) > longest:
        return f"is longer than {longest} characters"
    return ""


def _short(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False)[:60]
    except (TypeError, ValueError):
        return type(value).__name__


_FORMAT = ("modelParameters:", "responseFormat: json_schema\nmodelParameters:")
_OBJECT = ("modelParameters:", "responseFormat: json_object\nmodelParameters:")
_GOOD = 'jsonSchema: \'{"name": "answer", "schema": {"type": "object"}}\'\nmodelParameters:'
_BAD = 'jsonSchema: \'{"name": "answer", "schema": {"type": "objekt"}}\'\nmodelParameters:'
_FULL = ("modelParameters:", f"responseFormat: json_schema\n{_GOOD}")
_WRONG = ("modelParameters:", f"responseFormat: json_schema\n{_BAD}")

RULES = (
    Rule(
        "EP106",
        "value-contradicts-type",
        LintSeverity.ERROR,
        "The default or example of an input is not of the type the file declares.",
        "Either the type or the value is wrong; a test with that value proves nothing.",
        _mismatch,
        prompty(("example: Which pump is small?", "example: 7")),
        prompty(),
    ),
    Rule(
        "EP201",
        "input-without-schema",
        LintSeverity.WARNING,
        "An input is declared without a type.",
        "Nothing can be checked before the model is asked: any value passes.",
        _no_input_schema,
        prompty(("{kind: string, description: What the customer asks, example", "{description: What the customer asks, example")),
        prompty(),
    ),
    Rule(
        "EP202",
        "answer-without-schema",
        LintSeverity.WARNING,
        "JSON is asked for, and no schema says which.",
        "An answer can be valid JSON and still miss every key that the reader needs.",
        _no_output_schema,
        github(_OBJECT),
        github(_FULL),
    ),
    Rule(
        "EP203",
        "schema-required",
        LintSeverity.ERROR,
        "`responseFormat: json_schema` without a schema, or a schema that no format asks for.",
        "The provider refuses the request, or ignores the schema.",
        _schema_required,
        github(_FORMAT),
        github(_FULL),
    ),
    Rule(
        "EP204",
        "schema-invalid",
        LintSeverity.ERROR,
        "A schema that is no JSON Schema.",
        "A schema with a typing error accepts everything, or refuses everything.",
        _invalid,
        github(_WRONG),
        github(_FULL),
    ),
)
