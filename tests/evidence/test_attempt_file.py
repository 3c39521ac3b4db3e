"""The history of a gate: chained, appended to by many, never trusted, and never in the way of a run."""

from __future__ import annotations

import copy
import errno
import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalgate.core.canonical import canonical_json, digest
from evalgate.core.verdict import Decision
from evalgate.evidence import attempt_file
from evalgate.evidence.attempt_entry import MAX_NUMBER, MAX_TEXT, document_of, entry_of
from evalgate.evidence.attempt_file import read_history, remember


def ids(count: int) -> list[str]:
    return [f"{number:012x}" for number in range(count)]


@pytest.fixture
def history(tmp_path: Path, entry) -> Path:
    """Three attempts."""
    path = tmp_path / "attempts.jsonl"
    for run_id in ids(3):
        assert remember(path, entry(run_id=run_id)).note is None
    return path


def test_attempts_are_numbered_and_given_back(tmp_path: Path, entry) -> None:
    path = tmp_path / "attempts.jsonl"
    first = remember(path, entry(run_id="a" * 12))
    assert (first.entry.number, first.others, first.note) == (1, (), None)
    second = remember(path, entry(run_id="b" * 12, verdict=Decision.PASS))
    assert (second.entry.number, second.others) == (2, (first.entry,))
    assert second.entry.verdict is Decision.PASS


def test_a_known_run_keeps_its_number_and_adds_no_line(history: Path, entry) -> None:
    before = history.read_bytes()
    again = remember(history, entry(run_id=ids(3)[1], at="2027-01-01T00:00:00+00:00"))
    assert again.entry.number == 2
    assert [one.number for one in again.others] == [1, 3]
    assert history.read_bytes() == before


def test_a_known_run_that_ends_otherwise_is_kept_with_the_same_number(history: Path, entry) -> None:
    other = entry(run_id=ids(3)[1], engine="9.9", verdict=Decision.PASS)
    assert remember(history, other).entry.number == 2
    assert history.read_bytes().count(b"\n") == 4
    new = remember(history, entry(run_id="f" * 12))
    assert new.entry.number == 4
    assert [str(one.verdict) for one in new.others] == ["fail", "pass", "fail"]


def test_other_gates_and_datasets_are_counted_apart(history: Path, entry) -> None:
    for change in ({"gate": "other"}, {"dataset_name": "other"}):
        standing = remember(history, entry(run_id="e" * 12, **change))
        assert (standing.entry.number, standing.others, standing.note) == (1, (), None)
    assert remember(history, entry(run_id="e" * 12, dataset_version="2.0.0")).entry.number == 4


def test_every_line_holds_the_hash_of_the_one_before(history: Path) -> None:
    import hashlib

    lines = history.read_bytes().splitlines()
    values = [json.loads(line) for line in lines]
    assert values[0]["previous"] is None
    for before, value in zip(lines, values[1:], strict=False):
        assert value["previous"] == hashlib.sha256(before).hexdigest()
    for value in values:
        own = value.pop("digest")
        assert own == digest(value)
        assert value["format"] == "evalgate.attempt/1"


def test_every_changed_byte_is_noticed(history: Path) -> None:
    data = history.read_bytes()
    assert read_history(data).note is None
    for place in range(0, len(data), 11):
        changed = bytearray(data)
        changed[place] ^= 1
        assert read_history(bytes(changed)).note is not None, place


@pytest.mark.parametrize(("order", "line"), [((1, 2), 1), ((0, 2), 2), ((1, 0, 2), 1), ((0, 0, 1, 2), 2), ((0, 2, 1), 2)])
def test_removed_repeated_and_swapped_lines_are_noticed(history: Path, order: tuple[int, ...], line: int) -> None:
    lines = history.read_bytes().splitlines(keepends=True)
    note = read_history(b"".join(lines[i] for i in order)).note
    assert note is not None
    assert note.startswith(f"the history is damaged from line {line} on")


def test_an_edited_verdict_is_noticed_even_with_a_new_digest(history: Path) -> None:
    lines = history.read_bytes().splitlines()
    value = json.loads(lines[0])
    value.update(verdict="pass", exit_code=0)
    del value["digest"]
    lines[0] = canonical_json({**value, "digest": digest(value)})
    found = read_history(b"\n".join(lines) + b"\n")
    assert found.note is not None
    assert "line 2" in found.note
    assert len(found.entries) == 3


def test_a_damaged_history_goes_on_counting(history: Path, entry) -> None:
    lines = history.read_bytes().splitlines(keepends=True)
    history.write_bytes(lines[0] + lines[1].replace(b'"fail"', b'"pass"') + lines[2])
    standing = remember(history, entry(run_id="d" * 12))
    assert standing.entry.number == 4
    assert standing.note is not None
    assert "damaged from line 2 on" in standing.note
    after = history.read_bytes()
    assert after.startswith(lines[0])
    assert after.count(b"\n") == 4
    assert "damaged from line 2 on" in str(remember(history, entry(run_id="c" * 12)).note)


@pytest.mark.parametrize("kept", [1, 2, 10, 500, -2])
def test_a_torn_last_line_is_ended_and_chained_over(history: Path, entry, kept: int) -> None:
    data = history.read_bytes()
    begin = data[:-1].rindex(b"\n") + 1
    torn = data[:begin] + data[begin:][:kept]
    history.write_bytes(torn)
    standing = remember(history, entry(run_id="d" * 12))
    assert standing.entry.number == 3
    assert "line 3" in str(standing.note)
    after = history.read_bytes()
    assert after.startswith(torn + b"\n{")
    found = read_history(after)
    assert "damaged from line 3 on" in str(found.note)
    assert [one.number for one in found.entries] == [1, 2, 3]
    # the line behind the torn one follows its bytes: nothing else is wrong
    assert json.loads(after.splitlines()[3])["previous"] == attempt_file._link(after.splitlines()[2])


def test_a_line_that_only_lost_its_end_is_whole(history: Path, entry) -> None:
    history.write_bytes(history.read_bytes()[:-1])
    standing = remember(history, entry(run_id="d" * 12))
    assert (standing.entry.number, standing.note) == (4, None)
    assert read_history(history.read_bytes()).note is None


def test_several_processes_lose_no_attempt(tmp_path: Path, entry) -> None:
    path = tmp_path / "attempts.jsonl"
    script = (
        "import json, sys\nfrom dataclasses import replace\nfrom pathlib import Path\n"
        "from evalgate.evidence.attempt_entry import entry_of\nfrom evalgate.evidence.attempt_file import remember\n"
        "entry = entry_of(json.loads(sys.argv[2]))\n"
        "for i in range(12):\n"
        "    done = remember(Path(sys.argv[1]), replace(entry, run_id=f'{int(sys.argv[3]):06x}{i:06x}'))\n"
        "    assert done.note is None, done.note\n"
    )
    document = json.dumps(document_of(entry()))
    started = [
        subprocess.Popen([sys.executable, "-c", script, str(path), document, str(n)], stderr=subprocess.PIPE) for n in range(4)
    ]
    for process in started:
        _, said = process.communicate(timeout=60)
        assert process.returncode == 0, said
    found = read_history(path.read_bytes())
    assert found.note is None
    assert [one.number for one in found.entries] == list(range(1, 49))
    assert len({one.run_id for one in found.entries}) == 48


def test_another_holder_is_waited_for_but_not_for_ever(history: Path, entry, monkeypatch: pytest.MonkeyPatch) -> None:
    import fcntl

    monkeypatch.setattr(attempt_file, "WAIT_S", 0.05)
    with history.open("rb") as holder:
        fcntl.flock(holder, fcntl.LOCK_EX)
        standing = remember(history, entry(run_id="d" * 12))
    assert "another process held it" in str(standing.note)
    assert history.read_bytes().count(b"\n") == 3


def test_a_place_that_cannot_be_used_is_said(tmp_path: Path, entry) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "target")
    os.mkfifo(tmp_path / "pipe")
    expected = {"folder": "Is a directory", "link": "symbolic link", "pipe": "not a regular file", "no/such": "No such file"}
    for name, said in expected.items():
        standing = remember(tmp_path / name, entry())
        assert standing.entry.number == 1
        assert said in str(standing.note), name
    assert not (tmp_path / "target").exists()


def test_a_read_only_history_still_counts(history: Path, entry, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = os.open

    def read_only(path, flags, *rest):
        if flags & os.O_RDWR:
            raise OSError(errno.EROFS, "Read-only file system")
        return opened(path, flags, *rest)

    monkeypatch.setattr(os, "open", read_only)
    standing = remember(history, entry(run_id="d" * 12))
    assert standing.entry.number == 4
    assert standing.note == "this attempt could not be remembered: Read-only file system"
    known = remember(history, entry(run_id=ids(3)[0]))
    assert (known.entry.number, known.note) == (1, None)


def test_a_full_disk_leaves_no_half_line(history: Path, entry, monkeypatch: pytest.MonkeyPatch) -> None:
    written, before = os.write, history.read_bytes()
    calls = []

    def full(descriptor, data):
        calls.append(len(data))
        if len(calls) > 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        return written(descriptor, bytes(data[:100]))

    monkeypatch.setattr(os, "write", full)
    standing = remember(history, entry(run_id="d" * 12))
    assert standing.entry.number == 4
    assert "No space left" in str(standing.note)
    assert history.read_bytes() == before


def test_a_very_long_history_is_read_from_its_end(history: Path, entry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempt_file, "MAX_FILE", history.stat().st_size - 10)
    standing = remember(history, entry(run_id="d" * 12))
    assert standing.entry.number == 4
    assert standing.note == "only the end of the history was read"
    assert [one.number for one in standing.others] == [2, 3]


def test_a_history_of_very_many_lines_is_read_from_its_end(history: Path, entry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempt_file, "MAX_LINES", 3)
    assert remember(history, entry(run_id="d" * 12)).note is None
    standing = remember(history, entry(run_id="e" * 12))
    assert standing.note == "only the end of the history was read"
    assert standing.entry.number == 5
    history.write_bytes(b"\n" * 50 + history.read_bytes() + b"torn")
    standing = remember(history, entry(run_id="f" * 12))
    assert (
        standing.note
        == "only the end of the history was read; the history is damaged from line 4 on of those read: it is not a JSON line"
    )
    assert standing.entry.number == 6


def test_a_flood_of_empty_lines_takes_no_time(tmp_path: Path, entry) -> None:
    path = tmp_path / "attempts.jsonl"
    path.write_bytes(b"\n" * (20 << 20))
    began = time.process_time()
    assert remember(path, entry()).entry.number == 1
    assert time.process_time() - began < 5


@pytest.mark.parametrize(
    "line",
    [
        b"", b"null", b"[]", b"7", b'"text"', b"{}", b"\xff\xfe", b"<<<<<<< HEAD", b"[" * 200, b'{"format":"evalgate.attempt/2"}',
        b'{"a":1,"a":2}', b"1" * 5000, b'{"format":NaN}', b"\x00" * 50, b'{"previous":' + b"9" * 400 + b"}",
    ],
    ids=range(15),
)  # fmt: skip
def test_a_line_that_is_no_attempt_is_noted(history: Path, entry, line: bytes) -> None:
    with history.open("ab") as handle:
        handle.write(line + b"\n")
    standing = remember(history, entry(run_id="d" * 12))
    assert standing.entry.number == 4
    assert str(standing.note).startswith("the history is damaged from line 4 on")


def _spoilt() -> list[tuple[str, object]]:
    text = "x" * (MAX_TEXT + 1)
    return [
        ("number", 0), ("number", True), ("number", 1.5), ("number", MAX_NUMBER + 1), ("number", "1"), ("run_id", "G" * 12), ("run_id", "a" * 13),
        ("run_id", None), ("at", "yesterday"), ("at", "2026-01-02T03:04:05Z\n"), ("engine", text), ("gate", 3), ("dataset", {}), ("dataset", None),
        ("mode", []), ("variants", {"baseline": {}}), ("recording", "sha256:x"), ("metrics", []), ("metrics", {"m": "x"}), ("metrics", {text: "sha256:" + "0" * 64}),
        ("safety", None), ("samples", 0), ("confidence", 0.5), ("confidence", 1), ("confidence", "0.95"), ("seed", -1), ("seed", 2**53), ("resamples", 0.5),
        ("thresholds", {}), ("thresholds", [{}]), ("thresholds", [None]), ("verdict", "PASS"), ("verdict", "pass"), ("verdict", ["fail"]), ("exit_code", 0),
        ("exit_code", True), ("extra", 1),
    ]  # fmt: skip


@pytest.mark.parametrize(("key", "value"), _spoilt(), ids=lambda value: str(value)[:20])
def test_a_field_that_is_not_as_it_should_be_is_refused(entry, key: str, value: object) -> None:
    document = document_of(entry())
    with pytest.raises(ValueError, match=r"^[^<]{3,120}$"):
        entry_of({**document, key: value})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("bound", "least"), ("level", "soft"), ("decide", ""), ("target", "rougeL"), ("value", True), ("value", None), ("value", 1e300), ("relative", 1),
        ("implicit", None), ("slice", "each"), ("slice", {"column": None, "value": "de"}), ("slice", {"column": "l"}), ("text", 5), ("more", 1),
    ],
)  # fmt: skip
def test_a_threshold_that_is_not_as_it_should_be_is_refused(entry, key: str, value: object) -> None:
    document = document_of(entry())
    document["thresholds"][0] = {**document["thresholds"][0], key: value}
    with pytest.raises(ValueError, match=r"^[^<]{3,120}$"):
        entry_of(document)


def test_a_threshold_given_twice_and_a_missing_field_are_refused(entry) -> None:
    document = document_of(entry())
    twice = {**document, "thresholds": [document["thresholds"][0]] * 2}
    with pytest.raises(ValueError, match="twice"):
        entry_of(twice)
    for key in document:
        less = {name: value for name, value in document.items() if name != key}
        with pytest.raises(ValueError, match=r"format|fields"):
            entry_of(less)


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=MAX_TEXT)


@settings(max_examples=60)
@given(gate=TEXTS, model=TEXTS, name=TEXTS, seed=st.integers(0, 2**53 - 1), value=st.floats(-1e9, 1e9))
def test_what_is_written_is_read_back(entry, threshold, gate: str, model: str, name: str, seed: int, value: float) -> None:

    one = entry(gate=gate, seed=seed, metrics={name: "sha256:" + "0" * 64}, thresholds=(threshold(value=value),))
    side = replace(one.variants["candidate"], model=model)
    one = replace(one, variants={**one.variants, "candidate": side})
    assert entry_of(json.loads(canonical_json(document_of(one)))) == one


def test_texts_of_any_length_can_be_remembered(tmp_path: Path, entry, threshold) -> None:
    path, text = tmp_path / "attempts.jsonl", "\u2028\n" * 3000
    long = entry(gate=text, metrics={text: "sha256:" + "0" * 64}, thresholds=(threshold(name=text, text=text),), engine=text)
    assert remember(path, long).note is None
    assert path.read_bytes().count(b"\n") == 1
    assert read_history(path.read_bytes()).note is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=150)
@given(data=st.data(), value=JSON)
def test_no_value_anywhere_is_more_than_refused(entry, data: st.DataObject, value: object) -> None:

    document = copy.deepcopy(document_of(entry()))
    place: object = document
    while isinstance(place, (dict, list)) and place:
        key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        if not isinstance(place[key], (dict, list)) or data.draw(st.booleans()):
            place[key] = value
            break
        place = place[key]
    line = json.dumps({**document, "previous": None, "digest": ""}).encode()
    found = read_history(line + b"\n")
    assert found.note is not None
