"""A finished run that somebody edited is not evidence: `compare RUN RUN` and `dataset add --from RUN` refuse it and name the file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import evalgate
from evalgate.cli.main import main
from evalgate.core.canonical import digest, digest_file
from evalgate.evidence.manifest import root_digest, verdict_digest

CARD = "name: sums\nversion: 1.0.0\ndata: cases.jsonl\nid: id\ninputs: [question]\nreference: answer\n"
SHARD, RECEIPT = Path("shards", "00000.parquet"), Path("shards", "00000.json")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    rows = [{"id": f"c{n}", "question": f"How much is {n} + {n * n}?", "reference": str(n + n * n)} for n in range(8)]
    for name, wrong in (("old", 9), ("new", 2)):
        lines = [json.dumps({"id": row["id"], "output": "no" if n >= wrong else row["reference"]}) for n, row in enumerate(rows)]
        Path(f"{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    Path("refs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    evalgate.compare("old.jsonl", "new.jsonl", references="refs.jsonl", metrics=["exact_match"], out="run")
    folder = Path("datasets", "sums", "1.0.0")
    folder.mkdir(parents=True)
    (folder / "dataset.yaml").write_text(CARD, encoding="utf-8")
    (folder / "cases.jsonl").write_text('{"id": "x", "question": "What?", "answer": "that"}\n', encoding="utf-8")
    return Path("run")


def _commands(run: Path) -> list[list[str]]:
    return [["compare", str(run), str(run), "--out", "again"],
            *(["dataset", "add", "sums@1.0.0", "--from", str(run), "--cases", kind] for kind in ("all", "regressed"))]  # fmt: skip


def _document(run: Path, name: str | Path, change: Callable[[Any], object]) -> None:
    value = json.loads((run / name).read_text("utf-8"))
    change(value)
    (run / name).write_text(json.dumps(value), encoding="utf-8")


def _table(run: Path, change: Callable[[dict[str, list[Any]]], object], *, receipt: bool) -> None:
    table = pq.read_table(run / SHARD)
    columns = table.to_pydict()
    change(columns)
    pq.write_table(pa.table([pa.array(columns[f.name], f.type) for f in table.schema], schema=table.schema), run / SHARD)
    if receipt:
        _document(run, RECEIPT, lambda value: value.update(file=digest_file(run / SHARD)))


def _answers(columns: dict[str, list[Any]]) -> None:
    """As a review found it: the wrong answers of the candidate are made right."""
    details = [json.loads(text) for text in columns["details"]]
    for detail in details:
        detail["candidate"]["text"] = detail["references"][0]
    columns["details"] = [json.dumps(detail) for detail in details]


def _first_id(columns: dict[str, list[Any]]) -> None:
    columns["id"][0] = "other"


EDITS: dict[str, tuple[Callable[[Path], object], str]] = {
    "answers": (lambda run: _table(run, _answers, receipt=False), "00000.parquet"),
    "answers and the receipt": (lambda run: _table(run, _answers, receipt=True), "00000.parquet"),
    "an id and the receipt": (lambda run: _table(run, _first_id, receipt=True), "00000.parquet"),
    "a row less and the receipt": (
        lambda run: (pq.write_table(pq.read_table(run / SHARD).slice(1), run / SHARD),
                     _document(run, RECEIPT, lambda v: v.update(file=digest_file(run / SHARD)))), "00000.parquet"),
    "scores": (
        lambda run: _table(run, lambda c: c.update({"candidate.scores": c["baseline.scores"]}), receipt=False), "00000.parquet"),
    "a damaged shard": (lambda run: (run / SHARD).write_bytes(b"PAR1"), "00000.parquet"),
    "a damaged shard and the receipt": (
        lambda run: ((run / SHARD).write_bytes(b"PAR1"), _document(run, RECEIPT, lambda v: v.update(file=digest_file(run / SHARD)))),
        "00000.parquet"),
    "no shard": (lambda run: (run / SHARD).unlink(), "00000.parquet"),
    "no receipt": (lambda run: (run / RECEIPT).unlink(), "00000.json"),
    "a receipt of other content": (lambda run: _document(run, RECEIPT, lambda v: v.update(content="sha256:0")), "00000.json"),
    "a receipt that is a list": (lambda run: (run / RECEIPT).write_text("[]"), "00000.json"),
    "a receipt that is no JSON": (lambda run: (run / RECEIPT).write_text("{"), "00000.json"),
    "rows of the manifest": (lambda run: _document(run, "manifest.json", lambda v: v["results"]["shards"][0].update(rows=7)), "manifest.json"),
    "content in the manifest": (
        lambda run: _document(run, "manifest.json", lambda v: v["results"]["shards"][0].update(content="sha256:0")), "manifest.json"),
    "an input of the manifest": (lambda run: _document(run, "manifest.json", lambda v: v["materials"]["inputs"].update(more="x")), "manifest.json"),
    "the plan": (lambda run: _document(run, "plan.json", lambda v: v.update(seed=7)), "plan.json"),
    "metrics of the plan": (lambda run: _document(run, "plan.json", lambda v: v["metrics"][0].update(name="x")), "plan.json"),
    "the run's name": (lambda run: _document(run, "verdict.json", lambda v: v.update(run_id="0" * 12)), "verdict.json"),
    "a short name": (lambda run: _document(run, "verdict.json", lambda v: v.update(run_id="")), "verdict.json"),
    "the gate": (lambda run: _document(run, "verdict.json", lambda v: v.update(gate="another")), "verdict.json"),
    "the dataset": (lambda run: _document(run, "verdict.json", lambda v: v["dataset"].update(version="9")), "verdict.json"),
    "the dataset's digest": (lambda run: _document(run, "verdict.json", lambda v: v["dataset"].update(digest="x")), "verdict.json"),
    "a figure": (lambda run: _document(run, "verdict.json", lambda v: v["metrics"]["exact_match"].update(delta=1)), "verdict.json"),
    "the decision": (lambda run: _document(run, "verdict.json", lambda v: v.update(verdict="fail", exit_code=1)), "verdict.json"),
    "the cases": (lambda run: _document(run, "verdict.json", lambda v: v["cases"].update(total=7)), "verdict.json"),
    "no evidence": (lambda run: _document(run, "verdict.json", lambda v: v.pop("evidence")), "run"),
    "no shards": (lambda run: _document(run, "manifest.json", lambda v: v["results"].pop("shards")), "run"),
    "shards of numbers": (lambda run: _document(run, "manifest.json", lambda v: v["results"].update(shards=[1])), "run"),
}  # fmt: skip


def test_a_run_that_was_left_alone_is_evidence(run: Path) -> None:
    for command in _commands(run):
        assert main([*command, "--quiet"]) == 0


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_run_is_refused_with_the_file(edit: str, run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change, name = EDITS[edit]
    change(run)
    for command in _commands(run):
        capsys.readouterr()
        assert main(command) == 2, command
        assert name in capsys.readouterr().err
    assert not Path("datasets", "sums", "1.1.0-staged").exists()
    assert not Path("again", "verdict.json").exists()


def test_runs_of_runs_are_evidence_too(run: Path) -> None:
    assert main(["compare", str(run), str(run), "--out", "twice", "--quiet"]) == 0
    assert main(["compare", "twice", str(run), "--out", "thrice", "--quiet"]) == 0


def test_white_space_in_the_documents_is_no_edit(run: Path) -> None:
    for name in ("plan.json", "manifest.json", "verdict.json"):
        _document(run, name, lambda value: None)
    assert main([*_commands(run)[0], "--quiet"]) == 0


def test_a_run_of_several_answers_is_still_told_so(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _document(run, "plan.json", lambda value: value.update(samples=3))
    named = digest(json.loads((run / "plan.json").read_text("utf-8")))
    _document(run, "verdict.json", lambda value: value.update(run_id=named.removeprefix("sha256:")[:12]))
    said = verdict_digest(json.loads((run / "verdict.json").read_text("utf-8")))
    _document(run, "manifest.json", lambda value: (value["materials"].update(plan=named), value["results"].update(verdict=said)))
    sealed = json.loads((run / "manifest.json").read_text("utf-8"))
    root = root_digest(sealed["materials"], sealed["results"])
    _document(run, "manifest.json", lambda value: value.update(root=root))
    _document(run, "verdict.json", lambda value: value["evidence"].update(manifest_digest=root))
    assert main(_commands(run)[0]) == 2
    assert "3 answers to each case" in capsys.readouterr().err
