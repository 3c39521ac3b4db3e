"""What is kept of an answer, and what an upstream is trusted with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from upstream_asking import call

from evalgate.core.canonical import json_line
from evalgate.core.credentials import remember
from evalgate.core.errors import BadInput, Incomplete
from evalgate.core.settings import Budget, MockChoice, ModelChoice, Upstream
from evalgate.proxy.exchange import parse_exchange, sealed_line
from evalgate.proxy.recording import Recording, open_recording
from evalgate.proxy.recording_writer import RecordingWriter
from evalgate.proxy.redaction import Redactor
from evalgate.proxy.request import canonical_request, request_key
from evalgate.proxy.upstream import http_provider
from evalgate.proxy.upstream.http_provider import make_openai
from evalgate.proxy.upstream.interface import Failure, FailureKind, ProviderContext, Reply
from evalgate.proxy.upstream.lines import line_of
from evalgate.proxy.upstream.spending import UNKNOWN_OUTPUT_TOKENS, Spending

NOW = "2026-01-01T00:00:00+00:00"


def reply(text: str, body: Any = None) -> Reply:
    return Reply(text, "stop", 1, 1, 5.0, body)


def kept(folder: Path, *lines: dict[str, Any]) -> Recording:
    with RecordingWriter(folder, "rec") as writer:
        for line in lines:
            writer.append(line)
    return open_recording(folder, "rec")


def test_the_largest_answer_can_be_read_back(tmp_path: Path) -> None:
    # Every two bytes of the response become six in its line, and it stands there twice.
    text = "\x85" * (http_provider.MAX_BODY // 2)
    recording = kept(tmp_path, line_of(call(), reply(text, {"choices": [{"message": {"content": text}}]}), Redactor(), NOW))
    found = recording.lookup(call().key)
    assert found is not None
    assert found.text == text


def test_a_body_nested_without_end_is_dropped_and_the_answer_kept(tmp_path: Path) -> None:
    body: Any = "x"
    for _ in range(99):
        body = [body]
    for result in (reply("fine", body), Failure(FailureKind.PERMANENT, "no", 400, body=body)):
        recording = kept(tmp_path / type(result).__name__, line_of(call(), result, Redactor(), NOW))
        assert len(recording) == 1


def test_zeros_behind_a_whole_record_are_torn_off_and_the_record_kept(tmp_path: Path) -> None:
    kept(tmp_path, line_of(call(0), reply("a"), Redactor(), NOW), line_of(call(1), reply("b"), Redactor(), NOW))
    place = tmp_path / "0001.jsonl"
    place.write_bytes(place.read_bytes().rstrip(b"\n") + bytes(512))
    with RecordingWriter(tmp_path, "rec") as writer:
        assert len(writer.repaired) == 1
        writer.append(line_of(call(2), reply("c"), Redactor(), NOW))
    assert len(open_recording(tmp_path, "rec")) == 3
    assert [p.read_bytes() for p in tmp_path.glob("*.torn-*")] == [bytes(512)]


@pytest.mark.parametrize("dangling", [True, False])
def test_a_segment_that_is_a_link_is_not_written_through(tmp_path: Path, dangling: bool) -> None:
    folder, victim = tmp_path / "rec", tmp_path / "victim"
    folder.mkdir()
    if not dangling:
        victim.write_text("precious\nlast line without its end", encoding="utf-8")
    (folder / "0001.jsonl").symlink_to(victim)
    with pytest.raises((BadInput, Incomplete)), RecordingWriter(folder, "rec") as writer:
        writer.append(line_of(call(), reply("a"), Redactor(), NOW))
    assert not dangling or not victim.exists()
    assert dangling or victim.read_text("utf-8") == "precious\nlast line without its end"


@pytest.mark.parametrize("limit", [-1, -100_000, 0, True, "many", None])
def test_no_limit_reserves_as_no_limit(limit: Any) -> None:
    model = ModelChoice("m", "openai", "m", {"max_tokens": limit} if limit is not None else {})
    assert Spending(Budget()).estimate(call(model=model)).completion_tokens == UNKNOWN_OUTPUT_TOKENS


@pytest.mark.parametrize(
    ("upstream", "sent"),
    [(Upstream("http://192.0.2.2:8000/v1"), None), (Upstream("https://models.example/v1"), None), (Upstream("https://api.openai.com.example/v1"), None),
     (Upstream("http://127.0.0.1:1/v1"), "sk-canary-1234567890"), (Upstream("https://api.openai.com/v1"), "sk-canary-1234567890"),
     (Upstream("https://models.example/v1", "OTHER_KEY"), "other-key-123456"), (Upstream("https://models.example/v1", "OPENAI_API_KEY"), "sk-canary-1234567890"),
     (Upstream(), "sk-canary-1234567890")],
)  # fmt: skip
def test_the_key_of_openai_goes_to_no_other_host(upstream: Upstream, sent: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary-1234567890")
    monkeypatch.setenv("OTHER_KEY", "other-key-123456")
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    provider = make_openai(upstream, ProviderContext(1, Redactor(), MockChoice()))
    assert provider._headers.get("Authorization") == (f"Bearer {sent}" if sent else None)


def test_a_failure_of_somebody_elses_provider_is_cleaned_too() -> None:
    remember("correct-horse-battery")
    line = line_of(call(), Failure(FailureKind.PERMANENT, "denied for correct-horse-battery"), Redactor(), NOW)
    assert "correct-horse" not in json_line(line)


@pytest.mark.parametrize(
    ("text", "redacted"),
    [("an sk-learn-compatible-estimators pipeline", False), ("skin-deep sk-ip", False), ("AKIAIOSFODNN7EXAMPLE", True), ("sk-abcdefghijklmnopqrst", True),
     ("sk-proj-a1b2c3d4e5f6a7b8c9", True), ("Bearer of good news", False), ("ghp_" + "a1" * 18, True), ("-----BEGIN PRIVATE KEY-----\nMIIE", True)],
)  # fmt: skip
def test_only_what_looks_like_a_key_is_taken_out_and_it_is_marked(text: str, redacted: bool) -> None:
    line = line_of(call(), reply(text), Redactor(), NOW)
    assert ("redacted" in line["response"]) is redacted
    assert parse_exchange(line, "x").redacted is redacted
    assert (line["response"]["text"] == text) is not redacted


def test_a_mark_cannot_be_taken_away_unnoticed() -> None:
    line = line_of(call(), reply("AKIAIOSFODNN7EXAMPLE"), Redactor(), NOW)
    del line["response"]["redacted"]
    with pytest.raises(BadInput, match="digest"):
        parse_exchange(line, "x")


def key(**parameters: Any) -> str:
    return request_key(canonical_request(model="m", messages=[{"role": "user", "content": "q"}], parameters=parameters))


def test_null_is_a_value_in_a_schema_and_nothing_elsewhere() -> None:
    def form(schema: Any, **more: Any) -> dict[str, Any]:
        return {"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": schema, **more}}}

    assert key(**form({"const": None})) != key(**form({}))
    assert key(**form({"enum": [None, 1], "default": None})) != key(**form({"enum": [None, 1]}))
    assert key(**form({"type": "object"}, strict=None)) == key(**form({"type": "object"}))
    tool = {"type": "function", "function": {"name": "f", "parameters": {"const": None}, "strict": None}}
    other = {"type": "function", "function": {"name": "f", "parameters": {}}}
    assert key(tools=[tool]) != key(tools=[other])


def answered(calls: Any, further: str | None = None) -> bytes:
    choices = [{"index": 0, "message": {"role": "assistant", "content": "so", "tool_calls": calls}, "finish_reason": "stop"}]
    if further is not None:
        choices.append({"index": 1, "message": {"role": "assistant", "content": further}, "finish_reason": "stop"})
    line = sealed_line(call().request, {"status": "ok", "text": "so", "finish": "stop", "body": {"choices": choices}}, key=call().key, latency_ms=1.0, recorded_at=NOW)  # fmt: skip
    return parse_exchange(line, "x").answer_digest()


def test_other_tool_calls_or_other_choices_are_another_answer() -> None:
    search, delete = ([{"type": "function", "function": {"name": name, "arguments": "{}"}}] for name in ("search", "delete_all"))
    several = {answered(None), answered(search), answered(delete), answered(None, "a"), answered(None, "b")}
    assert len(several) == 5
    assert answered(None) == answered([])


def test_an_index_that_is_gone_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evalgate.proxy.recording.KEPT_BYTES", 0)
    recording = kept(tmp_path, line_of(call(), reply("a"), Redactor(), NOW))
    recording.save(tmp_path / "pointer.json")
    Path(json.loads((tmp_path / "pointer.json").read_text())["index"]).unlink()
    with pytest.raises(Incomplete, match="index"):
        Recording.load(tmp_path / "pointer.json")


@pytest.mark.parametrize(
    "part", ["sk-", "eyJ-", "eyJaaaaaaaa.", "Bearer ", "-----BEGIN PRIVATE KEY-----", "hf_", "xoxb-", "sk-a1"]
)
def test_no_answer_can_make_redaction_slow(part: str) -> None:
    # Seconds at most; patterns that look again from every start would take hours.
    assert isinstance(Redactor().text(part * (2_000_000 // len(part))), str)
