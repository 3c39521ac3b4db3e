"""degenerate finds answers that are none, and leaves short, odd and repetitive answers alone."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalgate.core.errors import BadInput
from evalgate.core.values import Case, Output
from evalgate.safety.degenerate import make_degenerate

CASE = Case("1", {}, {}, (), {})
LONG_LINE = "a line of more than twelve words, so that only the line itself can be what comes again and again here"


def found(text: str, finish: str | None = "stop", **parameters: Any) -> list[tuple[str, int, int]]:
    findings = make_degenerate(parameters).findings(Output(text, finish=finish), CASE)
    return [(f.rule, f.start, f.end) for f in findings]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [("empty", 0, 0)]),
        (" \n\t", [("empty", 0, 3)]),
        ("\u200b \ufe0f", [("empty", 0, 3)]),
        ("...", [("no_words", 0, 3)]),
        ("so so so so so", [("loop", 0, 14)]),
        ("yes it is " * 5, [("loop", 0, 49)]),
        ("Start: " + "over and OVER " * 6, [("loop", 7, 90)]),
        ("haha" * 10, [("loop", 0, 40)]),
        ("哈" * 20, [("loop", 0, 20)]),
        ("x" * 30, [("loop", 0, 30)]),
        ("\n".join([LONG_LINE] * 5), [("loop", 0, 5 * len(LONG_LINE) + 4)]),
        (f"{LONG_LINE * 9}\nok\n\nok\nok\n \nok\nok", [("loop", 9 * len(LONG_LINE) + 1, 9 * len(LONG_LINE) + 18)]),
    ],
)
def test_finds_what_is_no_answer(text: str, expected: list[tuple[str, int, int]]) -> None:
    assert found(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "42",
        "Yes",
        "好",
        "so so so so",
        "ha ha ha!",
        "very very very very very long is the rest of this sentence, and it goes on as sentences do",
        "| a | b | c | d | e | f |\n| --- | --- | --- | --- | --- | --- |\n| one | two | three | four | five | six |",
        "\n".join([LONG_LINE] * 4),
        "- red\n- green\n- red\n- green\n- red\n- blue",
        "0.333333333333 is a third of one, more or less",
    ],
)
def test_leaves_answers_alone(text: str) -> None:
    assert found(text) == []


def test_limits() -> None:
    assert found("abcdef", max_characters=5) == [("too_long", 5, 6)]
    assert found("abcde", max_characters=5) == []
    assert found("abc", finish="length") == []
    assert found("abc", finish="length", cut_off=True) == [("cut_off", 0, 3)]
    assert found("abc", finish="stop", cut_off=True) == []
    assert found("", finish="length", cut_off=True) == [("cut_off", 0, 0), ("empty", 0, 0)]
    assert found("so so so", repeats=2) == [("loop", 0, 8)]
    assert found("so so so so so but then it ends well", share=0.2) == [("loop", 0, 14)]


@given(st.text(st.sampled_from("ab .\n\u200b漢"), max_size=80), st.integers(2, 5))
@settings(max_examples=200)
def test_spans_lie_inside_and_are_sorted(text: str, repeats: int) -> None:
    detector = make_degenerate({"repeats": repeats, "max_characters": 20, "cut_off": True})
    findings = detector.findings(Output(text, finish="length"), CASE)
    assert findings == detector.findings(Output(text, finish="length"), CASE)
    assert all(0 <= f.start <= f.end <= len(text) for f in findings)
    assert list(findings) == sorted(findings, key=lambda f: (f.start, f.end, f.rule))


@given(st.lists(st.sampled_from(["red", "green", "blue", "und", "der"]), min_size=1, max_size=12), st.integers(2, 6))
@settings(max_examples=100)
def test_any_phrase_repeated_often_enough_is_a_loop(phrase: list[str], repeats: int) -> None:
    text = " ".join(phrase * (repeats + 1))
    assert found(text, repeats=repeats) == [("loop", 0, len(text))]


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"repeats": 1}, "at least 2"),
        ({"repeats": True}, "whole number"),
        ({"repeats": 2.5}, "whole number"),
        ({"share": 1.5}, "at most 1"),
        ({"share": float("nan")}, "number"),
        ({"share": "50%"}, "number"),
        ({"max_characters": 0}, "at least 1"),
        ({"max_chars": 10}, "did you mean max_characters"),
        ({"cut_off": "yes"}, "true or false"),
        ({"severity": "none"}, "severity"),
    ],
)
def test_bad_parameters_are_refused(parameters: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        make_degenerate(parameters)
