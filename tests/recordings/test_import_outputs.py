"""Plain outputs become answers to the requests of a gate's own variant; ids have to fit."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROWS = [{"id": f"c{i}", "output": str(i + 1)} for i in range(4)]


def bring(made: Any, name: str, content: Any, variant: str = "candidate", *options: str, into: str = "sums") -> Any:
    return made.bring(
        made.file(name, content), "--format", "outputs", "--config", made.config, "--variant", variant, *options, into=into
    )


def refuse(made: Any, name: str, content: Any, *said: str, options: tuple[str, ...] = (), code: int = 2) -> None:
    made.refuse(
        made.file(name, content),
        *said,
        options=("--format", "outputs", "--config", made.config, "--variant", "candidate", *options),
        code=code,
    )


def test_a_gate_runs_on_outputs_of_both_variants(project: Callable[..., Any]) -> None:
    made = project()
    for variant in ("baseline", "candidate"):
        ran = bring(made, "o.jsonl", ROWS, variant)
        assert (ran.code, ran.document["imported"], ran.document["unanswered"]) == (0, 4, 0)
    assert made.call("run", made.config, "--jobs", "1").code == 0
    assert made.recording("show", "sums", "--json").document["imported"] == {"outputs": 8}


def test_figures_are_taken_over(project: Callable[..., Any]) -> None:
    made = project(cases=1)
    row = {
        "id": "c0",
        "output": "1",
        "latency_ms": 12.5,
        "prompt_tokens": 3,
        "completion_tokens": 4,
        "finish": "length",
        "cost_usd": 1,
    }
    assert bring(made, "o.jsonl", [row]).code == 0
    (exchange,) = made.open().exchanges()
    assert (exchange.latency_ms, exchange.prompt_tokens, exchange.completion_tokens, exchange.finish) == (12.5, 3, 4, "length")
    assert exchange.request == made.line("candidate", 0)["request"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_table(project: Callable[..., Any], delimiter: str) -> None:
    made = project(cases=2)
    text = (
        delimiter.join(["id", "output", "finish", "latency_ms"])
        + "\r\n"
        + delimiter.join(["c1", '"a ""b"", c"', "", ""])
        + "\r\n"
        + delimiter.join(["c0", "x", "stop", "7"])
        + "\r\n"
    )
    assert bring(made, "o.csv", text).code == 0
    assert sorted((e.text, e.finish, e.latency_ms) for e in made.open().exchanges()) == [
        ('a "b", c', None, None),
        ("x", "stop", 7.0),
    ]


def test_structured_outputs_are_json(project: Callable[..., Any]) -> None:
    made = project(cases=1)
    assert bring(made, "o.jsonl", [{"id": "c0", "output": {"a": ["ü"]}}]).code == 0
    assert made.texts("sums") == {"Add: 0 + 1": '{"a": ["ü"]}'}


def test_repeats_are_imported_one_by_one(project: Callable[..., Any]) -> None:
    made = project(cases=1, samples=2)
    for sample in ("0", "1"):
        for variant in ("baseline", "candidate"):
            assert bring(made, "o.jsonl", [{"id": "c0", "output": sample}], variant, "--sample", sample).code == 0
    assert made.texts("sums") == {
        f"{arm} 0 + 1{mark}": text for arm in ("Sum:", "Add:") for mark, text in (("", "0"), ("#1", "1"))
    }
    assert made.call("run", made.config, "--jobs", "1").code in (0, 1, 4)
    refuse(made, "o.jsonl", [{"id": "c0", "output": "x"}], "there is no sample 2", options=("--sample", "2"))
    refuse(made, "o.jsonl", [{"id": "c0", "output": "x"}], "no sample -1", options=("--sample", "-1"))


def test_cases_without_output_are_named(project: Callable[..., Any]) -> None:
    made = project()
    ran = bring(made, "o.jsonl", [ROWS[2]])
    assert (ran.document["imported"], ran.document["unanswered"]) == (1, 3)
    assert [skipped["message"] for skipped in ran.document["skipped"]] == [
        f"unanswered: case 'c{i}' has no output" for i in (0, 1, 3)
    ]
    assert made.call("run", made.config, "--jobs", "1").code == 3


@pytest.mark.parametrize(
    "row",
    [{"id": "c0", "output": None}, {"id": "c0", "output": None, "error": "boom"}, {"id": "c0", "output": "x", "error": "boom"}],
)
def test_lost_outputs_are_errors(project: Callable[..., Any], row: dict[str, Any]) -> None:
    ran = bring(project(cases=2), "o.jsonl", [row, ROWS[1]])
    assert (ran.document["imported"], ran.document["errors"]) == (1, 1)
    assert ran.document["skipped"][0]["where"].endswith("o.jsonl:1")


def test_an_empty_cell_is_no_answer_and_an_empty_text_is_one(project: Callable[..., Any]) -> None:
    made = project(cases=2)
    assert bring(made, "o.csv", "id,output\nc0,\nc1,x\n").document["errors"] == 1
    assert bring(made, "o.jsonl", [{"id": "c0", "output": ""}]).document["imported"] == 1
    assert made.texts("sums") == {"Add: 0 + 1": "", "Add: 1 + 1": "x"}


WRONG: dict[str, tuple[str, Any, tuple[str, ...]]] = {
    "unknown id": ("o.jsonl", [*ROWS, {"id": "c9", "output": "x"}, {"id": "d", "output": "x"}], ("no case has the id 'c9'", "o.jsonl:5", "no case has the id 'd'", "o.jsonl:6")),
    "number as id": ("o.jsonl", [{"id": 0, "output": "x"}], ("no case has the id '0'",)),
    "other case": ("o.jsonl", [{"id": "C0", "output": "x"}], ("no case has the id 'C0'",)),
    "duplicate id": ("o.jsonl", [*ROWS, ROWS[0]], ("already used", "o.jsonl:5")),
    "nearly duplicate id": ("o.jsonl", [*ROWS, {"id": "C0", "output": "x"}], ("already used", "o.jsonl:5")),
    "no output": ("o.jsonl", [{"id": "c0", "text": "x"}], ("no column 'output'", "o.jsonl:1")),
    "no id": ("o.jsonl", [{"case": "c0", "output": "x"}], ("no column 'id'", "o.jsonl:1")),
    "id of another type": ("o.jsonl", [{"id": ["c0"], "output": "x"}], ("neither text nor", "o.jsonl:1")),
    "no object": ("o.jsonl", [["c0", "x"]], ("a row is an object", "o.jsonl:1")),
    "torn": ("o.jsonl", json.dumps(ROWS[0]) + "\n" + json.dumps(ROWS[1])[:-4], ("not valid JSON", "o.jsonl:2")),
    "conflict": ("o.jsonl", json.dumps(ROWS[0]) + "\n=======\n", ("conflict marker", "o.jsonl:2")),
    "conflict in a table": ("o.csv", "id,output\n<<<<<<< HEAD\nc0,x\n", ("conflict marker", "o.csv:2")),
    "cells": ("o.csv", "id,output\nc0,x,y\n", ("3 cells", "o.csv:2")),
    "open quote": ("o.csv", 'id,output\nc0,"x\n', ("not valid CSV",)),
    "latency": ("o.jsonl", [{**ROWS[0], "latency_ms": "fast"}], ("latency_ms", "o.jsonl:1")),
    "tokens": ("o.jsonl", [{**ROWS[0], "prompt_tokens": 1.5}], ("prompt_tokens", "o.jsonl:1")),
    "finish": ("o.jsonl", [{**ROWS[0], "finish": ["stop"]}], ("finish must be text", "o.jsonl:1")),
    "empty": ("o.jsonl", "", ("0 outputs",)),
    "ending": ("o.xlsx", "x", ("cannot read .xlsx",)),
    "lines": ("o.txt", "one\ntwo\n", ("joined to cases by id",)),
    "deep": ("o.jsonl", '{"id": "c0", "output": ' + "[" * 500 + "]" * 500 + "}\n", ("nested deeper", "o.jsonl:1")),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_outputs_that_do_not_fit_are_refused_whole(project: Callable[..., Any], name: str) -> None:
    file, content, said = WRONG[name]
    refuse(project(), file, content, *said)


@pytest.mark.parametrize("options", [("--variant", "candidate"), ("--config", "configs/sums.yaml")])
def test_gate_and_variant_go_together(project: Callable[..., Any], options: tuple[str, ...]) -> None:
    made = project()
    made.refuse(made.file("o.jsonl", ROWS), "format outputs needs --", options=("--format", "outputs", *options))


def test_a_faulty_gate_is_said(project: Callable[..., Any]) -> None:
    made = project()
    (made.root / "configs" / "sums.yaml").write_text("gate: x\n")
    refuse(made, "o.jsonl", ROWS, "sums.yaml")


def test_another_answer_than_the_recorded_one(project: Callable[..., Any]) -> None:
    made = project()
    made.record()
    rows = [{**row, "prompt_tokens": 5 + i, "completion_tokens": 1, "finish": "stop"} for i, row in enumerate(ROWS)]
    options = ("--format", "outputs", "--config", made.config, "--variant", "candidate")
    same = made.bring(made.file("o.jsonl", rows), *options, into="sums")
    assert (same.document["imported"], same.document["already_there"]) == (0, 4)
    rows[1]["output"] = "no \x1b[31m"
    ran = made.refuse(
        made.file("o.jsonl", rows),
        "sums/0001.jsonl:4 already answers",
        "o.jsonl:2",
        "recorded is '2'",
        options=options,
        into="sums",
    )
    assert "\x1b" not in ran.err


def test_an_imported_key_counts_although_it_is_not_written(project: Callable[..., Any]) -> None:
    made = project(cases=4)
    config = Path(made.config)
    text = config.read_text(encoding="utf-8").partition("thresholds:")
    config.write_text(
        f"{text[0]}safety: [{{blocklist: {{terms: [never said]}}}}]\nthresholds:\n  - {{safety: any, max: 0}}\n", encoding="utf-8"
    )
    for variant, tail in (("baseline", ""), ("candidate", " AKIAIOSFODNN7EXAMPLE")):
        rows = [{**row, "output": row["output"] + tail} for row in ROWS]
        assert bring(made, "o.jsonl", rows, variant).document["redacted"] == (4 if tail else 0)
    (made.root / "o.jsonl").unlink()
    ran = made.call("run", made.config, "--jobs", "1", "--json")
    assert ran.code == 1
    assert (ran.document["safety"]["any"]["baseline"], ran.document["safety"]["any"]["candidate"]) == (0, 4)
    made.no_secret("AKIAIOSFODNN7EXAMPLE", said=ran.out + ran.err)
