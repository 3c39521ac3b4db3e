"""Answers and schemas made to hang, fetch, loop or slip through: the metrics that read text stay linear and strict."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any

import pytest

from evalgate.core.errors import BadInput, Incomplete
from evalgate.core.settings import PluginChoice
from evalgate.core.values import Case, Expectation, Output, Status
from evalgate.metrics.catalog import make_metric
from evalgate.metrics.numeric import numbers_in

SIZE = 300_000
SECONDS = 5.0
"""CPU seconds; the linear readers need under one, a quadratic one would need minutes."""


def value(name: str, output: Output | str, *references: Any, **parameters: Any) -> float:
    answer = Output(output) if isinstance(output, str) else output
    expectation = Expectation(references, Case("c", {}, {}, (), {}, place="data.jsonl:7"))
    return float(make_metric(PluginChoice(name, parameters)).rows([answer], [expectation])[0, 0])


def schema_value(schema: dict[str, Any], text: str) -> float:
    return value("json_schema", text, schema=schema)


@pytest.mark.parametrize("piece", ["9", ",234", "1e5", "[", '{"a":', '\\"', '"', "```", "-$", "́", "- a\n", "\0"])
@pytest.mark.parametrize(
    ("name", "references", "parameters"),
    [
        ("numeric_match", ("5",), {}),
        ("json_valid", (), {"fenced": True}),
        ("accuracy", ("yes",), {"labels": ["yes", "no"], "search": True}),
        ("mrr", (["a"],), {"items": r"\w+"}),
        ("regex", (), {"pattern": "(a+)+$"}),
    ],
)
def test_time_is_linear(piece: str, name: str, references: tuple[Any, ...], parameters: dict[str, Any]) -> None:
    text = "1" + piece * (SIZE // len(piece))
    started = time.process_time()
    value(name, text, *references, **parameters)
    assert time.process_time() - started < SECONDS


def test_unique_items_of_mixed_kinds_take_linear_time() -> None:
    items = ",".join(f'{i},"{i}"' for i in range(20_000))
    started = time.process_time()
    assert schema_value({"uniqueItems": True}, f"[{items}]") == 1
    assert time.process_time() - started < SECONDS


def test_a_schema_pattern_that_backtracks_cannot_hang() -> None:
    started = time.process_time()
    assert schema_value({"pattern": "^(a+)+$"}, '"' + "a" * 5_000 + '!"') == 0
    assert time.process_time() - started < SECONDS


@pytest.mark.parametrize(
    ("text", "fits"),
    [("[1, 1.0]", 0), ("[1, true]", 1), ('["1", 1]', 1), ('[{"a": 1, "b": 2}, {"b": 2, "a": 1}]', 0), ("[[1], [1.0]]", 0)],
)
def test_equality_of_items_is_that_of_json(text: str, fits: int) -> None:
    assert schema_value({"uniqueItems": True}, text) == fits


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "https://example.com/s.json"},
        {"$ref": "file:///etc/hosts"},
        {"items": {"$ref": "#/nowhere"}},
        {"properties": {"a": {"$dynamicRef": "other.json#x"}}},
        {"properties": {"a": {"$id": "https://example.com/inner"}}},
        {"$schema": "http://json-schema.org/draft-07/schema#"},
        {"patternProperties": {"(a+)+$": {}}},
        {"anyOf": [{"not": {"patternProperties": {"^a": True}}}]},
        {"additionalProperties": {"pattern": "(?=a)"}},
        {"type": "objekt"},
        {"const": float("nan")},
    ],
)
def test_schemas_that_leave_themselves_are_refused_before_any_answer(schema: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match="json_schema"):
        make_metric(PluginChoice("json_schema", {"schema": schema}))


def test_a_schema_without_end_is_an_error_and_no_score() -> None:
    with pytest.raises(BadInput, match="without end"):
        schema_value({"$ref": "#"}, "1")


def test_schemas_may_refer_to_their_own_parts() -> None:
    chain = {"$defs": {"n/1": {"type": "object", "properties": {"next": {"$ref": "#/$defs/n~11"}}}}, "$ref": "#/$defs/n~11"}
    assert schema_value(chain, '{"next": {"next": {}}}') == 1
    assert schema_value(chain, '{"next": {"next": 1}}') == 0
    assert schema_value({"properties": {"patternProperties": {"type": "string"}}}, '{"patternProperties": 1}') == 0


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("1,234e5", ["123400000"]),
        ("12,34", ["12", "34"]),
        ("1,234,567.8", ["1234567.8"]),
        ("-$5 and $-5", ["-5", "-5"]),
        ("3–5 or x-5", ["3", "5", "5"]),
        ("= –5", ["-5"]),
        (".5 and 1.5.", ["0.5", "1.5"]),
        ("on 2020-01-05,", ["2020", "1", "5"]),
        ("٣ apples", []),
    ],
)
def test_how_numbers_are_read(text: str, numbers: list[str]) -> None:
    assert list(numbers_in(text)) == [Decimal(number) for number in numbers]


@pytest.mark.parametrize("reference", ["none", "3 of 4", ""])
def test_a_reference_without_exactly_one_number_is_refused(reference: str) -> None:
    with pytest.raises(BadInput, match=r"data\.jsonl:7"):
        value("numeric_match", "3", reference)


@pytest.mark.parametrize("pattern", ["(.*)", "x*", "(a)(b)", ""])
def test_extractions_that_take_nothing_or_two_things_are_refused(pattern: str) -> None:
    with pytest.raises(BadInput, match="extract"):
        make_metric(PluginChoice("exact_match", {"extract": pattern}))


def test_nothing_to_compare_never_equals_an_empty_reference() -> None:
    assert value("exact_match", "no json", {"a": ""}, field="a") == 0
    assert value("token_f1", "no json", {"a": ""}, field="a") == 0
    with pytest.raises(BadInput, match="empty after normalize"):
        value("contains", "anything", "the", normalize="squad")


def test_a_lost_answer_is_the_worst_and_never_the_shortest() -> None:
    lost = Output("", status=Status.ERROR, error="timed out")
    assert value("exact_match", lost, "") == 0
    assert value("regex", lost, pattern="^$") == 0
    with pytest.raises(Incomplete, match=r"timed out"):
        value("length", lost)


@pytest.mark.parametrize("ranked", [{"a": 1}, "a", [["a", 1], "b"], [["a", float("nan")]], [[1.5, 2]], [None], [{"id": "a"}]])
def test_an_answer_given_as_data_must_be_a_ranked_list(ranked: Any) -> None:
    with pytest.raises(BadInput, match="no ranked list"):
        value("mrr", Output("", value=ranked), ["a"])
