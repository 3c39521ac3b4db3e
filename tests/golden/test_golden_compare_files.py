"""Files of outputs and references: joined by id, every lost answer counted, every doubt refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evalgate.core.errors import BadInput
from evalgate.core.values import Output, Status
from evalgate.golden.outputs import Columns, OutputFile, read_outputs
from evalgate.golden.paired_files import PairedFiles


def lines(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def text(path: Path, content: str) -> Path:
    path.write_text(content, encoding="utf-8", newline="")
    return path


def one(folder: Path, **row: Any) -> Output:
    return read_outputs(lines(folder / "o.jsonl", {"id": "1", **row}), Columns()).outputs["1"]


def test_an_answer_with_its_figures(tmp_path: Path) -> None:
    found = one(tmp_path, output="x", latency_ms="12.5", cost_usd=0, prompt_tokens=3.0, completion_tokens="4")
    assert (found.text, found.status, found.latency_ms, found.cost_usd) == ("x", Status.OK, 12.5, 0.0)
    assert (found.prompt_tokens, found.completion_tokens) == (3, 4)


@pytest.mark.parametrize("value", [["b", "a"], {"k": 1}, 3, False, 0.5])
def test_answers_that_are_data(tmp_path: Path, value: Any) -> None:
    found = one(tmp_path, output=value)
    assert (found.value, json.loads(found.text)) == (value, value)


@pytest.mark.parametrize(
    "row", [{"output": None}, {"output": "x", "error": "timeout"}, {"error": "timeout"}, {"output": "x", "error": {"code": 500}}]
)
def test_lost_answers_are_kept_as_lost(tmp_path: Path, row: dict[str, Any]) -> None:
    found = one(tmp_path, **row)
    assert (found.status, found.text) == (Status.ERROR, "")
    assert found.error


def test_an_empty_answer_is_an_answer_but_an_empty_cell_is_none(tmp_path: Path) -> None:
    assert one(tmp_path, output="", error=None).status is Status.OK
    for name in ("o.csv", "o.CSV"):
        outputs = read_outputs(text(tmp_path / name, "id,output\n1,\n2,x\n"), Columns()).outputs
        assert [outputs[i].status for i in "12"] == [Status.ERROR, Status.OK]


@pytest.mark.parametrize("name", ["latency_ms", "cost_usd", "prompt_tokens", "completion_tokens"])
@pytest.mark.parametrize("value", [-1, "fast", True, "nan", "inf", [1], "1_0", {}])
def test_figures_that_are_no_numbers(tmp_path: Path, name: str, value: Any) -> None:
    with pytest.raises(BadInput, match=name):
        one(tmp_path, output="x", **{name: value})


def test_half_a_token_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="whole number"):
        one(tmp_path, output="x", prompt_tokens=1.5)


@pytest.mark.parametrize(
    "content", ["", "\n", '{"id": "1"}\n', '{"output": "x"}\n', '{"id": "1", "output": "x"}\n{"id": 1, "output": "y"}\n', "[1]\n", '{"id": null, "output": "x"}']
)  # fmt: skip
def test_files_of_outputs_that_are_refused(tmp_path: Path, content: str) -> None:
    with pytest.raises(BadInput, match=r"o\.jsonl"):
        read_outputs(text(tmp_path / "o.jsonl", content), Columns())


def test_a_misspelt_column_is_suggested(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="did you mean output"):
        one(tmp_path, outputs="x", **{"output ": "y"})


def test_plain_text_has_line_numbers_as_ids_whatever_the_id_field(tmp_path: Path) -> None:
    columns = Columns(id="case")
    found: OutputFile = read_outputs(text(tmp_path / "o.txt", "a\r\n\nb"), columns)
    assert {i: o.text for i, o in found.outputs.items()} == {"1": "a", "2": "", "3": "b"}


def refs(*paths: Path, slices: tuple[str, ...] = (), group: str | None = None) -> list[Any]:
    """The cases, with both outputs taken from the first reference file."""
    columns = Columns(output="text" if paths[0].suffix == ".txt" else "reference")
    return [case for case, _ in PairedFiles(paths, paths[0], paths[0], columns, slices=slices, group=group)]


def test_several_files_are_several_references(tmp_path: Path) -> None:
    a = lines(
        tmp_path / "a.jsonl", {"id": "1", "reference": "x", "s": "t", "g": "u"}, {"id": "2", "reference": "y", "s": "t", "g": "u"}
    )
    b = lines(tmp_path / "b.jsonl", {"id": 2, "reference": "y2"}, {"id": 1, "reference": "x2"})
    cases = refs(a, b, slices=("s",), group="g")
    assert [(c.id, c.references, c.slices, c.group) for c in cases] == [
        ("1", ("x", "x2"), {"s": "t"}, "u"),
        ("2", ("y", "y2"), {"s": "t"}, "u"),
    ]


def test_a_list_column_is_several_references(tmp_path: Path) -> None:
    assert refs(lines(tmp_path / "a.jsonl", {"id": "1", "reference": ["x", "y"]}))[0].references == ("x", "y")


@pytest.mark.parametrize("name", ["r.txt", "r.csv", "r.jsonl"])
@pytest.mark.parametrize("content", ["", "\n", "\r\n\n"])
def test_reference_files_with_nothing_in_them(tmp_path: Path, name: str, content: str) -> None:
    with pytest.raises(BadInput):
        refs(text(tmp_path / name, content))


@pytest.mark.parametrize(
    "rows", [[{"id": "1"}], [{"id": "1", "reference": None}], [{"reference": "x"}], [{"id": "1", "reference": "x"}] * 2]
)
def test_references_that_are_missing_or_ambiguous(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    with pytest.raises(BadInput, match=r"r\.jsonl:"):
        refs(lines(tmp_path / "r.jsonl", *rows))


def test_a_second_reference_file_must_have_the_same_cases(tmp_path: Path) -> None:
    a = lines(tmp_path / "a.jsonl", {"id": "1", "reference": "x"})
    with pytest.raises(BadInput, match=r"b\.jsonl"):
        refs(a, lines(tmp_path / "b.jsonl", {"id": "2", "reference": "y"}))


def test_the_digest_follows_the_content(tmp_path: Path) -> None:
    first = read_outputs(lines(tmp_path / "a.jsonl", {"id": "1", "output": "x"}), Columns()).digest
    same = read_outputs(text(tmp_path / "b.jsonl", '\ufeff{"output":"x",\t"id":"1"}\r\n\r\n'), Columns()).digest
    other = read_outputs(lines(tmp_path / "c.jsonl", {"id": "1", "output": "x "}), Columns()).digest
    assert first == same
    assert first != other
