"""Canonical JSON against the reference package, and strict reading and whole writing of files."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
from pathlib import Path

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from evalgate.core.canonical import canonical_json, digest, json_line
from evalgate.core.errors import BadInput, Incomplete, Problem
from evalgate.core.files import read_json_lines, read_text, write_whole
from evalgate.core.parameters import Parameters
from evalgate.core.patterns import compile_pattern
from evalgate.core.plugins import load_plugin
from evalgate.core.strict_json import parse_json
from evalgate.core.visible import terminal_line

TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_canonical_json_equals_the_reference_implementation(value: object) -> None:
    assert canonical_json(value) == rfc8785.dumps(value)  # type: ignore[arg-type]


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_are_written_as_ecmascript_does(value: float) -> None:
    written = canonical_json(value)
    assert written == rfc8785.dumps(value)
    assert float(json.loads(written)) == value


@pytest.mark.parametrize(
    ("value", "written"),
    [(1e21, "1e+21"), (1e20, "100000000000000000000"), (1e-7, "1e-7"), (1e-6, "0.000001"), (0.0, "0"), (-0.0, "0"), (4.50, "4.5"), (2e-3, "0.002"),
     (333333333.33333329, "333333333.3333333"), (5e-324, "5e-324"), (1.7976931348623157e308, "1.7976931348623157e+308")],
)  # fmt: skip
def test_known_numbers(value: float, written: str) -> None:
    assert canonical_json(value).decode() == written


def test_equal_numbers_have_equal_digests() -> None:
    assert digest({"a": 1, "b": 0}) == digest({"b": 0.0, "a": 1.0})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2**53, -(2**53), {1: 2}, {"a": {1, 2}}, b"x", object()])
def test_what_json_does_not_have_is_refused(value: object) -> None:
    with pytest.raises(ValueError):
        canonical_json(value)


def test_keys_are_sorted_by_utf16() -> None:
    assert canonical_json({"\U0001f600": 1, "\ufb33": 2}).decode() == '{"\U0001f600":1,"\ufb33":2}'


@given(VALUES)
def test_a_json_line_is_one_line_for_every_reader(value: object) -> None:
    line = json_line(value)
    assert line.splitlines() == [line[:-1]] or any(c in line for c in "\x0b\x0c\x1c\x1d\x1e")
    assert parse_json(line) == value


BAD_JSON = [
    "NaN",
    "Infinity",
    "1e999",
    '{"a":1,"a":2}',
    '"\\ud800"',
    "[" * 101 + "]" * 101,
    "{",
    "[1,]",
    "'a'",
    "",
    "01",
    "[" * 200_000,
    "9" * 5000,
    "1 2",
]


@pytest.mark.parametrize("text", BAD_JSON, ids=range(len(BAD_JSON)))
def test_strict_json_refuses(text: str) -> None:
    with pytest.raises(ValueError):
        parse_json(text)


def test_json_lines_split_at_line_feeds_only(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"a": "x\xe2\x80\xa8y\xc2\x85z"}\r\n\n  \n{"a": 2}')
    lines = list(read_json_lines(path))
    assert [(line.number, line.value["a"]) for line in lines] == [(1, "x\u2028y\x85z"), (4, 2)]
    data = path.read_bytes()
    assert [data[line.offset : line.offset + line.length] for line in lines] == [b'{"a": "x\xe2\x80\xa8y\xc2\x85z"}', b'{"a": 2}']


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{}\n\xff\n", "x.jsonl:2"),
        (b"<<<<<<< HEAD\n", "conflict"),
        (b"=======\n", "conflict"),
        (b"{]\n", "not valid JSON"),
        (b"\x00\n", "JSON"),
        ("{}".encode("utf-16"), "UTF-8"),
    ],
)
def test_bad_lines_are_named(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(content)
    with pytest.raises(BadInput) as caught:
        list(read_json_lines(path, "x.jsonl"))
    assert said in str(caught.value)


def test_missing_files_and_folders(tmp_path: Path) -> None:
    for path, said in ((tmp_path / "no", "does not exist"), (tmp_path, "not a regular file")):
        with pytest.raises(BadInput, match=said):
            list(read_json_lines(path))
    (tmp_path / "big").write_bytes(b"a" * 100)
    with pytest.raises(BadInput, match="larger"):
        read_text(tmp_path / "big", "big", limit=99)


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_file_is_absent_or_complete(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    path = tmp_path / "deep" / "v.json"
    write_whole(path, "old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    if call == "fsync":
        monkeypatch.setattr(os, "fsync", fail)
    else:
        monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(Incomplete, match="No space left"):
        write_whole(path, "new content")
    assert path.read_text(encoding="utf-8") == "old"
    assert [p.name for p in path.parent.iterdir()] == ["v.json"]


@pytest.mark.parametrize(
    "text",
    ["\x1b[2J", "a\u202eb", "::error::x", "  ::set-output name=a::b", "##[group]x", "a\rb", "\u200b", "\x9b1m", "\U000e0041"],
)
def test_nothing_dangerous_reaches_a_terminal_or_a_ci_log(text: str) -> None:
    shown = terminal_line(text)
    assert shown.isprintable()
    assert "##[" not in shown
    assert not shown.strip().startswith("::")


def test_plain_text_stays_as_it_is() -> None:
    assert terminal_line("Grüße, 日本 🙂 a::b") == "Grüße, 日本 🙂 a::b"


def test_patterns_take_the_last_match_and_cannot_hang() -> None:
    pattern = compile_pattern(r"answer is (.*)\.")
    assert pattern.extract("the answer is no. Wait, the answer is yes.") == "yes" or pattern.extract("x") is None
    assert compile_pattern(r"A: (\d+)").extract("A: 1\nA: 22\n") == "22"
    assert compile_pattern(r"\d+").extract("1 and 22") == "22"
    assert compile_pattern("x").extract("y") is None
    assert not compile_pattern(r"^(a+)+$").found_in("a" * 100_000 + "!")
    assert compile_pattern("b*").spans("abba") == ((1, 3),)
    assert compile_pattern("b").spans("\ud800b") == ((1, 2),)


@pytest.mark.parametrize("text", ["(?=a)", r"(a)\1", "(", "[z-a]", "(?<!x)y"])
def test_bad_patterns_are_refused(text: str) -> None:
    with pytest.raises(BadInput, match="not valid"):
        compile_pattern(text)


def test_unknown_and_broken_plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadInput, match="did you mean blue"):
        load_plugin("evalgate.metrics", {"blue": "x:y"}, "bleu", where="g.yaml:3")

    class Entry:
        value, dist = "nowhere:thing", None

        @staticmethod
        def load() -> None:
            raise RuntimeError("boom")

    monkeypatch.setattr("evalgate.core.plugins._entry_points", lambda group: {"mine": [Entry()], "two": [Entry(), Entry()]})
    with pytest.raises(Incomplete, match="RuntimeError: boom"):
        load_plugin("evalgate.metrics", {}, "mine")
    with pytest.raises(BadInput, match="more than once"):
        load_plugin("evalgate.metrics", {}, "two")


def test_errors_survive_the_way_between_processes() -> None:
    error = BadInput([Problem("a", "b", "c"), Problem("d")])
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), again.problems) == (BadInput, error.problems)


def test_parameters_name_detector_or_metric() -> None:
    given_ = Parameters("blocklist", {"terms": 3}, "detector")
    given_.need("terms", list)
    with pytest.raises(BadInput, match="detector blocklist"):
        given_.finish()


def test_a_known_key() -> None:
    from evalgate.proxy.request import canonical_request, request_key

    request = canonical_request(model="m", messages=[{"role": "user", "content": "hi"}], parameters={"max_tokens": 5})
    text = '{"endpoint":"chat/completions","messages":[{"content":"hi","role":"user"}],"model":"m","parameters":{"max_tokens":5},"sample":0,"v":1}'
    assert request_key(request) == hashlib.sha256(text.encode()).hexdigest()
