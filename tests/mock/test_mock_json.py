"""Structured outputs of the mock: always JSON, always what the schema accepts, or a miss that says why."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalgate.core.settings import MockChoice, MockRule
from evalgate.proxy.mock.answers import mock_reply
from evalgate.proxy.mock.json_instance import instance_of
from evalgate.proxy.mock.json_scalars import CannotMake
from evalgate.proxy.request import request_key, request_of_body
from evalgate.proxy.upstream.interface import Failure, Reply


def reply_to(form: dict[str, Any], endpoint: str = "chat/completions", choice: MockChoice | None = None) -> Reply | Failure:
    if endpoint == "responses":
        body: dict[str, Any] = {"model": "m", "input": "hi", "text": {"format": form}}
    else:
        body = {"model": "m", "messages": [{"role": "user", "content": "hi"}], "response_format": form}
    request = request_of_body(endpoint, body)
    return mock_reply(choice or MockChoice(), request, request_key(request))


def wrapped(schema: Any) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": schema}}


def validate(value: Any, schema: Any) -> None:
    jsonschema.Draft202012Validator(schema).validate(json.loads(json.dumps(value)))


TICKET = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Ticket",
    "type": "object",
    "additionalProperties": False,
    "required": ["kind", "priority", "open", "score", "tags", "who", "note", "at", "id"],
    "properties": {
        "kind": {"enum": ["bug", "wish"], "description": "what it is"},
        "priority": {"type": "integer", "minimum": 1, "maximum": 5},
        "open": {"type": "boolean"},
        "score": {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
        "tags": {"type": "array", "items": {"type": "string", "maxLength": 8}, "minItems": 2, "maxItems": 4},
        "who": {"$ref": "#/$defs/Person"},
        "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "at": {"type": "string", "format": "date-time"},
        "id": {"type": "string", "pattern": "^[0-9a-f-]{36}$"},
        "optional": {"type": "string"},
    },
    "$defs": {
        "Person": {
            "type": "object",
            "properties": {"name": {"type": "string", "minLength": 30}, "age": {"type": ["integer", "null"]}},
            "required": ["name", "age"],
        }
    },
}
TREE = {
    "$defs": {
        "Node": {
            "type": "object",
            "properties": {
                "value": {"type": "integer"},
                "left": {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]},
                "right": {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]},
                "children": {"type": "array", "items": {"$ref": "#/$defs/Node"}},
            },
            "required": ["value", "left", "right", "children"],
        }
    },
    "$ref": "#/$defs/Node",
}
GOOD: list[Any] = [
    TICKET,
    TREE,
    {},
    {"type": "object"},
    {"type": "object", "properties": {"a": {"type": "string"}, "b": {}}},
    {"properties": {"a": {"const": {"x": [1]}}}},
    {"type": "array"},
    {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}], "items": False},
    {"type": "array", "items": {"type": "integer"}, "maxItems": 0},
    {"type": "array", "uniqueItems": True, "items": {"type": "boolean"}},
    {"type": "string", "maxLength": 0},
    {"type": "string", "minLength": 5, "maxLength": 5},
    {"type": "string", "minLength": 3000},
    {"pattern": "^[A-Z]"},
    {"type": "integer", "minimum": 7, "maximum": 7},
    {"type": "integer", "minimum": 0.5},
    {"type": "integer", "maximum": -3},
    {"type": "integer", "maximum": 0, "multipleOf": 7},
    {"type": "integer", "multipleOf": 7, "minimum": 8},
    {"type": "integer", "exclusiveMinimum": 4, "exclusiveMaximum": 6},
    {"type": "number", "minimum": 1e300},
    {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1e-9},
    {"type": "number", "multipleOf": 0.25, "minimum": 0.3},
    {"type": "number", "maximum": -1e12},
    {"type": "null"},
    {"type": ["null", "boolean"]},
    {"type": "string", "enum": [1, "a", None]},
    {"enum": [None, False, 0, "", [], {}]},
    {"const": 3.0, "type": "integer"},
    {"anyOf": [{"pattern": "^(?=a)"}, {"type": "integer"}]},
    {"anyOf": [False, True]},
    {"allOf": [{"type": "integer"}]},
    {"type": "object", "required": ["free"], "additionalProperties": {"type": "integer"}},
    {"type": "object", "properties": {"a/b": {"$ref": "#/definitions/x~1y"}}, "definitions": {"x/y": {"type": "boolean"}}},
    {"type": "object", "properties": {"a": {"$ref": "#/$defs/a%20b"}}, "$defs": {"a b": {"type": "null"}}},
    True,
]


@pytest.mark.parametrize("schema", GOOD, ids=lambda schema: json.dumps(schema)[:60])
def test_schemas_that_are_kept(schema: Any) -> None:
    for key in ("a", "b", "c"):
        made = instance_of(schema, key)
        assert made == instance_of(schema, key)
        validate(made, schema)


def test_optional_properties_are_left_out_and_others_differ_by_key() -> None:
    assert set(instance_of(TICKET, "a")) == set(TICKET["required"])
    assert len({json.dumps(instance_of(TICKET, str(number))) for number in range(100)}) > 90


BAD = [
    ({"not": {"type": "string"}}, "not"),
    ({"oneOf": [{"type": "string"}]}, "oneOf"),
    ({"if": {}, "then": {}}, "if"),
    ({"type": "object", "patternProperties": {"a": {}}}, "patternProperties"),
    ({"type": "object", "properties": {"a": {"type": "array", "contains": {}}}}, "contains"),
    ({"$ref": "https://example.com/schema.json"}, "another document"),
    ({"$ref": "other.json#/a"}, "another document"),
    ({"$ref": "#anchor", "$defs": {"a": {"$anchor": "anchor"}}}, "an anchor"),
    ({"$ref": "#/$defs/none"}, "leads nowhere"),
    ({"$ref": "#"}, "without end"),
    ({"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]}, "without end"),
    ({"type": "array", "items": {"$ref": "#"}, "minItems": 2}, "without end"),
    ({"$ref": "#/$defs/a", "minimum": 3, "$defs": {"a": {"type": "integer"}}}, "together with"),
    ({"anyOf": [{"type": "integer"}], "minimum": 3}, "together with"),
    ({"anyOf": []}, "anyOf"),
    ({"anyOf": [{"type": "string"}], "type": "integer"}, "beside type"),
    ({"allOf": [{"type": "integer"}, {"minimum": 3}]}, "allOf"),
    ({"type": "integer", "minimum": 5, "maximum": 4}, "bounds"),
    ({"type": "integer", "exclusiveMinimum": 4, "exclusiveMaximum": 5}, "bounds"),
    ({"type": "integer", "minimum": 0, "exclusiveMinimum": True}, "older draft"),
    ({"type": "integer", "multipleOf": 0}, "multiples"),
    ({"type": "integer", "multipleOf": 7, "minimum": 8, "maximum": 13}, "bounds"),
    ({"type": "string", "minLength": 5, "maxLength": 4}, "at least 5"),
    ({"type": "string", "minLength": 10_000_000}, "at least 10000000"),
    ({"type": "string", "pattern": "^[0-9]{77}$"}, "such a pattern"),
    ({"type": "string", "pattern": "(a"}, "not RE2"),
    ({"type": "string", "pattern": "^(?=a)"}, "not RE2"),
    ({"type": "string", "format": "uuid", "maxLength": 5}, "pattern or format"),
    ({"type": "array", "minItems": 2, "maxItems": 1}, "such a length"),
    ({"type": "array", "minItems": 100_000}, "such a length"),
    ({"type": "array", "minItems": 2, "uniqueItems": True}, "such a length"),
    ({"type": "array", "minItems": 2, "prefixItems": [{}], "items": False}, "such a length"),
    ({"type": "object", "minProperties": 3}, "number of properties"),
    ({"type": "object", "required": ["a"], "additionalProperties": False}, "no value fits"),
    ({"enum": []}, "without a value"),
    ({"enum": ["a"], "type": "integer"}, "without a value"),
    ({"enum": ["a"], "maxLength": 0}, "together with"),
    ({"const": 1, "enum": [2]}, "together with"),
    ({"type": "text"}, "the type text"),
    ({"type": 5}, "the type 5"),
    ({"properties": 5}, "well formed"),
    ({"type": "object", "properties": {"a": {"type": "string"}}, "required": 5}, "well formed"),
    ({"type": "string", "minLength": "5"}, "well formed"),
    ({"type": "integer", "minimum": "5"}, "well formed"),
    ({"enum": 5}, "well formed"),
    ({"items": 5}, "no value fits"),
    (False, "no value fits"),
    (5, "no value fits"),
    (None, "no value fits"),
]


@pytest.mark.parametrize(("schema", "words"), BAD, ids=lambda found: json.dumps(found)[:60])
def test_schemas_that_cannot_be_kept_are_told(schema: Any, words: str) -> None:
    with pytest.raises(CannotMake, match=words.replace("(", r"\(")):
        instance_of(schema, "k")


def test_a_deep_schema_ends() -> None:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(300):
        schema = {"type": "array", "items": schema, "minItems": 1}
    with pytest.raises(CannotMake):
        instance_of(schema, "k")


SCHEMAS = st.recursive(
    st.fixed_dictionaries(
        {"type": st.sampled_from(["string", "integer", "number"])},
        optional={
            "minimum": st.integers(-50, 50) | st.floats(-1e6, 1e6),
            "maximum": st.integers(-50, 50) | st.floats(-1e6, 1e6),
            "exclusiveMaximum": st.integers(-50, 50),
            "minLength": st.integers(0, 40),
            "maxLength": st.integers(0, 40),
            "multipleOf": st.sampled_from([1, 2, 7, 0.5, 0.1, 0.25]),
            "format": st.sampled_from(["date", "email", "uri", "unknown"]),
            "pattern": st.sampled_from(["^a", "[0-9]+", "^$", "."]),
        },
    )
    | st.sampled_from(
        [{"type": "boolean"}, {"type": "null"}, {"enum": ["a", 1, None]}, {"const": "x"}, {"type": ["string", "null"]}]
    ),
    lambda inner: (
        st.fixed_dictionaries(
            {"type": st.just("object"), "properties": st.dictionaries(st.text(max_size=3), inner, max_size=4)},
            optional={"required": st.lists(st.text(max_size=2), max_size=2), "additionalProperties": st.booleans() | inner},
        )
        | st.fixed_dictionaries({"type": st.just("array"), "items": inner}, optional={"minItems": st.integers(0, 3)})
        | st.fixed_dictionaries({"anyOf": st.lists(inner, min_size=1, max_size=3)})
    ),
    max_leaves=8,
)


@given(SCHEMAS, st.text(max_size=5))
@settings(max_examples=600)
def test_whatever_is_made_is_what_the_schema_accepts(schema: Any, key: str) -> None:
    try:
        made = instance_of(schema, key)
    except CannotMake:
        return
    validate(made, schema)


def test_answers_are_json_where_json_is_asked_for() -> None:
    for form in ({"type": "json_object"}, {"type": "json_schema"}, wrapped({})):
        reply = reply_to(form)
        assert isinstance(reply, Reply)
        assert isinstance(json.loads(reply.text), dict)
    for endpoint, form in (
        ("chat/completions", wrapped(TICKET)),
        ("responses", {"type": "json_schema", "name": "t", "schema": TICKET}),
        ("chat/completions", {"type": "json_object", "schema": TICKET}),
    ):
        reply = reply_to(form, endpoint)
        assert isinstance(reply, Reply)
        validate(json.loads(reply.text), TICKET)
    text = reply_to({"type": "text"})
    assert isinstance(text, Reply)
    assert not text.text.startswith("{")


def test_a_schema_beyond_the_mock_is_a_miss_that_says_why() -> None:
    found = reply_to(wrapped({"type": "object", "patternProperties": {}}))
    assert isinstance(found, Failure)
    assert "patternProperties" in found.message
    assert "add a rule" in found.message


def test_a_rule_answers_whatever_the_form() -> None:
    reply = reply_to(wrapped({"not": {}}), choice=MockChoice(rules=(MockRule('{"a": 1}'),)))
    assert isinstance(reply, Reply)
    assert reply.text == '{"a": 1}'
