"""What a judge's answer is, and what it is not: never clean unless it says so and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.core.errors import BadInput
from evalgate.core.judgement import read_judgement
from evalgate.core.settings import PluginChoice
from evalgate.core.values import Case, Finding, Output, Severity, Status
from evalgate.safety.catalog import make_detector

CASE = Case("c", {}, {}, (), {})
LABELS = ("safe", "not safe", "Ünklar")
NEEDED: dict[str, Any] = {"prompt": "harm@1", "model": "j", "labels": list(LABELS), "violating": ["not safe"]}


def judge(**changes: Any) -> Any:
    return make_detector(PluginChoice("judge", {**NEEDED, **changes}))


def said(text: str, **facts: Any) -> Output:
    return Output("the answer", judgements={"judge": Output(text, **facts)})


@pytest.mark.parametrize("text", ["safe", "SAFE", "  safe\n", "ünklar", "ÜNKLAR"])
def test_a_clean_label_is_clean(text: str) -> None:
    assert judge().findings(said(text), CASE) == ()


@pytest.mark.parametrize("text", ["not safe", "Not Safe\n"])
def test_a_violating_label_is_a_finding_over_the_whole_output(text: str) -> None:
    assert judge(severity="critical").findings(said(text), CASE) == (Finding("judge", "not safe", Severity.CRITICAL, 0, 10),)


NO_LABEL = [
    "", " ", "saf", "safe.", "safe!", "'safe'", '"safe"', "**safe**", "safe safe", "safe\nnot safe", "not  safe", "label: safe",
    "Safe, because it is polite.", "safe\u200b", "s\u0430fe", "unsafe", "{}", '{"label": "safe"}', "```\nsafe\n```", "0", "true",
]  # fmt: skip


@pytest.mark.parametrize("text", NO_LABEL)
def test_anything_else_is_undecided(text: str) -> None:
    assert judge().findings(said(text), CASE) == (Finding("judge", "unparseable", Severity.HIGH, 0, 10, undecided=True),)


@pytest.mark.parametrize(
    ("answer", "rule"),
    [
        (None, "no_answer"),
        (Output("safe", status=Status.ERROR, error="gone"), "no_answer"),
        (Output("safe", finish="content_filter"), "refused"),
        (Output("safe", finish="length"), "unparseable"),
        (Output("safe", finish="tool_calls"), "unparseable"),
        (Output("safe", redacted=True), "unparseable"),
    ],
)
def test_what_did_not_end_well_is_undecided(answer: Output | None, rule: str) -> None:
    output = Output("x", judgements={} if answer is None else {"judge": answer})
    assert [(f.rule, f.undecided) for f in judge().findings(output, CASE)] == [(rule, True)]


def test_each_judge_reads_its_own_judgement() -> None:
    output = Output("x", judgements={"harm": Output("safe"), "tone": Output("not safe")})
    assert judge(category="harm").findings(output, CASE) == ()
    assert [f.category for f in judge(category="tone").findings(output, CASE)] == ["tone"]
    assert [f.rule for f in judge(category="other").findings(output, CASE)] == ["no_answer"]


@pytest.mark.parametrize(
    "text", ['{"label": "safe"}', ' {"label": "SAFE", "reason": "polite"}\n', '{"reason": "", "label": "safe "}']
)
def test_json_answers(text: str) -> None:
    assert read_judgement(Output(text), LABELS, "json").label == "safe"


NO_JSON = [
    "safe", '"safe"', '["safe"]', "{}", '{"label": null}', '{"label": ["safe"]}', '{"label": "maybe"}', '{"reason": "safe"}',
    '{"label": "not safe", "label": "safe"}', '{"label": "safe", "score": 1}', '{"label": "safe", "reason": 1}',
    '```json\n{"label": "safe"}\n```', 'Here: {"label": "safe"}', '{"label": "safe"} done', "{'label': 'safe'}",
    '{"label": "safe"', '{"label": "safe",}', '{"label": "safe"}{"label": "safe"}', '{"Label": "safe"}', "[" * 5000, "1" * 5000,
]  # fmt: skip


@pytest.mark.parametrize("text", NO_JSON)
def test_json_that_is_not_the_schema_is_undecided(text: str) -> None:
    assert read_judgement(Output(text), LABELS, "json").fault == "unparseable"


@given(st.text(max_size=60))
def test_no_text_is_clean_by_accident(text: str) -> None:
    judgement = read_judgement(Output(text), LABELS, "label")
    assert (judgement.label is None) == (text.strip().casefold() not in [label.casefold() for label in LABELS])
    assert (judgement.label is None) == (judgement.fault is not None)
    assert read_judgement(Output(json.dumps({"label": text})), LABELS, "json") == judgement


@pytest.mark.parametrize(
    "changes",
    [
        {"labels": []}, {"labels": ["a"]}, {"labels": "a, b"}, {"labels": ["a", "A"], "violating": ["a"]},
        {"labels": ["a", 1], "violating": ["a"]}, {"labels": ["a", True], "violating": ["a"]},
        {"labels": ["a", ""], "violating": ["a"]}, {"labels": [" a", "b"], "violating": ["b"]},
        {"violating": []}, {"violating": list(LABELS)}, {"violating": ["NOT SAFE"]}, {"violating": ["not safe", "not safe"]},
        {"violating": "not safe"}, {"prompt": ""}, {"prompt": None}, {"model": 1}, {"answer": "yaml"}, {"card": 3}, {"sensitive": "no"},
        {"severity": "bad"}, {"label": "x"}, {"category": "any"}, {"category": ""},
    ],
)  # fmt: skip
def test_faulty_parameters_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        judge(**changes)


def test_a_recipe_tells_other_labels_and_forms_apart_and_no_severity() -> None:
    recipes = [judge(**c).spec.signature for c in ({}, {"answer": "json"}, {"violating": ["safe"]}, {"labels": [*LABELS, "x"]})]
    assert len(set(recipes)) == 4
    assert judge(severity="low", card="x.json", category="y", sensitive=False).spec.signature == recipes[0]
    assert judge().spec.sensitive and not judge(sensitive=False).spec.sensitive
