"""Keys, recordings and replay: one key for one request, and nothing but recorded answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.core.errors import BadInput
from evalgate.core.settings import ModelChoice
from evalgate.core.values import Output, Status
from evalgate.proxy.nearest import Miss, explain
from evalgate.proxy.recording import Recording, open_recording, recording_folder
from evalgate.proxy.replay import Ask, replay
from evalgate.proxy.request import canonical_request, request_key

MESSAGES = [{"role": "system", "content": "be brief"}, {"role": "user", "content": "what is 2 + 2?"}]
PARAMETERS = {"temperature": 0, "max_tokens": 16, "stop": ["\n"]}
MODEL = ModelChoice("m", "openai", "small", price_input=1.0, price_output=10.0)


def key(**changes: Any) -> str:
    return request_key(canonical_request(**{"model": "small", "messages": MESSAGES, "parameters": PARAMETERS, **changes}))


SAME = [
    {"parameters": {"stop": ["\n"], "max_tokens": 16.0, "temperature": 0.0}},
    {"parameters": {**PARAMETERS, "top_p": None}},
    {"parameters": {"temperature": 0, "max_completion_tokens": 16, "stop": ["\n"]}},
    {"parameters": {**PARAMETERS, "stream": True, "user": "ann", "metadata": {"a": 1}, "stream_options": {}, "store": True}},
    {"messages": [{"content": "be brief", "role": "system", "name": None}, MESSAGES[1]]},
    {
        "messages": [
            MESSAGES[0],
            {"role": "user", "content": [{"type": "text", "text": "what is "}, {"type": "text", "text": "2 + 2?"}]},
        ]
    },
]
OTHER = [
    {"model": "large"},
    {"sample": 1},
    {"endpoint": "responses"},
    {"messages": MESSAGES[1:]},
    {"messages": MESSAGES[::-1]},
    {"messages": [MESSAGES[0], {"role": "user", "content": "what is 2 + 2? "}]},
    {"messages": [{"role": "developer", "content": "be brief"}, MESSAGES[1]]},
    {"messages": [MESSAGES[0], {**MESSAGES[1], "name": "bob"}]},
    {"parameters": {**PARAMETERS, "temperature": 0.1}},
    {"parameters": {**PARAMETERS, "max_tokens": 17}},
    {"parameters": {**PARAMETERS, "seed": 0}},
    {"parameters": {**PARAMETERS, "stop": []}},
    {"parameters": {**PARAMETERS, "logit_bias": {}}},
    {"parameters": {}},
]


@pytest.mark.parametrize("changes", SAME)
def test_the_same_request_has_one_key(changes: dict[str, Any]) -> None:
    assert key(**changes) == key()


@pytest.mark.parametrize("changes", OTHER)
def test_any_other_request_has_another_key(changes: dict[str, Any]) -> None:
    assert key(**changes) != key()


def test_all_other_keys_differ_from_each_other() -> None:
    assert len({key(**changes) for changes in OTHER}) == len(OTHER)


@given(st.text(max_size=20), st.text(max_size=20))
def test_two_texts_share_a_key_only_when_equal(a: str, b: str) -> None:
    def one(text: str) -> str:
        return key(messages=[{"role": "user", "content": text}])

    try:
        assert (one(a) == one(b)) == (a == b)
    except BadInput:
        assert any("\ud800" <= c <= "\udfff" for c in a + b)


def test_two_names_of_one_parameter_must_agree() -> None:
    with pytest.raises(BadInput, match="same parameter"):
        key(parameters={"max_tokens": 5, "max_completion_tokens": 6})


def line(text: str = "4", question: str = "what is 2 + 2?", **changes: Any) -> dict[str, Any]:
    messages = [MESSAGES[0], {"role": "user", "content": question}]
    request = canonical_request(model="small", messages=messages, parameters=PARAMETERS)
    response = {"status": "ok", "text": text, "finish": "stop", "usage": {"prompt_tokens": 10, "completion_tokens": 2}}
    return {"v": 1, "key": request_key(request), "request": request, "response": response, "latency_ms": 12.5, **changes}


def recorded(folder: Path, *lines: dict[str, Any] | str, segment: str = "0001.jsonl") -> Path:
    written = "".join(row if isinstance(row, str) else json.dumps(row) + "\n" for row in lines)
    (folder / segment).write_text(written, encoding="utf-8")
    return folder


def ask(question: str = "what is 2 + 2?", **changes: Any) -> Ask:
    return Ask("c1", "candidate", MODEL, (("system", "be brief"), ("user", question)), {**PARAMETERS, **changes})


def test_an_answer_is_served_with_its_figures(tmp_path: Path) -> None:
    answer = replay(ask(), open_recording(recorded(tmp_path, line()), "r"))
    assert isinstance(answer, Output)
    assert (answer.text, answer.finish, answer.latency_ms, answer.prompt_tokens) == ("4", "stop", 12.5, 10)
    assert answer.cost_usd == pytest.approx((10 * 1.0 + 2 * 10.0) / 1e6)


def test_the_index_travels_through_a_file(tmp_path: Path) -> None:
    index = open_recording(recorded(tmp_path, line(), line("5", "what is 2 + 3?")), "r")
    index.save(tmp_path / "index.json")
    again = Recording.load(tmp_path / "index.json")
    assert again.index == index.index
    assert (again.digest, again.seal, len(again)) == (index.digest, index.seal, 2)
    assert [exchange.key for exchange in again.exchanges()] == [exchange.key for exchange in index.exchanges()]
    assert isinstance(replay(ask("what is 2 + 3?"), again), Output)


@pytest.mark.parametrize(
    ("question", "changes", "said"),
    [("what is 2 + 5?", {}, "'2?' is recorded, '5?' is asked"), ("what is 2 + 2?", {"max_tokens": 99}, "parameter max_tokens: 16 is recorded, 99 is asked"),
     ("what is 2 + 2?", {"seed": 1}, "parameter seed: None is recorded, 1 is asked")],
)  # fmt: skip
def test_a_miss_says_what_differs(tmp_path: Path, question: str, changes: dict[str, Any], said: str) -> None:
    index = open_recording(recorded(tmp_path, line("x", "how are you?"), line()), "r")
    miss = replay(ask(question, **changes), index)
    assert isinstance(miss, Miss)
    assert said in explain(miss, index.requests())


def test_nothing_recorded_is_said() -> None:
    assert explain(Miss("c", "baseline", 0, {}, "not recorded"), []) == "nothing is recorded"


ERROR = {"response": {"status": "error", "error": "HTTP 429"}}
HIDDEN = {"response": {"status": "ok", "text": "Sorry", "body": {"error": {"code": 429}}}}


@pytest.mark.parametrize(("wrong", "said"), [(ERROR, "HTTP 429"), (HIDDEN, "recorded error response")])
def test_an_error_is_a_lost_answer_until_an_answer_follows(tmp_path: Path, wrong: dict[str, Any], said: str) -> None:
    recording = open_recording(recorded(tmp_path, line(**wrong)), "r")
    lost = replay(ask(), recording)
    assert isinstance(lost, Output)
    assert lost.status is Status.ERROR
    assert lost.text == ""
    assert lost.error is not None
    assert said in lost.error
    assert (lost.latency_ms, lost.prompt_tokens, lost.cost_usd) == (None, None, None)
    assert not recording.answers(lost.request_key or "")
    for order in ((line(**wrong), line()), (line(), line(**wrong)), (line(**wrong), line(), line(**wrong))):
        found = replay(ask(), open_recording(recorded(tmp_path, *order), "r"))
        assert isinstance(found, Output)
        assert (found.status, found.text, found.error) == (Status.OK, "4", None)


def test_order_and_segments_change_no_answer(tmp_path: Path) -> None:
    rows = [line(str(i), f"what is {i}?") for i in range(6)]
    recorded(tmp_path, *rows[::-1][:3], segment="0002.jsonl")
    index = open_recording(recorded(tmp_path, *rows[:3]), "r")
    for i in range(6):
        answer = replay(ask(f"what is {i}?"), index)
        assert isinstance(answer, Output)
        assert answer.text == str(i)


EDITED = line()
EDITED["request"]["messages"][1]["content"] = "what is 2 + 3?"
BROKEN = [
    ((line(v=2),), "version 2"),
    ((line(key="0" * 64),), "not the key"),
    ((EDITED,), "edited"),
    ((line(response=None),), "without request or response"),
    ((line(response={"status": "fine", "text": "x"}),), "neither ok nor error"),
    ((line(response={"status": "ok", "text": None}),), "needs a text"),
    ((line(response={"status": "ok", "text": "4", "usage": {"prompt_tokens": -1}}),), "prompt_tokens"),
    ((line(latency_ms=-1),), "latency_ms"),
    ((line(latency_ms=10**30),), "latency_ms"),
    ((line(response={"status": "ok", "text": "4", "finish": ["stop"]}),), "finish"),
    ((line(v=True),), "version"),
    ((line(request={"messages": "hello"}),), "messages"),
    ((line(request={"messages": [], "parameters": []}),), "parameters"),
    ((line(latency_ms=True),), "latency_ms"),
    ((line(), line("5")), "another answer"),
    ((line(), json.dumps(line("5"))[:-30]), "not valid JSON"),
    ((line(), "<<<<<<< HEAD\n"), "conflict"),
    (("[]\n",), "version"),
]


@pytest.mark.parametrize(("lines", "said"), BROKEN, ids=range(len(BROKEN)))
def test_a_damaged_recording_is_refused_with_its_line(tmp_path: Path, lines: tuple[Any, ...], said: str) -> None:
    with pytest.raises(BadInput) as caught:
        open_recording(recorded(tmp_path, *lines), "rec")
    assert said in str(caught.value)
    assert f"rec/0001.jsonl:{len(lines)}" in str(caught.value)


def test_the_same_exchange_twice_is_fine(tmp_path: Path) -> None:
    assert len(open_recording(recorded(tmp_path, line(), line()), "r")) == 1


def test_an_empty_recording_answers_nothing(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no exchanges"):
        open_recording(tmp_path, "r")


def test_a_recording_that_changes_while_in_use_is_noticed(tmp_path: Path) -> None:
    index = open_recording(recorded(tmp_path, line("4"), line("7", "what is 3 + 4?")), "r")
    recorded(tmp_path, line("7", "what is 3 + 4?"), line("4"))
    with pytest.raises(BadInput):
        replay(ask(), index)


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".hidden", "a b"])
def test_recording_names_are_plain(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInput, match="plain name"):
        recording_folder(name, tmp_path)


def test_an_unknown_recording_suggests_the_known(tmp_path: Path) -> None:
    (tmp_path / "datasets" / "recordings" / "flagship").mkdir(parents=True)
    with pytest.raises(BadInput, match="did you mean flagship"):
        recording_folder("flagshp", tmp_path)


def test_a_recording_that_vanishes_while_in_use_is_said(tmp_path: Path) -> None:
    index = open_recording(recorded(tmp_path, line()), "r")
    (tmp_path / "0001.jsonl").unlink()
    with pytest.raises(BadInput, match="changed while it was in use"):
        replay(ask(), index)


def test_explaining_a_miss_of_long_prompts_is_quick(tmp_path: Path) -> None:
    long = " ".join(f"word{i % 7}" for i in range(60_000))
    index = open_recording(recorded(tmp_path, line("x", long + " end")), "r")
    miss = replay(ask(long + " stop"), index)
    assert isinstance(miss, Miss)
    assert "'end' is recorded, 'stop' is asked" in explain(miss, index.requests())
