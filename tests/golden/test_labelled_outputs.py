"""Files of labelled outputs: both shapes are read, and whatever is unclear is refused with its place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evalgate.core.errors import BadInput
from evalgate.core.labelled import LabelledSpan
from evalgate.golden.labelled_outputs import LabelledColumns, LabelledFile

SPAN = {"type": "mail", "start": 3, "end": 6}


@pytest.fixture
def lines(tmp_path: Path) -> Any:
    def write(*rows: Any, columns: LabelledColumns = LabelledColumns()) -> LabelledFile:  # noqa: B008
        path = tmp_path / "data.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return LabelledFile(path, columns)

    return write


def test_spans(lines: Any) -> None:
    file = lines({"id": 1, "text": "my a@b", "spans": [{**SPAN, "value": "a@b"}]}, {"id": 2, "text": "", "spans": []})
    first, second = file
    assert first.spans == (LabelledSpan("mail", 3, 6),) and second.spans == () and first.violating is None
    assert (file.unit, file.outputs) == ("spans", 2) and file.digest.startswith("sha256:")


def test_labels_with_the_rest_of_the_row(lines: Any) -> None:
    row = {
        "id": "a",
        "output": "no",
        "label": "refusal",
        "kind": "attack",
        "reference": ["x"],
        "messages": [{"role": "user", "content": "hi"}],
    }
    entry, other = lines(row, {"id": "b", "output": "yes", "label": "Answer"}, columns=LabelledColumns(violating=("refusal",)))
    assert (entry.violating, other.violating) == (True, False)
    assert entry.case.fields["label"] == "refusal" and entry.case.inputs["kind"] == "attack"
    assert entry.case.references == ("x",) and entry.output.messages == (("user", "hi"),)
    assert entry.output.labels["kind"] == "attack"


@pytest.mark.parametrize("label", [True, "true", "TRUE "])
def test_true_and_false_need_no_naming(lines: Any, label: object) -> None:
    assert [e.violating for e in lines({"id": 1, "text": "a", "label": label}, {"id": 2, "text": "a", "label": False})] == [
        True,
        False,
    ]


def test_csv_of_both_shapes(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text('id,text,spans\n1,my a@b,"[{""type"": ""mail"", ""start"": 3, ""end"": 6}]"\n')
    assert next(iter(LabelledFile(path, LabelledColumns()))).spans == (LabelledSpan("mail", 3, 6),)
    path.write_text("id,answer,bad\n1,x,1\n2,y,0\n")
    columns = LabelledColumns("answer", "bad", None, ("1",))
    assert [entry.violating for entry in LabelledFile(path, columns)] == [True, False]


@pytest.mark.parametrize(
    ("rows", "columns", "said"),
    [
        ([{"id": 1, "spans": []}], LabelledColumns(), "no column text or output"),
        ([{"id": 1, "text": "a", "output": "b", "spans": []}], LabelledColumns(), "both text and output"),
        ([{"id": 1, "text": "a"}], LabelledColumns(), "no column spans or label"),
        ([{"id": 1, "text": "a", "spans": [], "label": True}], LabelledColumns(), "both spans and label"),
        ([{"id": 1, "text": "a", "spans": []}], LabelledColumns(text="body"), "no column body"),
        ([{"id": 1, "text": "a", "spans": []}], LabelledColumns(label="l", spans="spans"), "not both"),
        ([{"id": 1, "text": "a", "spans": []}], LabelledColumns(violating=("x",)), "file has spans"),
    ],
)
def test_a_file_of_no_one_shape_is_refused(lines: Any, rows: Any, columns: LabelledColumns, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        lines(*rows, columns=columns)


@pytest.mark.parametrize(
    "spans",
    [
        None, "[]", {}, [None], ["mail"], [{**SPAN, "type": ""}], [{**SPAN, "type": 3}], [{**SPAN, "start": "3"}],
        [{**SPAN, "start": True}], [{**SPAN, "start": 3.0}], [{**SPAN, "end": 3}], [{**SPAN, "end": 2}], [{**SPAN, "start": -1}],
        [{**SPAN, "end": 7}], [{"type": "mail", "start": 3}], [{**SPAN, "value": "a@c"}],
    ],
)  # fmt: skip
def test_spans_that_cannot_be_used_are_refused_with_their_row(lines: Any, spans: Any) -> None:
    with pytest.raises(BadInput) as caught:
        list(lines({"id": 1, "text": "my a@b", "spans": [SPAN]}, {"id": 2, "text": "my a@b", "spans": spans}))
    assert caught.value.problems[0].where.endswith("data.jsonl:2")


@pytest.mark.parametrize("label", [None, [], {}, "maybe", 1, "", 0.5])
def test_labels_that_cannot_be_used_are_refused_with_their_row(lines: Any, label: Any) -> None:
    with pytest.raises(BadInput) as caught:
        list(lines({"id": 1, "text": "a", "label": True}, {"id": 2, "text": "a", "label": label}))
    assert caught.value.problems[0].where.endswith("data.jsonl:2")


@pytest.mark.parametrize(
    "row",
    [
        {"text": "a", "spans": []},
        {"id": 1, "text": "a", "spans": []},
        {"id": 2, "text": 5, "spans": []},
        {"id": 2, "spans": []},
        {"id": 2, "text": "a"},
    ],
)
def test_rows_without_id_text_or_labels_are_refused(lines: Any, row: Any) -> None:
    with pytest.raises(BadInput):
        list(lines({"id": 1, "text": "a", "spans": []}, row))


def test_no_outputs_and_a_misspelt_label_are_refused(lines: Any) -> None:
    with pytest.raises(BadInput, match="0 outputs"):
        lines()
    file = lines({"id": 1, "text": "a", "label": "bad"}, columns=LabelledColumns(violating=("bad", "badd")))
    with pytest.raises(BadInput, match="no row has the label 'badd'"):
        list(file)
