"""blocklist finds forbidden words, and only words."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalgate.core.errors import BadInput
from evalgate.core.values import Case, Output
from evalgate.safety.blocklist import make_blocklist

CASE = Case("1", {}, {}, (), {})


def spans(text: str, *terms: str, whole: bool = True) -> list[tuple[int, int]]:
    detector = make_blocklist({"terms": list(terms), "whole_words": whole})
    return [(f.start, f.end) for f in detector.findings(Output(text), CASE)]


@pytest.mark.parametrize(
    ("text", "term", "expected"),
    [
        ("a Guaranteed win", "guaranteed", [(2, 12)]),
        ("risk-free!", "risk-free", [(0, 9)]),
        ("it is 100% safe.", "100% safe", [(6, 15)]),
        ("best  in\nthe world", "best in the world", [(0, 18)]),
        ("cu\u200bres", "cures", [(0, 6)]),
        ("ｃｕｒｅｓ", "cures", [(0, 5)]),
        ("Straße", "STRASSE", [(0, 6)]),
        ("I code C++, you code C", "c++", [(7, 10)]),
        ("die die", "die", [(0, 3), (4, 7)]),
        ("diedie die", "die", [(7, 10)]),
        ("这是垃圾产品", "垃圾", [(2, 4)]),
        ("un café noir", "cafe\u0301", [(3, 7)]),
        ("(bad)", "bad", [(1, 4)]),
    ],
)
def test_finds_a_term(text: str, term: str, expected: list[tuple[int, int]]) -> None:
    assert spans(text, term) == expected


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("Scunthorpe", "cunt"),
        ("a classic assassin", "ass"),
        ("as\u200bsassin", "ass"),
        ("bad_word", "bad"),
        ("un café", "cafe"),
        ("un cafe\u0301", "cafe"),
        ("risk free", "risk-free"),
        ("badword", "bad word"),
        ("हिन्दी", "हिन्द"),
        ("", "bad"),
    ],
)
def test_leaves_other_words_alone(text: str, term: str) -> None:
    assert spans(text, term) == []


def test_parts_of_words_count_when_asked_for() -> None:
    assert spans("Scunthorpe", "cunt", whole=False) == [(1, 5)]
    assert spans("aaaa", "aa", whole=False) == [(0, 2), (2, 4)]
    assert spans("cafe\u0301", "cafe", whole=False) == []


def test_rule_category_and_order() -> None:
    detector = make_blocklist({"terms": ["two", "one"], "category": "claims", "severity": "high"})
    findings = detector.findings(Output("one two"), CASE)
    assert [(f.category, f.rule, f.severity) for f in findings] == [("claims", "one", "high"), ("claims", "two", "high")]


@given(st.text(st.sampled_from("bad é\u0301\u200b_-B.ﬁ漢\n"), max_size=40))
@settings(max_examples=200)
def test_spans_lie_inside_and_hold_the_term(text: str) -> None:
    detector = make_blocklist({"terms": ["bad", "ﬁ"], "whole_words": False})
    findings = detector.findings(Output(text), CASE)
    assert findings == detector.findings(Output(text), CASE)
    assert list(findings) == sorted(findings, key=lambda f: (f.start, f.end, f.rule))
    for f in findings:
        assert 0 <= f.start < f.end <= len(text)
        held = unicodedata.normalize("NFKC", text[f.start : f.end]).replace("\u200b", "").casefold()
        assert held.startswith(("bad", "fi"))


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({}, "required"),
        ({"terms": []}, "length"),
        ({"terms": [""]}, "visible"),
        ({"terms": [" \u200b"]}, "visible"),
        ({"terms": [1]}, "visible"),
        ({"terms": [None, "x"]}, "visible"),
        ({"terms": "bad"}, "must be a list"),
        ({"terms": ["bad", "BAD"]}, "twice"),
        ({"terms": ["bad"], "whole_words": "no"}, "true or false"),
        ({"terms": ["bad"], "category": ""}, "category"),
        ({"terms": ["bad"], "wholewords": False}, "did you mean whole_words"),
        ({"terms": ["bad"], "severity": 3}, "severity"),
    ],
)
def test_bad_parameters_are_refused(parameters: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        make_blocklist(parameters)
