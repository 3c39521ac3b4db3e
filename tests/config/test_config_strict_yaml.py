"""Strict YAML: what is read, with which lines, and what is refused where."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalgate.config.strict_yaml import parse_document, read_document
from evalgate.core.errors import BadInput

CORE_SCHEMA = [
    ("no", "no"),
    ("on", "on"),
    ("yes", "yes"),
    ("off", "off"),
    ("y", "y"),
    ("12:30:45", "12:30:45"),
    ("2024-01-01", "2024-01-01"),
    ("1_000", "1_000"),
    ("0b1", "0b1"),
    ("0o17", 15),
    ("0x1f", 31),
    ("017", 17),
    ("-12", -12),
    ("+12", 12),
    ("1e-2", 0.01),
    ("1.5", 1.5),
    (".5", 0.5),
    ("5.", 5.0),
    ("-.5E+1", -5.0),
    ("true", True),
    ("False", False),
    ("TRUE", True),
    ("tRUE", "tRUE"),
    ("null", None),
    ("~", None),
    ("", None),
    ("'null'", "null"),
    ('"1"', "1"),
    ("5%", "5%"),
    ("inf", "inf"),
    ("NaN", "NaN"),
    ("1e", "1e"),
    ("9007199254740991", 9007199254740991),
    ("|-\n  12", "12"),
    ('"\\u2028"', "\u2028"),
]


@pytest.mark.parametrize(("text", "value"), CORE_SCHEMA)
def test_scalars_follow_the_core_schema_of_yaml_1_2(text: str, value: object) -> None:
    found = parse_document(f"k: {text}\n", "f").value["k"]
    assert found == value
    assert type(found) is type(value)


REFUSED = [
    ("", 1, "empty"),
    ("# only a comment\n", 1, "empty"),
    ("---\n", 2, "empty"),
    ("~\n", 1, "empty"),
    ("a: 1\nb: 2\na: 3\n", 3, "'a' is given twice"),
    ("x:\n  a: 1\n  a: 1\n", 3, "'a' is given twice"),
    ("a: &x 1\n", 1, "&x gives a value a second name"),
    ("b: 1\na: *x\n", 2, "*x refers to another place"),
    ("b: 1\n<<: {a: 1}\n", 2, "merge key"),
    ("a: !!str 5\n", 1, "tag !!str"),
    ("a: !!python/object/apply:os.system [ls]\n", 1, "tag !!python"),
    ("a: ! 5\n", 1, "tag !"),
    ("a: 1\n---\nb: 1\n", 2, "second document"),
    ("%YAML 1.1\n---\na: 1\n", 1, "another kind of YAML"),
    ("a: .nan\n", 1, ".nan is not a number"),
    ("a: [1,\n  -.inf]\n", 2, "-.inf is not a number"),
    ("a: 1e999\n", 1, "too large"),
    ("a: 9007199254740992\n", 1, "2^53"),
    ("a: " + "9" * 5000 + "\n", 1, "2^53"),
    ("5: x\n", 1, "key 5 is not a text"),
    ("a:\n  true: x\n", 2, "key true is not a text"),
    ("~: x\n", 1, "key ~ is not a text"),
    (".nan: x\n", 1, "key .nan is not a text"),
    ("? \n: x\n", 1, "key (nothing) is not a text"),
    ("? [a]\n: 1\n", 1, "a key has to be a text"),
    ("a:\n\tb: 1\n", 2, "tab"),
    ("a: [1,\n\t2]\n", 2, "tab"),
    ("a: b: c\n", 1, "not valid YAML"),
    ("a: [1, 2\nb: 3\n", 2, "not valid YAML"),
    ("a: 'x\n", 2, "not valid YAML"),
    ('a: "\\q"\n', 1, "not valid YAML"),
    ("a: @x\n", 1, "not valid YAML"),
    ("a: 1\n b: 2\n", 2, "not valid YAML"),
    ("ok: 1\na: x\0y\n", 2, "NUL"),
    ('a: "x\\0y"\n', 1, "NUL"),
    ("a: x\u2028y\n", 1, "U+2028"),
    ("a: x\x1by\n", 1, "U+001B"),
    ("a: \ud800\n", 1, "U+D800"),
    ("[" * 41 + "]" * 41, 1, "nested more than 40 deep"),
]


@pytest.mark.parametrize(("text", "line", "words"), REFUSED)
def test_what_could_mean_something_else_is_refused_with_line_and_hint(text: str, line: int, words: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse_document(text, "gate.yaml")
    problem = caught.value.problems[0]
    assert problem.where == f"gate.yaml:{line}"
    assert words in problem.message
    assert problem.hint


def test_all_faults_are_said_at_once() -> None:
    with pytest.raises(BadInput) as caught:
        parse_document("a: &x 1\nb: *x\na: 2\n5: .inf\n", "f")
    assert [problem.where for problem in caught.value.problems] == ["f:1", "f:2", "f:3", "f:4", "f:4"]


def test_lines_of_every_key_and_item_are_known() -> None:
    document = parse_document("a:\n  b:\n    - x\n    - c: 1\n\nd: |\n  text\ne: 2\n", "f")
    assert document.lines[("a", "b", 1, "c")] == 4
    assert document.place("a", "b", 0) == "f:3"
    assert document.place("e") == "f:8"
    assert document.place("e", "unknown") == "f:8"


def test_byte_order_mark_and_windows_line_ends_are_accepted(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\r\nb: |\r\n  x\r\n  y\r\n")
    document = read_document(path, name="short")
    assert document.value == {"a": 1, "b": "x\ny\n"}
    assert document.place("b") == "short:2"


def test_a_tab_inside_a_block_text_is_text() -> None:
    assert parse_document("a: |\n  if x:\n  \treturn\n", "f").value == {"a": "if x:\n\treturn\n"}


FILES = [
    (b"a: 1\nb: \xff\n", "a.yaml:2", "0xff"),
    (b"\xff\xfea\x00", "a.yaml:1", "UTF-16"),
    (b"a: " + b"x" * (4 << 20), "a.yaml", "4 MiB"),
]


@pytest.mark.parametrize(("data", "where", "words"), FILES)
def test_files_that_are_no_text_are_refused(tmp_path: Path, data: bytes, where: str, words: str) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(data)
    with pytest.raises(BadInput, match=words) as caught:
        read_document(path, name="a.yaml")
    assert caught.value.problems[0].where == where


def test_a_missing_file_names_its_neighbours(tmp_path: Path) -> None:
    (tmp_path / "my-gate.yaml").write_text("a: 1\n")
    with pytest.raises(BadInput, match=r"did you mean my-gate\.yaml") as caught:
        read_document(tmp_path / "my-gat.yaml")
    assert caught.value.problems[0].message == "there is no such file"
    with pytest.raises(BadInput, match="this is a folder"):
        read_document(tmp_path)
    with pytest.raises(BadInput, match="does not exist"):
        read_document(tmp_path / "no" / "x.yaml")


BOMBS = {
    "lists": "[" * 2_000_000,
    "blocks": "- " * 1_000_000,
    "questions": "? " * 1_000_000,
    "items": "[" + "a," * 1_500_000,
    "keys": "".join(f"k{i}: 1\n" for i in range(250_000)),
    "anchors": "".join(f"a{i}: &x{i} 1\n" for i in range(200_000)),
    "laughs": "a: &a [x,x]\n" + "".join(f"{x}: &{x} [{', '.join([f'*{chr(ord(x) - 1)}'] * 9)}]\n" for x in "bcdefghi"),
    "tabs": "a:\n" + "\tx\n" * 500_000,
    "tabs in blocks": "a: |\n" + "  \tx\n" * 500_000 + "".join(f"k{i}: |\n  \tx\n" for i in range(40_000)),
    "spaces": "a: 1\n" + (" " * 1000 + "\n") * 4_000,
    "quote": "'" + "a\n" * 1_000_000,
}


@pytest.mark.parametrize("name", sorted(BOMBS))
def test_bombs_end_quickly(name: str) -> None:
    began = time.process_time()
    try:
        parse_document(BOMBS[name], "f")
    except BadInput as error:
        assert len(error.problems) <= 51
    assert time.process_time() - began < 2.0


def test_a_bomb_needs_little_memory() -> None:
    code = (
        "from evalgate.config.strict_yaml import parse_document\n"
        "try: parse_document('[' + 'a,' * 1_500_000, 'f')\nexcept Exception as e: print(type(e).__name__)\n"
        # not getrusage: its peak is inherited from the process that started this one
        "print(next(int(l.split()[1]) // 1024 for l in open('/proc/self/status') if l.startswith('VmHWM')))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert said[0] == "BadInput"
    assert int(said[1]) < 200


def test_importing_loads_neither_yaml_nor_pydantic() -> None:
    code = (
        "import sys\nimport evalgate.config.load, evalgate.config.arguments, evalgate.config.editor_schema\n"
        "print(sorted({'yaml', 'pydantic', 'numpy'} & set(sys.modules)))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "[]"


@given(st.text(alphabet=st.sampled_from(list("ab:-? \n\t[]{},&*!|>'\"%@`#~.1\\<x\r\0\u2028é😀")), max_size=60))
@settings(max_examples=400)
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        document = parse_document(text, "f")
    except BadInput as error:
        assert all(problem.hint and problem.where for problem in error.problems)
    else:
        assert document.value is not None
