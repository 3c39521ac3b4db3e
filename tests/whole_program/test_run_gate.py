"""Whole runs of `evalgate run`: exit codes, documents, and what is left behind."""

from __future__ import annotations

import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest

import evalgate

Make = Callable[..., "object"]


def test_a_better_candidate_passes(project) -> None:
    ran = project().run("--json")
    assert ran.code == 0
    assert ran.document["verdict"] == "pass"
    assert ran.document["exit_code"] == 0
    metric = ran.document["metrics"]["exact_match"]
    assert metric["baseline"] == 0.5
    assert metric["candidate"] == 0.9
    assert metric["delta"] == pytest.approx(0.4)
    assert metric["ci"][0] < 0.4 < metric["ci"][1]
    assert ran.document["cases"] == {
        "by": "exact_match", "total": 40, "improved": 16, "regressed": 0, "unchanged": 24, "errors": {"baseline": 0, "candidate": 0},
    }  # fmt: skip
    assert "PASS" in ran.err


@pytest.mark.parametrize(
    ("changes", "code", "verdict"),
    [
        ({"base": 36, "right": 20}, 1, "fail"),
        ({"thresholds": ("{metric: exact_match, min: 0.95}",), "right": 20}, 1, "fail"),
        ({"thresholds": ("{metric: exact_match, max_newly_failing: 3}",), "base": 30, "right": 20}, 1, "fail"),
        ({"base": 20, "right": 22, "thresholds": ("{metric: exact_match, max_regression: 0.01}",)}, 4, "inconclusive"),
        ({"cases": 6, "base": 3, "right": 6}, 4, "inconclusive"),
        ({"thresholds": ("{metric: exact_match, max_newly_failing: 0}",)}, 0, "pass"),
        ({"thresholds": ("{metric: exact_match, min_improvement: 0.05, slice: {level: odd}}",), "right": 40}, 0, "pass"),
        (
            {"thresholds": ("{metric: latency_ms.p50, max_regression: 10%}",), "metrics": "[exact_match, latency_ms]"},
            4,
            "inconclusive",
        ),
    ],
)
def test_exit_codes_follow_the_verdict(project, changes, code, verdict) -> None:
    made = project(**changes)
    ran = made.run("--json")
    assert (ran.code, ran.document["verdict"]) == (code, verdict)
    assert ran.document["exit_code"] == code


def test_a_warning_never_blocks(project) -> None:
    rules = ("{metric: exact_match, min: 0.99, level: warn}", "{metric: exact_match, min_improvement: 0.05}")
    ran = project(thresholds=rules).run("--json")
    assert ran.code == 0
    assert ran.document["thresholds"][0]["verdict"] == "fail"
    assert "warning" in ran.document["reason"]


def test_only_warnings_decide_nothing(project) -> None:
    ran = project(thresholds=("{metric: exact_match, min: 0.1, level: warn}",)).run("--json")
    assert ran.code == 4


def test_safety_counts_block(project) -> None:
    answers = {("Add:", 3): "this is guaranteed", ("Add:", 4): "GUARANTEED!"}
    safety = "[{blocklist: {terms: [guaranteed]}}]"
    ran = project(safety=safety, thresholds=("{safety: any, max_increase: 0}",), answers=answers).run("--json")
    assert ran.code == 1
    counts = ran.document["safety"]["blocklist"]
    assert (counts["baseline"], counts["candidate"], counts["new"], counts["fixed"], counts["cases"]) == (0, 2, 2, 0, 40)
    assert counts["upper_bound"] > 2 / 40


def test_zero_violations_print_the_bound(project) -> None:
    made = project(
        cases=200, base=100, right=190, safety="[{blocklist: {terms: [x1]}}]", thresholds=("{safety: blocklist, max: 0}",)
    )
    counts = made.run("--json").document["safety"]["blocklist"]
    assert counts["upper_bound"] == pytest.approx(1 - 0.05 ** (1 / 200), abs=1e-9)  # the rule of three's exact form


def test_everything_is_written_and_agrees(project) -> None:
    made = project()
    ran = made.run("--json")
    folder = next(path for path in (made.root / "reports" / "sums").iterdir() if path.is_dir())
    assert folder.name == ran.document["run_id"]
    names = {p.name for p in folder.iterdir()}
    documents = {"plan.json", "manifest.json", "run.json", "verdict.json", "attempts.json", "health.json", "record.json"}
    assert names == {*documents, "report.html", "junit.xml", "summary.md", "comment.md", "shards"}
    assert {p.name for p in folder.parent.iterdir()} == {folder.name, "attempts.jsonl"}
    assert json.loads((folder / "verdict.json").read_text(encoding="utf-8")) == ran.document
    suite = ET.fromstring((folder / "junit.xml").read_bytes())
    assert suite.get("failures") == "0"
    assert "PASS" in (folder / "summary.md").read_text(encoding="utf-8")
    assert "PASS" in (folder / "report.html").read_text(encoding="utf-8")


def test_same_bytes_for_any_number_of_jobs_and_runs(project) -> None:
    made = project(cases=200, base=100, right=120, metrics="[exact_match, rougeL, chrf]")
    found = set()
    for out, arguments in (("a", ["--jobs", "1"]), ("b", ["--jobs", "4"]), ("c", []), ("a", ["--jobs", "1"]), ("a", ["--fresh"])):
        folder = made.root / out
        made.run("--out", str(folder), *arguments)
        found.add((folder / "verdict.json").read_bytes())
    assert len(found) == 1


def test_finished_shards_are_reused_and_damaged_ones_are_not(project) -> None:
    made = project(cases=200, base=100, right=120)
    folder = made.root / "out"
    made.run("--out", str(folder))
    before = (folder / "verdict.json").read_bytes()
    kept, torn = folder / "shards" / "00000.parquet", folder / "shards" / "00001.parquet"
    stamp = kept.stat().st_mtime_ns
    torn.write_bytes(torn.read_bytes()[:-7])
    made.run("--out", str(folder))
    assert (folder / "verdict.json").read_bytes() == before
    assert kept.stat().st_mtime_ns == stamp
    assert len(torn.read_bytes()) > 7


def test_a_stale_verdict_does_not_survive_a_run_that_cannot_finish(project) -> None:
    made = project()
    folder = made.root / "out"
    assert made.run("--out", str(folder)).code == 0
    lines = made.tape.read_text(encoding="utf-8").splitlines(keepends=True)
    made.tape.write_text("".join(lines[:-1]), encoding="utf-8")
    ran = made.run("--out", str(folder), "--json")
    assert ran.code == 3
    assert not (folder / "verdict.json").exists()
    assert not (folder / "report.html").exists()
    assert ran.document["schema"] == "evalgate.error/1"
    assert "c39" in ran.err


def test_a_miss_names_the_case_and_what_differs(project) -> None:
    made = project()
    text = made.config.read_text(encoding="utf-8").replace("temperature: 0", "temperature: 1")
    made.config.write_text(text, encoding="utf-8")
    ran = made.run()
    assert ran.code == 3
    assert "80 requests are not answered" in ran.err
    assert "parameter temperature: 0 is recorded, 1 is asked" in ran.err


def test_no_socket_is_opened(project, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a socket was opened")

    made = project()
    monkeypatch.setattr(socket, "socket", refuse)
    assert made.run().code == 0


def test_the_api_returns_values_and_a_frame(project) -> None:
    made = project()
    result = evalgate.run(made.config)
    assert result.exit_code == 0
    assert result.verdict.results.metrics["exact_match"].candidate.value == 0.9
    frame = result.cases()
    assert len(frame) == 40
    assert frame["candidate.exact_match"].mean() == pytest.approx(0.9)
    assert set(frame["slice.level"]) == {"even", "odd"}
    assert (frame["movement"] == "improved").sum() == 16


def test_a_locked_folder_is_refused(project) -> None:
    import os
    import socket

    made = project()
    folder = made.root / "out"
    folder.mkdir()
    holder = {"pid": os.getpid(), "host": socket.gethostname(), "since": "now"}
    (folder / ".lock").write_text(json.dumps(holder), encoding="utf-8")
    ran = made.run("--out", str(folder))
    assert ran.code == 2
    assert "locked by process" in ran.err
    (folder / ".lock").write_text(json.dumps({**holder, "pid": 2**22 + 5}), encoding="utf-8")
    assert made.run("--out", str(folder)).code == 0


def test_a_foreign_folder_is_left_alone(project) -> None:
    made = project()
    folder = made.root / "home"
    folder.mkdir()
    (folder / "thesis.txt").write_text("mine", encoding="utf-8")
    assert made.run("--out", str(folder)).code == 2
    assert [p.name for p in folder.iterdir()] == ["thesis.txt"]


def test_modes_that_call_a_model_need_a_key_and_leave_nothing_behind_without(project, monkeypatch: pytest.MonkeyPatch) -> None:
    made = project()
    made.tape.unlink()
    made.tape.parent.rmdir()
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    for mode in ("record", "refresh", "live"):
        ran = made.run("--mode", mode)
        assert ran.code == 2
        assert "OpenAI is asked without a key" in ran.err
        assert "OPENAI_API_KEY" in ran.err
        assert list(made.tape.parent.parent.iterdir()) == []
        assert made.written() == ["reports/sums"]
    assert made.run("--mode", "online").code == 2


def test_repeated_samples_are_distinct_requests(project) -> None:
    ran = project(extra="samples: 2\n").run()
    assert ran.code == 3
    assert "sample: 0 is recorded, 1 is asked" in ran.err


def test_hostile_text_everywhere_stays_text(project, tmp_path: Path) -> None:
    hostile = "</script><script>document.title='owned'</script>\x1b[2J\u202e ::set-output name=x::y ##[error]z"
    made = project(answers={("Add:", i): hostile for i in range(40)}, base=30)
    ran = made.run()
    assert ran.code == 1
    folder = next(path for path in (made.root / "reports" / "sums").iterdir() if path.is_dir())
    html = (folder / "report.html").read_text(encoding="utf-8")
    assert "<script>document" not in html
    assert "\x1b" not in html
    ET.fromstring((folder / "junit.xml").read_bytes())
    for text in (ran.out, ran.err, (folder / "summary.md").read_text(encoding="utf-8")):
        assert "\x1b" not in text
        assert "##[error]" not in text
        assert not any(line.strip().startswith("::") for line in text.splitlines())


def test_a_verdict_of_few_cases_loads_no_heavy_library(repository: Path, tmp_path: Path) -> None:
    heavy = "scipy statsmodels pandas datasets jinja2 joblib dask ray fsspec nltk rouge_score sacrebleu aiohttp asyncio"
    code = (
        "import sys, evalgate; result = evalgate.run(sys.argv[1], out=sys.argv[2]); "
        "print(result.exit_code, sorted({*sys.argv[3].split(), 'pyarrow.compute', 'pyarrow.dataset'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code, str(repository / "configs" / "short-answers.yaml"), str(tmp_path / "run"), heavy]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "4 []"
