"""A run that was killed after it had read its cases does not read them again, unless anything is different."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evalgate.core.errors import BadInput
from evalgate.core.values import ARMS
from evalgate.golden.outputs import Columns
from evalgate.golden.paired_files import PairedFiles
from evalgate.runner import reading
from evalgate.runner.case_lines import CaseWriter, cases_path
from evalgate.runner.job import shard_rows
from evalgate.runner.reading import READING_FILE, has_reading, read_tasks

SHARDS = 4
CASES = sum(shard_rows(shard) for shard in range(SHARDS))


@pytest.fixture(autouse=True)
def _few_are_worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "WORTH_KEEPING", SHARDS)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    for name in ("reference", "baseline", "candidate"):
        column = "reference" if name == "reference" else "output"
        rows = ({"id": i, column: f"{name} {i}", "level": i % 3} for i in range(CASES))
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def paired(files: Path, **how: Any) -> PairedFiles:
    references, base, candidate = (files / f"{name}.jsonl" for name in ("reference", "baseline", "candidate"))
    return PairedFiles(
        [references],
        base,
        candidate,
        how.pop("columns", Columns()),
        slices=how.pop("slices", ("level",)),
        group=how.pop("group", None),
    )


def read(folder: Path, source: PairedFiles, program: str = "p") -> tuple[list[Any], CaseWriter, bool]:
    writer, looked = CaseWriter(folder), []

    def watched() -> Any:
        for case in source:
            looked.append(1)
            yield case

    tasks = list(read_tasks(writer, source, writer.shards(watched()), lambda: program))
    return tasks, writer, bool(looked)


def test_what_was_read_is_not_read_again(files: Path, tmp_path: Path) -> None:
    first, again = paired(files), paired(files)
    tasks, writer, looked = read(tmp_path, first)
    assert looked
    assert has_reading(tmp_path)
    same, other, looked = read(tmp_path, again)
    assert not looked
    assert same == tasks
    assert (other.rows, other.slice_values) == (writer.rows, writer.slice_values) == (CASES, {"level": {"0", "1", "2"}})
    assert (again.rows, again.digest, again.sides) == (first.rows, first.digest, first.sides)
    assert set(again.sides) == set(map(str, ARMS))


@pytest.mark.parametrize(
    "how", [{"slices": ()}, {"group": "level"}, {"columns": Columns(labels=("level",))}, {"columns": Columns(id="level")}]
)
def test_other_ways_to_read_read_again(files: Path, tmp_path: Path, how: dict[str, Any]) -> None:
    read(tmp_path, paired(files))
    if how.get("columns") == Columns(id="level"):
        with pytest.raises(BadInput, match="already used"):
            read(tmp_path, paired(files, columns=Columns(id="level")))
        return
    assert read(tmp_path, paired(files, **how))[2]


def test_another_program_reads_again(files: Path, tmp_path: Path) -> None:
    read(tmp_path, paired(files))
    assert read(tmp_path, paired(files), program="q")[2]


@pytest.mark.parametrize(
    "damage", ["case", "gone", "empty", "schema", "member", "fingerprint", "sides", "torn", "file", "cut", "order", "rows"]
)
def test_whatever_is_not_as_it_was_is_read_again(files: Path, tmp_path: Path, damage: str) -> None:
    tasks, _, _ = read(tmp_path, paired(files))
    place = tmp_path / READING_FILE
    value = json.loads(place.read_text())
    one = cases_path(tmp_path, 3)
    if damage == "case":
        one.write_bytes(one.read_bytes().replace(b"candidate", b"Candidate", 1))
    elif damage == "gone":
        one.unlink()
    elif damage == "torn":
        place.write_text(place.read_text()[:-40])
    elif damage == "empty":
        place.write_text(json.dumps({**value, "tasks": []}))
    elif damage == "cut":
        place.write_text(json.dumps({**value, "tasks": value["tasks"][:-1]}))
    elif damage == "order":
        place.write_text(json.dumps({**value, "tasks": value["tasks"][::-1]}))
    elif damage == "rows":
        place.write_text(json.dumps({**value, "came_to": {**value["came_to"], "rows": 7}}))
    elif damage == "schema":
        place.write_text(json.dumps({**value, "schema": "evalgate.reading/0"}))
    elif damage == "member":
        place.write_text(json.dumps({**value, "more": 1}))
    elif damage == "fingerprint":
        place.write_text(json.dumps({**value, "fingerprint": "sha256:0"}))
    elif damage == "sides":
        place.write_text(json.dumps({**value, "came_to": {"rows": 1}}))
    else:
        copy = tmp_path / "copy"
        copy.mkdir()
        for path in files.iterdir():
            (copy / path.name).write_bytes(path.read_bytes())
        (copy / "candidate.jsonl").write_bytes((copy / "candidate.jsonl").read_bytes().replace(b'candidate 7"', b'candidate 8"'))
        assert read(tmp_path, paired(copy))[2]
        return
    again, writer, looked = read(tmp_path, paired(files))
    assert looked
    assert (again, writer.rows) == (tasks, CASES)


def test_few_cases_are_not_worth_remembering(files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "WORTH_KEEPING", SHARDS + 1)
    read(tmp_path, paired(files))
    assert not has_reading(tmp_path)


def test_a_file_that_changes_while_it_is_read_is_not_remembered(files: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in files.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    source = paired(copy)
    (copy / "baseline.jsonl").write_bytes((copy / "baseline.jsonl").read_bytes() + b"\n")
    read(tmp_path / "run", source)
    assert not has_reading(tmp_path / "run")
