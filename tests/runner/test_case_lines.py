"""The lines of cases: a digest that does not know where a project lies, and places for messages."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from evalgate.core.errors import Incomplete
from evalgate.core.values import Case, Output
from evalgate.runner.case_lines import CaseWriter, cases_path, digest_of_cases, digest_of_lines, read_shard_cases
from evalgate.runner.job import ShardTask

CASE = Case(
    id="c1",
    fields={"question": "tab\there, line\nthere, \u2028", "answer": "1"},
    inputs={"question": "tab\there, line\nthere, \u2028"},
    references=("1",),
    slices={"level": "easy"},
    group="a",
    place="/home/ana/project/datasets/sums/cases.jsonl:1",
)
ANSWERS = {"baseline": (Output("x\ty", latency_ms=1.5),), "candidate": (Output("z", labels={"a": "b"}),)}


def written(folder: Path, *cases: Case) -> ShardTask:
    folder.mkdir(exist_ok=True)
    (task,) = CaseWriter(folder).shards([(one, ANSWERS) for one in cases])
    return task


@pytest.mark.parametrize("place", ["", "cases.jsonl:1", "a\tb.jsonl:2", "é\u2028.csv:3"])
def test_a_case_is_read_back_with_its_place(tmp_path: Path, place: str) -> None:
    case = replace(CASE, place=place)
    task = written(tmp_path / "run", case, replace(case, id="c2"))
    lines = read_shard_cases(tmp_path / "run", task)
    assert [line.case for line in lines] == [case, replace(case, id="c2")]
    assert lines[0].outputs == ANSWERS
    assert task.cases == digest_of_lines(lines) == digest_of_cases(cases_path(tmp_path / "run", 0).read_bytes())


@pytest.mark.parametrize("place", ["two\nlines:1", "broken \udcff.jsonl:1"])
def test_a_place_that_no_line_can_hold_is_shown_as_well_as_it_goes(tmp_path: Path, place: str) -> None:
    (line,) = read_shard_cases(tmp_path / "run", written(tmp_path / "run", replace(CASE, place=place)))
    assert replace(line.case, place=place) == replace(CASE, place=place)
    assert line.case.place.endswith(":1") and "\n" not in line.case.place


def test_where_a_project_lies_is_not_in_the_digest_and_everything_else_is(tmp_path: Path) -> None:
    task = written(tmp_path / "one", CASE)
    assert written(tmp_path / "other", replace(CASE, place="D:/elsewhere/cases.jsonl:9")).cases == task.cases
    others = [
        replace(CASE, id="c2"),
        replace(CASE, references=("2",)),
        replace(CASE, fields={**CASE.fields, "more": 1}),
        replace(CASE, inputs={}),
        replace(CASE, slices={"level": "hard"}),
        replace(CASE, group="b"),
    ]
    digests = [written(tmp_path / str(number), other).cases for number, other in enumerate(others)]
    assert len({task.cases, *digests}) == len(others) + 1


def test_a_line_that_changed_is_refused_wherever_it_changed_but_for_its_place(tmp_path: Path) -> None:
    task = written(tmp_path / "run", CASE)
    path = cases_path(tmp_path / "run", 0)
    data = path.read_bytes()
    end = data.index(b"\t")
    for at in range(0, end + 1, 7):
        path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        with pytest.raises(Incomplete, match="changed during the run"):
            read_shard_cases(tmp_path / "run", task)
    path.write_bytes(data + data)
    with pytest.raises(Incomplete, match="changed during the run"):
        read_shard_cases(tmp_path / "run", task)
    path.write_bytes(data[: end + 1] + b"\xff\xfe\n")
    assert read_shard_cases(tmp_path / "run", task)[0].case.id == "c1", "a damaged place is a damaged message"
