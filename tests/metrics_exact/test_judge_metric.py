"""The scores that a model as judge gives: read strictly, and never dropped where they cannot be read."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.core.errors import BadInput
from evalgate.core.judgement import read_score
from evalgate.core.settings import PluginChoice
from evalgate.core.values import Arm, Case, Expectation, Output, Scale, Status
from evalgate.metrics.catalog import make_metric
from evalgate.runner.job import MetricTask
from evalgate.runner.measure import metric_rows, metric_tool, unread_judgements

CASE = Case("c", {}, {}, (), {})
SCORES = {"good": 1, "fair": 0.5, "bad": 0}
NEEDED: dict[str, Any] = {"prompt": "help@1", "model": "j", "scores": SCORES}
NUMBERS: dict[str, Any] = {"prompt": "help@1", "model": "j", "range": [1, 5]}
FAULTS = [
    {"status": Status.ERROR},
    {"finish": "length"},
    {"finish": "content_filter"},
    {"finish": "tool_calls"},
    {"redacted": True},
]


def judged(text: str, **facts: Any) -> Output:
    return Output("the answer", judgements={"help@1 by j": Output(text, **facts)})


def values(parameters: dict[str, Any], *outputs: Output) -> list[float]:
    metric = make_metric(PluginChoice("judge", parameters))
    return [float(value) for value in metric.rows(outputs, [Expectation((), CASE)] * len(outputs))[:, 0]]


def unread(parameters: dict[str, Any], output: Output) -> bool:
    tool = metric_tool(MetricTask(PluginChoice("judge", parameters), "judge", None))
    found = unread_judgements(tool, {Arm.BASELINE: ((output,),), Arm.CANDIDATE: ()})
    assert found is not None
    return found["baseline"] == 1


def test_labels_are_their_numbers_and_the_score_their_mean() -> None:
    metric = make_metric(PluginChoice("judge", NEEDED))
    rows = metric.rows([judged(text) for text in ("good", " FAIR\n", "bad", "Good")], [Expectation((), CASE)] * 4)
    assert rows.tolist() == [[1, 1], [0.5, 1], [0, 1], [1, 1]]
    assert metric.score(rows.sum(axis=0, keepdims=True)).tolist() == [0.625]
    assert (metric.spec.low, metric.spec.high, metric.spec.unit, metric.spec.scale) == (0, 1, "0-1", Scale.MEAN)
    assert not unread(NEEDED, judged("fair"))


def test_two_labels_of_0_and_1_are_a_share() -> None:
    assert make_metric(PluginChoice("judge", {**NEEDED, "scores": {"a": 1, "b": 0}})).spec.scale is Scale.PROPORTION
    assert make_metric(PluginChoice("judge", {**NEEDED, "scores": {"a": 2, "b": 0}})).spec.scale is Scale.MEAN
    assert make_metric(PluginChoice("judge", {**NEEDED, "scores": {"a": 1, "b": -1}})).spec.low == -1


def test_whole_numbers_of_a_range_are_scores() -> None:
    assert values(NUMBERS, *map(judged, ("1", "3", " 5 "))) == [1, 3, 5]
    assert values({**NUMBERS, "range": [-2, 2]}, judged("-2"), judged("2")) == [-2, 2]
    assert values({**NUMBERS, "answer": "json"}, judged('{"score": 4}'), judged('{"score": 2, "reason": "4"}')) == [4, 2]


@pytest.mark.parametrize(
    "text",
    ["", "0", "6", "-1", "3.0", "4/5", "3 4", "3.", "+3", "three", "٣", "³", "3 stars", "**3**", "0x3", "1e0", "3\n4", '{"score": 3}', "9" * 5000],
)  # fmt: skip
def test_anything_else_is_no_number_of_the_range(text: str) -> None:
    assert unread(NUMBERS, judged(text))
    assert values(NUMBERS, judged(text)) == [1], "the worst"


@pytest.mark.parametrize(
    "text",
    [
        "3", "[3]", "null", "", "{}", '{"score": "3"}', '{"score": 3.0}', '{"score": true}', '{"score": 0}', '{"score": 6}',
        '{"score": null}', '{"score": 3, "score": 4}', '{"score": 3, "sure": 1}', '{"score": 3, "reason": 1}', '{"label": "3"}',
        '```json\n{"score": 3}\n```', '{"score": 3} ok', '{"score": NaN}', '{"Score": 3}',
    ],
)  # fmt: skip
def test_anything_else_is_no_object_with_a_score(text: str) -> None:
    assert unread({**NUMBERS, "answer": "json"}, judged(text))


@pytest.mark.parametrize("text", ["", "good.", "good bad", "very good", "better", "1", '{"label": "good"}', "“good”"])
def test_anything_else_is_no_label(text: str) -> None:
    assert unread(NEEDED, judged(text))
    assert values(NEEDED, judged(text)) == [0]


@pytest.mark.parametrize("facts", FAULTS)
@pytest.mark.parametrize(("parameters", "text"), [(NEEDED, "good"), (NUMBERS, "5")])
def test_an_answer_that_is_not_whole_is_no_score(parameters: dict[str, Any], text: str, facts: dict[str, Any]) -> None:
    assert unread(parameters, judged(text, **facts))
    assert not unread(parameters, judged(text, finish="stop"))


def test_another_judge_is_not_listened_to() -> None:
    other = Output("x", judgements={"help@2 by j": Output("good"), "help@1 by k": Output("good"), "judge": Output("good")})
    assert unread(NEEDED, other)
    assert unread(NEEDED, Output("x"))


def test_unread_counts_worst_for_the_candidate_and_best_for_the_baseline() -> None:
    tool = metric_tool(MetricTask(PluginChoice("judge", NUMBERS), "judge", None))
    fine, vague, lost = judged("3"), judged("hm"), Output("", status=Status.ERROR)
    answers = {Arm.BASELINE: ((fine,), (vague,), (lost,)), Arm.CANDIDATE: ((vague,), (fine,), (vague,))}
    rows = metric_rows(tool, answers, [CASE] * 3)
    assert rows[Arm.BASELINE].tolist() == [[3, 1], [5, 1], [5, 1]]
    assert rows[Arm.CANDIDATE].tolist() == [[1, 1], [3, 1], [1, 1]]
    assert unread_judgements(tool, answers) == {"baseline": 1, "candidate": 2}, "a lost answer was not judged"


def test_other_metrics_read_no_judgements() -> None:
    tool = metric_tool(MetricTask(PluginChoice("length"), "length", None))
    assert unread_judgements(tool, {Arm.BASELINE: ((judged("hm"),),), Arm.CANDIDATE: ((judged("hm"),),)}) is None


@given(st.text(max_size=30), st.integers(-9, 9), st.integers(1, 9))
def test_a_score_is_the_number_itself_or_nothing(text: str, low: int, more: int) -> None:
    said = read_score(Output(text), low, low + more, "label")
    assert said is None or (low <= said <= low + more and set(text.strip()) <= set("-0123456789"))
    assert said is not None or text.strip() not in {str(number) for number in range(low, low + more + 1)}


@given(st.integers(-50, 50), st.sampled_from(["label", "json"]))
def test_every_number_inside_is_read_and_none_outside(number: int, form: str) -> None:
    text = str(number) if form == "label" else json.dumps({"score": number})
    assert read_score(Output(text), -10, 10, form) == (number if abs(number) <= 10 else None)


@given(st.lists(st.sampled_from(["good", "fair", "bad", "hm"]), min_size=1, max_size=30))
def test_nothing_is_dropped(said: list[str]) -> None:
    metric = make_metric(PluginChoice("judge", NEEDED))
    rows = metric.rows([judged(text) for text in said], [Expectation((), CASE)] * len(said))
    assert rows[:, 1].tolist() == [1.0] * len(said)
    assert np.isclose(rows[:, 0].sum(), sum(SCORES.get(text, 0) for text in said))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"scores": None}, "must be a mapping"),
        ({"range": [1, 5]}, "not both"),
        ({"scores": {"good": 1}}, "same score"),
        ({"scores": {}}, "same score"),
        ({"scores": {"good": 1, "bad": 1}}, "same score"),
        ({"scores": {"good": 1, "GOOD": 0}}, "case alone"),
        ({"scores": {"good": 1, "bad": "0"}}, "no number"),
        ({"scores": {"good": True, "bad": False}}, "no number"),
        ({"scores": {"good": float("nan"), "bad": 0}}, "no number"),
        ({"scores": {"good": float("inf"), "bad": 0}}, "no number"),
        ({"scores": {" good": 1, "bad": 0}}, "white space"),
        ({"scores": {"": 1, "bad": 0}}, "white space"),
        ({"scores": {1: 1, "bad": 0}}, "white space"),
        ({"scores": ["good", "bad"]}, "must be a mapping"),
        ({"answer": "yaml"}, "answer"),
        ({"prompt": 1}, "prompt"),
        ({"model": ""}, "model"),
        ({"labels": ["good"]}, "unknown parameter"),
        ({"card": "card.json"}, "two labels"),
    ],
)
def test_wrong_parameters_are_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput) as caught:
        make_metric(PluginChoice("judge", {**NEEDED, **changes}))
    assert said in str(caught.value)


@pytest.mark.parametrize(
    "ends", [[], [1], [1, 2, 3], [5, 1], [1, 1], [1.0, 5.0], ["1", "5"], [False, True], [0, 10**4], "1-5", [10**7, 10**7 + 1]]
)
def test_wrong_ranges_are_refused(ends: Any) -> None:
    with pytest.raises(BadInput, match="range"):
        make_metric(PluginChoice("judge", {**NUMBERS, "range": ends}))


@pytest.mark.parametrize("missing", ["prompt", "model", "range"])
def test_what_is_needed_is_asked_for(missing: str) -> None:
    with pytest.raises(BadInput, match=missing):
        make_metric(PluginChoice("judge", {name: value for name, value in NUMBERS.items() if name != missing}))
