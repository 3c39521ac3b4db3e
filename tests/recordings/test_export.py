"""Export: the recording as lines, or the outputs of a variant; a gate replays identically on its own exported outputs."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evalgate.core.canonical import json_line


def outputs(made: Any, variant: str, *options: str, name: str = "sums") -> Any:
    return made.recording("export", name, "--config", made.config, "--variant", variant, "--out", f"{variant}.jsonl", *options)


def test_lines_on_standard_output_and_in_a_file(project: Callable[..., Any]) -> None:
    made = project()
    made.record()
    said = made.recording("export", "sums", "--out", "-")
    assert said.code == 0
    assert [json.loads(line) for line in said.out.splitlines()] == sorted(made.lines(), key=lambda line: line["key"])
    ran = made.recording("export", "sums", "--out", "x.jsonl")
    assert "8 lines in x.jsonl" in ran.out
    assert Path("x.jsonl").read_text(encoding="utf-8") == said.out
    assert sorted(p.name for p in made.root.iterdir() if p.is_file()) == ["x.jsonl"]


def test_only_what_counts_is_exported(project: Callable[..., Any]) -> None:
    made = project()
    lost = made.line("baseline", 0, error="HTTP 500")
    only = made.line("baseline", 1, error="HTTP 429")
    unsealed = {name: value for name, value in made.line("candidate", 1).items() if name != "digest"}
    made.record(lost, made.line("baseline", 0), made.line("baseline", 0), only)
    made.record(unsealed, segment="0002.jsonl")
    exported = [json.loads(line) for line in made.recording("export", "sums", "--out", "-").out.splitlines()]
    wanted = [made.line("baseline", 0), only, made.line("candidate", 1)]
    assert exported == sorted(wanted, key=lambda line: line["key"])


def test_a_gate_replays_identically_on_its_own_exported_outputs(project: Callable[..., Any]) -> None:
    made = project(cases=12)
    made.record()
    first = made.call("run", made.config, "--jobs", "1", "--json", "--out", "first")
    assert first.code == 0, first.err
    for variant in ("baseline", "candidate"):
        assert outputs(made, variant).code == 0
    digest = made.open().digest
    shutil.rmtree(made.folder())
    for variant in ("baseline", "candidate"):
        assert made.bring(f"{variant}.jsonl", "--config", made.config, "--variant", variant, into="sums").code == 0
    assert made.open().digest == digest
    again = made.call("run", made.config, "--jobs", "1", "--json", "--out", "again")
    assert again.out == first.out
    assert (made.root / "first" / "verdict.json").read_bytes() == (made.root / "again" / "verdict.json").read_bytes()


def test_compare_judges_exported_outputs(project: Callable[..., Any]) -> None:
    made = project(cases=12)
    made.record()
    for variant in ("baseline", "candidate"):
        outputs(made, variant)
    rows = [json.loads(line) for line in Path("candidate.jsonl").read_text().splitlines()]
    assert [row["id"] for row in rows] == [f"c{i}" for i in range(12)]
    assert rows[3] == {
        "id": "c3",
        "output": "4",
        "latency_ms": 13.5,
        "prompt_tokens": 8,
        "completion_tokens": 1,
        "finish": "stop",
    }
    references = ("--references", str(made.root / "datasets" / "sums" / "1.0.0" / "cases.jsonl"), "--reference-field", "answer")
    assert (
        made.call(
            "compare", "baseline.jsonl", "candidate.jsonl", *references, "--jobs", "1", "--threshold", "exact_match:min=0.5"
        ).code
        == 0
    )


def test_a_recorded_error_is_a_lost_answer(project: Callable[..., Any]) -> None:
    made = project(cases=2)
    made.record(*made.lines()[:3], made.line("candidate", 1, error="HTTP 500"))
    assert outputs(made, "candidate").code == 0
    rows = [json.loads(line) for line in Path("candidate.jsonl").read_text().splitlines()]
    assert rows[1] == {"id": "c1", "output": None, "error": "the recorded exchange is an error: HTTP 500"}


def test_each_repeat_is_exported_by_itself(project: Callable[..., Any]) -> None:
    made = project(cases=1, samples=2)
    made.record(*(made.line(arm, 0, sample, text=f"{arm}{sample}") for arm in ("baseline", "candidate") for sample in (0, 1)))
    for sample in (0, 1):
        assert outputs(made, "baseline", "--sample", str(sample)).code == 0
        assert json.loads(Path("baseline.jsonl").read_text())["output"] == f"baseline{sample}"
    assert outputs(made, "baseline", "--sample", "2").code == 2


def test_a_miss_names_its_cases_and_nothing_is_written(project: Callable[..., Any]) -> None:
    made = project()
    made.record(*(line for i, line in enumerate(made.lines()) if i not in (3, 7)))
    before = made.snapshot()
    ran = outputs(made, "candidate")
    assert ran.code == 3
    for part in ("2 requests are not answered by the recording", "case c1", "case c3", "--mode record"):
        assert part in ran.err
    said = made.recording("export", "sums", "--config", made.config, "--variant", "candidate", "--out", "-")
    assert (said.code, said.out) == (3, "")
    assert made.snapshot() == before
    assert outputs(made, "baseline").code == 0


def test_many_misses_are_counted(project: Callable[..., Any]) -> None:
    made = project(cases=50)
    made.record(made.lines()[0])
    ran = outputs(made, "candidate")
    assert "50 requests are not answered" in ran.err
    assert "30 more requests" in ran.err


@pytest.mark.parametrize("options", [("--variant", "candidate"), ("--config", "configs/sums.yaml")])
def test_gate_and_variant_go_together(project: Callable[..., Any], options: tuple[str, ...]) -> None:
    made = project()
    made.record()
    ran = made.recording("export", "sums", "--out", "x.jsonl", *options)
    assert ran.code == 2
    assert "go together" in ran.err
    assert not Path("x.jsonl").exists()


@pytest.mark.parametrize(
    "out",
    ["datasets/recordings/sums/x.jsonl", "datasets/recordings/sums/0001.jsonl", "datasets/recordings/../recordings/sums/deep/x"],
)
def test_an_export_never_becomes_part_of_the_recording(project: Callable[..., Any], out: str) -> None:
    made = project()
    made.record()
    before = made.snapshot()
    ran = made.recording("export", "sums", "--out", out)
    assert ran.code == 2
    assert "in the recording itself" in ran.err
    assert made.snapshot() == before


def test_a_file_that_cannot_be_written(project: Callable[..., Any]) -> None:
    made = project()
    made.record()
    ran = made.recording("export", "sums", "--out", "absent/x.jsonl")
    assert ran.code == 3
    assert "cannot be written" in ran.err


def test_a_damaged_recording_is_not_exported(project: Callable[..., Any]) -> None:
    made = project()
    made.record(json_line(made.line("baseline", 0)), "{broken\n")
    ran = made.recording("export", "sums", "--out", "-")
    assert (ran.code, ran.out) == (2, "")
    assert "sums/0001.jsonl:2" in ran.err


def test_a_torn_recording_is_not_exported(project: Callable[..., Any]) -> None:
    made = project()
    made.record(json_line(made.line("baseline", 0)) + "{")
    assert made.recording("export", "sums", "--out", "x.jsonl").code == 2
    assert not Path("x.jsonl").exists()


def test_the_shipped_recordings_travel(project: Callable[..., Any], repository: Path) -> None:
    made = project()
    for name in ("help-bot", "short-answers"):
        source = repository / "datasets" / "recordings" / name
        assert made.recording("export", str(source), "--out", f"{name}.jsonl").code == 0
        assert made.bring(f"{name}.jsonl", into=name).code == 0
        before = made.recording("show", str(source), "--json").document
        after = made.recording("show", name, "--json").document
        assert {f: before[f] for f in before if f not in ("recording", "folder", "segments", "provenance")} == {
            f: after[f] for f in after if f not in ("recording", "folder", "segments", "provenance")
        }
        assert after["segments"][0]["unsealed_lines"] == 0
