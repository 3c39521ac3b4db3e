"""Detectors: tables of what must be found and what must not, and laws for any text."""

from __future__ import annotations

import base64
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalgate.core.errors import BadInput
from evalgate.core.settings import PluginChoice
from evalgate.core.values import Case, Output
from evalgate.safety.catalog import BUILTINS, make_detector

CANARY = "ZEBRA-74-ÖL"
CASE = Case("c", {"secret": CANARY, "bad": "ab", "none": 3, "kind": "attack"}, {"question": "why"}, (), {}, place="data.jsonl:3")


def found(name: str, text: str, finish: str | None = None, **parameters: object) -> list[tuple[str, str]]:
    detector = make_detector(PluginChoice(name, parameters))
    return [(f.rule, text[f.start : f.end]) for f in detector.findings(Output(text, finish=finish), CASE)]


LEAKS = [
    ("the code is ZEBRA-74-ÖL.", [("verbatim", CANARY)]),
    ("the code is zebra-74-öl", [("altered", "zebra-74-öl")]),
    ("z e b r a 7 4 ö l", [("altered", "z e b r a 7 4 ö l")]),
    ("ZE\u200bBRA74\u00ad-Öl", [("altered", "ZE\u200bBRA74\u00ad-Öl")]),
    ("ＺＥＢＲＡ－７４－Öl", [("altered", "ＺＥＢＲＡ－７４－Öl")]),
    (base64.b64encode(b"x" + CANARY.encode()).decode(), None),
    (CANARY.encode().hex(), None),
    ("ZEBRA-75-ÖL", []),
    ("a zebra is an animal", []),
    ("", []),
]


@pytest.mark.parametrize(("text", "expected"), LEAKS)
def test_prompt_leak(text: str, expected: list[tuple[str, str]] | None) -> None:
    leaks = found("prompt_leak", text, field="secret")
    if expected is None:
        assert [rule for rule, _ in leaks] in (["base64"], ["hex"])
    else:
        assert leaks == expected
    assert found("prompt_leak", text, canaries=[CANARY]) == leaks


TERMS = [
    ("This is Guaranteed!", ["Guaranteed"]),
    ("GUARANTEED and guaranteed", ["GUARANTEED", "guaranteed"]),
    ("unguaranteed, guaranteedly", []),
    ("best  in\nthe world", ["best  in\nthe world"]),
    ("ｇｕａｒａｎｔｅｅｄ", ["ｇｕａｒａｎｔｅｅｄ"]),
    ("guar\u200banteed", ["guar\u200banteed"]),
    ("Scunthorpe", []),
    ("STRASSE", ["STRASSE"]),
    ("100% safe, 100% safer", ["100% safe"]),
]


@pytest.mark.parametrize(("text", "expected"), TERMS)
def test_blocklist(text: str, expected: list[str]) -> None:
    terms = ["guaranteed", "best in the world", "cunt", "straße", "100% safe"]
    assert [span for _, span in found("blocklist", text, terms=terms)] == expected


def test_blocklist_inside_words_on_request() -> None:
    assert found("blocklist", "unguaranteed", terms=["guaranteed"], whole_words=False) == [("guaranteed", "guaranteed")]


def test_regex_rules() -> None:
    rules = {"ticket": r"T-\d+", "shout": "[A-Z]{5,}"}
    assert found("regex", "see T-12, HELLO", patterns=rules) == [("ticket", "T-12"), ("shout", "HELLO")]
    assert found("regex", "see t-12", patterns=rules, ignore_case=True) == [("ticket", "t-12")]
    assert found("regex", "aaa", patterns=["b*"]) == []


DEGENERATE = [
    ("", {}, ["empty"]),
    (" \n\t", {}, ["empty"]),
    ("...!?", {}, ["no_words"]),
    ("no no no no no", {}, ["loop"]),
    ("no no no", {}, []),
    ("I am here. " * 6, {}, ["loop"]),
    ("ha ha ha", {"repeats": 2}, ["loop"]),
    ("a long answer", {"max_characters": 5}, ["too_long"]),
    ("fine", {"max_characters": 5}, []),
    ("A perfectly good answer.", {}, []),
]


@pytest.mark.parametrize(("text", "parameters", "expected"), DEGENERATE)
def test_degenerate(text: str, parameters: dict[str, int], expected: list[str]) -> None:
    assert [rule for rule, _ in found("degenerate", text, **parameters)] == expected


def test_an_answer_that_was_cut_off() -> None:
    assert found("degenerate", "and then", finish="length", cut_off=True) == [("cut_off", "and then")]
    assert found("degenerate", "and then", finish="stop", cut_off=True) == []
    assert found("degenerate", "and then", finish="length") == []


REFUSED = [
    ("prompt_leak", {"overlap": 0}, "what to look for"),
    ("prompt_leak", {"canaries": ["abc"]}, "at least 4"),
    ("prompt_leak", {"canaries": ["----"]}, "at least 4"),
    ("prompt_leak", {"canaries": [7]}, "texts"),
    ("prompt_leak", {"field": "secret", "severity": "extreme"}, "severity"),
    ("prompt_leak", {"feild": "secret"}, "field"),
    ("blocklist", {}, "terms"),
    ("blocklist", {"terms": []}, "terms"),
    ("blocklist", {"terms": ["\u200b"]}, "visible"),
    ("blocklist", {"terms": "guaranteed"}, "list"),
    ("blocklist", {"terms": ["a"], "category": "any"}, "any"),
    ("regex", {}, "patterns"),
    ("regex", {"patterns": {}}, "patterns"),
    ("regex", {"patterns": {"a": "(?=b)"}}, "RE2"),
    ("regex", {"patterns": ["("]}, "pattern"),
    ("degenerate", {"repeats": 1}, "at least 2"),
    ("degenerate", {"repeats": True}, "whole number"),
    ("toxicty", {}, "unknown detector"),
]


@pytest.mark.parametrize(("name", "parameters", "said"), REFUSED)
def test_bad_parameters_are_refused(name: str, parameters: dict[str, object], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        make_detector(PluginChoice(name, parameters))


@pytest.mark.parametrize("column", ["missing", "bad", "none"])
def test_a_case_without_a_usable_canary_is_refused(column: str) -> None:
    detector = make_detector(PluginChoice("prompt_leak", {"field": column}))
    with pytest.raises(BadInput, match=r"data\.jsonl:3"):
        detector.findings(Output("x"), CASE)


CHOICES = {
    "jailbreak": {"field": "kind", "unsafe": ["attack"]},
    "refusal": {"field": "kind", "unsafe": ["attack"]},
    "toxicity": {},
    "hallucinated_entities": {},
    "judge": {"prompt": "harm@1", "model": "j", "labels": ["ok", "bad"], "violating": ["bad"]},
    "json_injection": {},
    "markup": {"code": True},
    "pii": {},
    "secrets": {},
    "urls": {"allow": []},
    "label": {"field": "bad"},
    "prompt_leak": {"field": "secret"},
    "blocklist": {"terms": ["guaranteed", "ß"]},
    "regex": {"patterns": ["[a-f]+"]},
    "degenerate": {"max_characters": 20},
}


def test_every_builtin_is_covered_by_the_laws() -> None:
    assert set(CHOICES) == set(BUILTINS)


@pytest.mark.parametrize("name", sorted(CHOICES))
@settings(max_examples=60)
@given(text=st.text(max_size=200))
def test_laws(name: str, text: str) -> None:
    detector = make_detector(PluginChoice(name, CHOICES[name]))
    output = Output(text, labels={"bad": True})
    first = detector.findings(output, CASE)
    assert first == detector.findings(output, CASE)
    assert list(first) == sorted(first, key=lambda f: (f.start, f.end, f.rule))
    for finding in first:
        assert 0 <= finding.start <= finding.end <= len(text)
        assert finding.category == detector.spec.category


@pytest.mark.parametrize("name", sorted(CHOICES))
@pytest.mark.parametrize("piece", ["a ", "ze", "\u0301", "guaranteed", "\U0001f469\u200d"])
def test_a_megabyte_of_hostile_text_is_no_trap(name: str, piece: str) -> None:
    detector = make_detector(PluginChoice(name, CHOICES[name]))
    text = (piece * 1_000_000)[:1_000_000]
    started = time.process_time()
    detector.findings(Output(text, labels={"bad": True}), CASE)
    assert time.process_time() - started < 20
