"""Values and disks that do not behave: canonical JSON of number subclasses, failed writes, commands of CI runners."""

from __future__ import annotations

import os
import pickle
import time
from pathlib import Path

import numpy as np
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from evalgate.core import errors
from evalgate.core.canonical import canonical_json, digest_bytes, digest_file, pretty_json
from evalgate.core.document import Document
from evalgate.core.errors import BadInput, EvalgateError, ExitCode, Incomplete, Problem
from evalgate.core.files import read_json_lines, read_text, write_whole
from evalgate.core.patterns import compile_pattern
from evalgate.core.plugins import known_names, load_plugin, origins
from evalgate.core.strict_json import parse_json
from evalgate.core.visible import terminal, terminal_line


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_of_numpy_are_the_same_numbers(value: float) -> None:
    assert canonical_json(np.float64(value)) == rfc8785.dumps(value)


@given(st.dictionaries(st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=3), st.none(), min_size=2))
def test_the_order_of_keys_given_does_not_matter(value: dict[str, None]) -> None:
    assert canonical_json(value) == canonical_json(dict(reversed(value.items()))) == rfc8785.dumps(value)


@pytest.mark.parametrize("value", ["\ud800", {"\udfff": 1}, ["a\udc00b"]])
def test_lone_surrogates_have_no_canonical_form(value: object) -> None:
    with pytest.raises(ValueError):
        canonical_json(value)


def test_pretty_json_knows_no_nan() -> None:
    assert pretty_json({"b": "ü", "a": []}) == '{\n  "a": [],\n  "b": "ü"\n}\n'
    with pytest.raises(ValueError):
        pretty_json(float("nan"))


def test_a_file_has_the_digest_of_its_bytes(tmp_path: Path) -> None:
    data = os.urandom(300_000)
    (tmp_path / "a").write_bytes(data)
    assert digest_file(tmp_path / "a") == digest_bytes(data)


DEPTH = [("[" * n + "]" * n, n <= 100) for n in (99, 100, 101, 5_000)] + [
    ('{"a":' * n + "1" + "}" * n, n <= 100) for n in (100, 101)
]


@pytest.mark.parametrize(("text", "fine"), DEPTH, ids=range(len(DEPTH)))
def test_nesting_has_a_limit(text: str, fine: bool) -> None:
    if fine:
        parse_json(text)
    else:
        with pytest.raises(ValueError, match="deeper"):
            parse_json(text)


@pytest.mark.parametrize(
    "text", ['{"a":{"b":1,"b":1}}', '[{"x":0,"x":1}]', '{"\\u0061":1,"a":2}', '{"k\\ud800":1}', "-Infinity", "-1e400", "\ufeff{}"]
)
def test_ambiguous_json_is_refused_at_any_depth(text: str) -> None:
    with pytest.raises(ValueError):
        parse_json(text)


def test_pairs_of_surrogates_are_characters() -> None:
    assert parse_json('"\\ud83d\\ude42"') == "\U0001f642"


@pytest.mark.parametrize("place", ["a file where a folder should be", "a folder where the file should be"])
def test_a_place_that_cannot_hold_a_file(tmp_path: Path, place: str) -> None:
    (tmp_path / "plain").write_text("kept", encoding="utf-8")
    (tmp_path / "folder" / "inside").mkdir(parents=True)
    target = tmp_path / "plain" / "x" / "v.json" if "folder should" in place else tmp_path / "folder"
    with pytest.raises(Incomplete, match="cannot be written"):
        write_whole(target, "new")
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["folder", "inside", "plain"]
    assert (tmp_path / "plain").read_text(encoding="utf-8") == "kept"


def test_ctrl_c_while_writing_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_whole(tmp_path / "v.json", "new")
    assert list(tmp_path.iterdir()) == []


def test_a_long_line_is_read_whole_and_a_huge_one_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'"' + b"x" * 5_000_000 + b'"\n1\n')
    assert [len(str(line.value)) for line in read_json_lines(path)] == [5_000_000, 1]
    monkeypatch.setattr("evalgate.core.files.MAX_LINE_BYTES", 1_000)
    with pytest.raises(BadInput, match="longer than"):
        list(read_json_lines(path))


def test_separators_inside_texts_stay_inside(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('"a\u2028b\u2029c\x85d"\r\n"e\\u000bf"', encoding="utf-8", newline="")
    assert [line.value for line in read_json_lines(path)] == ["a\u2028b\u2029c\x85d", "e\x0bf"]


@pytest.mark.parametrize(
    "content", [b"1\r2\r", b'{"a":1}\r{"a":2}', b"1\n\xef\xbb\xbf2\n", b'"\x0b"\n', b"{} {}\n", b">>>>>>> theirs\n"]
)
def test_lines_that_two_readers_would_read_differently(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=r"a\.jsonl:\d"):
        list(read_json_lines(path, "a.jsonl"))


def test_text_that_is_not_utf8_names_its_line(tmp_path: Path) -> None:
    (tmp_path / "t").write_bytes(b"\xef\xbb\xbfone\ntwo\n\xff")
    with pytest.raises(BadInput, match="t:3"):
        read_text(tmp_path / "t", "t")


@pytest.mark.parametrize(
    "text",
    [
        "##vso[task.setvariable variable=x]y",
        "##teamcity[x]",
        "###[x]",
        "##[error]",
        "a ##VSO[b]",
        "\n::stop-commands::x",
        "\t ::error::x",
        "a\n::debug::",
    ],
)
def test_no_ci_runner_sees_a_command(text: str) -> None:
    for shown in (terminal(text), terminal_line(text)):
        assert not any(marker in shown.lower() for marker in ("##[", "##vso[", "##teamcity["))
        assert not any(line.strip().startswith("::") for line in shown.splitlines())


@given(st.text())
def test_terminal_lines_are_one_printable_line(text: str) -> None:
    shown = terminal_line(text)
    assert len(shown.splitlines()) <= 1
    assert "\x1b" not in shown
    assert "\u202e" not in shown


def test_evil_patterns_are_fast() -> None:
    started = time.process_time()
    for evil in (r"(a*)*b", r"(a|aa)+$", r"(.*a){20}", r"^(([a-z])+.)+[A-Z]([a-z])+$"):
        compile_pattern(evil).found_in("a" * 100_000)
    assert time.process_time() - started < 10


def test_patterns_count_characters_and_not_bytes() -> None:
    assert compile_pattern("b").spans("é\U0001f642b日b") == ((2, 3), (4, 5))
    assert compile_pattern("x(y)?").extract("xy x") == ""
    assert compile_pattern("GRÜSSE", ignore_case=True).found_in("grüsse")


def test_names_of_plugins_are_listed_without_loading(monkeypatch: pytest.MonkeyPatch) -> None:
    class Entry:
        name, value, dist = "mine", "nowhere:thing", None

        def load(self) -> None:
            raise AssertionError("listing must not load")

    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: [Entry()])
    assert known_names("evalgate.metrics", {"bleu": "a:b"}) == ("bleu", "mine")
    assert [(o.name, o.reference, o.version) for o in origins("evalgate.metrics", {"bleu": "a:b"}, "9")] == [
        ("bleu", "a:b", "9"),
        ("mine", "nowhere:thing", "?"),
    ]
    with pytest.raises(Incomplete, match="AssertionError"):
        load_plugin("evalgate.metrics", {}, "mine")


def test_every_outcome_has_its_own_exit_code() -> None:
    kinds = EvalgateError.__subclasses__()
    assert len({kind.exit_code for kind in kinds}) == len(kinds)
    assert ExitCode.PASS not in {kind.exit_code for kind in kinds}
    assert ExitCode.FAIL not in {kind.exit_code for kind in kinds}
    for kind in kinds:
        again = pickle.loads(pickle.dumps(kind("said", where="x:1", hint="try")))
        assert (type(again), again.problems, str(again)) == (kind, (Problem("said", "x:1", "try"),), "x:1: said (try)")
        assert kind in vars(errors).values()


def test_the_place_of_a_missing_key_is_its_nearest_parent() -> None:
    document = Document({"a": [{"b": 1}]}, {(): 1, ("a",): 2, ("a", 0): 3}, "f.yaml")
    assert [document.place(*path) for path in ((), ("a",), ("a", 0, "b"), ("a", 7), ("z",))] == [
        "f.yaml:1",
        "f.yaml:2",
        "f.yaml:3",
        "f.yaml:2",
        "f.yaml:1",
    ]
