"""What a shard keeps of an answer is enough to measure it again."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.core.values import ARMS, Case, Output, Status
from evalgate.runner.case_lines import CaseLine
from evalgate.runner.kept_answers import answers_in, line_in
from evalgate.runner.shard import _detail, _fields
from evalgate.runner.shard_file import ShardNumbers, ShardRows

TEXT = st.text(max_size=5)
JUDGED = st.builds(Output, TEXT, status=st.sampled_from(Status), error=st.none() | TEXT, finish=st.none() | TEXT)
OUTPUT = st.builds(
    Output,
    TEXT,
    value=st.none() | st.lists(TEXT, max_size=2),
    finish=st.none() | TEXT,
    latency_ms=st.none() | st.floats(0, 9),
    prompt_tokens=st.none() | st.integers(0, 9),
    completion_tokens=st.none() | st.integers(0, 9),
    cost_usd=st.none() | st.floats(0, 1),
    request_key=st.none() | TEXT,
    redacted=st.booleans(),
    labels=st.dictionaries(TEXT, TEXT, max_size=2),
    judgements=st.dictionaries(TEXT, JUDGED, max_size=2),
)
LOST = st.builds(Output, st.just(""), status=st.just(Status.ERROR), error=TEXT, request_key=st.none() | TEXT)


def _kept(outputs: tuple[Output, ...]) -> Any:
    case = Case("c", {"q": "1", "label": "x"}, {"q": "1"}, ("1",), {}, None, "here")
    found: dict[Any, list[list[tuple[()]]]] = {arm: [[]] for arm in ("baseline", "candidate")}
    line = CaseLine(case, None, {})
    detail = _detail(line, {"baseline": (outputs,), "candidate": (outputs,)}, found, 0)  # type: ignore[arg-type]
    return json.loads(json.dumps(detail | _fields(case, wide=True)))


@given(st.lists(OUTPUT | LOST, min_size=1, max_size=3))
def test_answers_come_back_as_they_were(outputs: list[Output]) -> None:
    detail = _kept(tuple(outputs))
    assert answers_in(detail["candidate"]) == tuple(outputs)


@given(OUTPUT)
def test_the_prompt_and_shares_are_not_kept(output: Output) -> None:
    rich = replace(output, messages=(("user", "x"),), shared=0.5)
    assert answers_in(_kept((rich,))["candidate"]) == (output,)


def _digest(outputs: tuple[Output, ...]) -> str:
    zeros = {arm: np.zeros((1, 1)) for arm in ARMS}
    flags = {arm: np.zeros(1, dtype=bool) for arm in ARMS}
    ranks = {arm: np.zeros((1, 1), dtype=np.int64) for arm in ARMS}
    numbers = ShardNumbers(zeros, zeros, ranks, ranks, flags, flags["baseline"], np.zeros(1, dtype=np.uint64), None, {})  # type: ignore[index]
    return ShardRows(numbers, ["c"], [_kept(outputs)]).digest()


@given(st.lists(OUTPUT, min_size=1, max_size=3))
def test_how_long_answers_took_is_no_part_of_the_content(outputs: list[Output]) -> None:
    slow, unknown = ([replace(one, latency_ms=latency) for one in outputs] for latency in (7.0, None))
    mixed = [replace(one, latency_ms=None if n else 3.0) for n, one in enumerate(outputs)]
    assert len({_digest(tuple(one)) for one in (outputs, slow, unknown, mixed)}) == 1
    other = [replace(outputs[0], text=outputs[0].text + "!"), *outputs[1:]]
    assert _digest(tuple(other)) != _digest(tuple(outputs))


def test_most_answers_keep_nothing_more() -> None:
    assert "answers" not in _kept((Output("fine", finish="stop", latency_ms=1.0),))["candidate"]


def test_a_metric_that_failed_does_not_make_its_answer_a_lost_one() -> None:
    side = _kept((Output("fine"),))["candidate"]
    side |= {"status": "error", "error": "it crashed", "unmeasured": {"m": "it crashed"}}
    assert answers_in(side) == (Output("fine"),)


def test_columns_that_are_no_inputs_come_back() -> None:
    line = line_in("c", _kept((Output("fine"),)), 3)
    assert (line.case.inputs, line.case.fields, line.group) == ({"q": "1"}, {"q": "1", "label": "x"}, 3)


@pytest.mark.parametrize("wrong", [{"text": "x"}, {"text": 1, "more": []}, {}])
def test_what_no_shard_keeps_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        answers_in(wrong)
