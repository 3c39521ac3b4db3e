"""Recording through the server: asked once, durable before it is answered, and answered as replay will answer."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from evalgate.core.credentials import remember
from evalgate.core.errors import BadInput, Incomplete, Problem
from evalgate.core.settings import Budget, CallLimits, MockChoice, MockFault, MockRule, ModelChoice, Upstream
from evalgate.proxy.recording import open_recording
from evalgate.proxy.recording_writer import RecordingWriter
from evalgate.proxy.redaction import Redactor
from evalgate.proxy.server.answerers import RecordAnswerer, ReplayAnswerer
from evalgate.proxy.server.mock_answerer import MockAnswerer
from evalgate.proxy.server.renewed_caller import RenewedCaller
from evalgate.proxy.upstream.caller import Caller, UpstreamStopped
from evalgate.proxy.upstream.interface import Call, Failure, FailureKind, ProviderContext, Reply

TOKEN = {"Authorization": "Bearer test-token-of-the-proxy-0123456789"}
ASK: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Name a colour."}], "temperature": 0}


def answer(text: str, body: bool = True, **changes: Any) -> Reply:
    whole = {
        "id": "chatcmpl-1", "zeta": 1, "object": "chat.completion", "created": 5, "model": "m", "alpha": 0.1,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}], **changes,
    }  # fmt: skip
    return Reply(text, "stop", 3, 2, 41.7, whole if body else None)


def asks(endpoint: str) -> dict[str, Any]:
    return ASK if endpoint == "chat/completions" else {"model": "m", "input": "Name a colour."}


@pytest.mark.parametrize("body", [True, False])
@pytest.mark.parametrize("stream", [True, False])
def test_record_and_replay_give_the_same_bytes(recording, serve, tmp_path, body, stream) -> None:
    server, upstream = recording(lambda call: answer("Blau\u2028 – 日本", body))
    asked = {**ASK, "stream": stream, "stream_options": {"include_usage": True}}
    first, again = server.chat(asked, TOKEN), server.chat(asked, TOKEN)
    assert (first.status, first.headers["x-evalgate-source"], again.headers["x-evalgate-source"]) == (
        200,
        "upstream",
        "recording",
    )
    assert first.data == again.data
    assert len(upstream.calls) == 1
    stored = open_recording(tmp_path / "rec", "rec")
    replay = serve(lambda: ReplayAnswerer(stored, Redactor()))
    got = replay.chat(asked)
    assert got.data == first.data
    same = set(first.headers) - {"date", "x-evalgate-source"}
    assert {name: got.headers[name] for name in same} == {name: first.headers[name] for name in same}


@pytest.mark.parametrize("endpoint", ["chat/completions", "responses", "embeddings"])
def test_every_endpoint_is_recorded(recording, serve, tmp_path, endpoint) -> None:
    bodies = {
        "chat/completions": answer("a").body,
        "responses": {"object": "response", "id": "r", "status": "completed", "output": [{"type": "message", "id": "x", "content": [{"type": "output_text", "text": "a"}]}]},
        "embeddings": {"object": "list", "data": [{"index": 0, "embedding": [0.25, 1e-7]}], "model": "m"},
    }  # fmt: skip
    server, upstream = recording(lambda call: Reply("a", "stop", 1, 1, 2.0, bodies[call.endpoint]))
    first = server.ask("POST", f"/v1/{endpoint}", asks(endpoint), TOKEN)
    assert first.json == bodies[endpoint]
    assert upstream.calls[0].endpoint == upstream.calls[0].model.endpoint == endpoint
    stored = open_recording(tmp_path / "rec", "rec")
    assert serve(lambda: ReplayAnswerer(stored, Redactor())).ask("POST", f"/v1/{endpoint}", asks(endpoint)).data == first.data


def test_the_upstream_gets_what_the_client_sent_and_never_a_stream(recording) -> None:
    server, upstream = recording(lambda call: answer("a"))
    asked = {
        **ASK,
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_completion_tokens": 5,
        "user": "u",
        "top_p": None,
    }
    assert server.chat(asked, {**TOKEN, "x-evalgate-sample": "3"}).status == 200
    call = upstream.calls[0]
    assert call.body == {**ASK, "max_completion_tokens": 5, "user": "u", "top_p": None}
    assert call.request["parameters"] == {"temperature": 0, "max_tokens": 5}
    assert call.request["sample"] == 3
    assert call.upstream.base_url == "http://127.0.0.1:9/v1"


def test_the_token_is_needed_to_spend(recording) -> None:
    server, upstream = recording(lambda call: answer("a"))
    for headers in ({}, {"Authorization": "Bearer sk-other"}):
        assert server.chat(ASK, headers).status == 401
    assert not upstream.calls


def test_the_same_request_at_once_is_paid_once(recording) -> None:
    server, upstream = recording(lambda call: answer("a"), gated=True)

    async def ask(session: aiohttp.ClientSession, changes: dict[str, Any]) -> tuple[int, bytes]:
        async with session.post(
            f"http://127.0.0.1:{server.port}/v1/chat/completions", json={**ASK, **changes}, headers=TOKEN
        ) as got:
            return got.status, await got.read()

    async def all_at_once() -> list[tuple[int, bytes]]:
        async with aiohttp.ClientSession() as session:
            same = [asyncio.create_task(ask(session, {"user": str(n)})) for n in range(20)]
            other = asyncio.create_task(ask(session, {"seed": 1}))
            while len(upstream.calls) < 2:
                await asyncio.sleep(0.005)
            upstream.gate.set()
            return [*await asyncio.gather(*same), await other]

    got = asyncio.run(all_at_once())
    assert {status for status, _ in got} == {200}
    assert len({data for _, data in got[:20]}) == 1
    assert len(upstream.calls) == 2
    assert server.ask("GET", "/health").json["exchanges"] == 2


def test_a_client_that_leaves_has_its_answer_recorded(recording) -> None:
    server, upstream = recording(lambda call: answer("a"), gated=True)

    async def leave() -> None:
        async with aiohttp.ClientSession() as session:
            task = asyncio.create_task(
                session.post(f"http://127.0.0.1:{server.port}/v1/chat/completions", json=ASK, headers=TOKEN)
            )
            while not upstream.calls:
                await asyncio.sleep(0.005)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    asyncio.run(leave())
    upstream.gate.set()
    while not server.ask("GET", "/health").json["exchanges"]:
        pass
    assert server.chat(ASK, TOKEN).headers["x-evalgate-source"] == "recording"
    assert len(upstream.calls) == 1


FAILURES = [
    (Failure(FailureKind.PERMANENT, "HTTP 400: too long", 400, body={"error": {"message": "m", "type": "invalid_request_error", "param": "messages", "code": "context_length_exceeded"}}),
     400, "context_length_exceeded", "invalid_request_error", None),
    (Failure(FailureKind.PERMANENT, "HTTP 401: bad key", 401, body={"error": {"code": 401, "type": "authentication_error"}}), 401, "401", "authentication_error", None),
    (Failure(FailureKind.THROTTLED, "HTTP 429: slow down", 429, 7.25, body="slow"), 429, "upstream_failed", "upstream_error", "8"),
    (Failure(FailureKind.THROTTLED, "the response holds an error: rate limit", 200, None), 429, "upstream_failed", "upstream_error", None),
    (Failure(FailureKind.TRANSIENT, "HTTP 503: busy", 503, 1e9), 503, "upstream_failed", "upstream_error", "3600"),
    (Failure(FailureKind.TRANSIENT, "HTTP 503: busy", 503, float("nan")), 503, "upstream_failed", "upstream_error", None),
    (Failure(FailureKind.TRANSIENT, "cannot connect to 127.0.0.1: Connection refused"), 502, "upstream_failed", "upstream_error", None),
    (Failure(FailureKind.TRANSIENT, "no complete answer within 120 s"), 504, "upstream_timeout", "upstream_error", None),
    (Failure(FailureKind.PERMANENT, "no answer within 600 s"), 504, "upstream_timeout", "upstream_error", None),
    (Failure(FailureKind.PERMANENT, "the response has no choices", 200, body={"choices": []}), 502, "upstream_failed", "upstream_error", None),
    (Failure(FailureKind.PERMANENT, "HTTP 301: a redirect", 301, body={"error": "x"}), 502, "upstream_failed", "upstream_error", None),
]  # fmt: skip


@pytest.mark.parametrize(("failure", "status", "code", "kind", "retry"), FAILURES, ids=range(len(FAILURES)))
def test_a_failure_is_passed_on_and_never_stored(recording, tmp_path, failure, status, code, kind, retry) -> None:
    results: list[Any] = [failure, answer("a")]
    server, upstream = recording(lambda call: results.pop(0))
    got = server.chat({**ASK, "stream": True}, TOKEN)
    assert (got.status, got.error["code"], got.error["type"]) == (status, code, kind)
    assert got.error["message"] == failure.message
    assert got.headers.get("retry-after") == retry
    assert len(server.lines) == 1
    assert not list((tmp_path / "rec").glob("*.jsonl"))
    assert server.chat(ASK, TOKEN).status == 200, "the next attempt asks again"
    assert len(upstream.calls) == 2


@pytest.mark.parametrize(
    "error", [BadInput("OpenAI is asked without a key"), Incomplete("the budget is used up", where="proxy.budget.calls")]
)
def test_an_upstream_that_cannot_be_asked(recording, error) -> None:
    def refuse(call: Call) -> Reply:
        raise error

    server, _ = recording(refuse)
    got = server.chat(ASK, TOKEN)
    assert (got.status, got.error["code"]) == (503, "upstream_unusable")
    assert error.problems[0].message in got.error["message"]


def test_a_disk_that_refuses_stops_the_paying(recording, monkeypatch) -> None:
    def full(self: RecordingWriter) -> None:
        raise Incomplete(Problem("the recording cannot be written: No space left on device", "rec"))

    server, upstream = recording(lambda call: answer("a"))
    monkeypatch.setattr(RecordingWriter, "flush", full)
    for seed in (1, 2, 3):
        got = server.chat({**ASK, "seed": seed}, TOKEN)
        assert (got.status, got.error["code"]) == (500, "recording_failed")
    assert len(upstream.calls) == 1
    monkeypatch.undo()
    with pytest.raises(Incomplete, match="No space left"):
        asyncio.run_coroutine_threadsafe(server.desk.answerer.close(0.1), server.loop).result(10)


def test_a_known_secret_is_neither_sent_nor_recorded(recording, tmp_path) -> None:
    remember("fixture-secret-9911")
    server, upstream = recording(lambda call: answer("a"))
    for changes in (
        {"messages": [{"role": "user", "content": "my fixture-secret-9911"}]},
        {"user": "fixture-secret-9911"},
        {"metadata": {"fixture-secret-9911": "x"}},
    ):
        got = server.chat({**ASK, **changes}, TOKEN)
        assert (got.status, got.error["code"]) == (400, "secret_in_request")
        assert "9911" not in got.data.decode()
    assert not upstream.calls
    assert "9911" not in "".join(server.lines)
    assert not list((tmp_path / "rec").glob("*.jsonl"))


def test_secrets_in_an_answer_are_taken_out_at_once(recording, tmp_path) -> None:
    remember("fixture-secret-9922")
    server, _ = recording(lambda call: answer("it is fixture-secret-9922 and sk-abcdefghijklmnopqrst"))
    first, again = server.chat(ASK, TOKEN), server.chat(ASK, TOKEN)
    assert first.data == again.data
    assert "it is [redacted] and [redacted:openai-key]" in first.data.decode()
    for path in (tmp_path / "rec").iterdir():
        assert b"9922" not in path.read_bytes()
        assert b"sk-abc" not in path.read_bytes()


def test_a_recording_is_continued_and_an_error_in_it_is_asked_again(recording, make_line, store) -> None:
    known = {**ASK, "seed": 1}
    store(
        make_line("chat/completions", known, {"text": "old"}),
        make_line("chat/completions", ASK, {"status": "error", "error": "HTTP 500"}),
    )
    server, upstream = recording(lambda call: answer("new"))
    assert server.chat(known, TOKEN).json["choices"][0]["message"]["content"] == "old"
    assert not upstream.calls
    assert server.chat(ASK, TOKEN).json["choices"][0]["message"]["content"] == "new"
    assert server.ask("GET", "/health").json == {
        "status": "ok",
        "mode": "record",
        "exchanges": 2,
        "hits": 1,
        "misses": 0,
        "recorded": 1,
    }
    server.chat({**ASK, "model": "z"}, TOKEN)
    assert [m["id"] for m in server.ask("GET", "/models", headers=TOKEN).json["data"]] == ["m", "z"]


def test_an_answer_is_on_disk_before_it_is_given(recording, tmp_path) -> None:
    server, _ = recording(lambda call: answer("a"))
    for seed in range(5):
        server.chat({**ASK, "seed": seed}, TOKEN)
        lines = b"".join(path.read_bytes() for path in sorted((tmp_path / "rec").glob("*.jsonl"))).splitlines()
        assert json.loads(lines[-1])["request"]["parameters"]["seed"] == seed


def test_two_writers_are_refused(recording, tmp_path) -> None:
    recording(lambda call: answer("a"))
    with pytest.raises(BadInput, match="locked"), RecordingWriter(tmp_path / "rec", "rec"):
        pass


class Stopping:
    """A caller whose breaker gives up after so many calls."""

    def __init__(self, after: int) -> None:
        self.left, self.closed, self.running = after, 0, 0

    async def answer(self, call: Call) -> Reply | Failure:
        await asyncio.sleep(0)
        if self.left <= 0:
            raise UpstreamStopped("every call fails the same way")
        self.left -= 1
        return Failure(FailureKind.PERMANENT, "HTTP 400: wrong", 400)

    async def close(self) -> None:
        self.closed += 1


def test_a_server_outlives_the_breaker_of_its_caller() -> None:
    made: list[Stopping] = []

    def make() -> Stopping:
        made.append(Stopping(2))
        return made[-1]

    request = {"endpoint": "chat/completions"}
    call = Call("0" * 64, request, {}, ModelChoice("m", "openai", "m"), Upstream())

    async def run() -> None:
        caller = RenewedCaller(make)
        for _ in range(3):
            got = await asyncio.gather(*(caller.answer(call) for _ in range(2)))
            assert all(isinstance(each, Failure) for each in got)
        await caller.close()

    asyncio.run(run())
    assert [caller.closed for caller in made] == [1, 1, 1]
    dead: list[Stopping] = []

    async def refused() -> None:
        with pytest.raises(UpstreamStopped):
            await RenewedCaller(lambda: dead.append(Stopping(0)) or dead[-1]).answer(call)

    asyncio.run(refused())
    assert len(dead) == 2


@pytest.fixture(autouse=True)
def _own_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests may have a key of OpenAI in the environment; no test sends it."""
    monkeypatch.setenv("EVALGATE_TEST_KEY", "k-of-the-tests")


def test_recording_through_the_real_caller(serve, replaying, make_line, tmp_path: Path) -> None:
    """A replaying server is the upstream: answers, its 404 and a dead address arrive as they should."""
    source = replaying(
        make_line("chat/completions", ASK, {"text": "Blue.", "usage": {"prompt_tokens": 3, "completion_tokens": 1}})
    )
    with RecordingWriter(tmp_path / "new", "new") as writer:
        opened = open_recording(tmp_path / "new", "new", may_be_empty=True)
        context = ProviderContext(concurrency=4, redactor=Redactor())

        def make(port: int) -> RecordAnswerer:
            limits = CallLimits(attempts=1, timeout_s=20)
            upstream = Upstream(base_url=f"http://127.0.0.1:{port}/v1", api_key_env="EVALGATE_TEST_KEY")
            return RecordAnswerer(opened, writer, RenewedCaller(lambda: Caller(limits, Budget(), context)), upstream)

        server, dead = serve(lambda: make(source.port), spends=True), serve(lambda: make(9), spends=True)
        got = server.chat(ASK, TOKEN)
        assert got.json == source.chat(ASK).json
        assert server.chat({**ASK, "stream": True}, TOKEN).data == source.chat({**ASK, "stream": True}).data
        for seed in range(8):
            missed = server.chat({**ASK, "seed": 5 + seed % 2}, TOKEN)
            assert (missed.status, missed.error["code"]) == (404, "recording_not_found")
        refused = dead.chat({**ASK, "seed": 9}, TOKEN)
        assert (refused.status, refused.error["code"]) == (502, "upstream_failed")
    assert len(open_recording(tmp_path / "new", "new")) == 1


@pytest.mark.parametrize(
    ("fault", "attempts"),
    [(MockFault("rate_limit", first_attempts=1, retry_after_s=0.01), 2), (MockFault("rate_limit", first_attempts=2), 3), (MockFault("server_error", first_attempts=2, status=529), 3),
     (MockFault("truncated", first_attempts=1), 2), (MockFault("reset", first_attempts=1), 2), (MockFault("error_body", first_attempts=1), 2),
     (MockFault("timeout", first_attempts=1), 2), (MockFault("slow", first_attempts=1), 2)],
    ids=lambda value: getattr(value, "kind", ""),
)  # fmt: skip
def test_a_bad_day_upstream_is_not_seen_by_the_client(serve, tmp_path: Path, fault: MockFault, attempts: int) -> None:
    """The mock's faults, over real HTTP, through the real caller: the client gets one good answer, recorded once."""
    source = serve(lambda: MockAnswerer(MockChoice(rules=(MockRule("Blue."),), faults=(fault,))))
    with RecordingWriter(tmp_path / "new", "new") as writer:
        opened = open_recording(tmp_path / "new", "new", may_be_empty=True)
        context = ProviderContext(concurrency=4, redactor=Redactor())
        limits = CallLimits(attempts=4, timeout_s=0.5 if fault.kind in ("timeout", "slow") else 20.0)
        upstream = Upstream(base_url=f"http://127.0.0.1:{source.port}/v1", api_key_env="EVALGATE_TEST_KEY")
        server = serve(lambda: RecordAnswerer(opened, writer, Caller(limits, Budget(), context), upstream), spends=True)
        got = server.chat(ASK, TOKEN)
        assert got.json["choices"][0]["message"]["content"] == "Blue."
        assert source.desk.answerer._faults._arrived == attempts
    assert len(open_recording(tmp_path / "new", "new")) == 1
