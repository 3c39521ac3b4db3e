"""The mock as a server: answers by rule, and every fault as what it is on the wire."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from contextlib import suppress
from typing import Any

import pytest

from evalgate.core.settings import MockChoice, MockFault, MockRule
from evalgate.proxy.server import bad_days
from evalgate.proxy.server.mock_answerer import MockAnswerer

ASK: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Name a colour."}]}
INPUT: dict[str, Any] = {"model": "m", "input": "Name a colour."}
RULE = MockRule("It is blue, as {{model}} says to {{last}}", contains="colour", model="m")


@pytest.fixture
def mocking(serve):
    return lambda **choice: serve(lambda: MockAnswerer(MockChoice(**{"rules": (RULE,), **choice})))


def faulty(mocking, kind: str, **changes: Any):
    return mocking(faults=(MockFault(kind, **{"first_attempts": 1, **changes}),))


def half(server, path: str, body: dict[str, Any]) -> tuple[int, bytes, str]:
    """(status, what came, how it ended) of a response that may break off."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    data = b""
    try:
        connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        got = connection.getresponse()
        while part := got.read1(64):
            data += part
        if got.length:
            return got.status, data, "short"
        return got.status, data, "complete"
    except ConnectionResetError:
        return 0 if not data else 200, data, "reset"
    except http.client.IncompleteRead as error:
        return 200, data + error.partial, "short"
    except http.client.RemoteDisconnected:
        return 0, data, "closed"
    finally:
        connection.close()


def test_a_rule_answers_in_every_form(mocking) -> None:
    server = mocking()
    text = "It is blue, as m says to Name a colour."
    got = server.chat(ASK)
    assert got.json["choices"][0]["message"]["content"] == text
    assert got.headers["x-evalgate-source"] == "mock"
    assert server.chat(ASK).data == got.data
    stream = server.chat({**ASK, "stream": True}).events
    assert "".join(c["choices"][0]["delta"].get("content") or "" for _, c in stream[:-1]) == text
    assert server.ask("POST", "/responses", INPUT).json["output"][0]["content"][0]["text"] == text
    assert [c["index"] for c in server.chat({**ASK, "n": 3}).json["choices"]] == [0, 1, 2]
    assert len(server.chat({**ASK, "n": 10**6}).json["choices"]) == 1
    assert [m["id"] for m in server.ask("GET", "/v1/models").json["data"]] == ["m", "mock"]
    assert server.ask("GET", "/health").json == {
        "status": "ok",
        "mode": "mock",
        "exchanges": 0,
        "hits": 0,
        "misses": 0,
        "recorded": 0,
    }


def test_embeddings_of_the_same_text_are_the_same(mocking) -> None:
    server = mocking()
    one = server.ask("POST", "/v1/embeddings", {"model": "e", "input": "a"}).json
    two = server.ask("POST", "/v1/embeddings", {"model": "e", "input": ["b", "a"]}).json
    assert two["data"][1]["embedding"] == one["data"][0]["embedding"] != two["data"][0]["embedding"]


def test_a_mock_that_misses_says_so(mocking) -> None:
    server = mocking(otherwise="miss")
    other = {**ASK, "messages": [{"role": "user", "content": "Name a taste."}]}
    for stream in (False, True):
        got = server.chat({**other, "stream": stream})
        assert (got.status, got.error["code"]) == (404, "recording_not_found")
        assert "Name a taste." in got.error["message"]
    assert len(server.lines) == 2
    assert server.ask("GET", "/health").json["misses"] == 2


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("fault", "status", "retry"),
    [({"kind": "rate_limit"}, 429, None), ({"kind": "rate_limit", "retry_after_s": 1.5}, 429, "1.5"), ({"kind": "server_error"}, 500, None),
     ({"kind": "server_error", "status": 503, "retry_after_s": 2.0}, 503, "2")],
)  # fmt: skip
def test_refusals_of_a_bad_day(mocking, stream, fault, status, retry) -> None:
    server = faulty(mocking, **fault)
    got = server.chat({**ASK, "stream": stream})
    assert got.status == status
    assert set(got.json["error"]) == {"message", "type", "param", "code"}
    assert got.headers.get("retry-after") == retry
    assert "x-should-retry" not in got.headers, "clients are to do what they would do with a provider"
    assert server.chat({**ASK, "stream": stream}).status == 200


@pytest.mark.parametrize("stream", [False, True])
def test_an_error_under_http_200(mocking, stream) -> None:
    server = faulty(mocking, "error_body")
    got = server.chat({**ASK, "stream": stream})
    assert got.status == 200
    body = got.events[0][1] if stream else got.json
    assert body["error"]["message"]
    assert b"[DONE]" not in got.data
    assert server.chat(ASK).status == 200


def test_truncated_json(mocking) -> None:
    server = faulty(mocking, "truncated")
    status, data, end = half(server, "/v1/chat/completions", ASK)
    assert (status, end) == (200, "complete"), "as far as HTTP can tell"
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        json.loads(data)
    assert server.chat(ASK).data.startswith(data)


@pytest.mark.parametrize("text", ["", "one", "one two", "word " * 50, 'say "finish_reason":"stop" now'])
@pytest.mark.parametrize("usage", [False, True])
def test_a_truncated_stream_has_no_end(mocking, text, usage) -> None:
    server = mocking(rules=(MockRule(text),), faults=(MockFault("truncated", every=1),))
    asked = {**ASK, "stream": True, "n": 2, "stream_options": {"include_usage": usage}}
    status, data, end = half(server, "/v1/chat/completions", asked)
    assert (status, end) == (200, "complete")
    assert b"[DONE]" not in data
    chunks = [json.loads(block.removeprefix("data: ")) for block in data.decode().strip().split("\n\n")]
    assert chunks
    assert not [c for chunk in chunks for c in chunk["choices"] if c["finish_reason"]]
    events = half(server, "/v1/responses", {**INPUT, "stream": True})[1]
    assert b"response.created" in events
    assert b"response.completed" not in events


@pytest.mark.parametrize("stream", [False, True])
def test_a_reset_in_the_middle(mocking, stream) -> None:
    server = faulty(mocking, "reset")
    _, data, end = half(server, "/v1/chat/completions", {**ASK, "stream": stream})
    assert end == "reset"
    assert b"[DONE]" not in data
    assert server.chat(ASK).status == 200


@pytest.mark.parametrize("stream", [False, True])
def test_slow_bytes_come_one_at_a_time(mocking, monkeypatch, stream) -> None:
    monkeypatch.setattr(bad_days, "SLOW_S", 0.001)
    server = faulty(mocking, "slow")
    _, data, end = half(server, "/v1/chat/completions", {**ASK, "stream": stream})
    assert end == "complete"
    assert data == server.chat({**ASK, "stream": stream}).data


@pytest.mark.parametrize("kind", ["slow", "timeout"])
@pytest.mark.parametrize("leaves", [True, False])
def test_silence_ends_when_the_client_leaves_or_the_server_stops(mocking, kind, leaves) -> None:
    server = faulty(mocking, kind)
    data = json.dumps(ASK).encode()
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as plain:
        plain.sendall(
            f"POST /chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data
        )
        while not server.desk._active:
            threading.Event().wait(0.005)
        if not leaves:
            server.loop.call_soon_threadsafe(server.desk.ending.set)
            with suppress(ConnectionResetError):
                while plain.recv(4096):
                    pass
    while server.desk._active:
        threading.Event().wait(0.005)
    assert server.chat(ASK).status == (200 if leaves else 503)


def test_a_time_out_is_silence(mocking) -> None:
    server = faulty(mocking, "timeout")
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=0.3)
    connection.request("POST", "/v1/chat/completions", json.dumps(ASK), {"Content-Type": "application/json"})
    with pytest.raises(TimeoutError):
        connection.getresponse()
    connection.close()
    assert server.chat(ASK).status == 200


def test_every_second_attempt_fails(mocking) -> None:
    server = mocking(faults=(MockFault("server_error", every=2, status=529),))
    assert [server.chat({**ASK, "seed": n}).status for n in range(6)] == [200, 529] * 3


def test_a_paced_mock_waits(mocking) -> None:
    server = mocking(paced=True, latency_ms_median=1.0, latency_ms_p95=2.0)
    assert server.chat(ASK).status == 200


def test_the_mock_of_a_file(program, tmp_path) -> None:
    (tmp_path / "bad-day.yaml").write_text(
        "rules: [{contains: colour, text: Blue.}]\nfaults: [{kind: rate_limit, every: 2}]\n", encoding="utf-8"
    )
    running = program("--mode", "mock", "--mock", "bad-day.yaml")
    status, data, _ = running.ask(ASK, "any")
    assert (status, json.loads(data)["choices"][0]["message"]["content"]) == (200, "Blue.")
    assert running.ask(ASK, "any")[0] == 429
    code, _, err = running.end(15)
    assert code == 143
    assert "mock, 1 rules, 1 faults" in err


@pytest.mark.parametrize("text", ["rules: 5\n", "- a\n", "", "faults: [{kind: nonsense, every: 1}]\n", "otherwise: maybe\n", "{"])
def test_a_wrong_mock_file_is_refused(tmp_path, capsys, text) -> None:
    from evalgate.cli.main import main

    path = tmp_path / "mock.yaml"
    path.write_text(text, encoding="utf-8")
    assert main(["proxy", "--mode", "mock", "--mock", str(path)]) == 2
    assert "mock.yaml" in capsys.readouterr().err
