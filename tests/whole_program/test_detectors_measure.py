"""`evalgate detectors measure`: the whole program on labelled files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from evalgate.cli.main import main
from evalgate.core.values import Case, DetectorSpec, Finding, Output, Severity
from evalgate.pipeline.detector_cards import load_card
from evalgate.safety import catalog

SPANS = (
    {
        "id": 1,
        "text": "dog and cat",
        "spans": [{"type": "animal", "start": 0, "end": 3}, {"type": "animal", "start": 8, "end": 11}],
    },
    {"id": 2, "text": "a dog \x1b[31m", "spans": []},
    {"id": 3, "text": "nothing", "spans": []},
)
LABELS = tuple(
    {"id": i, "output": text, "label": label}
    for i, (text, label) in enumerate([("dog", 1), ("a dog", 0), ("cat", 1), ("hen", 0)])
)
DOG = "blocklist:terms=[dog]"


@pytest.fixture
def data(tmp_path: Path) -> Any:
    def write(rows: Any) -> str:
        (tmp_path / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        return str(tmp_path / "data.jsonl")

    return write


def measure(*arguments: str) -> int:
    return main(["detectors", "measure", *arguments])


def test_spans_become_a_card_and_a_table(tmp_path: Path, data: Any, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "cards" / "dog.json"
    assert (
        measure("blocklist:terms=[dog]", "--data", data(SPANS), "--map", "animal=dog", "--out", str(out), "--data-name", "zoo")
        == 0
    )
    card = load_card(out)
    assert (card.total.found, card.total.missed, card.total.false_alarms) == (1, 1, 1)
    assert card.rules == {"animal": card.total} and card.data.name == "zoo" and card.data.outputs == 3 and card.unit == "spans"
    table = capsys.readouterr().out
    assert "0.500 [0.095, 0.905]" in table and "animal" in table and "blocklist version" in table


def test_whole_outputs(tmp_path: Path, data: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert measure(DOG, "--data", data(LABELS), "--violating", "1", "--json", "--confidence", "0.9") == 0
    told = capsys.readouterr()
    document = json.loads(told.out)
    counts = {key: document["total"][key] for key in ("found", "missed", "false_alarms", "clean")}
    assert counts == {"found": 1, "missed": 1, "false_alarms": 1, "clean": 1} and document["confidence"] == 0.9
    assert document["total"]["specificity"]["value"] == 0.5 and "specificity" in told.err


def test_copies_of_an_output_are_no_further_evidence(tmp_path: Path, data: Any, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"id": f"{i}-{row['id']}", **{k: v for k, v in row.items() if k != "id"}} for i in range(50) for row in LABELS]
    rows.append({"id": "other case", "output": "dog", "label": 0, "kind": "pet"})
    assert measure(DOG, "--data", data(rows), "--violating", "1", "--out", str(tmp_path / "card.json")) == 0
    card = load_card(tmp_path / "card.json")
    counts = (card.total.found, card.total.missed, card.total.false_alarms, card.total.clean)
    assert counts == (1, 1, 2, 1), "the same output to another case is no copy"
    assert card.data.outputs == 5
    assert "196 of 201 labelled outputs are copies of others; each is counted once" in capsys.readouterr().err


def test_spans_of_every_row_are_counted(tmp_path: Path, data: Any) -> None:
    rows = [{**SPANS[0], "id": i} for i in range(3)]
    assert measure(DOG, "--data", data(rows), "--map", "animal=dog", "--out", str(tmp_path / "card.json")) == 0
    card = load_card(tmp_path / "card.json")
    assert (card.total.found, card.total.missed, card.data.outputs) == (3, 3, 3)


def test_copies_with_two_labels_are_refused_by_both_names(tmp_path: Path, data: Any, capsys: pytest.CaptureFixture[str]) -> None:
    path = data([*LABELS, {"id": "again", "output": "cat", "label": 0}])
    assert measure(DOG, "--data", path, "--violating", "1", "--out", str(tmp_path / "card.json")) == 2
    said = capsys.readouterr().err
    assert f"{path}:5" in said and f"{path}:3" in said and "labelled otherwise" in said
    assert not (tmp_path / "card.json").exists()


def test_a_misspelt_rule_is_pointed_at(data: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert measure("blocklist:terms=[dog]", "--data", data(SPANS), "--map", "animal=dgo") == 0
    said = capsys.readouterr().err
    assert "rules that found nothing: dgo" in said and "false alarms: dog" in said


def test_the_other_columns_are_what_a_detector_reads_from_the_case(tmp_path: Path, data: Any) -> None:
    rows = [{"id": 1, "text": "a", "said": "bad", "label": True}, {"id": 2, "text": "b", "said": "good", "label": True}]
    assert (
        measure("label:field=said,violating=[bad],clean=[good]", "--data", data(rows), "--out", str(tmp_path / "card.json")) == 0
    )
    total = load_card(tmp_path / "card.json").total
    assert (total.found, total.missed, total.false_alarms, total.clean) == (1, 1, 0, 0)


@pytest.mark.parametrize(
    ("rows", "arguments", "said"),
    [
        ((), (DOG,), "0 outputs"),
        (SPANS, ("bloklist:terms=[dog]",), "did you mean blocklist"),
        (SPANS, ("blocklist",), "terms"),
        (SPANS, ("blocklist:",), "not KEY=VALUE"),
        (SPANS, (DOG, "--types", "animals"), "no span is labelled 'animals'"),
        (SPANS, (DOG, "--map", "animals=dog"), "no span is labelled 'animals'"),
        (SPANS, (DOG, "--map", "animal"), "not TYPE=RULE"),
        (SPANS, (DOG, "--map", "animal="), "not TYPE=RULE"),
        (SPANS, (DOG, "--map", "animal=dog,plant=tree"), "not TYPE=RULE"),
        (SPANS, (DOG, "--map", "animal=a", "--map", "animal=b"), "mapped twice"),
        (SPANS, (DOG, "--violating", "1"), "file has spans"),
        (SPANS, (DOG, "--confidence", "1"), "confidence 1.0"),
        (SPANS, (DOG, "--confidence", "nan"), "confidence nan"),
        (SPANS, (DOG, "--text-field", "body"), "no column body"),
        (LABELS, (DOG,), "neither true nor false"),
        (LABELS, (DOG, "--violating", "2"), "no row has the label '2'"),
        (LABELS, (DOG, "--violating", "1", "--types", "a"), "labelled spans"),
        (LABELS, (DOG, "--violating", "1", "--map", "a=b"), "labelled spans"),
    ],
)
def test_what_cannot_be_measured_is_exit_2_and_leaves_no_card(
    tmp_path: Path, data: Any, rows: Any, arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert measure(*arguments, "--data", data(rows), "--out", str(tmp_path / "card.json")) == 2
    told = capsys.readouterr()
    assert said in told.err and told.out == "" and not (tmp_path / "card.json").exists()


@pytest.mark.parametrize("how", ["raises", "outside", "nonsense"])
def test_a_detector_that_cannot_look_is_exit_3(
    tmp_path: Path, data: Any, how: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Broken:
        spec = DetectorSpec("mine", "mine", "1", "s")

        def findings(self, output: Output, case: Case) -> tuple[Finding, ...]:
            if how == "raises":
                raise ZeroDivisionError
            return (Finding("mine", "r", Severity.LOW, 0, 99),) if how == "outside" else (None,)  # type: ignore[return-value]

    def factory(parameters: Mapping[str, Any]) -> Broken:
        return Broken()

    monkeypatch.setattr(catalog, "load_plugin", lambda *args, **kwargs: factory)
    assert measure("mine", "--data", data(SPANS), "--out", str(tmp_path / "card.json")) == 3
    said = capsys.readouterr()
    assert "mine" in said.err and "case 1" in said.err and said.out == "" and not (tmp_path / "card.json").exists()


def test_what_it_could_not_tell_is_in_no_count(tmp_path: Path, data: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    class Unsure:
        spec = DetectorSpec("mine", "mine", "1", "s")

        def findings(self, output: Output, case: Case) -> tuple[Finding, ...]:
            return (Finding("mine", "r", Severity.LOW, 0, 0, undecided=case.id == "2"),)

    monkeypatch.setattr(catalog, "load_plugin", lambda *args, **kwargs: lambda parameters: Unsure())
    out = tmp_path / "card.json"
    assert measure("mine", "--data", data(LABELS), "--violating", "1", "--out", str(out)) == 0
    card = load_card(out)
    assert card.undecided == 1 and card.total.found + card.total.missed + card.total.false_alarms == 3
