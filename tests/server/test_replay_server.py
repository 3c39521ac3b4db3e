"""Every endpoint of the server in replay, over plain HTTP."""

from __future__ import annotations

import asyncio
import base64
import json
import struct
from typing import Any

import aiohttp
import pytest

from evalgate.proxy.server import explaining

ASK: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Name a colour."}], "temperature": 0}
USAGE = {"prompt_tokens": 7, "completion_tokens": 2}
BODY = {
    "id": "chatcmpl-upstream", "object": "chat.completion", "created": 5, "model": "m-2026", "system_fingerprint": "fp", "timings": {"x": 1.5},
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Deep blue."}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9},
}  # fmt: skip


def test_a_chat_completion_is_made_from_text_and_usage(replaying, make_line) -> None:
    server = replaying(make_line("chat/completions", ASK, {"text": "Blue.", "usage": USAGE}))
    got = server.chat(ASK)
    key = got.headers["x-evalgate-key"]
    assert (got.status, got.headers["content-type"]) == (200, "application/json")
    assert got.json == {
        "id": f"chatcmpl-{key[:29]}", "object": "chat.completion", "created": 1788220800, "model": "m", "system_fingerprint": None,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Blue.", "refusal": None}, "logprobs": None, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9},
    }  # fmt: skip
    assert got.headers["x-evalgate-source"] == "recording"
    assert got.headers["x-request-id"] == f"req_{key[:32]}"
    assert got.headers["openai-processing-ms"] == "12"
    assert "x-should-retry" not in got.headers


def test_the_body_of_the_provider_is_served_as_it_was(replaying, make_line) -> None:
    server = replaying(make_line("chat/completions", ASK, {"text": "Deep blue.", "body": BODY}))
    assert server.chat(ASK).json == BODY


@pytest.mark.parametrize(
    "body",
    [{"object": "response", "output": []}, {**BODY, "object": "text_completion"}, {**BODY, "choices": []}, {**BODY, "choices": [{"text": "x"}]},
     {**BODY, "choices": "x"}, "text", ["list"], {}, {"object": "chat.completion"}],
    ids=range(9),
)  # fmt: skip
def test_a_body_of_another_kind_is_not_served(replaying, make_line, body) -> None:
    got = replaying(make_line("chat/completions", ASK, {"text": "Blue.", "body": body})).chat(ASK)
    assert got.json["object"] == "chat.completion"
    assert got.json["choices"][0]["message"]["content"] == "Blue."
    assert got.json.get("usage") is None


def test_a_body_without_object_is_known_by_its_shape(replaying, make_line) -> None:
    body = {name: value for name, value in BODY.items() if name != "object"}
    assert replaying(make_line("chat/completions", ASK, {"text": "x", "body": body})).chat(ASK).json == body


def test_tool_calls_kept_as_text_become_tool_calls(replaying, make_line) -> None:
    calls = [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
    server = replaying(make_line("chat/completions", ASK, {"text": json.dumps(calls), "finish": "tool_calls"}))
    message = server.chat(ASK).json["choices"][0]["message"]
    assert message == {"role": "assistant", "content": None, "refusal": None, "tool_calls": calls}


@pytest.mark.parametrize(
    "change",
    [{"stream": False}, {"stream": None}, {"user": "u"}, {"metadata": {"a": "b"}}, {"temperature": 0.0}, {"top_p": None}, {"store": True},
     {"messages": [{"content": [{"type": "text", "text": "Name a "}, {"type": "text", "text": "colour."}], "role": "user"}]}],
    ids=range(8),
)  # fmt: skip
def test_what_is_no_part_of_the_identity_changes_nothing(replaying, make_line, change) -> None:
    server = replaying(make_line("chat/completions", ASK, {"text": "Blue."}))
    assert server.chat({**ASK, **change}).status == 200
    for path in ("/chat/completions", "/v1/chat/completions", "/v1/chat/completions?api-version=1"):
        assert server.ask("POST", path, ASK, {"Authorization": "Bearer anything"}).status == 200


@pytest.mark.parametrize("finish", ["stop", "length", "content_filter", None])
def test_a_response_is_made_from_text_and_usage(replaying, make_line, finish) -> None:
    ask = {"model": "m", "input": "Name a colour.", "temperature": 0.5}
    got = replaying(make_line("responses", ask, {"text": "Blue.", "finish": finish, "usage": USAGE})).ask(
        "POST", "/v1/responses", ask
    )
    body = got.json
    cut = {"length": "max_output_tokens", "content_filter": "content_filter"}.get(finish)
    assert got.status == 200
    assert (body["object"], body["model"], body["temperature"], body["error"]) == ("response", "m", 0.5, None)
    assert (body["status"], body["incomplete_details"]) == (("incomplete", {"reason": cut}) if cut else ("completed", None))
    assert body["output"][0]["content"] == [{"type": "output_text", "text": "Blue.", "annotations": [], "logprobs": []}]
    assert body["usage"]["total_tokens"] == 9
    assert body["id"].startswith("resp_")


def test_embeddings_kept_as_a_body_or_as_text(replaying, make_line) -> None:
    kept, text, packed, lost = ({"model": "e", "input": word} for word in ("kept", ["a", "b"], "packed", "lost"))
    packed["encoding_format"] = "base64"
    body = {
        "object": "list",
        "data": [{"object": "embedding", "index": 0, "embedding": [0.5, -1]}],
        "model": "e",
        "usage": {"prompt_tokens": 1, "total_tokens": 1},
    }
    server = replaying(
        make_line("embeddings", kept, {"body": body}),
        make_line("embeddings", text, {"text": "[[1, 2], [3, 4.5]]", "usage": USAGE}),
        make_line("embeddings", packed, {"text": "[0.5, -2]"}),
        make_line("embeddings", lost, {"text": "no vector"}),
    )  # fmt: skip
    assert server.ask("POST", "/v1/embeddings", kept).json == body
    got = server.ask("POST", "/v1/embeddings", text).json
    assert [item["embedding"] for item in got["data"]] == [[1, 2], [3, 4.5]]
    assert got["usage"] == {"prompt_tokens": 7, "total_tokens": 7}
    coded = server.ask("POST", "/v1/embeddings", packed).json["data"][0]["embedding"]
    assert struct.unpack("<2f", base64.b64decode(coded)) == (0.5, -2)
    assert server.ask("POST", "/v1/embeddings", lost).error["code"] == "recording_not_found"
    assert server.ask("GET", "/v1/health").json["misses"] == 1


@pytest.mark.parametrize(
    "text", ["", "[]", "[[]]", "[true]", "[1, 2", '["1"]', "[1e999]", "[1e300]", "[NaN]", "[[1], 2]", "{}", "null"]
)
def test_a_text_that_is_no_vector_is_no_embedding(replaying, make_line, text) -> None:
    ask = {"model": "e", "input": "x", "encoding_format": "base64"}
    assert replaying(make_line("embeddings", ask, {"text": text})).ask("POST", "/v1/embeddings", ask).status == 404


def test_models_and_health(replaying, make_line) -> None:
    other = {**ASK, "model": "org/b"}
    server = replaying(make_line("chat/completions", ASK, {"text": "a"}), make_line("chat/completions", other, {"text": "b"}))
    for prefix in ("", "/v1"):
        assert [m["id"] for m in server.ask("GET", f"{prefix}/models").json["data"]] == ["m", "org/b"]
        assert server.ask("GET", f"{prefix}/models/org/b").json == {
            "id": "org/b",
            "object": "model",
            "created": 0,
            "owned_by": "evalgate",
        }
        assert server.ask("GET", f"{prefix}/models/none").error["code"] == "model_not_found"
    server.chat(ASK)
    server.chat({**ASK, "seed": 1})
    health = {"status": "ok", "mode": "replay", "exchanges": 2, "hits": 1, "misses": 1, "recorded": 0}
    assert server.ask("GET", "/health").json == server.ask("GET", "/v1/health").json == health


def test_repeats_are_asked_for_with_a_header(replaying, make_line) -> None:
    server = replaying(*(make_line("chat/completions", ASK, {"text": f"answer {k}"}, sample=k) for k in (0, 1, 999)))
    for sample in (None, "0", "1", "999"):
        assert server.chat(ASK, {"x-evalgate-sample": sample}).json["choices"][0]["message"]["content"] == f"answer {sample or 0}"
    assert server.chat(ASK, {"x-evalgate-sample": "2"}).status == 404
    for sample in ("1000", "-1", "", "x", "1.0", "٣", "1,2"):
        assert server.chat(ASK, {"x-evalgate-sample": sample.encode().decode("latin-1")}).error["param"] == "x-evalgate-sample"


def test_a_miss_says_what_differs(replaying, make_line) -> None:
    server = replaying(make_line("chat/completions", ASK, {"text": "Blue."}))
    asked = {**ASK, "messages": [{"role": "user", "content": "Name a flavour."}], "temperature": 1}
    got = server.chat(asked)
    error = got.error
    assert (got.status, error["code"], error["type"]) == (404, "recording_not_found", "invalid_request_error")
    assert "not recorded" in error["message"]
    assert "flavour" in error["message"]
    assert "temperature" in error["message"]
    assert "--mode record --recording rec" in error["message"]
    assert len(got.headers["x-evalgate-key"]) == 64
    assert server.chat(asked).data == got.data
    assert len(server.lines) == 2
    assert all(line.startswith("miss: chat/completions m ") and "\n" not in line for line in server.lines)


@pytest.mark.parametrize("stream", [False, True])
def test_a_streamed_miss_is_a_plain_error(replaying, make_line, stream) -> None:
    got = replaying(make_line("chat/completions", ASK, {"text": "Blue."})).chat({**ASK, "seed": 2, "stream": stream})
    assert got.error["code"] == "recording_not_found"
    assert got.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    "response",
    [{"status": "error", "error": "HTTP 429: slow down"}, {"status": "error", "error": "HTTP 500", "body": BODY}, {"text": "x", "body": {"error": {"message": "overloaded"}}}],
    ids=range(3),
)  # fmt: skip
def test_a_recorded_error_is_never_served(replaying, make_line, response) -> None:
    server = replaying(make_line("chat/completions", ASK, response))
    for stream in (False, True):
        got = server.chat({**ASK, "stream": stream})
        assert (got.status, got.error["code"]) == (404, "recording_not_found")
        assert "only an error is recorded" in got.error["message"]


def test_secrets_do_not_leave_with_a_miss(replaying, make_line) -> None:
    from evalgate.core.credentials import remember

    remember("correct-horse-battery-77")
    server = replaying(make_line("chat/completions", ASK, {"text": "Blue."}))
    words = "Name a correct-horse-battery-77 and sk-abcdefghijklmnopqrstu now"
    got = server.chat({**ASK, "messages": [{"role": "user", "content": words}]})
    for text in (got.data.decode(), *server.lines):
        assert "horse" not in text
        assert "sk-abc" not in text
        assert "redacted" in text


def test_many_misses_at_once_are_all_explained(replaying, make_line) -> None:
    server = replaying(make_line("chat/completions", ASK, {"text": "Blue."}))

    async def miss(session: aiohttp.ClientSession, seed: int) -> str:
        async with session.post(f"http://127.0.0.1:{server.port}/v1/chat/completions", json={**ASK, "seed": seed}) as got:
            assert got.status == 404
            return str((await got.json())["error"]["message"])

    async def all_of_them() -> list[str]:
        async with aiohttp.ClientSession() as session:
            return await asyncio.gather(*(miss(session, seed % 40) for seed in range(80)))

    said = asyncio.run(all_of_them())
    assert all("seed" in text for text in said)
    assert len(set(said)) == 40


def test_a_miss_stands_without_its_explanation(replaying, make_line, monkeypatch) -> None:
    def broken(misses: Any, recorded: Any) -> list[str]:
        raise TypeError("odd")

    monkeypatch.setattr(explaining, "explain_all", broken)
    got = replaying(make_line("chat/completions", ASK, {"text": "Blue."})).chat({**ASK, "seed": 1})
    assert got.error["code"] == "recording_not_found"
    assert "cannot be explained: TypeError" in got.error["message"]


def test_an_edited_recording_is_an_error_and_no_answer(replaying, make_line, tmp_path) -> None:
    server = replaying(make_line("chat/completions", ASK, {"text": "Blue."}))
    path = tmp_path / "rec" / "0001.jsonl"
    path.write_text(path.read_text("utf-8").replace("Blue.", "Red!!"), encoding="utf-8")
    got = server.chat(ASK)
    assert (got.status, got.error["code"]) == (500, "recording_unusable")
    assert "Red" not in got.data.decode()
