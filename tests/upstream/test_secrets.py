"""No secret in any byte that is written or said, whatever a server sends back, on success, error and crash paths."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from upstream_asking import Gathered, ask, call, calls, gather, limits
from upstream_stub import Act, Request, Stub, answer, completion, http, raw, status

from evalgate.core.credentials import remember, without_secrets
from evalgate.core.errors import BadInput
from evalgate.core.settings import ModelChoice, Upstream
from evalgate.proxy.redaction import Redactor
from evalgate.proxy.upstream import collect as collect_module

KEYS = ["sk-canary-9f8e7d6c5b4a39281706", "plainword7Q2x", "o/d+d=k~y%\"<&>\\9z'"]


def forms(key: str) -> dict[str, str]:
    """How a server may write a key back."""
    data = key.encode()
    return {
        "plain": key,
        "base64": base64.b64encode(data).decode(),
        "base64 in a header": base64.b64encode(b"Bearer " + data).decode(),
        "base64 of a pair": base64.b64encode(b"user:" + data + b"!").decode(),
        "base64 for URLs": base64.urlsafe_b64encode(b"x" + data).decode(),
        "url": quote(key, safe=""),
        "url with plus": quote_plus(key),
        "url in small letters": "".join(p if len(p) != 3 or p[0] != "%" else p.lower() for p in (quote(c, safe="") for c in key)),
        "hex": data.hex(),
        "hex in capitals": data.hex().upper(),
        "json": json.dumps({"k": key}),
        "html": html.escape(f"<{key}>"),
    }


def traces(text: str, key: str) -> list[str]:
    """Which forms of the key, or parts of ten letters of it, stand in a text."""
    found = [name for name, form in forms(key).items() if form in text]
    data = key.encode()
    cores = [base64.b64encode(b"\0" * lead + data).decode()[lead + 1 : -4] for lead in range(3)]
    found += ["part of base64" for core in cores if core in text]
    pieces = {key[at : at + 10] for at in range(len(key) - 9)}
    return found + [f"the part {piece!r}" for piece in pieces if piece in text]


def everything(folder: Path, done: Gathered) -> str:
    written = [path.read_bytes().decode("utf-8", "replace") for path in folder.rglob("*") if path.is_file()]
    said = str(done.error or "") + "".join(str(p) for p in (done.found.failures if done.found else []))
    return "\n".join([*written, said, json.dumps(sorted(map(str, (done.found.served_models if done.found else {}).items())))])


ECHOES: dict[str, Callable[[Request, str], Act]] = {
    "the answer": lambda r, s: answer(r, f"your key is {s}, right?"),
    "the answer alone": lambda r, s: answer(r, s),
    "the name of the model": lambda r, s: answer(r, "x", model=s),
    "the finish reason": lambda r, s: answer(r, "x", choice={"finish_reason": s}),
    "a field of the body": lambda r, s: answer(r, "x", debug={"headers": {"Authorization": f"Bearer {s}"}}),
    "a name in the body": lambda r, s: answer(r, "x", debug={s: 1}),
    "tool calls": lambda r, s: answer(r, message={"content": None, "tool_calls": [{"function": {"arguments": f"say {s}"}}]}),
    "a refusal": lambda r, s: answer(r, message={"content": None, "refusal": s}),
    "headers": lambda r, s: answer(r, "x", headers={"X-Request-Id": s, "Set-Cookie": s, "X-RateLimit-Limit": s}),
    "a wrong Retry-After": lambda r, s: status(500, None, {"Retry-After": s}),
    "an OpenAI error": lambda r, s: status(422, {"error": {"message": f"Incorrect API key provided: {s}.", "code": s, "type": s}}),
    "an error that was cut": lambda r, s: status(400, {"error": {"message": "x" * 270 + s + "y" * 50}}),
    "a text as error": lambda r, s: status(500, f"Traceback: key={s}\n".encode()),
    "a page as error": lambda r, s: status(451, f"<h1>{s}</h1>".encode(), {"Content-Type": "text/html"}),
    "an error under HTTP 200": lambda r, s: answer(r, error={"message": s}),
    "an answer without content": lambda r, s: answer(r, message={"content": None}, choice={"finish_reason": s}),
    "cut JSON": lambda r, s: Act((http(200, json.dumps(completion(r, s)).encode()[:-4]),)),
    "a key twice": lambda r, s: Act((http(200, b'{"%s": 1, "%s": 2}' % ((s.encode(),) * 2)),)),
    "the reason of the status": lambda r, s: raw(b"HTTP/1.1 500 %s\r\nContent-Length: 0\r\n\r\n" % s.encode()),
    "no HTTP": lambda r, s: raw(s.encode() + b"\r\n\r\n"),
    "the length": lambda r, s: raw(b"HTTP/1.1 200 OK\r\nContent-Length: %s\r\n\r\n" % s.encode()),
    "a chunk": lambda r, s: raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%s\r\n" % s.encode()),
    "the encoding": lambda r, s: answer(r, "x", headers={"Content-Encoding": s}),
    "a redirect": lambda r, s: status(302, b"", {"Location": f"http://127.0.0.1/{s}"}),
}  # fmt: skip


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("echo", ECHOES)
def test_a_key_that_comes_back_is_nowhere(echo: str, key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", key)
    shapes = list(forms(key).values())
    # One request gets a good answer first, so that failures are recorded too.
    with Stub(
        lambda r: answer(r, "good") if r.content.endswith(" 0") else ECHOES[echo](r, shapes[r.number % len(shapes)])
    ) as stub:
        done = gather(tmp_path / "tape", [call(0, stub.url)], limits(concurrency=1))
        done = gather(tmp_path / "tape", calls(stub.url, 2 * len(shapes)), limits(concurrency=1, attempts=1))
    assert len(stub.requests) > 4
    assert {r.headers["authorization"] for r in stub.requests} == {f"Bearer {key}"}
    assert traces(everything(tmp_path, done), key) == []


@pytest.mark.parametrize("at", range(286, 300))
def test_no_half_of_a_key_is_left_where_a_message_is_cut(at: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = KEYS[0]
    monkeypatch.setenv("OPENAI_API_KEY", key)
    with Stub(lambda r: status(400, {"error": {"message": "x" * (at - len("HTTP 400: ")) + key}})) as stub:
        failure = ask(calls(stub.url, 1)).only
    assert traces(failure.message + json.dumps(failure.body), key) == []


def test_what_only_looks_like_a_key_is_taken_out_too(tmp_path: Path) -> None:
    other = "sk-proj-" + "A1b2C3d4" * 5
    with Stub(lambda r: answer(r, f"use {other} or Bearer abcdefghijklmnop1234")) as stub:
        done = gather(tmp_path / "tape", calls(stub.url, 1))
    assert list(done.texts().values()) == ["use [redacted:openai-key] or [redacted:bearer-token]"]
    assert other not in everything(tmp_path, done)


def test_the_same_answer_is_always_recorded_as_the_same_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digests = set()
    for key in KEYS[:2]:
        monkeypatch.setenv("OPENAI_API_KEY", key)
        with Stub(lambda r, key=key: answer(r, f"your key is {key}")) as stub:  # type: ignore[misc]
            digests.add(gather(tmp_path / key, calls(stub.url, 3)).recording.digest)
    assert len(digests) == 1


@pytest.mark.parametrize("where", ["line_of", "Caller", "GroupCommit"])
def test_a_crash_does_not_lose_what_came_and_is_no_hang(where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug in the recorder, or elsewhere: raised as it is, and nobody goes on paying for answers."""
    original = collect_module.line_of
    lines = 0

    def broken(*given: Any) -> Any:
        nonlocal lines
        lines += 1
        if lines > 10:
            raise RuntimeError("a bug")
        return original(*given)

    if where == "line_of":
        monkeypatch.setattr(collect_module, "line_of", broken)
    elif where == "Caller":
        monkeypatch.setattr(collect_module.Caller, "answer", lambda self, one: broken(one))
    else:
        monkeypatch.setattr(collect_module.GroupCommit, "add", lambda self, line: broken(line))
    with Stub(lambda r: answer(r, delay=0.001)) as stub, pytest.raises((RuntimeError, TypeError)):
        gather(tmp_path / "tape", calls(stub.url, 500), limits(concurrency=4))
    assert len(stub.requests) < 200, "went on paying after a bug"


def test_a_bug_while_asking_keeps_what_other_calls_got(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = collect_module.Caller.answer

    async def broken(self: Any, one: Any) -> Any:
        if one.case_id == "c20":
            raise RuntimeError("a bug")
        return await original(self, one)

    monkeypatch.setattr(collect_module.Caller, "answer", broken)
    with Stub(answer) as stub, pytest.raises(RuntimeError, match="a bug"):
        gather(tmp_path / "tape", calls(stub.url, 60))
    monkeypatch.undo()
    with Stub(answer) as again:
        done = gather(tmp_path / "tape", calls(again.url, 60))
    assert len(done.texts()) == 60
    assert not {r.content for r in stub.paid} & {r.content for r in again.paid}


@pytest.mark.parametrize(
    "key",
    [
        "sk-line\nfeed-0123456789",
        "sk-carriage\rreturn-0123",
        "two words-0123456789",
        "sk-\u00e9t\u00e9-0123456789",
        "sk-\x00-0123456789abc",
        "\tsk-tab",
    ],
)
def test_a_key_that_cannot_be_one_is_refused_before_anything_is_sent(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def environment(name: str) -> str:
        remember(key)
        return key

    monkeypatch.setattr("evalgate.proxy.upstream.http_provider.secret_from_environment", environment)
    with Stub(answer) as stub, pytest.raises(BadInput, match="holds white space or characters that no key has") as caught:
        _ = ask(calls(stub.url, 1)).only
    assert stub.connections == 0
    assert key.strip() not in str(caught.value)
    assert "OPENAI_API_KEY" in str(caught.value)


@pytest.mark.parametrize("name", list(forms("k")))
def test_a_text_that_holds_a_key_is_known_in_every_form(name: str) -> None:
    for key in KEYS:
        remember(key)
        request = {"model": "m", "messages": [{"role": "user", "content": f"look: {forms(key)[name]} !"}]}
        assert Redactor().holds_secret(request), f"{name} of {key!r}"
        assert traces(without_secrets(json.dumps(request)), key) == []


@pytest.mark.parametrize("text", ["sk-", "", "canary", "a question about keys", "sk-short", "c2stY2FuYXJ5"])
def test_a_text_without_a_key_is_left_as_it_is(text: str) -> None:
    for key in KEYS:
        remember(key)
    assert without_secrets(text) == text
    assert not Redactor().holds_secret({"a": [text]})


def test_keys_of_several_upstreams_are_all_kept_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY_A", KEYS[0])
    monkeypatch.setenv("KEY_B", KEYS[1])
    with Stub(lambda r: answer(r, f"{KEYS[0]} {KEYS[1]}")) as stub:
        to = [Upstream(base_url=stub.url, api_key_env=name) for name in ("KEY_A", "KEY_B")]
        models = [ModelChoice(alias, "openai", "m", {}) for alias in ("a", "b")]
        wanted = [call(n, model=models[n % 2], upstream=to[n % 2]) for n in range(8)]
        done = gather(tmp_path / "tape", wanted)
        done = gather(tmp_path / "tape", wanted)
    assert traces(everything(tmp_path, done), KEYS[0]) == []
    assert traces(everything(tmp_path, done), KEYS[1]) == []
