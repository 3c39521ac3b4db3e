"""What a recording holds, on a page and in full; and every line that is wrong."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

import pytest

from evalgate.core.canonical import json_line
from evalgate.proxy import recording
from evalgate.proxy.exchange import sealed_line
from evalgate.proxy.request import canonical_request, request_key


def unsealed(line: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in line.items() if name != "digest"}


def any_line(model: str, text: str = "x", **changes: Any) -> dict[str, Any]:
    request = canonical_request(
        model=model,
        messages=[{"role": "user", "content": changes.get("question", "q")}],
        parameters={},
        sample=changes.get("sample", 0),
    )
    return sealed_line(
        request,
        {"status": "ok", "text": text},
        key=request_key(request),
        latency_ms=changes.get("latency_ms"),
        recorded_at=changes.get("recorded_at"),
    )


def test_the_figures_of_a_recording(project: Callable[..., Any]) -> None:
    made = project()
    lines = [
        any_line("a", latency_ms=float(i), question=str(i), recorded_at=f"2026-01-{i:02d}T00:00:00+00:00") for i in range(1, 21)
    ]
    made.record(*lines, lines[0], any_line("b", sample=2), made.line("baseline", 0, error="HTTP 500"))
    made.record(unsealed(made.line("baseline", 0)), unsealed(made.line("candidate", 0)), segment="0002.jsonl")
    document = made.recording("show", "sums", "--json").document
    assert (document["schema"], document["recording"], document["exchanges"], document["errors"]) == (
        "evalgate.recording/1",
        "sums",
        23,
        0,
    )
    assert document["models"] == {"a": 20, "b": 1, "m": 2}
    assert document["samples"] == {"0": 22, "2": 1}
    assert document["endpoints"] == {"chat/completions": 23}
    assert document["tokens"] == {"prompt": 10, "completion": 2}
    assert document["latency_ms"] == {"count": 22, "p50": 10.5, "p95": 19.0, "p99": 20.0, "max": 20.0}
    assert document["recorded_at"] == {"first": "2026-01-01T00:00:00+00:00", "last": "2026-01-20T00:00:00+00:00"}
    assert [(s["name"], s["bytes"], s["unsealed_lines"]) for s in document["segments"]] == [
        ("0001.jsonl", (made.folder() / "0001.jsonl").stat().st_size, 0), ("0002.jsonl", (made.folder() / "0002.jsonl").stat().st_size, 2)
    ]  # fmt: skip
    assert (document["digest"], document["timed_digest"]) == (made.open().digest, made.open().timed_digest)
    assert (document["torn"], document["provenance"], document["imported"]) == ([], None, {})


def test_the_page_is_safe_for_a_terminal(project: Callable[..., Any]) -> None:
    made = project()
    nasty = "\x1b[31m\u202e::error::x\n"
    made.record(any_line(nasty, recorded_at=nasty))
    (made.folder() / "provenance.json").write_text(json.dumps({nasty: nasty, "options": {"a": [1]}}), encoding="utf-8")
    ran = made.recording("show", "sums")
    assert ran.code == 0
    for mark in ("\x1b", "\u202e"):
        assert mark not in ran.out
    assert not any(line.startswith("::") for line in ran.out.splitlines())
    assert 'provenance options: {"a":[1]}' in ran.out
    key = next(made.open().exchanges()).key
    shown = made.recording("show", "sums", "--key", key[:8])
    assert shown.code == 0
    assert "\x1b" not in shown.out
    assert "\u202e" not in shown.out


def test_one_exchange_in_full(project: Callable[..., Any]) -> None:
    made = project()
    made.record()
    line = made.line("candidate", 2)
    for prefix in (line["key"], line["key"][:12], line["key"][:10].upper()):
        assert made.recording("show", "sums", "--key", prefix, "--json").document == line
        assert json.loads(made.recording("show", "sums", "--key", prefix).out) == line


@pytest.mark.parametrize(
    ("prefix", "said"),
    [
        ("", "not the beginning of a key"),
        ("xyz", "not the beginning of a key"),
        ("0" * 64, "no key begins with"),
        ("0x1", "not the beginning"),
    ],
)
def test_a_key_that_is_not_there(project: Callable[..., Any], prefix: str, said: str) -> None:
    made = project()
    made.record()
    ran = made.recording("show", "sums", "--key", prefix)
    assert ran.code == 2
    assert said in ran.err


def test_a_key_that_is_not_clear(project: Callable[..., Any]) -> None:
    made = project()
    made.record(*(any_line("m", question=str(i)) for i in range(40)))
    first = sorted(exchange.key for exchange in made.open().exchanges())[0][0]
    ran = made.recording("show", "sums", "--key", first)
    same = [e.key for e in made.open().exchanges() if e.key.startswith(first)]
    assert (ran.code == 2) == (len(same) > 1)
    if len(same) > 1:
        assert f"{len(same)} keys begin with {first}" in ran.err
        assert same[0][:9] in ran.err


@pytest.mark.parametrize("on_disk", [False, True])
def test_a_torn_tail_is_shown_and_not_repaired(
    project: Callable[..., Any], on_disk: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if on_disk:
        monkeypatch.setattr(recording, "KEPT_BYTES", 0)
    made = project()
    whole = json_line(made.line("baseline", 0)) + json_line(made.line("baseline", 1))
    place = made.record(whole + json_line(made.line("baseline", 2))[:-40])
    before = place.read_bytes()
    document = made.recording("show", "sums", "--json").document
    at = len(whole.encode())
    assert document["torn"] == [{"segment": "0001.jsonl", "at": at, "bytes": len(before) - at}]
    assert document["exchanges"] == 2
    assert place.read_bytes() == before
    assert "torn tail of 0001.jsonl" in made.recording("show", "sums").out
    assert made.recording("show", "sums", "--key", made.line("baseline", 1)["key"], "--json").document == made.line("baseline", 1)
    ran = made.recording("verify", "sums")
    assert ran.code == 2
    assert "sums/0001.jsonl:3: the last line was torn" in ran.err


def test_show_refuses_what_is_wrong(project: Callable[..., Any]) -> None:
    made = project()
    made.record(made.line("baseline", 0), "{broken\n", made.line("baseline", 1))
    ran = made.recording("show", "sums", "--json")
    assert ran.code == 2
    assert "sums/0001.jsonl:2" in ran.err
    made.record(made.line("baseline", 0), "{broken\n", '{"v"')
    assert made.recording("show", "sums").code == 2


@pytest.mark.parametrize("content", ["{", "\xff", '{"a": NaN}'])
def test_show_refuses_a_provenance_that_is_no_json(project: Callable[..., Any], content: str) -> None:
    made = project()
    made.record()
    (made.folder() / "provenance.json").write_bytes(content.encode("latin-1"))
    ran = made.recording("show", "sums")
    assert ran.code == 2
    assert "provenance.json" in ran.err


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("sum", "did you mean sums"),
        ("./absent", "no folder of that name"),
        ("a b", "not a plain name"),
        ("configs/sums.yaml", "is a file"),
    ],
)
def test_a_recording_that_is_not_there(project: Callable[..., Any], name: str, said: str) -> None:
    made = project()
    made.record()
    for action in ("show", "verify"):
        ran = made.recording(action, name)
        assert ran.code == 2
        assert said in ran.err


def test_a_folder_here_is_found_when_no_recording_has_its_name(project: Callable[..., Any]) -> None:
    made = project()
    made.record(name="tape").parent.rename(made.root / "tape")
    assert made.recording("show", "tape", "--json").document["folder"] == str(made.root / "tape")
    made.record(made.line("baseline", 0), name="tape")
    assert made.recording("show", "tape", "--json").document["exchanges"] == 1


def test_a_folder_without_segments(project: Callable[..., Any]) -> None:
    made = project()
    made.folder().mkdir(parents=True)
    ran = made.recording("show", "sums")
    assert ran.code == 2
    assert "no exchanges" in ran.err
    assert made.recording("verify").code == 2


# Verify


def test_all_recordings_are_verified(project: Callable[..., Any]) -> None:
    made = project()
    made.record()
    made.record(unsealed(made.line("baseline", 0)), unsealed(made.line("baseline", 1)), name="old")
    ran = made.recording("verify", "--json")
    assert ran.code == 0
    assert ran.document["schema"] == "evalgate.recording-verification/1"
    assert [(r["recording"], r["exchanges"], r["unsealed_lines"]) for r in ran.document["recordings"]] == [
        ("old", 2, 2),
        ("sums", 8, 0),
    ]
    said = made.recording("verify").out
    assert "ok  old  2 exchanges, 0 errors, 1 segments, 2 lines carry no digest" in said
    assert made.open().digest in said
    assert made.recording("verify", "--quiet").out == ""


def test_every_problem_of_every_recording_is_named(project: Callable[..., Any]) -> None:
    made = project()
    good = made.lines()
    edited = {**good[1], "response": {**good[1]["response"], "text": "no"}}
    made.record(
        good[0],
        edited,
        "{broken\n",
        good[2],
        "=======\n",
        {**good[3], "v": 7},
        unsealed(good[4]),
        made.line("baseline", 1, text="another"),
    )
    made.record(good[2], good[3], segment="0002.jsonl")
    made.record(made.line("baseline", 1), made.line("baseline", 1, text="x"), name="other")
    made.record(name="right")
    ran = made.recording("verify")
    assert ran.code == 2
    places = [
        "sums/0001.jsonl:2",
        "sums/0001.jsonl:3",
        "sums/0001.jsonl:5",
        "sums/0001.jsonl:6",
        "sums/0001.jsonl:7",
        "sums/0001.jsonl:8",
        "other/0001.jsonl:2",
        "sums/0002.jsonl:1",
    ]
    assert [place for place in places if f"evalgate: {place}: " not in ran.err] == ["sums/0002.jsonl:1"]
    assert ran.err.count("evalgate: ") == 7
    assert "ok  right" in ran.out
    assert "ok  sums" not in ran.out
    document = made.recording("verify", "sums", "--json").document
    assert (document["exit_code"], len(document["problems"])) == (2, 6)


def test_an_index_that_says_otherwise_is_not_believed(project: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "KEPT_BYTES", 0)
    made = project()
    made.record()
    index = made.folder() / ".index"
    assert made.recording("verify").code == 0
    before = index.read_bytes()
    os.utime(index, ns=(1, 1))
    assert made.recording("verify").code == 0
    assert index.read_bytes() == before
    assert index.stat().st_mtime_ns != 1


def test_many_problems_are_bounded(project: Callable[..., Any]) -> None:
    made = project()
    made.record("{broken\n" * 1500)
    ran = made.recording("verify")
    assert ran.err.count("not valid JSON") == 1000
    assert "and 500 more problems" in ran.err


def test_a_line_that_is_too_long_is_named_and_the_rest_is_read(
    project: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from evalgate.core import files
    from evalgate.proxy.transfer import scan

    monkeypatch.setattr(files, "MAX_LINE_BYTES", 2000)
    monkeypatch.setattr(scan, "MAX_LINE_BYTES", 2000)
    made = project()
    made.record(made.line("baseline", 0), made.line("baseline", 1, text="x" * 9000), made.line("baseline", 2), "{broken\n")
    ran = made.recording("verify")
    assert "sums/0001.jsonl:2: line longer than" in ran.err
    assert "sums/0001.jsonl:4: not valid JSON" in ran.err
    assert ran.err.count("evalgate: ") == 2


def test_no_recordings_at_all(project: Callable[..., Any]) -> None:
    made = project()
    ran = made.recording("verify")
    assert ran.code == 2
    assert "there are no recordings" in ran.err


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("show",),
        ("remove", "x"),
        ("show", "a", "b"),
        ("verify", "--key", "x"),
        ("prune", "sums"),
        ("export", "sums"),
        ("import", "x"),
    ],
)
def test_usage(project: Callable[..., Any], arguments: tuple[str, ...]) -> None:
    assert project().recording(*arguments).code == 2


def test_shipped_recordings_are_right(project: Callable[..., Any], repository: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    made = project()
    monkeypatch.chdir(repository)
    assert made.recording("verify", "--quiet").code == 0
