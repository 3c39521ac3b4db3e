"""Recordings of any shape: refused with their line or replayed, never a crash; and replay opens no connection."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from evalgate.core.errors import BadInput
from evalgate.core.settings import GateSettings, ModelChoice, ProxyChoice, VariantChoice
from evalgate.core.values import Output, Status
from evalgate.pipeline.sources import source_of
from evalgate.proxy.nearest import Miss, explain
from evalgate.proxy.recording import open_recording
from evalgate.proxy.replay import Ask, replay
from evalgate.proxy.request import canonical_request, request_key

REQUEST: dict[str, Any] = {
    "v": 1, "endpoint": "chat/completions", "model": "m", "messages": [{"role": "user", "content": "grüße, 日本"}], "parameters": {"temperature": 0}, "sample": 0,
}  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-10, 10**30) | st.floats(allow_nan=False, allow_infinity=False) | st.text(st.characters(exclude_categories=("Cs",)), max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["role", "content", "text", "error", "a"]), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip


def recording(folder: Path, *requests: dict[str, Any], **changes: Any) -> Path:
    rows = []
    for request in requests:
        key = hashlib.sha256(json.dumps(request).encode()).hexdigest()
        with suppress(BadInput):
            key = request_key(request)
        response = {"status": "ok", "text": "a", "finish": "stop", **changes.get("response", {})}
        rows.append({"v": 1, "key": key, "request": request, **changes, "response": response})
    (folder / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return folder


def test_a_key_is_the_hash_of_the_canonical_request() -> None:
    made = canonical_request(
        model="m",
        messages=[{"content": "grüße, 日本", "role": "user", "name": None}],
        parameters={"temperature": 0.0, "stream": True},
    )
    assert request_key(made) == hashlib.sha256(rfc8785.dumps(REQUEST)).hexdigest()
    assert request_key(made) == "ad13f6afe0f5f3bccbfdd5d375c027d718fd6eb1ca3c6a78c13c77ce2078482a"


@pytest.mark.parametrize(
    "change", [{"messages": 5}, {"messages": None}, {"messages": ["a"]}, {"messages": {"a": 1}}, {"parameters": [1]}, {"parameters": None}, {"sample": 10**20}]
)  # fmt: skip
def test_requests_of_another_shape_are_refused_with_their_line(tmp_path: Path, change: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match=r"rec/a\.jsonl:1"):
        open_recording(recording(tmp_path, {**REQUEST, **change}), "rec")


@pytest.mark.parametrize(
    "change",
    [{"latency_ms": 10**400}, {"latency_ms": "5"}, {"latency_ms": [1]}, {"v": True}, {"v": "1"}, {"response": {"finish": 10**20}}, {"response": {"finish": {"a": 1}}},
     {"response": {"usage": {"prompt_tokens": 10**400}}}, {"response": {"usage": {"completion_tokens": 1.0}}}, {"response": {"status": None}}],
    ids=range(10),
)  # fmt: skip
def test_answers_of_another_shape_are_refused_with_their_line(tmp_path: Path, change: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match=r"rec/a\.jsonl:1"):
        open_recording(recording(tmp_path, REQUEST, **change), "rec")


@given(st.sampled_from(["messages", "parameters", "model", "endpoint", "sample", "v"]), JSON)
def test_any_recorded_request_is_refused_or_explained(tmp_path_factory: pytest.TempPathFactory, field: str, value: Any) -> None:
    folder = tmp_path_factory.mktemp("rec")
    try:
        index = open_recording(recording(folder, {**REQUEST, field: value}), "rec")
    except BadInput as error:
        assert "a.jsonl:1" in str(error)
        return
    said = explain(Miss("c", "candidate", 0, {**REQUEST, "model": "another"}, "not recorded"), index.requests())
    assert "model: " in said


@given(st.sampled_from(["status", "text", "finish", "usage", "body", "error"]), JSON)
def test_any_recorded_response_is_refused_or_served(tmp_path_factory: pytest.TempPathFactory, field: str, value: Any) -> None:
    folder = tmp_path_factory.mktemp("rec")
    try:
        index = open_recording(recording(folder, REQUEST, response={field: value}), "rec")
    except BadInput as error:
        assert "a.jsonl:1" in str(error)
        return
    answer = replay(Ask("c", "candidate", ModelChoice("a", "openai", "m"), (("user", "grüße, 日本"),), {"temperature": 0}), index)
    failed = field == "body" and isinstance(value, dict) and value.get("error") is not None
    assert isinstance(answer, Output)
    assert (answer.status is Status.ERROR) == (failed or (field == "status" and value == "error"))
    assert answer.status is Status.OK or (answer.text == "" and answer.error)


def test_each_flipped_byte_of_a_request_is_noticed(tmp_path: Path) -> None:
    place = recording(tmp_path, REQUEST) / "a.jsonl"
    good = place.read_bytes()
    start, end = good.index(b'"request"'), good.index(b', "response"')
    for i in range(start, end):
        place.write_bytes(good[:i] + bytes([good[i] ^ 1]) + good[i + 1 :])
        try:
            index = open_recording(tmp_path, "rec")
        except BadInput:
            continue
        # White space between values and letters of an escape can change without changing the request.
        assert next(iter(index.requests()))[1] == REQUEST


def test_a_recording_that_vanishes_while_in_use(tmp_path: Path) -> None:
    index = open_recording(recording(tmp_path, REQUEST), "rec")
    (tmp_path / "a.jsonl").unlink()
    with pytest.raises(BadInput, match="while it was in use"):
        index.lookup(request_key(REQUEST))


def test_line_ends_of_windows_and_byte_order_marks_change_no_answer(tmp_path: Path) -> None:
    place = recording(tmp_path, REQUEST, {**REQUEST, "sample": 1}) / "a.jsonl"
    place.write_bytes(b"\xef\xbb\xbf" + place.read_bytes().replace(b"\n", b"\r\n"))
    index = open_recording(tmp_path, "rec")
    for sample in (0, 1):
        found = index.lookup(request_key({**REQUEST, "sample": sample}))
        assert found is not None
        assert found.request["sample"] == sample


def explained(wanted: dict[str, Any], *recorded: dict[str, Any]) -> str:
    return explain(
        Miss("c", "candidate", 0, {**REQUEST, **wanted}, "not recorded"), [("k" * 64, {**REQUEST, **r}) for r in recorded]
    )


@pytest.mark.parametrize(
    ("wanted", "said"),
    [({"model": "n"}, "model: 'm' is recorded, 'n' is asked"), ({"sample": 2}, "sample: 0 is recorded, 2 is asked"),
     ({"messages": []}, "number of messages: 1 recorded, 0 asked"), ({"messages": [{"role": "system", "content": "grüße, 日本"}]}, "message 1 role"),
     ({"messages": [{"role": "user", "content": "grüße,  日本"}]}, "white space"), ({"messages": [{"role": "user", "content": "grüße, 日本 now"}]}, "nothing is recorded, 'now' is asked")],
)  # fmt: skip
def test_a_miss_names_the_difference(wanted: dict[str, Any], said: str) -> None:
    assert said in explained(wanted, {})


def test_a_miss_in_long_texts_is_explained_quickly() -> None:
    long = " ".join(["a", "b"] * 15_000)
    started = time.process_time()
    said = explained(
        {"messages": [{"role": "user", "content": long + " end"}]}, {"messages": [{"role": "user", "content": "b a c " * 10_000}]}
    )
    assert "is recorded" in said
    same_start = explained(
        {"messages": [{"role": "user", "content": long + " x"}]}, {"messages": [{"role": "user", "content": long + " y"}]}
    )
    assert "'y' is recorded, 'x' is asked" in same_start
    assert time.process_time() - started < 10


@pytest.mark.parametrize("mode", ["lively", "", "Replay", "cache", "replay "])
def test_unknown_modes(tmp_path: Path, mode: str) -> None:
    side = VariantChoice("p", "m")
    proxy = ProxyChoice(mode, "rec", "g.yaml:3")
    settings = GateSettings("g", "d", side, side, {}, proxy, (), (), (), (), root=tmp_path)
    with pytest.raises(BadInput, match=r"g\.yaml:3"):
        source_of(settings, {}, tmp_path)


SCRIPT = """
import sys
def forbid(event, arguments):
    if event.startswith("socket."):
        raise SystemExit(f"a socket was opened: {event}")
sys.addaudithook(forbid)
from pathlib import Path
from evalgate.core.settings import ModelChoice
from evalgate.proxy.recording import open_recording
from evalgate.proxy.replay import Ask, replay
index = open_recording(Path(sys.argv[1]), "rec")
for question in ("grüße, 日本", "never recorded"):
    print(type(replay(Ask("c", "candidate", ModelChoice("a", "openai", "m"), (("user", question),), {"temperature": 0}), index)).__name__)
"""


def test_replay_opens_no_socket(tmp_path: Path) -> None:
    command = [sys.executable, "-X", "utf8", "-c", SCRIPT, str(recording(tmp_path, REQUEST))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["Output", "Miss"]
