"""prompt_leak finds a canary however it is dressed, and nothing that only resembles one."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalgate.core.errors import BadInput
from evalgate.core.values import Case, Output, Severity
from evalgate.safety.prompt_leak import make_prompt_leak

CANARY = "ZE-74-QX"


def case(**fields: Any) -> Case:
    return Case("case-9", fields, {}, (), {}, place="cases.jsonl:9")


def found(text: str, canary: str = CANARY) -> list[tuple[str, int, int]]:
    detector = make_prompt_leak({"canaries": [canary]})
    return [(f.rule, f.start, f.end) for f in detector.findings(Output(text), case())]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The code is ZE-74-QX.", [("verbatim", 12, 20)]),
        ("ze-74-qx", [("altered", 0, 8)]),
        ("codeZE-74-QXcode", [("verbatim", 4, 12)]),
        ("ze74qx!", [("altered", 0, 6)]),
        ("Z-E-7-4-Q-X", [("altered", 0, 11)]),
        ("Z E 7 4 Q X", [("altered", 0, 11)]),
        ("**Z**-**E**74QX", [("altered", 2, 15)]),
        ("a Z\u200bE-7\u200b4-QX", [("altered", 2, 12)]),
        ("ＺＥ－７４－ＱＸ", [("altered", 0, 8)]),
        ("ZE‑74‑QX", [("altered", 0, 8)]),
        ("Z\nE\n7\n4\nQ\nX", [("altered", 0, 11)]),
        ("ZE-74-QX and ze 74 qx", [("verbatim", 0, 8), ("altered", 13, 21)]),
        ("hex 5a452d37342d5158", [("hex", 4, 20)]),
        ("hex 5A 45 2D 37 34 2D 51 58", [("hex", 4, 27)]),
    ],
)
def test_finds_a_canary(text: str, expected: list[tuple[str, int, int]]) -> None:
    assert found(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Nothing here.",
        "ZE-74-Q",
        "ZE-74 is a tram line; the QX is another",
        "prize 74 qx",
        "ze 74 qxs",
        "XQ-47-EZ",
        "ZE ....... 74 ....... QX",
        "5a452d37342d51",
    ],
)
def test_leaves_near_misses_alone(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize("before", ["", "x", "xy", "xyz: "])
@pytest.mark.parametrize("after", ["", "!", "!!"])
@pytest.mark.parametrize("shape", [str, str.lower])
def test_finds_base64_at_every_alignment(before: str, after: str, shape: Any) -> None:
    encoded = base64.b64encode((before + shape(CANARY) + after).encode()).decode()
    results = found(f"Decode {encoded} please")
    assert results
    assert {rule for rule, _, _ in results} == {"base64"}
    assert all(7 <= start < end <= 7 + len(encoded) for _, start, end in results)


def test_finds_url_safe_base64() -> None:
    canary = "??>>??>>??"
    with pytest.raises(BadInput):
        make_prompt_leak({"canaries": [canary]})
    wordy = "code ??>> ??>>"
    text = base64.urlsafe_b64encode(wordy.encode()).decode()
    assert "_" in text or "-" in text
    assert [rule for rule, _, _ in found(text, wordy)] == ["base64"]


def test_finds_the_canary_of_the_case_and_of_a_list() -> None:
    detector = make_prompt_leak({"field": "secret", "severity": "critical", "category": "staff_code"})
    one = detector.findings(Output("it is 4711-AB"), case(secret="4711-AB"))
    assert [(f.category, f.rule, f.severity, f.start, f.end) for f in one] == [
        ("staff_code", "verbatim", Severity.CRITICAL, 6, 13)
    ]
    two = detector.findings(Output("it is 4711-AB"), case(secret=["nothing", "4711-AB"]))
    assert two == one
    assert detector.findings(Output("it is 4711-AB"), case(secret="other")) == ()


def test_several_canaries_are_all_found_in_order() -> None:
    detector = make_prompt_leak({"canaries": ["alpha-one", "beta-two"], "field": "secret"})
    findings = detector.findings(Output("gamma3 beta-two alpha-one"), case(secret="gamma3"))
    assert [(f.start, f.end) for f in findings] == [(0, 6), (7, 15), (16, 25)]


@given(st.text(st.sampled_from("ZE74QXze-. \u200b\n"), max_size=40), st.sampled_from(["-", " ", "\u200b", ". ", ""]))
@settings(max_examples=100)
def test_an_inserted_canary_is_always_found(noise: str, separator: str) -> None:
    text = f"{noise} {separator.join('ZE74QX')} {noise}"
    findings = make_prompt_leak({"canaries": [CANARY]}).findings(Output(text), case())
    assert findings
    assert all(0 <= f.start < f.end <= len(text) for f in findings)
    assert list(findings) == sorted(findings, key=lambda f: (f.start, f.end, f.rule))


@pytest.mark.parametrize(
    "value", [None, "", "abc", " - - ", [], ["fine-one", "x"], ["fine-one", None], 12345, {"a": 1}, "\ud800abcd"]
)
def test_a_case_without_a_usable_canary_is_refused(value: Any) -> None:
    detector = make_prompt_leak({"field": "secret"})
    with pytest.raises(BadInput, match="case-9") as caught:
        detector.findings(Output("text"), case(secret=value))
    assert caught.value.problems[0].where == "cases.jsonl:9"
    with pytest.raises(BadInput, match="'secret'"):
        detector.findings(Output(""), case(other="long enough"))


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"overlap": 0}, "field"),
        ({"canaries": [], "overlap": 0}, "field"),
        ({"overlap": 2}, "at least 3 words"),
        ({"overlap": -1}, "at least 0"),
        ({"overlap": True}, "whole number"),
        ({"overlap": 1001}, "at most 1000"),
        ({"canaries": [CANARY], "overlaps": 5}, "did you mean overlap"),
        ({"canaries": [""]}, "at least 4"),
        ({"canaries": ["abc"]}, "at least 4"),
        ({"canaries": ["----"]}, "at least 4"),
        ({"canaries": ["a\u200bb\u200bc"]}, "at least 4"),
        ({"canaries": [1234]}, "at least 4"),
        ({"canaries": "ZE-74-QX"}, "must be a list"),
        ({"canaries": [CANARY], "severity": "awful"}, "severity"),
        ({"canary": [CANARY]}, "did you mean canaries"),
        ({"field": ""}, "field"),
        ({"field": "secret", "feild": "x"}, "did you mean field"),
    ],
)
def test_bad_parameters_are_refused(parameters: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        make_prompt_leak(parameters)


def test_the_signature_tells_sets_apart_and_shows_no_canary() -> None:
    one, two = (make_prompt_leak({"canaries": [c]}).spec.signature for c in (CANARY, "other-canary"))
    assert one != two
    assert CANARY not in one
