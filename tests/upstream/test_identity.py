"""Any one changed field of a request is a miss; what does not belong to it is not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from upstream_asking import MODEL, call, gather
from upstream_stub import Stub, answer

from evalgate.core.settings import Upstream
from evalgate.proxy.replay import Ask
from evalgate.proxy.request import canonical_request, request_key, request_of_body
from evalgate.proxy.upstream.interface import Call

BODY: dict[str, Any] = {
    "model": "m", "messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": "what is 1 + 1"}],
    "temperature": 0.5, "max_tokens": 9, "seed": 1, "stop": ["\n"], "logit_bias": {"5": 1}, "tools": [{"type": "function", "function": {"name": "f"}}],
    "response_format": {"type": "json_object"},
}  # fmt: skip


def changed(**changes: Any) -> dict[str, Any]:
    return {name: value for name, value in {**BODY, **changes}.items() if value != "absent"}


def said(*messages: tuple[str, str], **more: Any) -> dict[str, Any]:
    return changed(messages=[{"role": role, "content": content, **more} for role, content in messages])


BRIEF, ASKED = ("system", "be brief"), ("user", "what is 1 + 1")
OTHER = {
    "model": changed(model="m2"),
    "a word": said(BRIEF, ("user", "what is 1 + 2")),
    "a space": said(BRIEF, ("user", "what is 1 + 1 ")),
    "case": said(BRIEF, ("user", "What is 1 + 1")),
    "a message less": said(ASKED),
    "a message more": said(BRIEF, ASKED, ("user", "")),
    "order": said(ASKED, BRIEF),
    "a role": said(("developer", "be brief"), ASKED),
    "a name": said(BRIEF, ASKED, name="ann"),
    "normal forms": said(BRIEF, ("user", "what is 1 + 1\u0301")),
    **{f"{name} gone": changed(**{name: "absent"}) for name in ("temperature", "max_tokens", "seed", "stop", "logit_bias", "tools", "response_format")},
    "temperature": changed(temperature=0.5000001),
    "zero is not absent": changed(temperature=0),
    "max_tokens": changed(max_tokens=10),
    "seed": changed(seed=2),
    "stop": changed(stop=["\n", "x"]),
    "logit_bias": changed(logit_bias={"5": 2}),
    "a tool": changed(tools=[{"type": "function", "function": {"name": "g"}}]),
    "format": changed(response_format={"type": "text"}),
    "a new parameter": changed(top_p=1),
    "a parameter nobody knows": changed(x_new=False),
    "n": changed(n=2),
}  # fmt: skip
SAME = {
    "stream": changed(stream=True),
    "stream options": changed(stream=True, stream_options={"include_usage": True}),
    "user": changed(user="ann"),
    "metadata": changed(metadata={"run": 1}),
    "store": changed(store=False),
    "nulls": changed(top_p=None, tool_choice=None),
    "another name": changed(max_tokens="absent", max_completion_tokens=9),
    "0.5 as text parts": changed(messages=[{"role": "system", "content": [{"type": "text", "text": "be brief"}]}, {"role": "user", "content": "what is 1 + 1"}]),
    "a number's form": changed(max_tokens=9.0, seed=1.0),
    "order of keys": dict(reversed(BODY.items())),
}  # fmt: skip


def key(body: dict[str, Any], sample: int = 0) -> str:
    return request_key(request_of_body("chat/completions", body, sample))


@pytest.mark.parametrize("name", OTHER)
def test_any_one_changed_field_is_another_request(name: str) -> None:
    assert key(OTHER[name]) != key(BODY)


def test_all_of_them_are_different() -> None:
    assert len({key(body) for body in OTHER.values()}) == len(OTHER)
    assert len({key(BODY, sample) for sample in range(5)}) == 5


@pytest.mark.parametrize("name", SAME)
def test_what_is_no_part_of_a_request_changes_nothing(name: str) -> None:
    assert key(SAME[name]) == key(BODY)


def test_another_endpoint_is_another_request() -> None:
    given = {"model": "m", "messages": [{"role": "user", "content": "x"}], "parameters": {}}
    keys = {request_key(canonical_request(**given, endpoint=name)) for name in ("chat/completions", "responses")}
    assert len(keys) == 2


def body_call(body: dict[str, Any], url: str) -> Call:
    request = request_of_body("chat/completions", body)
    return Call(request_key(request), request, body, MODEL, Upstream(base_url=url), "c")


@pytest.mark.parametrize("name", ["a word", "temperature", "seed gone", "model", "stop", "a parameter nobody knows"])
def test_a_changed_request_is_asked_and_an_equal_one_is_not(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Stub(answer) as stub:
        gather(tmp_path / "tape", [body_call(BODY, stub.url)])
        monkeypatch.setenv("OPENAI_API_KEY", "sk-another-key-0123456789")
        for same in SAME.values():
            gather(tmp_path / "tape", [body_call(same, stub.url.replace("127.0.0.1", "localhost"))])
        assert len(stub.requests) == 1, "key, address, streaming and bookkeeping are no part of a request"
        gather(tmp_path / "tape", [body_call(OTHER[name], stub.url)])
    assert len(stub.requests) == 2


def test_what_is_sent_has_the_key_under_which_it_is_recorded() -> None:
    """The body on the wire, keyed as the server of `evalgate proxy` would key it, is the recorded request."""
    model = replace(
        MODEL, parameters={"temperature": 0, "max_completion_tokens": 5, "stream": True, "user": "ann", "top_p": None}
    )
    ask = Ask("c", "candidate", model, (("system", "s"), ("user", "u \U0001f600")), model.parameters)
    with Stub(answer) as stub:
        from upstream_asking import ask as ask_all

        ask_all([Call(request_key(ask.request()), ask.request(), ask.body(), model, Upstream(base_url=stub.url))])
    assert key(stub.requests[0].body) == request_key(ask.request())


def test_who_is_asked_and_how_is_no_part_of_a_call() -> None:
    keys = {
        call(1, url, upstream=up).key for url in ("http://a/v1", "http://b/v1") for up in (None, Upstream(api_key_env="OTHER"))
    }
    assert len(keys) == 1
