"""vcrpy cassettes: calls of a model, plain, packed or streamed; a cut stream is an error, and no header is taken over."""

from __future__ import annotations

import base64
import gzip
import json
import zlib
from collections.abc import Callable
from typing import Any

import pytest
import yaml

CANARY = "sk-canary/9f8e7d6c5b4a+3210"
ASK = {"model": "m", "temperature": 0, "messages": [{"role": "user", "content": "hi ü"}]}
ANSWER = {
    "id": "c", "object": "chat.completion", "created": 1767225600, "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hallo 🎉"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 2},
}  # fmt: skip
URI = "https://api.example.com/v1/chat/completions"


def call(
    ask: Any = ASK, answer: Any = ANSWER, uri: Any = URI, status: Any = 200, headers: Any = None, **changes: Any
) -> dict[str, Any]:
    sent = {"authorization": [f"Bearer {CANARY}"], "cookie": [f"session={CANARY}; a=b"], "x-api-key": CANARY}
    asked = ask if isinstance(ask, (str, bytes)) or ask is None else json.dumps(ask)
    body = answer if isinstance(answer, (str, bytes)) or answer is None else json.dumps(answer, ensure_ascii=False)
    request = {"method": "POST", "uri": uri, "headers": sent, "body": asked, **changes.get("request", {})}
    answered = {"set-cookie": [f"x={CANARY}"], "content-type": ["application/json"], **(headers or {})}
    response = {
        "status": {"code": status, "message": "OK"},
        "headers": answered,
        "body": {"string": body},
        **changes.get("response", {}),
    }
    return {"request": request, "response": response}


class Dumper(yaml.SafeDumper):
    """vcrpy makes every header anew; only in these tests two interactions share one."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def cassette(*interactions: Any) -> str:
    dumped: str = yaml.dump({"interactions": list(interactions), "version": 1}, Dumper=Dumper)
    return dumped


def chunk(delta: dict[str, Any], finish: str | None = None, **changes: Any) -> str:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return (
        "data: "
        + json.dumps(
            {"id": "c", "object": "chat.completion.chunk", "created": 1767225600, "model": "m", "choices": [choice], **changes}
        )
        + "\n\n"
    )


STREAM = (
    chunk({"role": "assistant", "content": None}) + chunk({"content": "Grüß "}) + chunk({"content": "Gott"}) + chunk({}, "length")
    + chunk({}, choices=[], usage={"prompt_tokens": 7, "completion_tokens": 8}) + "data: [DONE]\n\n"
)  # fmt: skip
EVENTS = {"content-type": ["text/event-stream; charset=utf-8"]}


def only(made: Any) -> Any:
    (exchange,) = made.open("new").exchanges()
    return exchange


def bring(made: Any, *interactions: Any) -> Any:
    return made.bring(made.file("c.yaml", cassette(*interactions)))


def test_a_call_becomes_an_exchange_and_no_secret_is_written_or_said(project: Callable[..., Any]) -> None:
    made = project()
    told = {
        **ANSWER,
        "choices": [
            {
                "index": 0,
                "message": {"content": f"you sent {CANARY}, or {base64.b64encode(CANARY.encode()).decode()}"},
                "finish_reason": "stop",
            }
        ],
    }
    failed = {"error": {"message": f"Incorrect API key provided: {CANARY}"}}
    ran = bring(
        made,
        call(),
        call({**ASK, "seed": 1}, told),
        call({**ASK, "seed": 2}, failed, status=401),
        call(uri=f"{URI}/x?key={CANARY}"),
    )
    assert (ran.code, ran.document["format"], ran.document["imported"], ran.document["errors"]) == (0, "vcr", 2, 1)
    assert (ran.document["unusable"], ran.document["redacted"]) == (1, 1)
    assert sorted(exchange.text for exchange in made.open("new").exchanges()) == [
        "Hallo 🎉",
        "you sent [redacted], or [redacted]",
    ]
    made.no_secret(CANARY, str(made.root / "c.yaml"), said=ran.out + ran.err)


def test_a_request_that_holds_the_secret_is_refused(project: Callable[..., Any]) -> None:
    made = project()
    asked = {**ASK, "messages": [{"role": "user", "content": f"my key is {CANARY}"}]}
    ran = made.refuse(made.file("c.yaml", cassette(call(), call(asked))), "holds the value of a secret", "interactions[1]")
    made.no_secret(CANARY, str(made.root / "c.yaml"), said=ran.out + ran.err)


def test_a_cassette_in_json(project: Callable[..., Any]) -> None:
    made = project()
    assert made.bring(made.file("c.json", {"interactions": [call()], "version": 1})).document["format"] == "vcr"
    assert only(made).text == "Hallo 🎉"


PACKED = gzip.compress(json.dumps(ANSWER).encode())
HOLDS: dict[str, dict[str, Any]] = {
    "text": {"answer": ANSWER},
    "bytes": {"answer": json.dumps(ANSWER).encode()},
    "bytes asked": {"ask": json.dumps(ASK).encode()},
    "gzip": {"answer": PACKED, "headers": {"content-encoding": ["gzip"]}},
    "gzip, header as text": {"answer": PACKED, "headers": {"Content-Encoding": "GZIP"}},
    "gzip without header": {"answer": PACKED},
    "header without gzip": {"answer": ANSWER, "headers": {"content-encoding": ["gzip"]}},
    "br that was unpacked": {"answer": ANSWER, "headers": {"content-encoding": ["br"]}},
    "deflate": {"answer": zlib.compress(json.dumps(ANSWER).encode()), "headers": {"content-encoding": ["deflate"]}},
    "base64": {"response": {"body": {"base64_string": base64.b64encode(json.dumps(ANSWER).encode()).decode()}}},
    "base64 asked": {"request": {"body": {"base64_string": base64.b64encode(json.dumps(ASK).encode()).decode()}}},
    "body as text": {"response": {"body": json.dumps(ANSWER)}},
    "older httpx": {"response": {"status_code": 200, "status": 200, "content": json.dumps(ANSWER), "body": None}},
    "no headers": {"response": {"headers": None}, "request": {"headers": None}},
    "query": {"uri": URI + "?api-version=2026-01-01#x"},
    "slash": {"uri": URI + "/"},
}


@pytest.mark.parametrize("name", HOLDS)
def test_bodies_in_every_form(project: Callable[..., Any], name: str) -> None:
    made = project()
    one = call(**HOLDS[name])
    if name == "older httpx":
        del one["response"]["body"], one["response"]["status"]
    assert bring(made, one).code == 0
    assert (only(made).text, only(made).finish, only(made).prompt_tokens) == ("Hallo 🎉", "stop", 3)
    assert only(made).request["messages"] == ASK["messages"]


STREAMS: dict[str, str] = {
    "plain": STREAM,
    "line ends of Windows": STREAM.replace("\n", "\r\n"),
    "carriage returns": STREAM.replace("\n", "\r"),
    "no space": STREAM.replace("data: ", "data:"),
    "comments": ": ping\n\n" + STREAM.replace("data: [DONE]", ": ping\n\ndata: [DONE]"),
    "event names": STREAM.replace("data: {", "event: message\nid: 1\nretry: 5\ndata: {"),
    "several lines": STREAM.replace('data: {"id"', 'data: {\ndata: "id"'),
    "no done": STREAM.replace("data: [DONE]\n\n", ""),
    "no last blank line": STREAM.rstrip("\n"),
    "byte order mark": "\ufeff" + STREAM,
    "more after done": STREAM + "data: {nonsense\n\n",
}


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_is_one_answer(project: Callable[..., Any], name: str) -> None:
    made = project()
    assert bring(made, call({**ASK, "stream": True}, STREAMS[name], headers=EVENTS)).code == 0
    exchange = only(made)
    assert (exchange.text, exchange.finish, exchange.prompt_tokens, exchange.completion_tokens) == ("Grüß Gott", "length", 7, 8)
    assert exchange.key == made_key(made)


def made_key(made: Any) -> Any:
    assert made.bring(made.file("plain.yaml", cassette(call())), into="plain").code == 0
    (exchange,) = made.open("plain").exchanges()
    return exchange.key


def test_a_stream_cut_at_every_event_and_byte_is_an_error(project: Callable[..., Any]) -> None:
    made = project()
    whole = STREAM.encode()
    safe = whole.index(b'"finish_reason": "length"')
    end_of_finish = whole.index(b"\n", safe)
    cuts = [call({**ASK, "seed": at}, whole[:at], headers=EVENTS) for at in range(0, end_of_finish, 3)]
    ran = bring(made, *cuts, call())
    assert (ran.document["imported"], ran.document["errors"]) == (1, len(cuts))
    assert only(made).text == "Hallo 🎉"


def test_done_without_a_reason_is_an_end(project: Callable[..., Any]) -> None:
    made = project()
    assert bring(made, call(ASK, chunk({"content": "all"}) + "data: [DONE]\n\n")).code == 0
    assert (only(made).text, only(made).finish) == ("all", None)


def test_streamed_tool_calls_and_refusals(project: Callable[..., Any]) -> None:
    made = project()
    calls = [
        {"index": 1, "id": "b", "type": "function", "function": {"name": "g", "arguments": ""}},
        {"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": '{"x"'}},
    ]
    stream = (
        chunk({"tool_calls": calls})
        + chunk({"tool_calls": [{"index": 0, "function": {"arguments": ": 1}"}}]})
        + chunk({}, "tool_calls")
    )
    refusal = chunk({"refusal": "I "}) + chunk({"refusal": "will not"}) + chunk({}, "stop")
    assert bring(made, call(ASK, stream), call({**ASK, "seed": 1}, refusal)).code == 0
    found = sorted(exchange.text for exchange in made.open("new").exchanges())
    assert found[0] == "I will not"
    assert [(c["id"], c["function"]) for c in json.loads(found[1])] == [
        ("a", {"name": "f", "arguments": '{"x": 1}'}),
        ("b", {"name": "g", "arguments": ""}),
    ]


def test_responses_and_their_streams(project: Callable[..., Any]) -> None:
    made = project()
    body = {
        "id": "resp",
        "status": "completed",
        "created_at": 1767225600.5,
        "output": [{"type": "message", "content": [{"type": "output_text", "text": "said"}]}],
        "usage": {"input_tokens": 1, "output_tokens": 2},
    }
    ask, uri = {"model": "m", "input": "hi"}, "http://127.0.0.1:1/v1/responses"
    events = "".join(
        f"event: {kind}\ndata: {json.dumps({'type': kind, **extra})}\n\n"
        for kind, extra in [
            ("response.created", {"response": {"status": "in_progress"}}),
            ("response.output_text.delta", {"delta": "sa"}),
            ("response.completed", {"response": body}),
        ]
    )
    cut = events[: events.index("event: response.completed")]
    failed = cut + 'data: {"type": "response.failed", "response": {"status": "failed", "error": {"message": "boom"}}}\n\n'
    erred = cut + 'data: {"type": "error", "message": "boom", "code": "x"}\n\n'
    lost = [call({**ask, "seed": i}, text, uri, headers=EVENTS) for i, text in enumerate((cut, failed, erred))]
    ran = bring(made, call(ask, body, uri), call({**ask, "input": "hi s", "stream": True}, events, uri, headers=EVENTS), *lost)
    assert (ran.document["imported"], ran.document["errors"]) == (2, 3)
    assert made.texts() == {"hi": "said", "hi s": "said"}


FAILED: dict[str, tuple[dict[str, Any], str]] = {
    "429": ({"status": 429}, "HTTP 429"),
    "500": ({"status": 500, "answer": "<html>oops</html>"}, "HTTP 500: <html>oops</html>"),
    "redirect": ({"status": 302}, "HTTP 302"),
    "no status": ({"response": {"status": None}}, "HTTP None"),
    "status as text": ({"status": "200"}, "HTTP None"),
    "error under 200": ({"answer": {"error": {"message": "slow down", "code": 429}}}, "slow down (429)"),
    "no choices": ({"answer": {"choices": []}}, "no choices"),
    "no JSON": ({"answer": '{"choices": ['}, "Expecting"),
    "no body": ({"answer": None}, "there is none"),
    "list as body": ({"response": {"body": {"string": [1]}}}, "it is a list"),
    "brotli": ({"answer": b"\x8b\x02\x80{}", "headers": {"content-encoding": ["br"]}}, "packed with br"),
    "torn gzip": ({"answer": PACKED[:-20], "headers": {"content-encoding": ["gzip"]}}, "cannot be unpacked"),
    "broken gzip": ({"answer": b"\x1f\x8b" + b"\xff" * 50}, "cannot be unpacked"),
    "bomb": ({"answer": gzip.compress(b" " * (40 << 20), 9)}, "larger than 32 MiB"),
    "no base64": ({"response": {"body": {"base64_string": "a"}}}, "not Base64"),
    "base64 of another type": ({"response": {"body": {"base64_string": 5}}}, "not a text"),
    "error in the stream": ({"answer": chunk({"content": "x"}) + 'data: {"error": {"message": "died"}}\n\n'}, "died"),
    "half a stream": ({"answer": chunk({"content": "short"})}, "was cut"),
    "empty stream": ({"answer": "data: \n\n"}, "not JSON"),
    "only done": ({"answer": "data: [DONE]\n\n"}, "no choices"),
    "nothing": ({"answer": "", "headers": EVENTS}, "was cut"),
    "list in the stream": ({"answer": "data: [1]\n\n"}, "not a JSON object"),
    "choice of another shape": ({"answer": 'data: {"choices": [5]}\n\n'}, "not an object with an index"),
}


@pytest.mark.parametrize("name", FAILED)
def test_what_failed_is_no_answer(project: Callable[..., Any], name: str) -> None:
    made = project()
    changes, said = FAILED[name]
    ran = bring(made, call({**ASK, "seed": 9}, **changes), call())
    assert (ran.document["imported"], ran.document["errors"]) == (1, 1), ran.document
    assert said in ran.document["skipped"][0]["message"]
    assert "interactions[0]" in ran.document["skipped"][0]["where"]


@pytest.mark.parametrize(
    "changes",
    [
        {"uri": "https://h/v1/models"}, {"uri": "https://h/v1/chat/completions/x"}, {"uri": "https://h/v1/xchat/completions"}, {"uri": 5}, {"uri": None},
        {"request": {"method": "GET"}}, {"request": {"method": None}}, {"ask": None}, {"ask": "no json"}, {"ask": "[]"}, {"ask": {"model": "m"}}, {"ask": {"messages": []}}, {"ask": '{"a": 1, "a": 2}'},
    ],
)  # fmt: skip
def test_what_is_no_question_to_a_model_is_unusable(project: Callable[..., Any], changes: dict[str, Any]) -> None:
    ran = bring(project(), call(**changes), call())
    assert (ran.document["imported"], ran.document["unusable"]) == (1, 1)


def test_a_body_nested_too_deep_to_be_read_back_is_left_out(project: Callable[..., Any]) -> None:
    made = project()
    deep = json.dumps(ANSWER)[:-1] + ', "extra": ' + "[" * 98 + "]" * 98 + "}"
    assert bring(made, call(answer=deep)).code == 0
    assert (only(made).text, only(made).body) == ("Hallo 🎉", None)


@pytest.mark.parametrize(
    "content",
    [
        "a: 1\n",
        "interactions: 5\n",
        "interactions:\n- 5\n",
        "interactions:\n- request: {}\n",
        "interactions:\n- {request: {}, response: []}\n",
        "[]\n",
        "''\n",
        "interactions: {a: 1}\n",
    ],
)
def test_a_document_that_is_no_cassette_is_refused(project: Callable[..., Any], content: str) -> None:
    made = project()
    made.refuse(made.file("c.yaml", content), "c.yaml")


def test_one_malformed_interaction_refuses_all(project: Callable[..., Any]) -> None:
    made = project()
    made.refuse(
        made.file("c.yaml", cassette(call(), call(), {"request": {}})), "interactions[2]", "needs a request and a response"
    )


def test_a_stub_in_place_of_a_filtered_header_takes_nothing_out(project: Callable[..., Any]) -> None:
    made = project()
    stub = call(answer={**ANSWER, "choices": [{"message": {"content": "REDACTED and DUMMY-VALUE-XX"}, "finish_reason": "stop"}]})
    stub["request"]["headers"] = {"authorization": ["REDACTED", "Bearer DUMMY-VALUE-XX"]}
    assert bring(made, stub).document["redacted"] == 0
    assert only(made).text == "REDACTED and DUMMY-VALUE-XX"


@pytest.mark.parametrize(
    ("header", "value", "secret"),
    [("authorization", "Bearer hunter22", "hunter22"), ("authorization", "Bearer correcthorsebattery", "correcthorsebattery"), ("authorization", "k3y-of-ten", "k3y-of-ten"),
     ("x-api-key", "abc123", "abc123"), ("cookie", "theme=system; session=a1b2c3d4e5f6g7", "a1b2c3d4e5f6g7"),
     ("authorization", "Bearer not-needed", None), ("authorization", "Bearer ollama", None), ("authorization", "XXXXXXXXXXXXXXXX", None), ("cookie", "theme=system", None),
     ("authorization", "<placeholder-of-a-key>", None), ("authorization", "Bearer", None)],
)  # fmt: skip
def test_a_credential_that_is_repeated_in_an_answer_is_taken_out(
    project: Callable[..., Any], header: str, value: str, secret: str | None
) -> None:
    made = project()
    said = secret or value.split()[-1].split("=")[-1]
    one = call(answer={**ANSWER, "choices": [{"message": {"content": f"you sent {said}"}, "finish_reason": "stop"}]})
    one["request"]["headers"] = {header: [value]}
    assert bring(made, one).document["redacted"] == (secret is not None)
    assert only(made).text == ("you sent [redacted]" if secret else f"you sent {said}")
    assert only(made).redacted is (secret is not None)


def test_attributes_of_cookies_are_no_secrets(project: Callable[..., Any]) -> None:
    made = project()
    answer = {
        **ANSWER,
        "choices": [{"message": {"content": "31536000 s until 25 Nov 2026 00:00:00 GMT"}, "finish_reason": "stop"}],
    }
    cookie = ["a=b; Max-Age=31536000; Expires=Wed, 25 Nov 2026 00:00:00 GMT; Path=/"]
    assert bring(made, call(answer=answer, headers={"set-cookie": cookie})).document["redacted"] == 0
