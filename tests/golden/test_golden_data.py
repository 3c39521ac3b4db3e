"""Cards, rows and digests of golden datasets: what is accepted, what is refused, and where."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.config.strict_yaml import parse_document
from evalgate.core.errors import BadInput
from evalgate.core.values import Status
from evalgate.golden.card import parse_card
from evalgate.golden.cases import ContentDigest, read_cases
from evalgate.golden.locate import card_path
from evalgate.golden.outputs import Columns, read_outputs
from evalgate.golden.tables import Row, read_rows

CARD = "name: d\nversion: 1.0.0\ndata: cases.jsonl\nid: id\ninputs: [q]\nreference: a\nslices: [s]\ngroup: g\nschema: {q: string, n: number}\n"
ROW = {"id": "1", "q": "x", "a": "y", "s": "t", "g": "h", "n": 1}


def cases(*rows: dict[str, Any], card: str = CARD) -> list[Any]:
    parsed = parse_card(parse_document(card, "dataset.yaml"), Path())
    return list(read_cases(parsed, [Row(row, f"cases.jsonl:{i}") for i, row in enumerate(rows, start=1)]))


def test_a_good_row() -> None:
    case = cases(ROW)[0]
    assert (case.id, case.inputs, case.references, case.slices, case.group) == ("1", {"q": "x"}, ("y",), {"s": "t"}, "h")


def test_lists_of_texts_are_several_references() -> None:
    assert cases({**ROW, "a": ["y", "z"]})[0].references == ("y", "z")
    assert cases({**ROW, "a": {"x": 1}})[0].references == ({"x": 1},)
    two = CARD.replace("reference: a", "reference: [a, b]")
    assert cases({**ROW, "b": "w"}, card=two)[0].references == ("y", "w")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("nmae: x\n", "did you mean name"), ("rows: 0\n", "rows"), ("rows: true\n", "rows"), ("license: 3\n", "text"),
    ],
)  # fmt: skip
def test_faulty_cards_are_refused(change: str, said: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse_card(parse_document(CARD + change, "dataset.yaml"), Path())
    assert said in str(caught.value)
    assert "dataset.yaml:10" in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("name: d\n", "", "name is missing"), ("version: 1.0.0", "version: 1.0", "version must be text"), ("inputs: [q]", "inputs: []", "inputs"),
        ("inputs: [q]", "inputs: [q, q]", "twice"), ("slices: [s]", "slices: {a: b}", "slices"), ("q: string", "q: text", "unknown type"),
        ("schema: {q: string, n: number}", "schema: [q]", "schema"), ("data: cases.jsonl", "data: ../../etc/passwd", "outside"),
        ("data: cases.jsonl", "data: /etc/passwd", "outside"),
    ],
)  # fmt: skip
def test_wrong_values_in_cards_are_refused(old: str, new: str, said: str) -> None:
    assert old in CARD
    with pytest.raises(BadInput, match=said):
        parse_card(parse_document(CARD.replace(old, new), "dataset.yaml"), Path())


COLLISIONS = [("1", 1), ("a", "A"), ("é", "e\u0301"), ("a", "a "), ("ß", "ss"), ("x", "x")]


@pytest.mark.parametrize(("first", "second"), COLLISIONS)
def test_ids_that_could_be_taken_for_each_other(first: Any, second: Any) -> None:
    with pytest.raises(BadInput) as caught:
        cases({**ROW, "id": first}, {**ROW, "id": second})
    assert "cases.jsonl:1" in str(caught.value)
    assert "cases.jsonl:2" in str(caught.value)


@pytest.mark.parametrize("bad", [None, "", "  ", 1.5, True, ["a"], "a\nb", "x" * 300])
def test_ids_that_are_none(bad: Any) -> None:
    with pytest.raises(BadInput):
        cases({**ROW, "id": bad})


@pytest.mark.parametrize(
    "change", [{"q": None}, {"a": None}, {"s": None}, {"g": None}, {"n": "1"}, {"n": True}, {"q": 3}, {"s": ["t"]}, {"s": {}}]
)
def test_missing_and_mistyped_columns(change: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match=r"cases\.jsonl:1"):
        cases({**ROW, **change})


def rows(tmp_path: Path, name: str, content: bytes) -> list[Row]:
    path = tmp_path / name
    path.write_bytes(content)
    return list(read_rows(path, name))


def test_csv(tmp_path: Path) -> None:
    content = b'\xef\xbb\xbfid,text\r\n1,"a ""quoted"", cell"\r\n2,"two\nlines"\r\n\r\n3,\xc3\xbc\r\n'
    assert [r.fields["text"] for r in rows(tmp_path, "a.csv", content)] == ['a "quoted", cell', "two\nlines", "ü"]
    assert [r.fields["b"] for r in rows(tmp_path, "b.csv", b"a;b\n1;2,5\n")] == ["2,5"]
    long = "x" * 200_000
    assert rows(tmp_path, "c.csv", f"id,t\n1,{long}\n".encode())[0].fields["t"] == long


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"id,id\n1,2\n",
        b"id,\n1,2\n",
        b"id,a\n1\n",
        b"id,a\n1,2,3\n",
        b'id,a\n1,"open\n',
        b"id,a\n1,\xff\n",
        b"id,a\n1,\x00\n",
    ],
)
def test_bad_csv(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(BadInput, match=r"x\.csv"):
        rows(tmp_path, "x.csv", content)


def test_text_lines_keep_everything_but_their_end(tmp_path: Path) -> None:
    found = rows(tmp_path, "a.txt", "one\r\n\ntw\u2028o\x0b\nlast".encode())
    assert [(r.fields["id"], r.fields["text"]) for r in found] == [("1", "one"), ("2", ""), ("3", "tw\u2028o\x0b"), ("4", "last")]


def test_parquet(tmp_path: Path) -> None:
    import pandas as pd

    path = tmp_path / "a.parquet"
    pd.DataFrame({"id": ["a", "b"], "n": [1, 2], "refs": [["x", "y"], ["z"]]}).to_parquet(path)
    found = list(read_rows(path, "a.parquet"))
    assert [r.fields for r in found] == [{"id": "a", "n": 1, "refs": ["x", "y"]}, {"id": "b", "n": 2, "refs": ["z"]}]
    assert found[1].place == "a.parquet row 2"
    for column in ([float("nan"), 1.0], [pd.Timestamp("2024-01-01")] * 2, [b"x", b"y"]):
        pd.DataFrame({"id": ["a", "b"], "v": column}).to_parquet(path)
        values = _safe(path)
        assert values in ("refused", [None, 1.0])
    path.write_bytes(b"PAR1 broken")
    with pytest.raises(BadInput, match="Parquet"):
        list(read_rows(path, "a.parquet"))


def _safe(path: Path) -> Any:
    try:
        return [r.fields["v"] for r in read_rows(path)]
    except BadInput:
        return "refused"


def test_unknown_endings(tmp_path: Path) -> None:
    for name in ("a.pkl", "a.py", "a", "a.xlsx"):
        with pytest.raises(BadInput, match="cannot read"):
            rows(tmp_path, name, b"x")


def digest(*fields: dict[str, Any]) -> str:
    content = ContentDigest()
    for one in fields:
        content.add(one)
    return content.hexdigest()


@given(
    st.dictionaries(st.sampled_from("abc"), st.text(max_size=4) | st.integers(0, 9), min_size=1),
    st.sampled_from("abc"),
    st.text(max_size=4),
)
def test_the_digest_sees_values_and_not_their_writing(fields: dict[str, Any], key: str, value: str) -> None:
    assert digest(fields) == digest(dict(reversed(fields.items()))) == digest(json.loads(json.dumps(fields, indent=3)))
    changed = {**fields, key: value}
    assert (digest(changed) == digest(fields)) == (changed == fields)


def test_the_digest_sees_order_and_number_of_rows() -> None:
    a, b = {"id": "a"}, {"id": "b"}
    assert len({digest(a, b), digest(b, a), digest(a), digest(a, a), digest()}) == 5


def test_line_ends_and_byte_order_marks_do_not_change_the_digest(tmp_path: Path) -> None:
    plain = b'{"id": "a", "x": 1}\n{"id": "b", "x": 2}\n'
    found = {
        digest(*(r.fields for r in rows(tmp_path, f"{i}.jsonl", data)))
        for i, data in enumerate(
            (plain, plain.replace(b"\n", b"\r\n"), b"\xef\xbb\xbf" + plain, plain.rstrip(), plain.replace(b"\n", b"\n\n"))
        )
    }
    assert len(found) == 1


@pytest.mark.parametrize(
    "reference",
    [
        "../d@1",
        "d@../1",
        "d@",
        "@1",
        "d@9",
        "e@1",
        "hf://org/d@" + 40 * "a" + "#x",
        "hf://d@1#x",
        "nowhere/card.yaml",
        "d@1/..",
        "",
    ],
)
def test_datasets_that_are_not_there(tmp_path: Path, reference: str) -> None:
    folder = tmp_path / "datasets" / "d" / "1"
    folder.mkdir(parents=True)
    (folder / "dataset.yaml").write_text(CARD, encoding="utf-8")
    with pytest.raises(BadInput):
        card_path(reference, root=tmp_path, base=tmp_path / "configs", where="g.yaml:2")
    assert card_path("d@1", root=tmp_path, base=tmp_path).parent == folder
    assert card_path("datasets/d/1", root=tmp_path, base=tmp_path).parent == folder


def test_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"])], names=["id", "id"])
    pq.write_table(table, tmp_path / "twice.parquet")
    with pytest.raises(BadInput, match="same name"):
        list(read_rows(tmp_path / "twice.parquet"))


@pytest.mark.parametrize("latency", ["1_000", "nan", "-1", "inf", "fast", True, [1]])
def test_figures_that_are_no_numbers(tmp_path: Path, latency: Any) -> None:
    path = tmp_path / "o.jsonl"
    path.write_text(json.dumps({"id": "a", "output": "x", "latency_ms": latency}) + "\n", encoding="utf-8")
    with pytest.raises(BadInput, match="latency_ms"):
        read_outputs(path, Columns())


def test_empty_cells_are_lost_whatever_the_ending_looks_like(tmp_path: Path) -> None:
    path = tmp_path / "O.CSV"
    path.write_text("id,output\na,\n", encoding="utf-8")
    assert read_outputs(path, Columns()).outputs["a"].status is Status.ERROR
