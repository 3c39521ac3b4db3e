"""Data files that are damaged, ambiguous or hostile are refused with their place; none of them ends in a crash."""

from __future__ import annotations

import datetime as dt
import decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.core.document import Document
from evalgate.core.errors import BadInput
from evalgate.golden.card import parse_card
from evalgate.golden.cases import IdRegister, read_cases
from evalgate.golden.tables import Row, read_rows


def rows(folder: Path, name: str, content: bytes) -> list[dict[str, Any]]:
    (folder / name).write_bytes(content)
    return [dict(row.fields) for row in read_rows(folder / name, name)]


@pytest.mark.parametrize(
    "content",
    [b"id,text\r1,a\r2,b\r", b'"id\n",text\n1,a\n', b'"id,text\n1,a\n', b'id,text\n1,a"b"\n2,"a"b\n', b"id;text\n1,2\n", b"id\ttext\n1\n",
     "id,text\n1,a\n".encode("utf-16"), b"id\n<<<<<<< HEAD\n1\n"],
)  # fmt: skip
def test_csv_that_could_be_misread(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(BadInput, match=r"x\.csv"):
        rows(tmp_path, "x.csv", content)


def test_a_header_as_long_as_a_book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evalgate.golden.tables.CSV_FIELD_LIMIT", 1_000)
    for content in (b"a" * 2_000 + b",b\n1,2\n", b"a,b\n1," + b"x" * 2_000 + b"\n"):
        with pytest.raises(BadInput, match="limit"):
            rows(tmp_path, "x.csv", content)


@pytest.mark.parametrize("content", [b"\n", b"id,text\n", b"id,text\r\n\r\n", b"\xef\xbb\xbfid,text"])
def test_csv_without_rows_has_no_rows(tmp_path: Path, content: bytes) -> None:
    assert rows(tmp_path, "x.csv", content) == []


def test_tabs_and_cells_with_line_ends(tmp_path: Path) -> None:
    assert rows(tmp_path, "x.csv", b'id\ttext\n1\t"a\r\nb"\n') == [{"id": "1", "text": "a\r\nb"}]


@pytest.mark.parametrize("marker", [b"<<<<<<< HEAD", b">>>>>>> theirs"])
def test_a_merge_that_was_not_finished(tmp_path: Path, marker: bytes) -> None:
    with pytest.raises(BadInput, match=r"x\.txt:2: .*conflict"):
        rows(tmp_path, "x.txt", b"a\n" + marker + b"\nb\n")


def parquet(folder: Path, *columns: tuple[str, Any]) -> list[Row]:
    path = folder / "a.parquet"
    pq.write_table(pa.Table.from_arrays([values for _, values in columns], names=[name for name, _ in columns]), path)
    return list(read_rows(path, "a.parquet"))


def _not_utf8() -> pa.Array:
    offsets = pa.array([0, 1], pa.int32()).buffers()[1]
    return pa.Array.from_buffers(pa.string(), 1, [None, offsets, pa.py_buffer(b"\xff")])


UNPLAIN = {
    "NaN": pa.array([float("nan")]),
    "infinity": pa.array([float("inf")]),
    "bytes": pa.array([b"x"]),
    "date": pa.array([dt.date(2024, 1, 1)]),
    "timestamp": pa.array([1], pa.timestamp("ns")),
    "timestamp without a date": pa.array([2**62], pa.timestamp("us")),
    "decimal": pa.array([decimal.Decimal("1.5")]),
    "large": pa.array([2**60]),
    "nested NaN": pa.array([{"a": [float("nan")]}]),
    "not UTF-8": _not_utf8(),
}


@pytest.mark.parametrize("name", UNPLAIN)
def test_parquet_values_that_json_does_not_have(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInput, match=r"a\.parquet"):
        parquet(tmp_path, ("id", pa.array(["a"])), ("v", UNPLAIN[name]))


def test_two_parquet_columns_of_one_name(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="same name"):
        parquet(tmp_path, ("id", pa.array(["a"])), ("output", pa.array(["x"])), ("output", pa.array(["y"])))


def test_parquet_keeps_nested_values_and_nulls(tmp_path: Path) -> None:
    found = parquet(tmp_path, ("id", pa.array(["a", "b"])), ("v", pa.array([{"x": [1, None]}, None])))
    assert [row.fields["v"] for row in found] == [{"x": [1, None]}, None]


@pytest.mark.parametrize("cut", [0, 1, 4, 40, -1, -8])
def test_parquet_cut_short(tmp_path: Path, cut: int) -> None:
    parquet(tmp_path, ("id", pa.array(["a"])))
    path = tmp_path / "a.parquet"
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(BadInput, match="Parquet"):
        list(read_rows(path))


def card(folder: Path, **changes: Any) -> Any:
    value = {"name": "d", "version": "1", "data": "cases.jsonl", **changes}
    return parse_card(Document(value, {(): 1, ("data",): 3}, "dataset.yaml"), folder)


@pytest.mark.parametrize("data", ["../x.jsonl", "/etc/hostname", "a/../../x", "nul\0.jsonl", "loop", "link", "away/x.jsonl"])
def test_data_stays_in_its_folder(tmp_path: Path, data: str) -> None:
    folder = tmp_path / "d"
    folder.mkdir()
    (tmp_path / "x.jsonl").write_text("{}", encoding="utf-8")
    (folder / "loop").symlink_to("loop")
    (folder / "link").symlink_to(tmp_path / "x.jsonl")
    (folder / "away").symlink_to(tmp_path)
    with pytest.raises(BadInput, match="outside"):
        card(folder, data=data)
    assert card(folder).data == folder / "cases.jsonl"


def test_all_faults_of_a_card_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as caught:
        card(tmp_path, nmae="x", version=1.0, inputs=[1], rows="3", schema={"a": "strnig"})
    said = [problem.message for problem in caught.value.problems]
    assert len(said) == 5
    assert all(problem.where for problem in caught.value.problems)


def test_a_card_that_is_no_mapping() -> None:
    with pytest.raises(BadInput, match="mapping"):
        parse_card(Document(["a"], {(): 1}, "dataset.yaml"), Path())


@pytest.mark.parametrize(
    ("first", "second"), [("\u0390", "\u03aa\u0301"), ("\u1e9e", "SS"), ("ﬁ", "FI"), (" a", "A"), (0, "0"), ("\u212b", "å")]
)
def test_ids_that_fold_to_one(first: Any, second: Any) -> None:
    register = IdRegister()
    assert register.take(first, "f:1") == str(first)
    with pytest.raises(BadInput, match="f:1"):
        register.take(second, "f:2")


@given(st.lists(st.integers(), unique=True, max_size=20))
def test_distinct_numbers_are_distinct_ids(ids: list[int]) -> None:
    register = IdRegister()
    assert [register.take(i, f"f:{n}") for n, i in enumerate(ids)] == [str(i) for i in ids]


@pytest.mark.parametrize("place", ["a.csv:2", "A.CSV:2", "folder/b.Csv:9"])
def test_an_empty_cell_is_no_reference(place: str, tmp_path: Path) -> None:
    wanted = card(tmp_path, reference="a")
    with pytest.raises(BadInput, match="empty"):
        list(read_cases(wanted, [Row({"id": "1", "a": ""}, place)]))
    assert next(iter(read_cases(wanted, [Row({"id": "1", "a": ""}, "a.jsonl:2")]))).references == ("",)


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [("string", "", 1), ("number", 1.5, "1"), ("number", 0, True), ("integer", 3, 3.5), ("integer", 0, False), ("boolean", False, 0),
     ("list", [], "a"), ("object", {}, []), ("any", [], None)],
)  # fmt: skip
def test_declared_types(tmp_path: Path, kind: str, good: Any, bad: Any) -> None:
    wanted = card(tmp_path, schema={"v": kind})
    assert len(list(read_cases(wanted, [Row({"id": "1", "v": good}, "a:1")]))) == 1
    with pytest.raises(BadInput, match="'v'"):
        list(read_cases(wanted, [Row({"id": "1", "v": bad}, "a:1")]))
    with pytest.raises(BadInput, match="'v'"):
        list(read_cases(wanted, [Row({"id": "1"}, "a:1")]))


@pytest.mark.parametrize(
    "places", [("a.jsonl:7", "a.jsonl:12"), ("a", "b"), ("f:007", "f:7"), ("a.csv:1", "b.csv:1"), ("r " + "9" * 20, "r 1")]
)
def test_an_id_given_twice_names_both_places(places: tuple[str, str]) -> None:
    register = IdRegister()
    register.take("x", places[0])
    register.take("y", places[1])
    with pytest.raises(BadInput) as caught:
        register.take("X", places[1])
    assert f"already used at {places[0]} " in f"{caught.value.problems[0].message} "
    assert caught.value.problems[0].where == places[1]


def test_a_million_ids_do_not_keep_their_texts() -> None:
    register = IdRegister()
    for number in range(2_000):
        register.take(f"{number} " + "x" * 200, f"f:{number + 1}")
    assert all(isinstance(part, int) for entry in register.seen.items() for part in entry)
    assert register.files == ["f:"]
