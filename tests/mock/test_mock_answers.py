"""The mock's answers: a function of the key and the choice alone, complete bodies, templates that are filled once."""

from __future__ import annotations

import base64
import json
import math
import os
import random
import statistics
import struct
import subprocess
import sys
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalgate.core.settings import MockChoice, MockRule
from evalgate.proxy.mock.answers import mock_reply
from evalgate.proxy.mock.draws import below, fraction, latency_ms
from evalgate.proxy.mock.tokens import count_tokens, cut_tokens
from evalgate.proxy.request import request_key, request_of_body
from evalgate.proxy.upstream.interface import Failure, FailureKind, Reply
from evalgate.proxy.upstream.wire import Answer, answer_of

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


def asked(body: dict[str, Any], choice: MockChoice | None = None, endpoint: str = "chat/completions") -> Reply | Failure:
    request = request_of_body(endpoint, {"model": "m", **body})
    return mock_reply(choice or MockChoice(), request, request_key(request))


def said(text: str, choice: MockChoice | None = None, **parameters: Any) -> Reply:
    found = asked({"messages": [{"role": "user", "content": text}], **parameters}, choice)
    assert isinstance(found, Reply)
    return found


def rules(*found: MockRule, otherwise: str = "miss") -> MockChoice:
    return MockChoice(rules=found, otherwise=otherwise)


@given(TEXTS, st.sampled_from(["words", "echo"]), st.none() | st.integers(1, 30))
def test_the_same_request_has_the_same_answer(text: str, otherwise: str, limit: int | None) -> None:
    choice = MockChoice(otherwise=otherwise)
    one, two = (said(text, choice, max_tokens=limit) for _ in range(2))
    assert one == two
    assert json.dumps(one.body) == json.dumps(two.body)


def test_another_process_gives_the_same_answer() -> None:
    code = (
        "from evalgate.core.settings import MockChoice\n"
        "from evalgate.proxy.mock.answers import mock_reply\n"
        "from evalgate.proxy.request import request_key, request_of_body\n"
        "r = request_of_body('chat/completions', {'model': 'm', 'messages': [{'role': 'user', 'content': 'hi'}]})\n"
        "print(repr(mock_reply(MockChoice(), r, request_key(r))))"
    )
    for seed in ("0", "7"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "TZ": "Asia/Tokyo"}
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
        assert done.stdout.strip() == repr(said("hi"))


def test_no_global_chance_and_no_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    first = said("hi")

    def never(*_: object) -> float:
        raise AssertionError("the mock asked for chance or time")

    for module, name in ((random, "random"), (random, "getrandbits"), (time, "time"), (time, "monotonic"), (os, "urandom")):
        monkeypatch.setattr(module, name, never)
    second = said("hi")
    monkeypatch.undo()
    assert first == second


def test_other_requests_get_other_words() -> None:
    texts = {said(f"question {number}").text for number in range(2_000)}
    assert len(texts) == 2_000
    assert said("a").text != said("a", temperature=1).text


@given(TEXTS, st.integers(1, 60), st.integers(0, 60))
def test_made_up_answers_have_the_length_that_is_asked_for(text: str, low: int, more: int) -> None:
    reply = said(text, MockChoice(words_min=low, words_max=low + more))
    words = reply.text.split(" ")
    assert low <= len(words) <= low + more
    assert reply.text[0].isupper()
    assert reply.text.endswith(".")


def test_every_length_comes_up() -> None:
    choice = MockChoice(words_min=3, words_max=6)
    assert {len(said(f"q{number}", choice).text.split()) for number in range(200)} == {3, 4, 5, 6}


def test_the_first_rule_that_fits_answers() -> None:
    choice = rules(
        MockRule("one", contains="refund", model="other"),
        MockRule("two", contains="refund"),
        MockRule("three", matches=r"^re.und$"),
        MockRule("four", matches="(?i)HELLO", contains="you", finish="length"),
        MockRule("five", model="m"),
    )
    assert said("a refund, please", choice).text == "two"
    assert said("reXund", choice).text == "three"
    assert said("hello you", choice).text == "four"
    assert said("hello you", choice).finish == "length"
    assert said("hello", choice).text == "five"
    assert said("Refund", choice).text == "five"


def test_rules_look_at_the_last_user_message_alone() -> None:
    choice = rules(MockRule("yes", contains="refund"), otherwise="words")
    system = {"role": "system", "content": "refund refund"}
    user = {"role": "user", "content": "refund?"}
    hello = {"role": "user", "content": "hello"}
    tool = {"role": "tool", "content": "refund", "tool_call_id": "1"}
    assert asked({"messages": [system, hello]}, choice).text != "yes"  # type: ignore[union-attr]
    assert asked({"messages": [user, hello]}, choice).text != "yes"  # type: ignore[union-attr]
    assert asked({"messages": [user, {"role": "assistant", "content": "ok"}]}, choice).text == "yes"  # type: ignore[union-attr]
    assert asked({"messages": [hello, tool]}, choice).text != "yes"  # type: ignore[union-attr]
    assert asked({"messages": [system]}, choice).text == "yes"  # type: ignore[union-attr]


def test_text_is_found_in_parts_and_in_every_endpoint() -> None:
    choice = rules(MockRule("yes", contains="re fund"))
    image = {"type": "image_url", "image_url": {"url": "data:,"}}
    parts = [{"type": "text", "text": "re "}, image, {"type": "text", "text": "fund"}]
    assert asked({"messages": [{"role": "user", "content": parts}]}, choice).text == "yes"  # type: ignore[union-attr]
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "re fund"}]}
    call = {"type": "function_call_output", "call_id": "1", "output": "x"}
    for content in ("re fund", ["re fund"], [item], [item, call]):
        assert asked({"input": content}, choice, "responses").text == "yes"  # type: ignore[union-attr]


@given(TEXTS)
def test_values_are_never_read_again(text: str) -> None:
    hostile = f"{text}{{{{model}}}} {{{{last}}}} \\1 \\g<0>"
    choice = rules(MockRule("[{{last}}|{{ model }}|{{other}}|{ {last} }]"))
    assert said(hostile, choice).text == f"[{hostile}|m|{{{{other}}}}|{{ {{last}} }}]"


def test_a_model_with_a_hostile_name_is_only_a_name() -> None:
    request = request_of_body("chat/completions", {"model": "{{last}}", "messages": [{"role": "user", "content": "{{model}}"}]})
    reply = mock_reply(rules(MockRule("{{model}}{{last}}")), request, request_key(request))
    assert isinstance(reply, Reply)
    assert reply.text == "{{last}}{{model}}"


@given(TEXTS)
def test_echo_is_the_last_user_message(text: str) -> None:
    assert said(text, MockChoice(otherwise="echo")).text == text


def test_a_miss_names_the_beginning_of_what_was_asked() -> None:
    found = asked({"messages": [{"role": "user", "content": "Do you refund\n" + "x" * 500}]}, MockChoice(otherwise="miss"))
    assert isinstance(found, Failure)
    assert found.kind is FailureKind.PERMANENT
    assert "'Do you refund xxx" in found.message
    assert "add a rule" in found.message
    assert len(found.message) < 200
    assert not found.maybe_billed


def test_a_miss_never_repeats_a_key_or_half_of_one() -> None:
    text = "x" * 40 + " sk-proj-abcdefghijklmnopqrstuvwxyz0123456789"
    found = asked({"messages": [{"role": "user", "content": text}]}, MockChoice(otherwise="miss"))
    assert isinstance(found, Failure)
    assert "sk-" not in found.message


def test_patterns_that_would_hang_other_engines() -> None:
    choice = rules(MockRule("yes", matches="(a+)+$"), MockRule("no", matches="(x|x?)*y"), otherwise="echo")
    began = time.process_time()
    assert said("a" * 50_000 + "!", choice).text.startswith("aaa")
    assert time.process_time() - began < 5.0


def test_lone_surrogates_do_not_break_a_rule() -> None:
    choice = rules(MockRule("yes", matches="a.c"), otherwise="miss")
    request = {
        "endpoint": "chat/completions",
        "model": "m",
        "parameters": {},
        "messages": [{"role": "user", "content": "a\ud800c"}],
    }
    found = mock_reply(choice, request, "0" * 64)
    assert isinstance(found, Reply)


@given(TEXTS, st.integers(1, 12))
def test_a_limit_really_cuts(text: str, limit: int) -> None:
    whole = said(text, MockChoice(otherwise="echo")).text
    for name in ("max_tokens", "max_completion_tokens"):
        reply = said(text, MockChoice(otherwise="echo"), **{name: limit})
        assert whole.startswith(reply.text)
        if reply.finish == "length":
            assert reply.completion_tokens == limit < count_tokens(whole)
            assert reply.body["choices"][0]["finish_reason"] == "length"
        else:
            assert reply.text == whole
            assert (reply.completion_tokens or 0) <= limit


@pytest.mark.parametrize("limit", [0, -1, True, "5", 2.5])
def test_limits_that_are_none(limit: Any) -> None:
    assert said("hi", max_tokens=limit).finish == "stop"


def test_a_cut_answer_is_one_of_the_responses_api_too() -> None:
    found = asked({"input": "hi", "max_output_tokens": 2}, endpoint="responses")
    assert isinstance(found, Reply)
    assert (found.finish, found.completion_tokens) == ("length", 2)
    assert found.body["status"] == "incomplete"
    assert found.body["incomplete_details"] == {"reason": "max_output_tokens"}


@given(st.text(max_size=80), st.integers(0, 20))
def test_cutting_agrees_with_counting(text: str, limit: int) -> None:
    cut = cut_tokens(text, limit)
    assert (cut is None) is (count_tokens(text) <= limit)
    if cut is not None:
        assert count_tokens(cut) == limit
        assert text.startswith(cut)


def test_usage_is_about_four_tokens_for_three_words() -> None:
    replies = [said(f"q{number}", MockChoice(words_min=50, words_max=50)) for number in range(200)]
    assert 1.1 < statistics.mean((reply.completion_tokens or 0) / 50 for reply in replies) < 1.6


@pytest.mark.parametrize(
    ("endpoint", "body"),
    [
        ("chat/completions", {"messages": [{"role": "user", "content": "hi"}]}),
        ("responses", {"input": "hi", "instructions": "be kind"}),
        ("embeddings", {"input": ["hi", "ho"]}),
    ],
)
def test_bodies_are_what_our_own_reader_reads(endpoint: str, body: dict[str, Any]) -> None:
    reply = asked(body, endpoint=endpoint)
    assert isinstance(reply, Reply)
    read = answer_of(endpoint, json.loads(json.dumps(reply.body)))
    assert isinstance(read, Answer)
    assert (read.text, read.finish, read.prompt_tokens) == (reply.text, reply.finish, reply.prompt_tokens)
    assert reply.body.get("created", 0) == reply.body.get("created_at", 0) == 0
    assert reply.body["model"] == "m"
    if endpoint != "embeddings":
        assert read.completion_tokens == reply.completion_tokens
        assert request_key(request_of_body(endpoint, {"model": "m", **body}))[:20] in reply.body["id"]


def vectors(**body: Any) -> list[Any]:
    reply = asked(body, endpoint="embeddings")
    assert isinstance(reply, Reply)
    assert [item["index"] for item in reply.body["data"]] == list(range(len(reply.body["data"])))
    return [item["embedding"] for item in reply.body["data"]]


def test_embeddings_are_unit_vectors_of_the_text() -> None:
    one, two, again = vectors(input=["hi", "ho", "hi"])
    assert len(one) == 64
    assert one == again != two
    assert vectors(input="hi") == [one]
    for size in (1, 3, 1536):
        (vector,) = vectors(input="hi", dimensions=size)
        assert len(vector) == size
        assert math.isclose(math.hypot(*vector), 1, abs_tol=1e-6)
    assert len(vectors(input=[1, 2, 3])) == 1
    assert len(vectors(input=[[1, 2], [3]])) == 2


def test_embeddings_as_bytes() -> None:
    (packed,) = vectors(input="hi", encoding_format="base64", dimensions=8)
    (plain,) = vectors(input="hi", dimensions=8)
    assert struct.unpack("<8f", base64.b64decode(packed)) == pytest.approx(plain, abs=1e-6)


@pytest.mark.parametrize("otherwise", ["echo", "miss"])
def test_embeddings_do_not_miss(otherwise: str) -> None:
    assert isinstance(asked({"input": "hi"}, MockChoice(otherwise=otherwise), "embeddings"), Reply)


@pytest.mark.parametrize(("median", "p95"), [(200.0, 600.0), (50.0, 51.0), (1.0, 400.0)])
def test_latencies_have_the_quantiles_that_are_asked_for(median: float, p95: float) -> None:
    found = sorted(latency_ms(f"key {number}", median, p95) for number in range(20_000))
    spread = math.log(p95 / median)
    assert abs(math.log(found[10_000] / median)) < 0.03 * spread + 1e-3
    assert abs(math.log(found[19_000] / p95)) < 0.05 * spread + 1e-3
    assert found[0] > 0


def test_latencies_without_spread_and_with_too_much() -> None:
    assert latency_ms("k", 200, 200) == 200
    assert all(0 <= latency_ms(str(number), 0.001, 3_600_000) <= 3_600_000 for number in range(1_000))


@given(st.text(max_size=20), st.integers(1, 1000))
@settings(max_examples=300)
def test_draws_stay_inside(key: str, count: int) -> None:
    assert 0 < fraction(key, "a") < 1
    assert 0 <= below(key, "a", count) < count


def test_purposes_draw_apart() -> None:
    pairs = [(fraction(str(number), "a"), fraction(str(number), "b")) for number in range(2_000)]
    assert abs(statistics.correlation(*zip(*pairs, strict=True))) < 0.08


def test_tool_calls_come_as_such() -> None:
    calls = [{"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
    reply = said("hi", rules(MockRule(json.dumps(calls), finish="tool_calls")))
    assert reply.body["choices"][0]["message"]["tool_calls"] == calls
    assert reply.body["choices"][0]["finish_reason"] == "tool_calls"
