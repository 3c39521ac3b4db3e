"""`evalgate compare RUN RUN`: only cases that are the same in both count, and what is left out is said everywhere."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

import evalgate
from evalgate.cli.main import main
from evalgate.pipeline.staging_runs import RunCases

Case = tuple[str, str, str, str]
"""id, question, reference, answer of the candidate."""
OLD: Sequence[Case] = (
    ("a", "1 + 1", "2", "2"),
    ("b", "1 + 2", "3", "no"),
    ("c", "1 + 3", "4", "4"),
    ("d", "1 + 4", "5", "no"),
    ("gone", "1 + 5", "6", "6"),
)
NEW: Sequence[Case] = (
    ("d", "1 + 4", "5", "5"),
    ("a", "1 + 1", "2", "2"),
    ("b", "1 + 2", "3", "3"),
    ("c", "1 + 3", "four", "four"),
    ("come", "1 + 6", "7", "no"),
)
MakeRun = Callable[..., Path]


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    """A finished run over some cases: `make_run("old", OLD)`."""

    def make(name: str, cases: Sequence[Case], extra: Mapping[str, Any] | None = None, **options: Any) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        more = extra or {}
        rows = [{"id": i, "question": q, "reference": r, "output": o, "level": "x", "team": i, **more} for i, q, r, o in cases]
        for row in rows:
            if row["output"] == "LOST":
                row["output"] = None
        (folder / "outputs.jsonl").write_text(
            "".join(json.dumps({k: row[k] for k in ("id", "output")}) + "\n" for row in rows), encoding="utf-8"
        )
        (folder / "references.jsonl").write_text(
            "".join(json.dumps({k: v for k, v in row.items() if k != "output"}) + "\n" for row in rows), encoding="utf-8"
        )
        outputs = folder / "outputs.jsonl"
        evalgate.compare(
            outputs,
            outputs,
            references=folder / "references.jsonl",
            metrics=["exact_match"],
            out=folder / "run",
            **{"slices": ["level"], **options},
        )
        return folder / "run"

    return make


def _call(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    capsys.readouterr()
    try:
        code = main(arguments)
    except SystemExit as stop:
        code = int(stop.code or 0)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_only_the_same_cases_count_and_the_rest_is_said_everywhere(
    make_run: MakeRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new, out = make_run("old", OLD), make_run("new", NEW), tmp_path / "out"
    code, stdout, err = _call(capsys, "compare", str(old), str(new), "--metric", "exact_match", "--out", str(out), "--json")
    document = json.loads(stdout)
    assert code == 0
    metric = document["metrics"]["exact_match"]
    assert (metric["n"], round(metric["baseline"], 6), metric["candidate"]) == (3, 0.333333, 1.0)
    shared = document["dataset"]["shared"]
    assert shared["cases"] == document["dataset"]["cases"] == 3
    for arm, name in (("baseline", "gone"), ("candidate", "come")):
        assert shared[arm]["left_out"] == {"changed": 1, "not_in_the_other": 1}
        assert shared[arm]["examples"] == ["c", name]
        assert shared[arm]["cases"] == 5
    assert "compared on 3 cases that are the same in both; left out: baseline: 2 of 5; candidate: 2 of 5" in err
    assert json.loads((out / "plan.json").read_text("utf-8"))["dataset"]["shared"] == shared


def test_the_reports_say_it(make_run: MakeRun, capsys: pytest.CaptureFixture[str]) -> None:
    from evalgate.report.page import render_html
    from evalgate.report.summary import render_markdown

    result = evalgate.compare(make_run("old", OLD), make_run("new", NEW), metrics=["exact_match"])
    said = "compared on the 3 cases that are the same in both, 2 of 5 of the baseline left out"
    assert said in render_markdown(result.finished.record)
    assert said in render_html(result.finished.record)


def test_the_answers_of_each_runs_candidate_are_compared(make_run: MakeRun) -> None:
    result = evalgate.compare(make_run("old", OLD), make_run("new", NEW), metrics=["exact_match"])
    found = {case.id: (case.baseline.text, case.candidate.text) for case in result.finished.record.cases}
    assert found == {"a": ("2", "2"), "b": ("no", "3"), "d": ("no", "5")}


def test_a_run_against_itself_leaves_nothing_out_and_keeps_the_name_of_the_dataset(make_run: MakeRun) -> None:
    run = make_run("old", OLD)
    document = evalgate.compare(run, run, metrics=["exact_match"]).document
    assert document["dataset"]["cases"] == 5
    assert document["dataset"]["digest"] == json.loads((run / "verdict.json").read_text("utf-8"))["dataset"]["digest"]
    assert document["metrics"]["exact_match"]["delta"] == 0
    assert all(
        document["dataset"]["shared"][arm]["left_out"] == {"changed": 0, "not_in_the_other": 0}
        for arm in ("baseline", "candidate")
    )


def test_thresholds_hold_and_fail_on_the_shared_cases(make_run: MakeRun, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = make_run("old", OLD), make_run("new", NEW)
    rule = ("--metric", "exact_match", "--threshold", "exact_match:min=0.9,decide=estimate")
    assert _call(capsys, "compare", str(old), str(new), *rule)[0] == 0
    assert _call(capsys, "compare", str(new), str(old), *rule)[0] == 1


def test_a_lost_answer_stays_lost(make_run: MakeRun, capsys: pytest.CaptureFixture[str]) -> None:
    lost = [*NEW[:2], ("b", "1 + 2", "3", "LOST"), *NEW[3:]]
    budget = ["run.error_rate:max=50%"]
    code, _, err = _call(
        capsys, "compare", str(make_run("old", OLD)), str(make_run("new", lost, thresholds=budget)), "--metric", "exact_match"
    )
    assert code == 3
    assert "case b: no answer of the candidate" in err


@pytest.mark.parametrize("column", ["question", "reference"])
def test_runs_that_share_no_case_are_refused(make_run: MakeRun, capsys: pytest.CaptureFixture[str], column: str) -> None:
    place = {"question": 1, "reference": 2}[column]
    other = [tuple(f"{v}!" if n == place else v for n, v in enumerate(case)) for case in OLD]
    code, _, err = _call(capsys, "compare", str(make_run("old", OLD)), str(make_run("new", other)))  # type: ignore[arg-type]
    assert code == 2
    assert "5 ids stand in both" in err


def test_other_ids_are_other_cases(make_run: MakeRun, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = _call(capsys, "compare", str(make_run("old", OLD)), str(make_run("new", [("z", "1 + 1", "2", "2")])))
    assert code == 2
    assert "no id stands in both" in err


def test_another_group_makes_another_case(make_run: MakeRun, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = make_run("old", OLD, group="team"), make_run("new", OLD, extra={"team": "all"}, group="team")
    assert _call(capsys, "compare", str(old), str(new))[0] == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--references", "x.jsonl"), "bring their own references"),
        (("--group", "team"), "bring their own groups"),
        (("--id-field", "key"), "no columns to choose"),
        (("--slice", "topic"), "no slice 'topic'"),
        (("--metric", "nonsense"), "nonsense"),
    ],
)
def test_what_makes_no_sense_for_runs_is_refused(
    make_run: MakeRun, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    run = str(make_run("old", OLD))
    code, _, err = _call(capsys, "compare", run, run, *arguments)
    assert code == 2
    assert said in err


def test_slices_of_both_runs_can_be_judged(make_run: MakeRun) -> None:
    document = evalgate.compare(make_run("old", OLD), make_run("new", NEW), metrics=["exact_match"], slices=["level"]).document
    assert document["slices"]["level=x"]["cases"] == 3


def test_a_run_and_a_file_are_not_compared(make_run: MakeRun, capsys: pytest.CaptureFixture[str]) -> None:
    run = make_run("old", OLD)
    file = str(run.parent / "outputs.jsonl")
    for sides in ((str(run), file), (file, str(run))):
        code, _, err = _call(capsys, "compare", *sides)
        assert code == 2
        assert "the other is not" in err


def test_files_still_need_references(make_run: MakeRun, capsys: pytest.CaptureFixture[str]) -> None:
    file = str(make_run("old", OLD).parent / "outputs.jsonl")
    code, _, err = _call(capsys, "compare", file, file)
    assert code == 2
    assert "no reference file" in err


def test_a_folder_that_is_no_finished_run_is_refused(
    make_run: MakeRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = make_run("old", OLD)
    (tmp_path / "empty").mkdir()
    code, _, err = _call(capsys, "compare", str(run), str(tmp_path / "empty"))
    assert code == 2
    assert "no finished run" in err


def test_the_same_comparison_gives_the_same_bytes(make_run: MakeRun, tmp_path: Path) -> None:
    old, new = make_run("old", OLD), make_run("new", NEW)
    for name, jobs in (("one", 1), ("two", 2)):
        evalgate.compare(old, new, metrics=["exact_match"], out=tmp_path / name, jobs=jobs)
    assert (tmp_path / "one" / "verdict.json").read_bytes() == (tmp_path / "two" / "verdict.json").read_bytes()


def test_a_secret_that_was_taken_out_of_an_answer_still_counts(make_run: MakeRun) -> None:
    leaked = [(i, q, r, f"{o} [redacted:openai-key]" if i == "a" else o) for i, q, r, o in OLD]
    document = evalgate.compare(
        make_run("old", OLD), make_run("new", leaked), metrics=["length"], safety=["blocklist:terms=[never]"]
    ).document
    assert document["safety"]["blocklist"]["new"] == 1


def test_a_run_that_has_a_case_twice_is_refused(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = make_run("old", OLD), make_run("new", NEW)
    once = RunCases.chosen
    monkeypatch.setattr(RunCases, "chosen", lambda self, kind: [*once(self, kind), *list(once(self, kind))[:1]])
    code, _, err = _call(capsys, "compare", str(old), str(new))
    assert code == 2
    assert err.count("a case occurs twice in the run") == 2
