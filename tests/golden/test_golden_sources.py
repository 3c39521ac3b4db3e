"""Every format gives the same cases and the same digest; whatever is damaged, ambiguous or code is refused."""

from __future__ import annotations

import base64
import json
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.config.strict_yaml import parse_document
from evalgate.core.errors import BadInput
from evalgate.golden.card import Card, parse_card
from evalgate.golden.cases import ContentDigest, read_cases
from evalgate.golden.local_folders import data_files
from evalgate.golden.sources import card_rows
from evalgate.golden.tables import read_rows

SCHEMA = "{id: string, question: string, answer: list, n: integer, share: number, ok: boolean, more: object}"
ROWS: list[dict[str, Any]] = [
    {"id": "a", "question": "Zwölf\r\nLinien, \"ja\"?", "answer": ["x", "y"], "n": 1, "share": 0.5, "ok": True, "more": {"k": "v"}},
    {"id": "b", "question": " 😀\u2028 007 ", "answer": [""], "n": -3, "share": 2.0, "ok": False, "more": {"k": "2024-01-01"}},
    {"id": "c", "question": "", "answer": ["z"], "n": 2**53 - 1, "share": 1e-7, "ok": True, "more": {"k": ""}},
]  # fmt: skip


def table(rows: list[dict[str, Any]] = ROWS) -> pa.Table:
    return pa.Table.from_pylist(rows)


def write_jsonl(path: Path) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS), encoding="utf-8")


def write_csv(path: Path, line_end: str = "\n") -> None:
    def cell(value: Any) -> str:
        text = value if isinstance(value, str) else json.dumps(value)
        return '"' + text.replace('"', '""') + '"'

    lines = [",".join(ROWS[0]), *(",".join(map(cell, row.values())) for row in ROWS)]
    path.write_bytes((line_end.join(lines) + line_end).encode())


def write_stream(path: Path) -> None:
    with pa.ipc.new_stream(path, table().schema) as writer:
        for batch in table().to_batches(max_chunksize=2):
            writer.write_batch(batch)


def write_file(path: Path) -> None:
    with pa.ipc.new_file(path, table().schema) as writer:
        writer.write_table(table(), max_chunksize=2)


FORMATS: dict[str, Callable[[Path], Any]] = {
    "cases.jsonl": write_jsonl,
    "cases.csv": write_csv,
    "windows.csv": lambda path: write_csv(path, "\r\n"),
    "cases.parquet": lambda path: pq.write_table(table(), path),
    "groups.parquet": lambda path: pq.write_table(table(), path, row_group_size=1, compression="zstd"),
    "file.arrow": write_file,
    "stream.arrow": write_stream,
    "cases.feather": lambda path: feather.write_feather(table(), path),
    "plain.feather": lambda path: feather.write_feather(table(), path, compression="uncompressed"),
}


def card_of(folder: Path, data: str, more: str = f"schema: {SCHEMA}\n", case_id: str = "id") -> Card:
    text = f'name: d\nversion: 1.0.0\ndata: {data}\nid: "{case_id}"\ninputs: [question]\nreference: answer\n{more}'
    return parse_card(parse_document(text, "dataset.yaml"), folder)


def content(card: Card) -> tuple[str, list[tuple[Any, ...]]]:
    digest, cases = ContentDigest(), []
    for case in read_cases(card, card_rows(card)):
        digest.add(case.fields)
        cases.append((case.id, dict(case.fields), case.inputs, case.references))
    return digest.hexdigest(), cases


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[tuple[Any, ...]]]:
    folder = tmp_path_factory.mktemp("jsonl")
    write_jsonl(folder / "cases.jsonl")
    return content(card_of(folder, "cases.jsonl"))


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_gives_the_same_cases_and_digest(name: str, tmp_path: Path, expected: Any) -> None:
    FORMATS[name](tmp_path / name)
    found = content(card_of(tmp_path, name))
    assert found == expected
    assert [case[1] for case in found[1]] == ROWS


@pytest.mark.parametrize("name", ["cases.jsonl", "cases.csv"])
def test_git_may_convert_the_line_ends_of_texts(name: str, tmp_path: Path) -> None:
    plain = [{**row, "question": "one line"} for row in ROWS]
    FORMATS[name](tmp_path / name)
    path = tmp_path / name
    path.write_bytes(path.read_bytes().replace(b"Zw\xc3\xb6lf\r\n", b"Zw\xc3\xb6lf "))
    unix = content(card_of(tmp_path, name))
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert content(card_of(tmp_path, name)) == unix
    assert len(unix[1]) == len(plain)


def test_line_ends_inside_csv_quotes_are_content(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b'id,question,answer\n1,"a\nb",c\n')
    unix = content(card_of(tmp_path, "a.csv", ""))
    (tmp_path / "a.csv").write_bytes(b'id,question,answer\r\n1,"a\r\nb",c\r\n')
    assert content(card_of(tmp_path, "a.csv", ""))[0] != unix[0]


def test_a_folder_that_is_called_like_a_csv_file(tmp_path: Path, expected: Any) -> None:
    (tmp_path / "a.csv:1").mkdir()
    write_jsonl(tmp_path / "a.csv:1" / "cases.jsonl")
    assert content(card_of(tmp_path, '"a.csv:1"')) == expected
    pq.write_table(table(), tmp_path / "b.csv:1.parquet")
    assert content(card_of(tmp_path, '"b.csv:1.parquet"')) == expected


CELLS = [
    ("integer", "7", 7), ("integer", "007", None), ("integer", "1.0", None), ("integer", "true", None), ("integer", "", None),
    ("integer", "9007199254740992", None), ("integer", "1e3", None), ("integer", "٣", None), ("integer", "9" * 5000, None),
    ("number", "1.5", 1.5), ("number", "-0.0", -0.0), ("number", "1,5", None), ("number", "NaN", None), ("number", "1e999", None),
    ("number", "Infinity", None), ("number", "false", None), ("number", ".5", None), ("boolean", "true", True), ("boolean", "True", None),
    ("boolean", "1", None), ("boolean", "yes", None), ("list", '["a", 1]', ["a", 1]), ("list", "a", None), ("list", "{}", None),
    ("list", "[" * 10_000 + "]" * 10_000, None), ("object", '{"a": [null]}', {"a": [None]}), ("object", '{"a": 1, "a": 2}', None),
    ("object", "[]", None), ("object", "{'a': 1}", None), ("string", "007", "007"), ("string", "true", "true"), ("any", "[1]", "[1]"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "cell", "value"), CELLS)
def test_cells_are_what_the_schema_declares(kind: str, cell: str, value: Any, tmp_path: Path) -> None:
    quoted = cell.replace('"', '""')
    (tmp_path / "a.csv").write_text(f'id,question,answer,v\n1,q,r,"{quoted}"\n', encoding="utf-8")
    card = card_of(tmp_path, "a.csv", f"schema: {{v: {kind}}}\n")
    if value is None:
        with pytest.raises(BadInput, match=r"a\.csv:2"):
            content(card)
    else:
        found = content(card)[1][0][1]["v"]
        assert (found, type(found)) == (value, type(value))


@given(st.lists(st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=5))
def test_numbers_survive_a_csv_file(tmp_path_factory: pytest.TempPathFactory, numbers: list[float]) -> None:
    folder = tmp_path_factory.mktemp("csv")
    rows = [{"id": str(i), "question": "q", "answer": "a", "v": number} for i, number in enumerate(numbers)]
    (folder / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    lines = ["id,question,answer,v", *(f"{row['id']},q,a,{json.dumps(row['v'])}" for row in rows)]
    (folder / "a.csv").write_text("\n".join(lines), encoding="utf-8")
    more = "schema: {v: number}\n"
    assert content(card_of(folder, "a.csv", more))[0] == content(card_of(folder, "a.jsonl", more))[0]


@pytest.mark.parametrize("name", ["cases.jsonl", "cases.csv", "cases.parquet", "stream.arrow"])
def test_rows_without_ids_are_numbered(name: str, tmp_path: Path) -> None:
    FORMATS[name](tmp_path / name)
    found = content(card_of(tmp_path, name, case_id="@row"))
    assert [case[0] for case in found[1]] == ["1", "2", "3"]
    with pytest.raises(BadInput, match="of its own"):
        list(card_rows(_with_row_column(tmp_path)))


def _with_row_column(folder: Path) -> Card:
    (folder / "own.jsonl").write_text('{"@row": 1, "question": "q", "answer": "a"}\n', encoding="utf-8")
    return card_of(folder, "own.jsonl", "", case_id="@row")


@pytest.mark.parametrize("name", ["file.arrow", "stream.arrow", "cases.feather", "cases.parquet"])
def test_no_damage_is_read_as_data(name: str, tmp_path: Path) -> None:
    FORMATS[name](tmp_path / name)
    whole = (tmp_path / name).read_bytes()
    right = [dict(row.fields) for row in read_rows(tmp_path / name)]
    for cut in [*range(0, 64, 7), len(whole) // 2, len(whole) - 8, len(whole) - 1]:
        (tmp_path / name).write_bytes(whole[:cut])
        with pytest.raises(BadInput):
            list(read_rows(tmp_path / name))
    # A flipped byte may be content; what may not happen is a crash, or an error of another kind.
    survived = 0
    for place in range(0, len(whole), 37):
        (tmp_path / name).write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        try:
            survived += [dict(row.fields) for row in read_rows(tmp_path / name)] == right
        except BadInput:
            continue
    assert survived < len(whole) // 37


@pytest.mark.parametrize("cut", [1, 2])
def test_a_stream_that_ends_between_two_batches(cut: int, tmp_path: Path) -> None:
    path = tmp_path / "a.arrow"
    write_stream(path)
    body = path.read_bytes()
    end = body.rstrip(b"\0").removesuffix(b"\xff\xff\xff\xff")
    path.write_bytes(end if cut == 1 else body[:-8])
    with pytest.raises(BadInput, match="cut short"):
        list(read_rows(path))


def test_old_feather_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.feather").write_bytes(b"FEA1" + b"\0" * 50)
    with pytest.raises(BadInput, match="version 1"):
        list(read_rows(tmp_path / "a.feather"))


class Trap:
    """Says so when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return print, ("EXECUTED",)


def test_extension_types_bring_no_code(tmp_path: Path) -> None:
    """Arrow once unpickled what a file gave as a Python extension type (CVE-2023-47248)."""
    metadata = {"ARROW:extension:name": "arrow.py_extension_type", "ARROW:extension:metadata": pickle.dumps(Trap())}
    harmless = pa.schema([pa.field("id", pa.string()), pa.field("v", pa.string(), metadata=metadata)])
    rows = pa.Table.from_arrays([pa.array(["a"]), pa.array(["x"])], schema=harmless)
    with pa.ipc.new_stream(tmp_path / "a.arrow", harmless) as writer:
        writer.write_table(rows)
    pq.write_table(rows, tmp_path / "a.parquet")
    script = "import sys, pathlib\nfrom evalgate.golden.tables import read_rows\nfor n in sys.argv[1:]: print(len(list(read_rows(pathlib.Path(n)))))"
    names = [str(tmp_path / "a.arrow"), str(tmp_path / "a.parquet")]
    done = subprocess.run([sys.executable, "-c", script, *names], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "1"]
    assert base64.b64encode(pickle.dumps(Trap()))  # the trap is a real one


@pytest.mark.parametrize(("depth", "ending"), [(120, "arrow"), (10_000, "arrow"), (120, "parquet"), (300, "parquet")])
def test_columns_nested_without_end(depth: int, ending: str, tmp_path: Path) -> None:
    script = (
        "import sys, pathlib, pyarrow as pa, pyarrow.parquet as pq\n"
        "from evalgate.core.errors import BadInput\nfrom evalgate.golden.tables import read_rows\n"
        "path, depth = pathlib.Path(sys.argv[1]), int(sys.argv[2])\n"
        "kind = pa.string()\n"
        "for _ in range(depth): kind = pa.list_(kind)\n"
        "schema = pa.schema([pa.field('v', kind)])\n"
        "try:\n"
        "    if path.suffix == '.arrow': pa.ipc.new_stream(path, schema).close()\n"
        "    else: pq.write_table(schema.empty_table(), path)\n"
        "except (pa.ArrowException, RecursionError, OSError): print('unwritable'); sys.exit()\n"
        "try: list(read_rows(path)); print('read')\n"
        "except BadInput: print('refused')\n"
    )
    path = str(tmp_path / f"a.{ending}")
    done = subprocess.run([sys.executable, "-c", script, path, str(depth)], capture_output=True, text=True, check=False)
    if done.returncode and not Path(path).exists():
        pytest.skip("the library cannot write such a file")
    assert done.stdout.strip() in ("refused", "unwritable"), (done.returncode, done.stderr[-300:])


def test_two_fields_of_one_name_inside_a_column(tmp_path: Path) -> None:
    twice = pa.StructArray.from_arrays([pa.array(["x"]), pa.array(["y"])], names=["k", "k"])
    rows = pa.Table.from_arrays([pa.array(["a"]), twice], names=["id", "v"])
    with pa.ipc.new_stream(tmp_path / "a.arrow", rows.schema) as writer:
        writer.write_table(rows)
    with pytest.raises(BadInput, match="same name"):
        list(read_rows(tmp_path / "a.arrow"))


@pytest.mark.parametrize(
    "values",
    [
        pa.array([float("nan")]),
        pa.array([b"x"]),
        pa.array([1], pa.timestamp("s")),
        pa.array([2**60]),
        pa.array([{"a": float("inf")}]),
    ],
)
def test_arrow_values_that_json_does_not_have(values: Any, tmp_path: Path) -> None:
    feather.write_feather(pa.Table.from_arrays([pa.array(["a"]), values], names=["id", "v"]), tmp_path / "a.feather")
    with pytest.raises(BadInput, match=r"a\.feather"):
        list(read_rows(tmp_path / "a.feather"))


def test_a_huge_cell_is_one_row_like_another(tmp_path: Path) -> None:
    rows = [{"id": str(i), "question": "x" * 3_000_000, "answer": "a"} for i in range(3)]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    assert [row.fields for row in read_rows(tmp_path / "a.parquet")] == rows


def folder_with(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        row = {"id": name, "question": "q", "answer": "a"}
        (folder / name).write_text(json.dumps(row) + "\n", encoding="utf-8")
    return folder


def test_a_folder_of_data_files_is_read_by_name(tmp_path: Path) -> None:
    folder_with(tmp_path / "data", "part-2.jsonl", "part-1.jsonl", "README.md", "LICENSE", ".gitattributes", "dataset_infos.json")
    found = content(card_of(tmp_path, "data", ""))[1]
    assert [case[0] for case in found] == ["part-1.jsonl", "part-2.jsonl"]
    assert content(card_of(tmp_path, "data/", ""))[1] == found


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ((), "no data file"), (("README.md",), "no data file"), (("a.jsonl", "data.py"), "code"), (("a.jsonl", "x.PY"), "code"),
        (("a.jsonl", "w.pkl"), "code"), (("a.jsonl", "lib.so"), "code"), (("a.jsonl", "b.csv"), "several kinds"),
        (("a.jsonl", "train/b.jsonl"), "holds folders"), (("a.jsonl", "b.json"), "neither"), (("a.jsonl", "b.jsonl.gz"), "neither"),
        (("dataset_dict.json", "train/a.jsonl"), "several splits"), (("state.json", "a.jsonl"), "_data_files"),
    ],
)  # fmt: skip
def test_folders_that_are_refused(names: tuple[str, ...], said: str, tmp_path: Path) -> None:
    folder_with(tmp_path / "data", *names)
    with pytest.raises(BadInput, match=said):
        content(card_of(tmp_path, "data", ""))


def test_links_out_of_a_folder_are_refused(tmp_path: Path) -> None:
    folder = folder_with(tmp_path / "d" / "data", "a.jsonl")
    folder_with(tmp_path, "secret.jsonl")
    (folder / "b.jsonl").symlink_to(tmp_path / "secret.jsonl")
    with pytest.raises(BadInput, match="leads out"):
        content(card_of(tmp_path / "d", "data", ""))
    (folder / "b.jsonl").unlink()
    (folder / "b.jsonl").symlink_to("b.jsonl")
    with pytest.raises(BadInput):
        content(card_of(tmp_path / "d", "data", ""))


@pytest.mark.parametrize(
    "listed",
    [[], ["../a.arrow"], ["/etc/passwd"], ["a.arrow", "a.arrow"], ["b.arrow"], [3], ["a.arrow", "missing.arrow"], ["state.json"]],
)
def test_states_that_list_something_else(listed: list[Any], tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    write_stream(folder / "a.arrow")
    state = {"_data_files": [{"filename": name} for name in listed]}
    (folder / "state.json").write_text(json.dumps(state), encoding="utf-8")
    with pytest.raises(BadInput, match=r"state\.json"):
        data_files(folder, "data")
    state = {"_data_files": [{"filename": "a.arrow"}], "_indices_data_files": [{"filename": "indices.arrow"}]}
    (folder / "state.json").write_text(json.dumps(state), encoding="utf-8")
    with pytest.raises(BadInput, match="order"):
        data_files(folder, "data")


@pytest.mark.parametrize(
    "data", ["hf://", "hf://name@1#s", "hf://o/n@1#../s", "hf://o/../n@1#s", "hf://o/n@1#a/b/c", "hf://o/n @1#s", "hf://-o/n#s"]
)
def test_references_that_are_none(data: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no reference"):
        card_of(tmp_path, f'"{data}"')
