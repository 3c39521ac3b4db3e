"""Encoders and decoders that are kept between calls give what the library gives that builds them anew, errors included."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from evalgate.core import strict_json
from evalgate.core.canonical import canonical_json, canonical_parsed, json_line
from evalgate.core.strict_json import parse_json

TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
SPACE = st.text(" \t\r\n\u2028\ufeff", max_size=2)


def outcome(step: Callable[[], Any]) -> tuple[str, str]:
    try:
        return "", repr(step())
    except (ValueError, TypeError, RecursionError) as error:
        return type(error).__name__, str(error)


def plainly(text: str) -> Any:
    hooks: dict[str, Any] = {
        "object_pairs_hook": strict_json._object,
        "parse_constant": strict_json._constant,
        "parse_float": strict_json._float,
    }
    value = json.loads(text, **hooks)
    strict_json._check(value, 0)
    return value


def written(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


@given(VALUES, SPACE, st.sampled_from(["", " ", ",", "]", " 1", "}", "\ud800", '"']), st.booleans(), st.integers(0, 40))
@example({"a": 1}, "", "", True, 0)
def test_parsing_is_that_of_the_library(value: Any, space: str, rest: str, escaped: bool, cut: int) -> None:
    text = space + json.dumps(value, ensure_ascii=escaped)[cut if cut < 10 else 0 :] + rest
    assert outcome(lambda: parse_json(text)) == outcome(lambda: plainly(text))


@pytest.mark.parametrize("text", ['{"a":1,"a":2}', '{"\\u0061":1, "a":2}', "[NaN]", "-Infinity", "1e400", '"\\udc00"', "", "{", '{"a" 1}', "tru", '"a\tb"'])  # fmt: skip
def test_refusals_are_those_of_the_library(text: str) -> None:
    refused = outcome(lambda: parse_json(text))
    assert refused[0]
    assert refused == outcome(lambda: plainly(text))


@given(VALUES)
def test_lines_are_those_of_the_library(value: Any) -> None:
    escaped = {"\u2028": "\\u2028", "\u2029": "\\u2029", "\x85": "\\u0085"}
    assert outcome(lambda: json_line(value)) == outcome(
        lambda: "".join(escaped.get(letter, letter) for letter in written(value)) + "\n"
    )


@given(st.dictionaries(st.text(max_size=3), st.text(max_size=9) | st.sampled_from([",1e5", ":0.0", "😀"]), max_size=4))
@example({"\U00010000": "a", "\uffff": "b"})
@example({"a": "[1234567890123456"})
@example({"\ud800": "a"})
def test_rows_of_texts_are_canonical(fields: dict[str, str]) -> None:
    assert outcome(lambda: canonical_parsed(fields)) == outcome(lambda: canonical_json(fields))


@pytest.mark.parametrize("value", [object(), {1, 2}, b"x", {(1,): 2}, {"a": 1, 2: 3}, float("inf"), [float("nan")]])
def test_values_without_json_are_refused_like_before_and_the_next_is_written(value: Any) -> None:
    refused = outcome(lambda: json_line(value))
    assert refused[0]
    assert refused == outcome(lambda: written(value))
    assert json_line({"a": [1]}) == '{"a":[1]}\n'


def test_a_circle_is_told_from_deep_nesting() -> None:
    circle: list[Any] = []
    circle.append(circle)
    deep: Any = 1
    for _ in range(100_000):
        deep = [deep]
    for value in (circle, deep, circle):
        assert outcome(lambda value=value: json_line(value))[0] == outcome(lambda value=value: written(value))[0]  # type: ignore[misc]
    assert outcome(lambda: json_line(circle))[0] == "ValueError"
