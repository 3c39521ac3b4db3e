"""The files of a comparison side by side: the plain join by id, whatever the order, and everything wrong at once."""

from __future__ import annotations

import csv
import hashlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalgate.core.canonical import canonical_json
from evalgate.core.errors import BadInput, Incomplete
from evalgate.core.values import Status
from evalgate.golden import joined_file
from evalgate.golden.outputs import Columns
from evalgate.golden.paired_files import PairedFiles

Rows = Sequence[dict[str, Any]]


def write(path: Path, rows: Rows) -> Path:
    """Rows as a file of the format that the ending says."""
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(list(rows)), path)
    elif path.suffix == ".csv":
        with path.open("w", encoding="utf-8", newline="") as handle:
            writer = csv.DictWriter(handle, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8", newline="")
    return path


def refs(*ids: Any) -> Rows:
    return [{"id": each, "reference": f"r{each}"} for each in ids]


def outs(*ids: Any, text: str = "o") -> Rows:
    return [{"id": each, "output": f"{text}{each}"} for each in ids]


def paired(references: Sequence[Path], baseline: Path, candidate: Path, **how: Any) -> PairedFiles:
    return PairedFiles(references, baseline, candidate, Columns(), **{"slices": (), "group": None, **how})


def refusal(references: Sequence[Path], baseline: Path, candidate: Path, **how: Any) -> list[str]:
    with pytest.raises(BadInput) as caught:
        list(paired(references, baseline, candidate, **how))
    return [str(problem) for problem in caught.value.problems]


def digest(*tables: Rows) -> str:
    rows = [row for table in tables for row in table]
    return "sha256:" + hashlib.sha256(b"".join(canonical_json(row) + b"\n" for row in rows)).hexdigest()


VALUES = st.one_of(
    st.text(max_size=5), st.floats(allow_nan=False, allow_infinity=False), st.lists(st.text(max_size=3)), st.just({"k": [1.0, 1]})
)
IDS = st.lists(
    st.one_of(st.integers(0, 99).map(str), st.sampled_from(["ä", "b c", "😀", "x" * 256])), min_size=1, unique=True, max_size=8
)


@settings(max_examples=60)
@given(data=st.data(), ids=IDS, files=st.integers(1, 3))
def test_any_order_gives_the_plain_join(data: Any, ids: list[str], files: int) -> None:
    def table(column: str) -> Rows:
        return [{"id": each, column: data.draw(VALUES), "more": [each]} for each in data.draw(st.permutations(ids))]

    references = [table("reference") for _ in range(files)]
    sides = {arm: table("output") for arm in ("baseline", "candidate")}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = [write(folder / f"r{at}.jsonl", rows) for at, rows in enumerate(references)]
        found = paired(paths, *(write(folder / f"{arm}.jsonl", rows) for arm, rows in sides.items()))
        got = list(found)
    said = [{row["id"]: row for row in rows} for rows in references]
    answers = {arm: {row["id"]: row["output"] for row in rows} for arm, rows in sides.items()}
    assert [case.id for case, _ in got] == list(said[0])
    for case, outputs in got:
        values = [rows[case.id]["reference"] for rows in said]
        several = files == 1 and isinstance(values[0], list) and values[0]
        assert repr(case.references) == repr(tuple(values[0] if several else values))
        assert case.fields["more"] == [case.id]
        for arm, (output,) in outputs.items():
            answer = answers[arm][case.id]
            assert repr(output.text if isinstance(answer, str) else output.value) == repr(answer)
    assert (found.rows, found.digest) == (len(ids), digest(*references))
    assert {arm: side.digest for arm, side in found.sides.items()} == {arm: digest(rows) for arm, rows in sides.items()}
    assert {arm: side.name for arm, side in found.sides.items()} == {arm: f"{arm}.jsonl" for arm in sides}


@pytest.mark.parametrize("ending", ["jsonl", "csv", "parquet"])
@pytest.mark.parametrize("order", [(1, 2, 3), (3, 1, 2)])
def test_every_format_in_any_order(ending: str, order: tuple[int, ...], tmp_path: Path) -> None:
    names = [str(each) for each in order]
    a, b, c = (tmp_path / f"{name}.{ending}" for name in "abc")
    files = paired([write(a, refs("1", "2", "3"))], write(b, outs(*names)), write(c, outs(*names[::-1], text="c")))
    got = [(case.references, outputs["baseline"][0].text, outputs["candidate"][0].text) for case, outputs in files]
    assert got == [((f"r{each}",), f"o{each}", f"c{each}") for each in "123"]


def test_an_empty_cell_is_a_lost_answer_in_any_order(tmp_path: Path) -> None:
    rows = [{"id": "2", "output": ""}, {"id": "1", "output": "x"}]
    files = paired([write(tmp_path / "r.jsonl", refs("1", "2"))], *(write(tmp_path / f"{name}.csv", rows) for name in "bc"))
    assert [outputs["baseline"][0].status for _, outputs in files] == [Status.OK, Status.ERROR]


@pytest.mark.parametrize("id_field", ["case", "id", "text"])
def test_text_files_are_joined_by_line(id_field: str, tmp_path: Path) -> None:
    paths = [tmp_path / f"{name}.txt" for name in "rbc"]
    for path in paths:
        path.write_text(f"{path.stem}1\r\n\n{path.stem}3", encoding="utf-8", newline="")
    files = PairedFiles(paths[:1], paths[1], paths[2], Columns(id=id_field), slices=(), group=None)
    assert [(case.id, case.references[0], outputs["candidate"][0].text) for case, outputs in files] == [
        ("1", "r1", "c1"), ("2", "", ""), ("3", "r3", "c3")
    ]  # fmt: skip


def test_a_whole_number_and_its_text_are_the_same_id(tmp_path: Path) -> None:
    files = paired([write(tmp_path / "r.jsonl", refs(1, "2"))], *(write(tmp_path / f"{n}.jsonl", outs("1", 2)) for n in "bc"))
    assert [case.id for case, _ in files] == ["1", "2"]


def test_files_about_other_cases_are_told_together(tmp_path: Path) -> None:
    reference = write(tmp_path / "golden.jsonl", refs(*range(10)))
    baseline = write(tmp_path / "b.jsonl", outs(*range(8, 20)))
    candidate = write(tmp_path / "c.jsonl", outs(*range(9, -1, -1), "x"))
    assert refusal([reference], baseline, candidate) == [
        "b.jsonl: 8 of 10 cases have no row: 0, 1, 2, 3, 4 …",
        "b.jsonl: 10 rows have no case in golden.jsonl: 10, 11, 12, 13, 14 …",
        "every case needs its reference and both outputs, joined by id (see --id-field)",
        "c.jsonl: 1 rows have no case in golden.jsonl: x",
    ]


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ((1, 2), "1 of 3 cases have no row: 3"),
        ((2, 3), "1 of 3 cases have no row: 1"),
        ((1, 3), "1 of 3 cases have no row: 2"),
        ((1, 2, 3, 4), "1 rows have no case in r.jsonl: 4"),
        ((0, 1, 2, 3), "1 rows have no case in r.jsonl: 0"),
        ((1, 0, 2, 3), "1 rows have no case in r.jsonl: 0"),
        ((1, 2, "3 "), "1 of 3 cases have no row: 3"),
        ((1, 2, 3, 2), "id '2' is already used at "),
        ((1, 1, 2, 3), "id '1' is already used at "),
        ((3, 2, 2, 1), "id '2' is already used at "),
    ],
)
@pytest.mark.parametrize("name", ["r2.jsonl", "b.jsonl", "c.jsonl"])
def test_one_row_too_few_or_too_many(name: str, found: tuple[Any, ...], said: str, tmp_path: Path) -> None:
    good = {"r2.jsonl": refs(1, 2, 3), "b.jsonl": outs(1, 2, 3), "c.jsonl": outs(3, 2, 1)}
    tables = {**good, name: refs(*found) if name.startswith("r") else outs(*found)}
    second, baseline, candidate = (write(tmp_path / each, rows) for each, rows in tables.items())
    problems = refusal([write(tmp_path / "r.jsonl", refs(1, 2, 3)), second], baseline, candidate)
    assert any(said in problem and name in problem for problem in problems)
    assert all(name in problem or problem.startswith("every case needs") for problem in problems)


def test_ids_that_could_be_taken_for_equal_are_refused_in_every_file(tmp_path: Path) -> None:
    ids = ("A", "b", "a")
    paths = [write(tmp_path / "r.jsonl", refs(*ids))]
    problems = refusal(paths, *(write(tmp_path / f"{name}.jsonl", outs(*ids)) for name in "bc"))
    assert len(problems) == 3
    for problem, name in zip(problems, "rbc", strict=True):
        assert f"{name}.jsonl:3: id 'a' is already used at {tmp_path}/{name}.jsonl:1" in problem


def test_keys_that_are_equal_by_chance_are_no_repeated_ids(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("joined_file", "paired_files", "spooled_rows"):
        monkeypatch.setattr(f"evalgate.golden.{module}.id_key", lambda text: len(text))
    ids = ("1", "2", "33", "44", "555")
    baseline, candidate = write(tmp_path / "b.jsonl", outs(*ids[::-1])), write(tmp_path / "c.jsonl", outs(*ids))
    got = list(paired([write(tmp_path / "r.jsonl", refs(*ids))], baseline, candidate))
    assert [outputs["baseline"][0].text for _, outputs in got] == [f"o{each}" for each in ids]
    assert "id '33' is already used" in refusal(
        [tmp_path / "r.jsonl"], write(tmp_path / "d.jsonl", outs("33", *ids)), candidate
    )[0]  # fmt: skip


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [write(tmp_path / "r.jsonl", refs(1, 2)), *(write(tmp_path / f"{name}.jsonl", outs(1, 2)) for name in "bc")]
    monkeypatch.setattr(joined_file, "repeated_keys", lambda keys: {12345: 2})
    assert refusal(paths[:1], paths[1], paths[2]) == [f"{path}: the file changed while it was read (run again)" for path in paths]


def test_everything_wrong_is_told_at_once(tmp_path: Path) -> None:
    reference = write(tmp_path / "r.jsonl", [{**row, "s": None} for row in refs(1, 2, 3)])
    second = write(tmp_path / "r2.jsonl", [*refs(1, 2), {"id": 3}])
    baseline, candidate = write(tmp_path / "b.jsonl", outs(1, 2)), tmp_path / "c.jsonl"
    candidate.write_text('{"id": 1, "output": "x"}\n{"id": NaN}\n', encoding="utf-8")
    problems = refusal([reference, second], baseline, candidate, slices=("s",))
    for said in ("r2.jsonl:3: no column 'reference'", "r.jsonl:1: column 's' is null", "1 of 3 cases have no row: 3", "c.jsonl:2: not valid JSON"):  # fmt: skip
        assert sum(said in problem for problem in problems) == 1
    problems = refusal([tmp_path / "none.jsonl"], tmp_path / "none.csv", candidate)
    for said in ("none.jsonl: does not exist", "none.csv: does not exist", "c.jsonl:2: not valid JSON"):
        assert sum(said in problem for problem in problems) == 1


def test_a_broken_first_file_says_nothing_about_the_cases_of_others(tmp_path: Path) -> None:
    reference = write(tmp_path / "r.jsonl", [*refs(1), {"id": 2}])
    sides = [write(tmp_path / f"{name}.jsonl", outs(1, 2, 3)) for name in "bc"]
    assert [problem.split(" (")[0] for problem in refusal([reference], *sides)] == [f"{reference}:2: no column 'reference'"]


@pytest.mark.parametrize("content", ["", "\n", " \n\t\n"])
@pytest.mark.parametrize("ending", ["jsonl", "txt", "csv"])
def test_references_with_nothing_in_them(content: str, ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"r.{ending}"
    path.write_text(content, encoding="utf-8")
    problems = refusal([path], *(write(tmp_path / f"{name}.jsonl", outs(1)) for name in "bc"))
    assert len(problems) == 1
    assert str(path) in problems[0]


def test_outputs_with_nothing_in_them(tmp_path: Path) -> None:
    reference, baseline = write(tmp_path / "r.jsonl", refs(1)), write(tmp_path / "b.jsonl", outs(1))
    assert refusal([reference], baseline, write(tmp_path / "c.jsonl", [])) == [f"{tmp_path / 'c.jsonl'}: the file has 0 outputs"]


def test_nothing_is_left_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = tmp_path / "spool"
    spool.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(spool))
    ids = range(50)
    paths = [write(tmp_path / f"r{at}.jsonl", refs(*ids)) for at in range(2)]
    sides = [write(tmp_path / f"{name}.jsonl", outs(*reversed(ids))) for name in "bc"]
    reading = iter(paired(paths, *sides))
    next(reading)
    reading.close()  # type: ignore[attr-defined]
    assert not list(spool.iterdir())
    assert len(list(paired(paths, *sides))) == 50
    refusal(paths, sides[0], write(tmp_path / "c.jsonl", outs(*reversed(ids), "x")))
    assert not list(spool.iterdir())


def test_a_disk_that_refuses_is_no_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    reference, baseline = write(tmp_path / "r.jsonl", refs(1, 2)), write(tmp_path / "b.jsonl", outs(1, 2))
    assert len(list(paired([reference], baseline, baseline))) == 2
    with pytest.raises(Incomplete, match="cannot be written"):
        list(paired([reference], baseline, write(tmp_path / "c.jsonl", outs(2, 1))))


def test_a_second_pass_is_a_mistake(tmp_path: Path) -> None:
    files = paired([write(tmp_path / "r.jsonl", refs(1))], *(write(tmp_path / f"{name}.jsonl", outs(1)) for name in "bc"))
    list(files)
    with pytest.raises(RuntimeError):
        list(files)


SCRIPT = """
import pathlib, sys, tracemalloc
import numpy
from evalgate.golden.outputs import Columns
from evalgate.golden.paired_files import PairedFiles
a, b, c = map(pathlib.Path, sys.argv[1:])
tracemalloc.start()
print(sum(1 for _ in PairedFiles([a], b, c, Columns(), slices=(), group=None)))
print(tracemalloc.get_traced_memory()[1])
"""


@pytest.mark.parametrize("backwards", [False, True])
def test_files_larger_than_the_memory_that_is_used(backwards: bool, tmp_path: Path) -> None:
    ids, text = list(range(2_000)), "x" * 5_000
    reference = write(tmp_path / "r.jsonl", [{"id": each, "reference": text} for each in ids])
    ids = ids[::-1] if backwards else ids
    sides = [write(tmp_path / f"{name}.jsonl", [{"id": each, "output": text} for each in ids]) for name in "bc"]
    assert sum(path.stat().st_size for path in (reference, *sides)) > 30_000_000
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(reference), *map(str, sides)], capture_output=True, text=True, check=True
    )
    rows, peak = map(int, done.stdout.split())
    assert rows == 2_000
    assert peak < 3_000_000
