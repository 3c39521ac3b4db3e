"""The store of a recording: torn, flipped, edited, merged, indexed and written; what is wrong is named, what was paid for is kept."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.core.canonical import json_line
from evalgate.core.errors import BadInput, Incomplete
from evalgate.proxy import key_index, recording, recording_writer, segments
from evalgate.proxy.exchange import sealed_line
from evalgate.proxy.recording import INDEX, Recording, open_recording
from evalgate.proxy.recording_writer import GROUP, GroupCommit, RecordingWriter
from evalgate.proxy.request import canonical_request, request_key
from evalgate.proxy.segments import repair_tails, segment_names, torn_tail


def request(question: str, sample: int = 0) -> dict[str, Any]:
    return canonical_request(
        model="m", messages=[{"role": "user", "content": question}], parameters={"temperature": 0}, sample=sample
    )


def sealed(question: str, text: str = "yes", latency_ms: float | None = 12.5, **response: Any) -> dict[str, Any]:
    asked = request(question)
    answer = {"status": "ok", "text": text, "finish": "stop", "usage": {"prompt_tokens": 3, "completion_tokens": 1}, **response}
    return sealed_line(asked, answer, key=request_key(asked), latency_ms=latency_ms, recorded_at="2026-01-02T03:04:05+00:00")


def failed(question: str, said: str = "HTTP 500") -> dict[str, Any]:
    asked = request(question)
    return sealed_line(asked, {"status": "error", "error": said}, key=request_key(asked), latency_ms=None, recorded_at=None)


def unsealed(line: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in line.items() if name != "digest"}


def store(folder: Path, *lines: dict[str, Any] | str, segment: str = "0001.jsonl") -> Path:
    folder.mkdir(exist_ok=True)
    text = "".join(line if isinstance(line, str) else json_line(line) for line in lines)
    (folder / segment).write_text(text, encoding="utf-8", newline="")
    return folder


def key(question: str, sample: int = 0) -> str:
    return request_key(request(question, sample))


def content(opened: Recording) -> dict[str, Any]:
    """Everything of a recording that counts."""
    return {
        e.key: (e.request, e.status, e.text, e.finish, e.prompt_tokens, e.completion_tokens, e.latency_ms, e.error, e.recorded_at, e.body)
        for e in opened.exchanges()
    }  # fmt: skip


def refused(folder: Path, *said: str) -> BadInput:
    with pytest.raises(BadInput) as caught:
        open_recording(folder, "rec")
    for part in said:
        assert part in str(caught.value)
    return caught.value


# Torn tails


def test_a_tail_torn_at_every_byte_loses_one_record_at_most(tmp_path: Path) -> None:
    place = store(tmp_path, sealed("a"), sealed("b"), sealed("c", "ü🎉", body={"x": [1, 2]})) / "0001.jsonl"
    whole = place.read_bytes()
    start = whole.rindex(b"\n", 0, -1) + 1
    for end in range(start, len(whole)):
        place.write_bytes(whole[:end])
        complete, nothing = end == len(whole) - 1, end == start
        if complete or nothing:
            assert torn_tail(place) is None
            assert len(open_recording(tmp_path, "rec")) == (3 if complete else 2)
        else:
            assert torn_tail(place) == start
            refused(tmp_path, "rec/0001.jsonl:3")
        with RecordingWriter(tmp_path, "rec") as writer:
            said = [str(problem) for problem in writer.repaired]
        aside = tmp_path / f"0001.jsonl.torn-{start}"
        if complete or nothing:
            assert said == []
            assert not aside.exists()
        else:
            assert len(said) == 1
            assert f"{end - start} bytes are cut off and kept in {aside.name}" in said[0]
            assert aside.read_bytes() == whole[start:end]
            aside.unlink()
        assert set(content(open_recording(tmp_path, "rec"))) == {key("a"), key("b"), *([key("c")] if complete else [])}
        assert place.read_bytes() == (whole if complete else whole[:start])


def test_a_torn_only_line_leaves_a_recording_that_can_be_written(tmp_path: Path) -> None:
    store(tmp_path, json_line(sealed("a"))[:-20])
    with RecordingWriter(tmp_path, "rec") as writer:
        assert len(writer.repaired) == 1
        writer.append(sealed("b"))
    assert set(content(open_recording(tmp_path, "rec"))) == {key("b")}


@pytest.mark.parametrize("tail", [b"\x00" * 4096, b"{}", b"\xff\xfe\x00", b'{"v":1,"key":', b"<<<<<<< HEAD", b'{"v":2}'])
def test_any_unfinished_last_line_is_cut_and_kept(tmp_path: Path, tail: bytes) -> None:
    place = store(tmp_path, sealed("a")) / "0001.jsonl"
    good = place.read_bytes()
    place.write_bytes(good + tail)
    refused(tmp_path, "rec/0001.jsonl:2")
    assert len(repair_tails(tmp_path, "rec")) == 1
    assert place.read_bytes() == good
    assert (tmp_path / f"0001.jsonl.torn-{len(good)}").read_bytes() == tail


def test_a_damaged_line_that_is_finished_is_never_cut(tmp_path: Path) -> None:
    place = store(tmp_path, sealed("a"), "{broken\n") / "0001.jsonl"
    before = place.read_bytes()
    assert repair_tails(tmp_path, "rec") == ()
    assert place.read_bytes() == before
    refused(tmp_path, "rec/0001.jsonl:2", "not valid JSON")


def test_every_segment_may_have_a_torn_tail(tmp_path: Path) -> None:
    for number in range(3):
        store(tmp_path, sealed(f"a{number}"), '{"v":1', segment=f"000{number}.jsonl")
    assert [problem.where for problem in repair_tails(tmp_path, "rec")] == [
        f"rec/000{n}.jsonl, byte {len(json_line(sealed(f'a{n}')).encode())}" for n in range(3)
    ]
    assert len(open_recording(tmp_path, "rec")) == 3


# Flips and edits


@pytest.mark.parametrize("mask", [0x01, 0x20, 0x80])
def test_each_of_1024_flipped_bytes_is_refused_or_changes_nothing_that_counts(tmp_path: Path, mask: int) -> None:
    place = store(tmp_path, sealed("a", "α" * 40, body={"id": "x", "n": 1.5}), sealed("b", "no"), failed("c")) / "0001.jsonl"
    good = place.read_bytes()
    assert len(good) > 1024
    opened = open_recording(tmp_path, "rec")
    before, answers, timed = content(opened), opened.digest, opened.timed_digest
    noticed = 0
    for at in range(1024):
        place.write_bytes(good[:at] + bytes([good[at] ^ mask]) + good[at + 1 :])
        try:
            opened = open_recording(tmp_path, "rec")
        except BadInput as error:
            noticed += 1
            assert "rec/0001.jsonl:" in str(error)
            continue
        assert content(opened) == before
        assert (opened.digest, opened.timed_digest) == (answers, timed)
    assert noticed > 1000


def edited(line: dict[str, Any], change: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    copy: dict[str, Any] = json.loads(json.dumps(line))
    change(copy)
    return copy


EDITS: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
    "answer": (lambda line: line["response"].update(text="no"), "not that of its content"),
    "status": (lambda line: line["response"].update(status="error"), "not that of its content"),
    "finish": (lambda line: line["response"].update(finish="length"), "not that of its content"),
    "usage": (lambda line: line["response"]["usage"].update(prompt_tokens=1), "not that of its content"),
    "body": (lambda line: line["response"].update(body={"a": 1}), "not that of its content"),
    "latency": (lambda line: line.update(latency_ms=1.0), "not that of its content"),
    "no latency": (lambda line: line.pop("latency_ms"), "not that of its content"),
    "time": (lambda line: line.update(recorded_at="2026-01-02T03:04:06+00:00"), "not that of its content"),
    "digest": (lambda line: line.update(digest="0" * 64), "not that of its content"),
    "digest type": (lambda line: line.update(digest=None), "not that of its content"),
    "request": (lambda line: line["request"].update(model="n"), "not the key of the request"),
    "sample": (lambda line: line["request"].update(sample=1), "not the key of the request"),
    "key": (lambda line: line.update(key="0" * 64), "not the key of the request"),
    "version": (lambda line: line.update(v=2), "version 2"),
    "version as text": (lambda line: line.update(v="1"), "version '1'"),
    "no version": (lambda line: line.pop("v"), "version None"),
    "more": (lambda line: line.update(note="x"), "unknown field 'note'"),
}


@pytest.mark.parametrize("name", EDITS)
def test_an_edited_line_is_refused_with_its_place(tmp_path: Path, name: str) -> None:
    change, said = EDITS[name]
    store(tmp_path, sealed("a"), edited(sealed("b"), change))
    refused(tmp_path, said, "rec/0001.jsonl:2")


@pytest.mark.parametrize("marker", ["<<<<<<< HEAD", "=======", ">>>>>>> branch", "||||||| base"])
def test_conflict_markers_are_named(tmp_path: Path, marker: str) -> None:
    store(tmp_path, sealed("a"), marker + "\n", sealed("b"))
    refused(tmp_path, "conflict marker", "rec/0001.jsonl:2", "resolve the merge")


def test_an_unsealed_line_among_sealed_ones_is_refused(tmp_path: Path) -> None:
    store(tmp_path, sealed("a"), unsealed(sealed("b")))
    refused(tmp_path, "has no digest, and lines before it have", "rec/0001.jsonl:2", "recording import")


def test_a_sealed_line_among_unsealed_ones_is_refused(tmp_path: Path) -> None:
    store(tmp_path, unsealed(sealed("a")), unsealed(sealed("b")), sealed("c"))
    refused(tmp_path, "has a digest, and lines before it have none", "rec/0001.jsonl:3")


def test_sealed_and_unsealed_segments_stand_side_by_side(tmp_path: Path) -> None:
    store(tmp_path, sealed("a"))
    store(tmp_path, unsealed(sealed("b")), segment="0002.jsonl")
    assert len(open_recording(tmp_path, "rec")) == 2


@pytest.mark.parametrize("other", [{"text": "no"}, {"finish": "length"}, {"usage": {"prompt_tokens": 4}}, {"usage": {}}])
def test_two_answers_to_one_request_are_named_with_both_lines(tmp_path: Path, other: dict[str, Any]) -> None:
    store(tmp_path, sealed("a"), sealed("b"))
    store(tmp_path, sealed("c"), sealed("d"), sealed("b", **other), segment="0002.jsonl")
    error = refused(tmp_path, "another answer", "rec/0001.jsonl:2 already answers", "rec/0002.jsonl:3")
    assert len(error.problems) == 1


def test_all_contradictions_are_named_at_once(tmp_path: Path) -> None:
    store(tmp_path, *(sealed(str(i)) for i in range(5)), *(sealed(str(i), "no") for i in range(5)))
    problems = refused(tmp_path).problems
    assert sorted(problem.where or "" for problem in problems) == sorted(f"rec/0001.jsonl:{n}" for n in range(6, 11))


def test_the_same_answer_twice_is_fine_whatever_the_latency(tmp_path: Path) -> None:
    opened = open_recording(store(tmp_path, sealed("a", latency_ms=1.0), sealed("a", latency_ms=99.0)), "rec")
    found = opened.lookup(key("a"))
    assert found is not None
    assert (len(opened), found.latency_ms) == (1, 1.0)


@pytest.mark.parametrize(
    "lines",
    [
        [failed("a"), sealed("a")],
        [sealed("a"), failed("a")],
        [failed("a"), sealed("a"), failed("a", "HTTP 429")],
        [failed("a", "x"), failed("a", "y"), sealed("a")],
    ],
)
def test_an_error_never_beats_an_answer(tmp_path: Path, lines: list[dict[str, Any]]) -> None:
    for number, line in enumerate(lines):
        store(tmp_path, line, segment=f"{number}.jsonl")
    opened = open_recording(tmp_path, "rec")
    found = opened.lookup(key("a"))
    assert found is not None
    assert (found.status, found.text, opened.index.errors) == ("ok", "yes", 0)
    assert opened.answers(key("a"))


def test_of_several_errors_the_last_is_kept_and_does_not_answer(tmp_path: Path) -> None:
    opened = open_recording(store(tmp_path, failed("a", "HTTP 500"), failed("a", "HTTP 429")), "rec")
    found = opened.lookup(key("a"))
    assert found is not None
    assert (found.error, opened.index.errors, len(opened)) == ("HTTP 429", 1, 1)
    assert not opened.answers(key("a"))
    assert key("a") in opened


def test_nothing_else_than_what_was_recorded_is_found(tmp_path: Path) -> None:
    opened = open_recording(store(tmp_path, *(sealed(str(i), str(i)) for i in range(50))), "rec")
    for i in range(50):
        found = opened.lookup(key(str(i)))
        assert found is not None
        assert found.text == str(i)
    for absent in ("50", "a", "", "0 ", " 0"):
        assert opened.lookup(key(absent)) is None
        assert key(absent) not in opened
    assert opened.lookup(key("0", sample=1)) is None
    assert opened.lookup("0" * 64) is None
    assert opened.lookup("f" * 64) is None


@pytest.mark.parametrize("name", [".hidden.jsonl", "notes.txt", "0001.jsonl.torn-5", "0001.json", "0001.JSONL.bak"])
def test_only_segments_are_read(tmp_path: Path, name: str) -> None:
    store(tmp_path, sealed("a"))
    (tmp_path / name).write_text("{nonsense", encoding="utf-8")
    (tmp_path / "folder.jsonl").mkdir()
    assert segment_names(tmp_path) == ("0001.jsonl",)
    assert len(open_recording(tmp_path, "rec")) == 1


def test_a_recording_that_is_not_there_has_no_exchanges(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no exchanges"):
        open_recording(tmp_path / "absent", "rec")
    assert len(open_recording(tmp_path / "absent", "rec", may_be_empty=True)) == 0


# What the digest depends on

TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=8)


@given(
    st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=6, unique_by=lambda pair: pair[0]),
    st.randoms(),
    st.integers(1, 3),
    st.sampled_from(["\n", "\r\n"]),
)
def test_the_digest_is_that_of_the_answers_alone(
    tmp_path_factory: pytest.TempPathFactory, pairs: list[tuple[str, str]], random: Any, parts: int, line_end: str
) -> None:
    first = open_recording(store(tmp_path_factory.mktemp("a"), *(sealed(q, a) for q, a in pairs)), "rec")
    other = tmp_path_factory.mktemp("b")
    shuffled = pairs[:]
    random.shuffle(shuffled)
    for part in range(parts):
        lines = [sealed(q, a, random.random() * 1e4) for q, a in shuffled[part::parts]]
        spaced = [
            json.dumps(line, ensure_ascii=random.random() < 0.5, indent=None, separators=(", ", ": ")) + line_end
            for line in lines
        ]
        if spaced:
            store(other, *spaced, segment=f"part{part}.jsonl")
    second = open_recording(other, "another name")
    assert second.digest == first.digest
    assert second.timed_digest != first.timed_digest or len(pairs) == 0
    changed = [(q, a + "x" if i == 0 else a) for i, (q, a) in enumerate(pairs)]
    assert open_recording(store(tmp_path_factory.mktemp("c"), *(sealed(q, a) for q, a in changed)), "rec").digest != first.digest


def test_the_seal_changes_with_any_byte(tmp_path: Path) -> None:
    lines = [sealed("a"), sealed("b")]
    one = open_recording(store(tmp_path / "x", *lines), "rec")
    two = open_recording(store(tmp_path / "y", *lines[::-1]), "rec")
    assert (one.digest, one.timed_digest) == (two.digest, two.timed_digest)
    assert one.seal != two.seal


def test_a_recording_that_changes_is_noticed_at_the_end(tmp_path: Path) -> None:
    opened = open_recording(store(tmp_path, sealed("a")), "rec")
    opened.require_unchanged()
    store(tmp_path, sealed("b"), segment="0002.jsonl")
    with pytest.raises(Incomplete, match="changed during the run"):
        opened.require_unchanged()


# The index on disk


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the index of any recording on disk, as that of a large one."""
    monkeypatch.setattr(recording, "KEPT_BYTES", 0)


@pytest.fixture
def large(tmp_path: Path, kept: None) -> Path:
    return store(tmp_path / "large", *(sealed(str(i), f"answer {i}") for i in range(40)), failed("bad"))


@pytest.mark.usefixtures("kept")
def test_an_index_is_kept_and_used(large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = open_recording(large, "rec")
    assert first.index_path == large / INDEX
    expected = content(first)

    def never(*arguments: Any) -> Iterator[Any]:
        raise AssertionError("lines are read although the index is right")

    monkeypatch.setattr(recording, "read_segment", never)
    second = open_recording(large, "rec")
    assert content(second) == expected
    assert second.index == first.index
    with pytest.raises(AssertionError):
        open_recording(large, "rec", fresh=True)


@pytest.mark.usefixtures("kept")
def test_the_kept_index_finds_what_the_one_in_memory_finds(large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    on_disk = content(open_recording(large, "rec"))
    monkeypatch.setattr(recording, "KEPT_BYTES", 1 << 30)
    in_memory = open_recording(large, "rec")
    assert in_memory.index_path is None
    assert content(in_memory) == on_disk


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize("change", ["append", "replace", "add", "remove", "rename", "reorder"])
def test_a_stale_index_is_made_again(large: Path, change: str) -> None:
    store(large, sealed("second"), segment="0002.jsonl")
    open_recording(large, "rec")
    old = (large / INDEX).read_bytes()
    first, second = large / "0001.jsonl", large / "0002.jsonl"
    if change == "append":
        second.write_text(second.read_text() + json_line(sealed("new")))
    elif change == "replace":
        store(large, sealed("second", "another"), segment="0002.jsonl")
    elif change == "add":
        store(large, sealed("new"), segment="0003.jsonl")
    elif change == "remove":
        second.unlink()
    elif change == "rename":
        second.rename(large / "0000.jsonl")
    else:
        first.write_text("".join(first.read_text().splitlines(keepends=True)[::-1]))
    again = open_recording(large, "rec")
    assert (large / INDEX).read_bytes() != old
    assert content(again) == content(open_recording(large, "rec", fresh=True))
    assert (again.lookup(key("new")) is not None) == (change in ("append", "add"))
    assert (again.lookup(key("second")) is None) == (change == "remove")


@pytest.mark.usefixtures("kept")
def test_a_damaged_line_is_found_although_an_index_is_there(large: Path) -> None:
    open_recording(large, "rec")
    place = large / "0001.jsonl"
    place.write_text(place.read_text().replace("answer 7", "answer 8", 1))
    refused(large, "not that of its content", "rec/0001.jsonl:8")


@pytest.mark.usefixtures("kept")
def test_every_altered_index_is_made_again_or_harmless(large: Path) -> None:
    first = open_recording(large, "rec")
    expected, figures = content(first), (first.digest, first.timed_digest, first.index.errors)
    good = (large / INDEX).read_bytes()
    altered = [
        b"",
        b"{",
        b"\x00" * 200,
        b"{}\n" + b"\x00" * 100,
        good[: len(good) // 2],
        good + b"\x00" * 64,
        good[:-1],
        b"null\n" + good,
        b'{"schema":[]}\n',
    ]
    altered += [
        good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :]
        for at in [*range(0, good.index(b"\n") + 70, 3), *range(0, len(good), 97)]
    ]
    for data in altered:
        (large / INDEX).write_bytes(data)
        again = open_recording(large, "rec")
        assert (again.digest, again.timed_digest, again.index.errors) == figures
        assert content(again) == expected
    open_recording(large, "rec", fresh=True)
    assert (large / INDEX).read_bytes() == good


@pytest.mark.usefixtures("kept")
def test_a_forged_index_gives_no_other_answer(large: Path) -> None:
    """Its own digest is right, but it sends a key to the place of another."""
    image = bytearray((open_recording(large, "rec").index_path or Path()).read_bytes())
    end = image.index(b"\n")
    header = json.loads(image[:end])
    start = -(-(end + 1) // 64) * 64
    places = start + 40 * header["count"]
    image[places : places + 16], image[places + 16 : places + 32] = image[places + 16 : places + 32], image[places : places + 16]
    del header["self"]
    header["self"] = hashlib.sha256(json.dumps(header, sort_keys=True).encode() + image[start:]).hexdigest()
    line = json.dumps(header, sort_keys=True).encode() + b"\n"
    (large / INDEX).write_bytes(line + bytes(-len(line) % 64) + image[start:])
    opened = open_recording(large, "rec")
    with pytest.raises(BadInput, match="changed while it was in use"):
        opened.lookup(opened.index.key(0))


@pytest.mark.usefixtures("kept")
def test_a_folder_that_cannot_be_written_has_its_index_elsewhere(large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = key_index.save_index

    def read_only(path: Path, image: bytes) -> None:
        if path.is_relative_to(large):
            raise Incomplete("cannot be written: Read-only file system", where=str(path))
        real(path, image)

    monkeypatch.setattr(recording, "save_index", read_only)
    opened = open_recording(large, "rec")
    assert opened.index_path is not None
    assert not opened.index_path.is_relative_to(large)
    assert not (large / INDEX).exists()
    assert len(content(opened)) == 41


@pytest.mark.usefixtures("kept")
def test_an_empty_recording_can_be_indexed(tmp_path: Path) -> None:
    store(tmp_path, "")
    opened = open_recording(tmp_path, "rec")
    assert (len(opened), opened.lookup(key("a"))) == (0, None)


@pytest.mark.parametrize("on_disk", [False, True])
def test_workers_open_what_was_saved(tmp_path: Path, on_disk: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if on_disk:
        monkeypatch.setattr(recording, "KEPT_BYTES", 0)
    opened = open_recording(store(tmp_path / "rec", sealed("a"), failed("b")), "rec")
    opened.save(tmp_path / "pointer.json")
    again = Recording.load(tmp_path / "pointer.json")
    assert (again.index == opened.index, content(again) == content(opened)) == (True, True)
    assert (again.seal, again.digest, again.timed_digest) == (opened.seal, opened.digest, opened.timed_digest)
    again.require_unchanged()


def test_two_threads_digest_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(4):
        store(tmp_path, sealed(str(number)), segment=f"{number}.jsonl")
    before = segments.digest_segments(tmp_path, "rec")
    monkeypatch.setattr(segments, "PARALLEL_BYTES", 0)
    assert segments.digest_segments(tmp_path, "rec") == before


# The writer


def written(folder: Path, *lines: dict[str, Any]) -> None:
    with RecordingWriter(folder, "rec") as writer:
        for line in lines:
            writer.append(line)


def test_what_is_appended_is_there_at_once_and_stays(tmp_path: Path) -> None:
    with RecordingWriter(tmp_path / "new" / "rec", "rec") as writer:
        for number in range(5):
            writer.append(sealed(str(number)))
            assert len(open_recording(tmp_path / "new" / "rec", "rec")) == number + 1
        assert writer.written == 5
    assert sorted(p.name for p in (tmp_path / "new" / "rec").iterdir()) == ["0001.jsonl"]


def test_short_writes_make_whole_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: real(descriptor, data[:7]))
    written(tmp_path, sealed("a", "ü" * 50), sealed("b"))
    monkeypatch.undo()
    assert (tmp_path / "0001.jsonl").read_text("utf-8") == json_line(sealed("a", "ü" * 50)) + json_line(sealed("b"))


@pytest.mark.parametrize("number", range(1, 12))
def test_a_disk_that_is_full_at_the_nth_write_keeps_whole_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    real, calls = os.write, iter(range(1, 1000))

    def full(descriptor: int, data: bytes) -> int:
        if next(calls) == number:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(descriptor, data[:200])

    monkeypatch.setattr(os, "write", full)
    done = 0
    with pytest.raises(Incomplete) as caught, RecordingWriter(tmp_path, "rec") as writer:
        for i in range(10):
            writer.append(sealed(str(i)))
            done += 1
    monkeypatch.undo()
    assert "No space left on device" in str(caught.value)
    assert f"{done} new answers are recorded" in str(caught.value)
    opened = open_recording(tmp_path, "rec", may_be_empty=True)
    assert set(content(opened)) == {key(str(i)) for i in range(done)}
    written(tmp_path, *(sealed(str(i)) for i in range(done, 10)))
    assert len(open_recording(tmp_path, "rec")) == 10


def test_a_disk_that_refuses_to_flush_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with pytest.raises(Incomplete, match="Input/output error"), RecordingWriter(tmp_path, "rec") as writer:
        writer.append(sealed("a"))
        monkeypatch.setattr(os, "fsync", refuse)
    monkeypatch.undo()
    assert not (tmp_path / ".lock").exists()
    written(tmp_path, sealed("b"))
    assert len(open_recording(tmp_path, "rec")) == 2


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Incomplete, match="cannot be made"), RecordingWriter(tmp_path / "file" / "rec", "rec"):
        pass


def test_one_recording_has_one_writer(tmp_path: Path) -> None:
    with RecordingWriter(tmp_path, "rec") as writer:
        writer.append(sealed("a"))
        with pytest.raises(BadInput, match=f"locked by process {os.getpid()}"), RecordingWriter(tmp_path, "rec"):
            pass
        writer.append(sealed("b"))
    assert len(open_recording(tmp_path, "rec")) == 2


HOLDER = """
import sys
from pathlib import Path
from evalgate.proxy.recording_writer import RecordingWriter
writer = RecordingWriter(Path(sys.argv[1]), "rec").__enter__()
print("held", flush=True)
sys.stdin.read()
"""


def test_a_living_process_is_waited_for_and_a_dead_one_is_not(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(BadInput, match=f"locked by process {holder.pid}"), RecordingWriter(tmp_path, "rec"):
            pass
        holder.kill()
        holder.wait()
        assert (tmp_path / ".lock").exists()
    written(tmp_path, sealed("a"))
    assert not (tmp_path / ".lock").exists()
    assert len(open_recording(tmp_path, "rec")) == 1


@pytest.mark.parametrize("content_of_lock", ["", "{", "[]", '{"pid": "x"}', '{"pid": 1}'])
def test_a_torn_lock_belongs_to_nobody(tmp_path: Path, content_of_lock: str) -> None:
    (tmp_path / ".lock").write_text(content_of_lock)
    written(tmp_path, sealed("a"))
    assert len(open_recording(tmp_path, "rec")) == 1


def test_a_lock_of_another_machine_is_respected(tmp_path: Path) -> None:
    (tmp_path / ".lock").write_text(json.dumps({"pid": 1, "host": "elsewhere", "since": "2026"}))
    with pytest.raises(BadInput, match="on elsewhere"), RecordingWriter(tmp_path, "rec"):
        pass


def test_segments_follow_one_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording_writer, "SEGMENT_BYTES", 900)
    written(tmp_path, *(sealed(str(i)) for i in range(10)))
    written(tmp_path, *(sealed(str(i)) for i in range(10, 20)))
    names = segment_names(tmp_path)
    assert names == tuple(f"{n:04d}.jsonl" for n in range(1, len(names) + 1))
    assert len(names) > 5
    assert all((tmp_path / name).stat().st_size < 900 + len(json_line(sealed("19"))) for name in names)
    assert set(content(open_recording(tmp_path, "rec"))) == {key(str(i)) for i in range(20)}


def test_a_segment_without_digests_is_not_appended_to(tmp_path: Path) -> None:
    store(tmp_path, unsealed(sealed("a")), segment="0007.jsonl")
    written(tmp_path, sealed("b"))
    assert segment_names(tmp_path) == ("0007.jsonl", "0008.jsonl")
    assert len(open_recording(tmp_path, "rec")) == 2


def test_a_segment_of_another_name_is_followed_by_a_number(tmp_path: Path) -> None:
    store(tmp_path, unsealed(sealed("a")), segment="from-ann.jsonl")
    written(tmp_path, sealed("b"))
    assert set(segment_names(tmp_path)) == {"from-ann.jsonl", "0001.jsonl"}


# Group commit


def grouped(folder: Path, work: Callable[[GroupCommit, RecordingWriter], Any]) -> Any:
    async def run() -> Any:
        with RecordingWriter(folder, "rec") as writer:
            return await asyncio.wait_for(work(GroupCommit(writer), writer), 60)

    return asyncio.run(run())


def test_32_answers_are_flushed_without_waiting_for_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording_writer, "GROUP_DELAY_S", 3600)

    async def work(commit: GroupCommit, writer: RecordingWriter) -> list[bool]:
        futures = [commit.add(sealed(str(i))) for i in range(GROUP)]
        await asyncio.gather(*futures)
        late = commit.add(sealed("late"))
        for _ in range(20):
            await asyncio.sleep(0)
        waits = not late.done()
        await commit.close()
        return [waits, late.done(), late.exception() is None]

    assert grouped(tmp_path, work) == [True, True, True]
    assert len(open_recording(tmp_path, "rec")) == GROUP + 1


def test_one_answer_alone_is_flushed_soon(tmp_path: Path) -> None:
    async def work(commit: GroupCommit, writer: RecordingWriter) -> None:
        await commit.add(sealed("a"))
        await commit.add(sealed("b"))
        await commit.close()

    grouped(tmp_path, work)
    assert len(open_recording(tmp_path, "rec")) == 2


def test_an_answer_is_done_only_after_a_flush_that_followed_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed: list[int] = []
    real = RecordingWriter.flush

    def flush(self: RecordingWriter) -> None:
        before = self.written
        real(self)
        flushed.append(before)

    monkeypatch.setattr(RecordingWriter, "flush", flush)

    async def work(commit: GroupCommit, writer: RecordingWriter) -> int:
        futures = []
        for i in range(200):
            future = commit.add(sealed(str(i)))
            future.add_done_callback(lambda _, number=writer.written: safe.append(max(flushed, default=0) >= number))  # type: ignore[misc]
            futures.append(future)
            await asyncio.sleep(0)
        await commit.close()
        await asyncio.sleep(0)
        return sum(future.done() for future in futures)

    safe: list[bool] = []
    assert grouped(tmp_path, work) == 200
    assert safe == [True] * 200


@pytest.mark.parametrize("flushes", [0, 1, 2])
def test_a_disk_error_reaches_everybody_who_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flushes: int) -> None:
    real, calls = RecordingWriter.flush, iter(range(100))

    def flush(self: RecordingWriter) -> None:
        if next(calls) >= flushes:
            raise Incomplete("the recording cannot be written: Input/output error")
        real(self)

    async def work(commit: GroupCommit, writer: RecordingWriter) -> list[str]:
        said = []
        for group in range(3):
            try:
                futures = [commit.add(sealed(f"{group}-{i}")) for i in range(GROUP)]
            except Incomplete as error:
                said.append(f"refused {error}")
                continue
            results = await asyncio.gather(*futures, return_exceptions=True)
            said.append(
                "lost" if all(isinstance(result, Incomplete) for result in results) else "safe" if not any(results) else "mixed"
            )
        with pytest.raises(Incomplete, match="Input/output error"):
            await commit.close()
        return said

    async def run() -> list[str]:
        with RecordingWriter(tmp_path, "rec") as writer:
            writer.append(sealed("first"))
            monkeypatch.setattr(RecordingWriter, "flush", flush)
            found = await asyncio.wait_for(work(GroupCommit(writer), writer), 60)
            monkeypatch.setattr(RecordingWriter, "flush", real)
        return found

    said = asyncio.run(run())
    assert said[:flushes] == ["safe"] * flushes
    assert said[flushes] == "lost"
    assert all(rest.startswith("refused") for rest in said[flushes + 1 :])


def test_a_new_segment_while_the_disk_is_flushing_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The flushing thread must never meet the descriptor of a segment that was closed meanwhile."""
    monkeypatch.setattr(recording_writer, "SEGMENT_BYTES", 1)
    monkeypatch.setattr(recording_writer, "GROUP_DELAY_S", 0.0001)
    real = os.fsync

    def slow(descriptor: int) -> None:
        import threading
        import time

        if threading.current_thread() is not threading.main_thread():
            time.sleep(0.002)
        real(descriptor)

    monkeypatch.setattr(os, "fsync", slow)

    async def work(commit: GroupCommit, writer: RecordingWriter) -> None:
        futures = []
        for i in range(100):
            futures.append(commit.add(sealed(str(i))))
            await asyncio.sleep(0.0005)
        await commit.close()
        await asyncio.gather(*futures)

    grouped(tmp_path, work)
    assert len(open_recording(tmp_path, "rec")) == 100


def test_nothing_waits_after_closing_at_once(tmp_path: Path) -> None:
    async def work(commit: GroupCommit, writer: RecordingWriter) -> None:
        await commit.close()

    grouped(tmp_path, work)
    assert segment_names(tmp_path) == ()
