"""Streams: what a client joins together is the recorded text, character for character, and the end is always there."""

from __future__ import annotations

import json
import socket
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.proxy.exchange import Exchange
from evalgate.proxy.server.bodies import complete_body
from evalgate.proxy.server.chat_stream import DONE, chat_events
from evalgate.proxy.server.pieces import MOST, pieces
from evalgate.proxy.server.responses_stream import response_events

ASK: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Say it."}]}
TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=400) | st.lists(
    st.sampled_from(["word", " ", "\n", "\r\n", "\u2028", "\u0085", "\x0b", "data: [DONE]\n\n", '"finish_reason":"stop"', "日本", "👩‍🚀", "\x00", "x" * 70, "event: x\n"]),
    max_size=60,
).map("".join)  # fmt: skip


def exchange(endpoint: str, text: str, body: Any = None, finish: str | None = "stop") -> Exchange:
    content = {"messages": [{"role": "user", "content": "x"}]} if endpoint == "chat/completions" else {"input": "x"}
    request = {"v": 1, "endpoint": endpoint, "model": "m", **content, "parameters": {}, "sample": 0}
    return Exchange("ab" * 32, request, "ok", text, finish, 3, 4, 5.0, None, body)


def parsed(data: bytes) -> list[tuple[str | None, Any]]:
    """Events by the rules of the HTML standard, from the bytes as they are sent."""
    assert data.isascii()
    assert data.endswith(b"\n\n")
    found = []
    for block in data[:-2].split(b"\n\n"):
        name, text = None, None
        for line in block.splitlines():
            field, _, value = line.decode().partition(": ")
            assert field in ("event", "data")
            name, text = (value, text) if field == "event" else (name, value)
        assert text is not None
        found.append((name, text if text == "[DONE]" else json.loads(text)))
    return found


@given(TEXTS)
def test_pieces_are_the_text(text: str) -> None:
    parts = list(pieces(text))
    assert "".join(parts) == text
    assert all(parts)


def test_a_long_text_has_a_bounded_number_of_pieces() -> None:
    for text in ("word " * 100_000, "x" * 1_000_000, "\n" * 500_000):
        parts = list(pieces(text))
        assert "".join(parts) == text
        assert len(parts) <= MOST


@given(TEXTS, st.booleans(), st.sampled_from(["stop", "length", None]))
def test_a_chat_stream_is_the_text(text: str, include_usage: bool, finish: str | None) -> None:
    source = exchange("chat/completions", text, finish=finish)
    body = complete_body(source)
    assert body is not None
    events = parsed(b"".join(chat_events(source, body, include_usage=include_usage)))
    assert events[-1] == (None, "[DONE]")
    chunks = [chunk for _, chunk in events[:-1]]
    assert all(chunk["object"] == "chat.completion.chunk" and chunk["id"] == body["id"] for chunk in chunks)
    assert chunks[0]["choices"][0]["delta"]["role"] == "assistant"
    deltas = [chunk["choices"][0] for chunk in chunks if chunk["choices"]]
    assert "".join(choice["delta"].get("content") or "" for choice in deltas) == text
    assert [choice["finish_reason"] for choice in deltas if choice["finish_reason"]] == [finish or "stop"]
    usage = [chunk for chunk in chunks if not chunk["choices"]]
    assert [chunk["usage"] for chunk in usage] == ([body["usage"]] if include_usage else [])
    assert all(("usage" in chunk) is include_usage for chunk in chunks)


@given(TEXTS, st.sampled_from(["stop", "length"]))
def test_a_response_stream_is_the_text(text: str, finish: str) -> None:
    source = exchange("responses", text, finish=finish)
    body = complete_body(source)
    assert body is not None
    events = parsed(b"".join(response_events(source, body)))
    assert [data["sequence_number"] for _, data in events] == list(range(len(events)))
    assert all(name == data["type"] for name, data in events)
    names = [name for name, _ in events]
    assert names[:4] == ["response.created", "response.in_progress", "response.output_item.added", "response.content_part.added"]
    end = "response.completed" if finish == "stop" else "response.incomplete"
    assert names[-4:] == ["response.output_text.done", "response.content_part.done", "response.output_item.done", end]
    assert set(names[4:-4]) <= {"response.output_text.delta"}
    assert "".join(data["delta"] for name, data in events if name == "response.output_text.delta") == text
    assert events[-4][1]["text"] == text
    assert events[-1][1]["response"] == body
    assert events[0][1]["response"]["output"] == []


CALL = {"id": "c1", "type": "function", "function": {"name": "find", "arguments": '{"place": "São Paulo", "n": 12}'}}
RICH = {
    "id": "chatcmpl-9", "object": "chat.completion", "created": 9, "model": "m-1", "service_tier": "default",
    "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "One two", "refusal": None, "annotations": [{"a": 1}], "reasoning_content": "hm"},
         "logprobs": {"content": [{"token": "One", "logprob": -0.1}], "refusal": None}, "finish_reason": "stop"},
        {"index": 1, "message": {"role": "assistant", "content": None, "refusal": "I cannot do that"}, "logprobs": None, "finish_reason": "stop"},
        {"index": 2, "message": {"role": "assistant", "content": None, "tool_calls": [CALL, {"id": "c2", "type": "custom", "custom": {"name": "x", "input": "y"}}]},
         "finish_reason": "tool_calls"},
        {"index": 3, "message": {"role": "assistant", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], "tool_calls": "odd"}, "finish_reason": "length"},
    ],
}  # fmt: skip


def test_a_chat_stream_has_every_choice_with_all_it_holds() -> None:
    source = exchange("chat/completions", "One two", RICH)
    chunks = [chunk for _, chunk in parsed(b"".join(chat_events(source, RICH, include_usage=True)))[:-1]]
    by_choice: dict[int, list[dict[str, Any]]] = {}
    for chunk in chunks:
        assert (chunk["id"], chunk["created"], chunk["model"], chunk["service_tier"]) == ("chatcmpl-9", 9, "m-1", "default")
        for choice in chunk["choices"]:
            by_choice.setdefault(choice["index"], []).append(choice)
    assert sorted(by_choice) == [0, 1, 2, 3]
    assert [[c["finish_reason"] for c in by_choice[n]][-1] for n in range(4)] == ["stop", "stop", "tool_calls", "length"]
    assert "".join(c["delta"].get("content") or "" for c in by_choice[0]) == "One two"
    assert [c["delta"] for c in by_choice[0] if "annotations" in c["delta"]] == [
        {"annotations": [{"a": 1}], "reasoning_content": "hm"}
    ]
    assert [c["logprobs"] for c in by_choice[0] if c["logprobs"]] == [RICH["choices"][0]["logprobs"]]
    assert "".join(c["delta"].get("refusal") or "" for c in by_choice[1]) == "I cannot do that"
    parts = [part for c in by_choice[2] for part in c["delta"].get("tool_calls", [])]
    assert parts[0] == {**CALL, "index": 0, "function": {"name": "find", "arguments": ""}}
    assert "".join(part["function"]["arguments"] for part in parts if part["index"] == 0) == CALL["function"]["arguments"]
    assert parts[-1] == {"index": 1, "id": "c2", "type": "custom", "custom": {"name": "x", "input": "y"}}
    assert "".join(c["delta"].get("content") or "" for c in by_choice[3]) == "ab"
    assert not [chunk for chunk in chunks if not chunk["choices"]], "no usage is made up"


def test_a_response_stream_has_every_item() -> None:
    note = {"type": "url_citation", "url": "https://example.org"}
    output = [
        {"type": "reasoning", "id": "rs_1", "summary": []},
        {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
         "content": [{"type": "output_text", "text": "a b", "annotations": [note], "logprobs": [{"token": "a"}]}, {"type": "refusal", "refusal": "no no"}, {"type": "odd", "x": 1}]},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": '{"a": 1}', "status": "completed"},
    ]  # fmt: skip
    body = {"id": "resp_1", "object": "response", "status": "failed", "model": "m", "output": output, "usage": None}
    events = parsed(b"".join(response_events(exchange("responses", "x", body), body)))
    names = [name for name, _ in events]
    assert [d["item"] for n, d in events if n == "response.output_item.done"] == output
    assert "".join(d["delta"] for n, d in events if n == "response.refusal.delta") == "no no"
    assert [d["annotation"] for n, d in events if n == "response.output_text.annotation.added"] == [note]
    assert "".join(d["delta"] for n, d in events if n == "response.function_call_arguments.delta") == '{"a": 1}'
    assert {d["item_id"] for n, d in events if n == "response.function_call_arguments.done"} == {f"item_{'ab' * 20}_2"}
    assert names.count("response.content_part.done") == 3
    assert names[-1] == "response.failed"


def test_streams_over_http(replaying, make_line) -> None:
    text = "Zeile\u2028eins\u0085 und  zwei\n👩‍🚀 日本\x00."
    usage = {"prompt_tokens": 1, "completion_tokens": 2}
    ask = {"model": "m", "input": "Say it."}
    server = replaying(
        make_line("chat/completions", ASK, {"text": text, "usage": usage}), make_line("responses", ask, {"text": text})
    )
    got = server.chat({**ASK, "stream": True, "stream_options": {"include_usage": True}})
    assert got.status == 200
    assert got.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert got.headers["x-evalgate-source"] == "recording"
    chunks = [chunk for _, chunk in got.events[:-1]]
    assert "".join(c["delta"].get("content") or "" for chunk in chunks for c in chunk["choices"]) == text
    assert chunks[-1]["usage"]["total_tokens"] == 3
    assert got.data.endswith(DONE)
    whole = server.chat(ASK)
    assert whole.json["choices"][0]["message"]["content"] == text
    assert whole.headers["x-evalgate-key"] == got.headers["x-evalgate-key"]
    streamed = server.ask("POST", "/v1/responses", {**ask, "stream": True})
    assert "".join(data["delta"] for name, data in streamed.events if name == "response.output_text.delta") == text
    assert b"[DONE]" not in streamed.data
    assert streamed.events[-1][1]["response"] == server.ask("POST", "/v1/responses", ask).json


def test_a_client_that_leaves_in_the_middle_hurts_nobody(replaying, make_line) -> None:
    server = replaying(make_line("chat/completions", ASK, {"text": "word " * 200_000}))
    data = json.dumps({**ASK, "stream": True}).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(data)}\r\n\r\n".encode()
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as plain:
            plain.sendall(head + data)
            assert plain.recv(1000)
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert server.chat(ASK).status == 200
    assert server.ask("GET", "/health").json["hits"] == 6
    assert server.lines == []


@pytest.mark.parametrize(
    "choice", [{"index": "a", "message": {"content": 5, "refusal": 7}}, {"message": {"tool_calls": [1, {"function": 3}]}}]
)
def test_an_odd_body_still_ends_its_stream(choice) -> None:
    body = {"choices": [choice]}
    assert b"".join(chat_events(exchange("chat/completions", "x", body), body, include_usage=True)).endswith(DONE)
