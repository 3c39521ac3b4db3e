"""YAML from elsewhere is data and nothing else, and no file can take all memory or time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from evalgate.config import foreign_yaml
from evalgate.config.foreign_yaml import read_foreign_yaml
from evalgate.core.errors import BadInput


def read(folder: Path, content: str | bytes) -> Any:
    path = folder / "c.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_foreign_yaml(path)


GOOD: list[tuple[str, Any]] = [
    ("a: 1\n", {"a": 1}),
    ("a: !!binary aGk=\n", {"a": b"hi"}),
    ("a: !!binary |\n  aG\n  k=\n", {"a": b"hi"}),
    ("a: !!str 5\n", {"a": "5"}),
    ("a: !!int '5'\n", {"a": 5}),
    ("a: '5'\nb: yes\nc: null\nd: 2026-01-01\n", {"a": "5", "b": "yes", "c": None, "d": "2026-01-01"}),
    ("a: .inf\nb: 99999999999999999999\n", {"a": ".inf", "b": "99999999999999999999"}),
    ("1: x\ntrue: y\n", {"1": "x", "true": "y"}),
    ("- [1, {a: b}]\n", [[1, {"a": "b"}]]),
    ('"\\u2028\\U0001F389"\n', "\u2028🎉"),
    ("\ufeffa: 1\n", {"a": 1}),
    ("%YAML 1.1\n---\na: 1\n...\n", {"a": 1}),
]


@pytest.mark.parametrize(("content", "value"), GOOD, ids=range(len(GOOD)))
def test_data_is_read(tmp_path: Path, content: str, value: Any) -> None:
    assert read(tmp_path, content) == value


BOMB = "a: &a [x, x]\n" + "".join(f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(20))
BAD: dict[str, tuple[str | bytes, str]] = {
    "code": (
        "a: !!python/object/apply:os.system ['touch /tmp/evalgate-was-here']\n",
        "tag !!python/object/apply:os.system is not allowed",
    ),
    "class": ("!!python/object:os.PathLike {}\n", "is not allowed"),
    "name": ("a: !!python/name:os.system ''\n", "is not allowed"),
    "old text": ("a: !!python/unicode 'x'\n", "is not allowed"),
    "own tag": ("a: !thing x\n", "tag !thing is not allowed"),
    "set": ("a: !!set {x}\n", "is not allowed"),
    "time": ("a: !!timestamp 2026-01-01\n", "is not allowed"),
    "list as map": ("a: !!map [x]\n", "is not allowed"),
    "bomb": (BOMB, "&a stands for another value"),
    "loop": ("&a [*a]\n", "stands for another value"),
    "anchor": ("a: &x 1\n", "c.yaml:1: &x stands"),
    "alias": ("a: *x\n", "*x stands for another value"),
    "merge": ("a: {<<: {b: 1}}\n", "a key has to be a text"),
    "deep lists": ("[" * 30_000, "nest"),
    "deep maps": ("{a: " * 30_000, "nest"),
    "deep blocks": ("".join("  " * i + "a:\n" for i in range(300)), "nested more than 60 deep"),
    "list as key": ("? [a]\n: b\n", "a key has to be a text"),
    "binary as key": ("? !!binary aGk=\n: b\n", "a key has to be a text"),
    "duplicate": ("a: 1\na: 2\n", "key 'a' is given twice"),
    "no base64": ("a: !!binary '***'\n", "not Base64"),
    "half base64": ("a: !!binary aGk\n", "not Base64"),
    "two documents": ("a: 1\n---\nb: 2\n", "a second document"),
    "empty": ("", "the file is empty"),
    "blank": ("# nothing\n", "the file is empty"),
    "open quote": ("a: 'x\n", "not valid YAML"),
    "torn": ("interactions:\n- request: {a: \n", "not valid YAML"),
    "tab": ("a:\n\t- b\n", "not valid YAML"),
    "conflict": ("<<<<<<< HEAD\na: 1\n=======\na: 2\n>>>>>>> x\n", "c.yaml:2"),
    "control": ("a: \x01\n", "not valid YAML"),
    "half a character": ('a: "\\ud800"\n', "c.yaml:1"),
    "latin": (b"a: \xfc\n", "not UTF-8"),
    "utf-16": ("a: 1\n".encode("utf-16"), "not UTF-8"),
    "NUL": (b"a: \x00\n", "not valid YAML"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_not_plain_data_is_refused(tmp_path: Path, name: str) -> None:
    content, said = BAD[name]
    with pytest.raises(BadInput) as caught:
        read(tmp_path, content)
    assert said in str(caught.value)
    assert not Path("/tmp/evalgate-was-here").exists()


def test_a_file_that_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foreign_yaml, "MAX_BYTES", 100)
    with pytest.raises(BadInput, match="larger than"):
        read(tmp_path, "a: " + "x" * 200)


def test_a_file_with_too_many_values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foreign_yaml, "MAX_VALUES", 1000)
    with pytest.raises(BadInput, match="more than 1,000 values"):
        read(tmp_path, "- x\n" * 2000)


@pytest.mark.parametrize("name", ["absent.yaml", "."])
def test_a_file_that_cannot_be_read(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        read_foreign_yaml(tmp_path / name)


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(st.characters(exclude_categories=("Cs",)), max_size=20) | st.binary(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abcdef", min_size=1, max_size=4), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@given(PLAIN)
def test_what_yaml_writes_is_read_back(tmp_path_factory: pytest.TempPathFactory, value: Any) -> None:
    class Dumper(yaml.SafeDumper):
        def ignore_aliases(self, data: Any) -> bool:
            return True

    assert read(tmp_path_factory.mktemp("y"), yaml.dump({"v": value}, Dumper=Dumper)) == {"v": value}
