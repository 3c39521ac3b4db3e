"""F63, F64: what is not a whole answer never becomes one, what is one is taken as it is, and nothing is read without end."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from upstream_asking import MODEL, ask, call, calls, gather, limits
from upstream_stub import Act, Request, Stub, answer, completion, http, raw, status

from evalgate.core.settings import Upstream
from evalgate.proxy.recording import open_recording
from evalgate.proxy.upstream import http_provider
from evalgate.proxy.upstream.interface import Failure, FailureKind, Reply

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def whole(request: Request, **changes: Any) -> bytes:
    return json.dumps(completion(request, **changes)).encode()


DAMAGED: dict[str, Callable[[Request], Act]] = {
    "cut JSON with its own length": lambda r: Act((http(200, whole(r)[:-9]),)),
    "cut JSON with the whole length": lambda r: raw(http(200, whole(r)[:-9], length=len(whole(r)))),
    "cut after the text": lambda r: Act((http(200, whole(r)[: whole(r).index(b"finish_reason")]),)),
    "a length that is too short": lambda r: Act((http(200, whole(r), length=len(whole(r)) - 9),)),
    "empty": lambda r: Act((http(200, b""),)),
    "white space": lambda r: Act((http(200, b" \r\n "),)),
    "no content": lambda r: Act((b"HTTP/1.1 204 No Content\r\n\r\n",)),
    "HTML": lambda r: Act((http(200, b"<html>please log in</html>", {"Content-Type": "text/html"}),)),
    "a text in quotes": lambda r: Act((http(200, b'"the answer"'),)),
    "a list": lambda r: Act((http(200, b"[" + whole(r) + b"]"),)),
    "two objects": lambda r: Act((http(200, whole(r) + whole(r)),)),
    "a stream nobody asked for": lambda r: Act((http(200, b"data: " + whole(r) + b"\n\n", {"Content-Type": "text/event-stream"}),)),
    "invalid UTF-8": lambda r: Act((http(200, whole(r).replace(b"answer", b"answ\xff\xfer")),)),
    "UTF-16": lambda r: Act((http(200, whole(r).decode().encode("utf-16")),)),
    "Latin-1 that says so": lambda r: Act((http(200, whole(r).replace(b"answer", b"r\xe9ponse"), {"Content-Type": "application/json; charset=latin-1"}),)),
    "NaN": lambda r: Act((http(200, whole(r).replace(b'"index": 0', b'"index": NaN')),)),
    "a number out of range": lambda r: Act((http(200, whole(r).replace(b'"index": 0', b'"index": 1e999')),)),
    "5,000 digits": lambda r: Act((http(200, whole(r).replace(b'"index": 0', b'"index": ' + b"9" * 5000)),)),
    "a key twice": lambda r: Act((http(200, whole(r).replace(b'"content":', b'"content": "other", "content":')),)),
    "a key twice and half a character": lambda r: Act((http(200, whole(r).replace(b'"content":', b'"content": "\\ud83d", "content":')),)),
    "nested without end": lambda r: Act((http(200, b'{"choices":' + b"[" * 100_000),)),
    "nested deep and half a character": lambda r: Act((http(200, whole(r, x=json.loads("[" * 150 + "]" * 150)).replace(b"answer", b"\\ud83d")),)),
    "no gzip that says it is": lambda r: Act((http(200, whole(r), {"Content-Encoding": "gzip"}),)),
    "cut gzip": lambda r: Act((http(200, gzip.compress(whole(r))[:-12], {"Content-Encoding": "gzip"}),)),
    "an encoding nobody knows": lambda r: Act((http(200, whole(r), {"Content-Encoding": "rot13"}),), status=0),
    "chunk garbage": lambda r: raw(OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n"),
    "a negative length": lambda r: raw(OK + b"Content-Length: -5\r\n\r\n" + whole(r)),
    "two lengths": lambda r: raw(OK + b"Content-Length: 5\r\nContent-Length: 50\r\n\r\n" + whole(r)),
    "no HTTP": lambda r: raw(b"hello, this is no HTTP\r\n\r\n"),
    "HTTP 0.9": lambda r: raw(whole(r)),
    "NUL bytes": lambda r: raw(b"\x00" * 100),
    "a cut answer of HTTP/1.0": lambda r: raw(b"HTTP/1.0 200 OK\r\n\r\n" + whole(r)[:-3]),
}  # fmt: skip
WHOLE_AND_WRONG = {"a text in quotes", "a list"}
"""What the server meant to say, as far as anybody can tell: asking again would give the same."""
TAKEN_AS_PLAIN = {"an encoding nobody knows"}
"""aiohttp hands the bytes on as they are when it does not know the name of the encoding: whole JSON is an answer then."""


@pytest.mark.parametrize("name", sorted(set(DAMAGED) - TAKEN_AS_PLAIN))
def test_f63_a_damaged_answer_is_no_answer(name: str) -> None:
    with Stub(DAMAGED[name]) as stub:
        failure = ask(calls(stub.url, 1), limits(attempts=2)).only
    assert isinstance(failure, Failure), f"{name} became the answer {failure.text!r}"
    assert failure.message.startswith("the response "), failure.message
    assert len(failure.message) < 350
    assert failure.maybe_billed
    again = name not in WHOLE_AND_WRONG
    assert failure.kind is (FailureKind.TRANSIENT if again else FailureKind.PERMANENT)
    assert len(stub.requests) == (2 if again else 1)


@pytest.mark.parametrize("name", DAMAGED)
def test_f63_whoever_is_asked_again_and_answers_well_is_recorded(name: str, tmp_path: Path) -> None:
    with Stub(lambda r: DAMAGED[name](r) if r.number % 2 else answer(r, "whole")) as stub:
        done = gather(tmp_path / "tape", calls(stub.url, 4), limits(concurrency=1, attempts=4))
    assert done.error is None
    texts = set(done.texts().values())
    assert texts == {"whole"} or name in TAKEN_AS_PLAIN, texts
    assert bool(done.errors()) == (name in WHOLE_AND_WRONG)


@pytest.mark.parametrize(
    "act",
    [
        lambda r: raw(b"HTTP/1.0 200 OK\r\n\r\n" + whole(r)),
        lambda r: raw(OK + b"Connection: close\r\n\r\n" + whole(r)),
        lambda r: Act((http(200, whole(r), {"Content-Type": "text/html"}),)),
        lambda r: Act((http(200, b"\n\n" + whole(r) + b"\n"),)),
        lambda r: Act((http(201, whole(r)),)),
        lambda r: Act((http(200, gzip.compress(whole(r)), {"Content-Encoding": "gzip"}),)),
        lambda r: Act((OK + b"Transfer-Encoding: chunked\r\n\r\n", *(b"1\r\n%c\r\n" % c for c in whole(r)), b"0\r\n\r\n")),
        lambda r: Act((b"HTTP/1.1 100 Continue\r\n\r\n", http(200, whole(r)))),
    ],
)
def test_f63_unusual_and_whole_is_an_answer(act: Callable[[Request], Act]) -> None:
    with Stub(act) as stub:
        asked = ask(calls(stub.url, 2), limits(concurrency=1, attempts=1))
    assert len(asked.replies) == 2, asked.results
    assert all(reply.text.startswith("answer ") for reply in asked.replies)


PIECE = b"x" * (1 << 18)
CHUNK = b"40000\r\n" + PIECE + b"\r\n"
BOMB = gzip.compress(bytes(1 << 20), 9) * 60
"""60 MiB in 60 KiB: a gzip body may have many members."""


def bomb(request: Request) -> Act:
    return Act((http(200, BOMB, {"Content-Encoding": "gzip"}),))


def flood(request: Request) -> Act:
    return Act((OK + b"Content-Length: 3000000000\r\n\r\n", *(PIECE,) * 400), "close")


def endless_chunks(request: Request) -> Act:
    return Act((OK + b"Transfer-Encoding: chunked\r\n\r\n", *(CHUNK,) * 400), "close")


def long_error(request: Request) -> Act:
    return Act((b"HTTP/1.1 400 Bad\r\nContent-Length: 3000000000\r\n\r\n", *(PIECE,) * 400), "close")


@pytest.mark.parametrize("act", [bomb, flood, endless_chunks, long_error])
def test_f63_what_is_too_large_is_not_read_to_its_end(act: Callable[[Request], Act], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_provider, "MAX_BODY", 4 << 20)
    with Stub(act) as stub:
        tracemalloc.start()
        failure = ask(calls(stub.url, 1), limits(attempts=3)).only
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert isinstance(failure, Failure)
    assert failure.kind is FailureKind.PERMANENT, "asking again would give as much again"
    assert "too large" in failure.message or "larger than 4 MiB" in failure.message
    assert len(stub.requests) == 1
    # The stub runs in this process too and holds one piece; the bomb as sent is small.
    assert peak < 24 << 20, f"{peak >> 20} MiB for an answer of at most 4 MiB"


TOOLS = [{"id": "1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}]


@pytest.mark.parametrize(
    ("changes", "text", "finish"),
    [
        ({"text": ""}, "", "stop"),
        ({"text": " \n"}, " \n", "stop"),
        ({"text": "half", "choice": {"finish_reason": "length"}}, "half", "length"),
        ({"text": "", "choice": {"finish_reason": "length"}}, "", "length"),
        ({"text": "some", "choice": {"finish_reason": "content_filter"}}, "some", "content_filter"),
        ({"choice": {"finish_reason": None}, "text": "x"}, "x", None),
        ({"message": {"content": None, "refusal": "I will not"}}, "I will not", "stop"),
        ({"message": {"content": None, "tool_calls": TOOLS}, "choice": {"finish_reason": "tool_calls"}}, None, "tool_calls"),
        ({"message": {"content": "", "tool_calls": TOOLS}}, None, "stop"),
        ({"message": {"content": "said", "tool_calls": TOOLS}}, "said", "stop"),
        ({"message": {"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}}, "ab", "stop"),
        ({"message": {"content": [{"type": "refusal", "refusal": "no"}]}}, "no", "stop"),
        ({"text": "nul \x00 and \u2028 and \U0001f600"}, "nul \x00 and \u2028 and \U0001f600", "stop"),
        ({"text": "cut \ud83d"}, "cut \ufffd", "stop"),
        ({"text": "\ude00 cut"}, "\ufffd cut", "stop"),
        ({"text": "x" * 1_000_000}, "x" * 1_000_000, "stop"),
        ({"text": "big", "created": 2**60, "system_fingerprint": 10**30}, "big", "stop"),
        ({"text": "no usage", "usage": None}, "no usage", "stop"),
    ],
)  # fmt: skip
def test_f64_what_an_answer_may_look_like(changes: dict[str, Any], text: str | None, finish: str | None, tmp_path: Path) -> None:
    with Stub(lambda request: answer(request, **changes)) as stub:
        done = gather(tmp_path / "tape", calls(stub.url, 1))
    assert len(stub.requests) == 1
    assert done.error is None
    (exchange,) = open_recording(tmp_path / "tape", "tape").exchanges()
    assert exchange.status == "ok"
    assert exchange.finish == finish
    assert exchange.text == text if text is not None else json.loads(exchange.text) == TOOLS


@pytest.mark.parametrize(
    "changes",
    [
        {"choices": []},
        {"choices": {}},
        {"choices": [None]},
        {"choices": [{}]},
        {"choices": [{"message": "text"}]},
        {"choices": [{"text": "of another endpoint"}]},
        {"message": {"content": None}},
        {"message": {"content": 7}},
        {"message": {"content": {"a": 1}}},
        {"message": {"content": None, "tool_calls": []}},
        {"message": {"content": None}, "choice": {"finish_reason": "content_filter"}},
        {"choices": "none"},
        {"error": {"message": "boom"}},
    ],
)
def test_f64_an_answer_without_content_is_recorded_as_an_error(changes: dict[str, Any], tmp_path: Path) -> None:
    """As it is and flagged: never silently an empty text."""
    with Stub(lambda r: answer(r, **dict(changes)) if r.content.endswith(" 0") else answer(r, "good")) as stub:
        done = gather(tmp_path / "tape", calls(stub.url, 3), limits(attempts=2))
    assert done.error is None
    assert list(done.texts().values()) == ["good", "good"]
    (said,) = done.errors()
    assert said.startswith(("the response ", "the answer "))
    expected = 4 if "error" in changes else 3
    assert len(stub.requests) == expected, "what the server decided is not paid for twice"


@pytest.mark.parametrize(
    ("usage", "counted"),
    [
        ({"prompt_tokens": 2**60, "completion_tokens": 3}, (None, 3)),
        ({"prompt_tokens": -1, "completion_tokens": 1.5}, (None, None)),
        ({"prompt_tokens": True, "completion_tokens": "7"}, (None, None)),
        ({"prompt_tokens": 0, "completion_tokens": 0}, (0, 0)),
    ],
)
def test_f64_impossible_token_counts_are_not_counted(usage: dict[str, Any], counted: tuple[Any, Any], tmp_path: Path) -> None:
    with Stub(lambda request: answer(request, "x", usage=usage)) as stub:
        gather(tmp_path / "tape", calls(stub.url, 1))
    (exchange,) = open_recording(tmp_path / "tape", "tape").exchanges()
    assert (exchange.prompt_tokens, exchange.completion_tokens) == counted
    assert exchange.text == "x"


RESPONSES = replace(MODEL, endpoint="responses", parameters={"max_output_tokens": 20})


@pytest.mark.parametrize(
    ("changes", "text", "finish"),
    [
        ({}, "fine", "stop"),
        ({"status": None}, "fine", "stop"),
        ({"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}, "fine", "length"),
        ({"status": "incomplete", "incomplete_details": {"reason": "content_filter"}}, "fine", "content_filter"),
        (
            {"output": [{"type": "reasoning"}, {"type": "message", "content": [{"type": "refusal", "refusal": "no"}]}]},
            "no",
            "stop",
        ),
        ({"output": [{"type": "function_call", "name": "f", "arguments": "{}"}]}, None, "stop"),
    ],
)
def test_f64_the_responses_endpoint(changes: dict[str, Any], text: str | None, finish: str) -> None:
    with Stub(lambda request: answer(request, "fine", **changes)) as stub:
        reply = ask([call(0, stub.url, model=RESPONSES)]).only
    assert isinstance(reply, Reply)
    assert stub.requests[0].path == "/v1/responses"
    assert reply.finish == finish
    assert reply.text == text if text is not None else "function_call" in reply.text
    assert (reply.prompt_tokens, reply.completion_tokens) == (11, 7)


@pytest.mark.parametrize(
    "changes",
    [{"output": []}, {"output": None}, {"output": [7]}, {"output": [{"type": "reasoning"}]}, {"status": "failed"},
     {"status": "in_progress"}, {"status": "queued"}, {"status": "cancelled"}],
)  # fmt: skip
def test_f64_no_answer_of_the_responses_endpoint(changes: dict[str, Any]) -> None:
    with Stub(lambda request: answer(request, "fine", **changes)) as stub:
        failure = ask([call(0, stub.url, model=RESPONSES)]).only
    assert isinstance(failure, Failure), failure
    assert len(stub.requests) == 1


EMBEDDINGS = replace(MODEL, endpoint="embeddings", parameters={})


def test_f64_the_embeddings_endpoint() -> None:
    with Stub(answer) as stub:
        reply = ask([call(0, stub.url, model=EMBEDDINGS)]).only
    assert isinstance(reply, Reply)
    assert reply.body["data"][0]["embedding"] == [0.5, -0.25]


@pytest.mark.parametrize("data", [[], None, [{}], [{"embedding": []}], ["x"], {}])
def test_f64_no_embeddings(data: Any) -> None:
    with Stub(lambda request: answer(request, data=data)) as stub:
        assert isinstance(ask([call(0, stub.url, model=EMBEDDINGS)]).only, Failure)


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed_and_the_key_goes_nowhere_else(code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary-0123456789abcdef")
    with Stub(answer) as elsewhere, Stub(lambda r: status(code, b"", {"Location": elsewhere.url + "/chat/completions"})) as stub:
        failure = ask(calls(stub.url, 1)).only
        assert elsewhere.connections == 0
    assert failure.message == f"HTTP {code}: a redirect, which is not followed; check base_url"
    assert failure.kind is FailureKind.PERMANENT
    assert len(stub.requests) == 1


def test_what_goes_over_the_wire_is_the_request_and_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "sk-canary-0123456789abcdef")
    model = replace(MODEL, parameters={"temperature": 0, "max_completion_tokens": 5, "stream": True, "stream_options": {"x": 1}})
    with Stub(answer) as stub:
        ask([call(0, model=model, upstream=Upstream(base_url=stub.url + "/", api_key_env="MY_KEY"), text="h\u00e9 \U0001f600")])
    (request,) = stub.requests
    assert request.path == "/v1/chat/completions"
    assert request.headers["authorization"] == "Bearer sk-canary-0123456789abcdef"
    assert request.headers["content-type"] == "application/json"
    assert request.body == {
        "model": "model-1", "messages": [{"role": "user", "content": "h\u00e9 \U0001f600"}], "temperature": 0, "max_completion_tokens": 5,
    }  # fmt: skip
    assert "sample" not in request.body
    assert "cookie" not in request.headers


def test_cookies_are_not_kept() -> None:
    with Stub(lambda request: answer(request, headers={"Set-Cookie": "session=1; Path=/"})) as stub:
        ask(calls(stub.url, 5), limits(concurrency=1))
    assert not any("cookie" in request.headers for request in stub.requests)
