"""regex finds what RE2 finds, at the right characters, whatever the text."""

from __future__ import annotations

from typing import Any

import pytest

from evalgate.core.errors import BadInput
from evalgate.core.values import Case, Output
from evalgate.safety.pattern import make_regex

CASE = Case("1", {}, {}, (), {})


def found(text: str, **parameters: Any) -> list[tuple[str, int, int]]:
    findings = make_regex(parameters).findings(Output(text), CASE)
    return [(f.rule, f.start, f.end) for f in findings]


@pytest.mark.parametrize(
    ("text", "patterns", "expected"),
    [
        ("call 030-1234", {"phone": r"\d+-\d+"}, [("phone", 5, 13)]),
        ("é👍 42", {"n": r"\d+"}, [("n", 3, 5)]),
        ("\ud800 42", {"n": r"\d+"}, [("n", 2, 4)]),
        ("b a", {"x": "a", "y": "b"}, [("y", 0, 1), ("x", 2, 3)]),
        ("aa", ["a"], [("a", 0, 1), ("a", 1, 2)]),
        ("aaa", ["b*"], []),
        ("ABC", ["abc"], []),
        ("", ["a"], []),
    ],
)
def test_finds_matches(text: str, patterns: Any, expected: list[tuple[str, int, int]]) -> None:
    assert found(text, patterns=patterns) == expected


def test_case_can_be_ignored() -> None:
    assert found("ABC", patterns=["abc"], ignore_case=True) == [("abc", 0, 3)]


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({}, "required"),
        ({"patterns": []}, "patterns"),
        ({"patterns": {}}, "at least one"),
        ({"patterns": "a"}, "patterns"),
        ({"patterns": ["("]}, "not valid"),
        ({"patterns": [r"(a)\1"]}, "RE2"),
        ({"patterns": ["(?=a)"]}, "RE2"),
        ({"patterns": [""]}, "needs a pattern"),
        ({"patterns": [3]}, "needs a pattern"),
        ({"patterns": {"x": None}}, "needs a pattern"),
        ({"patterns": {1: "a"}}, "needs a pattern"),
        ({"pattern": ["a"]}, "did you mean patterns"),
        ({"patterns": ["a"], "ignore_case": 1}, "true or false"),
    ],
)
def test_bad_parameters_are_refused(parameters: dict[Any, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        make_regex(parameters)
