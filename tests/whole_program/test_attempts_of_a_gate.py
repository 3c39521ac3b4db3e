"""A gate that is tried again: counted in its run folder, told in every report, and never part of the verdict."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

import evalgate
from evalgate.cli.main import main

STRICT, LOOSE = "{metric: exact_match, min_improvement: 0.8}", "{metric: exact_match, min_improvement: 0.05}"


def folder_of(made, run_id: str) -> Path:
    return made.root / "reports" / "sums" / run_id


def read(made, run_id: str, name: str) -> str:
    return (folder_of(made, run_id) / name).read_text(encoding="utf-8")


def attempts(made, run_id: str) -> Any:
    return json.loads(read(made, run_id, "attempts.json"))


def history(made) -> list[Any]:
    path = made.root / "reports" / "sums" / "attempts.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def tried_again(made, keep: str = ""):
    """The candidate's prompt says something else now, its answers are recorded, and less is asked (unless `keep` is)."""
    rewritten = made.root / "configs" / "prompts" / "sum" / "3.prompt.yml"
    rewritten.write_text("messages:\n  - {role: user, content: 'Sum: {{question}}'}\n", encoding="utf-8")
    text = made.config.read_text(encoding="utf-8").replace("candidate: {prompt: sum@2", "candidate: {prompt: sum@3")
    made.config.write_text(text.replace(keep or STRICT, keep or LOOSE), encoding="utf-8")
    return made.run("--json")


def test_a_loosened_threshold_along_with_a_new_prompt_is_pointed_out(project) -> None:
    made = project(thresholds=(STRICT,))
    first = made.run("--json")
    assert first.code == 1
    assert "Attempt 1 of this gate on this dataset" in first.err
    assert "Loosened" not in first.err
    assert attempts(made, first.document["run_id"])["changes"] == []

    second = tried_again(made)
    run_id = second.document["run_id"]
    assert run_id != first.document["run_id"]
    told = attempts(made, run_id)
    assert (told["schema"], told["number"], told["made"], told["note"]) == ("evalgate.attempts/1", 2, 2, None)
    assert [one["run_id"] for one in told["earlier"]] == [first.document["run_id"]]
    assert told["earlier"][0]["verdict"] == "fail"
    assert [(c["what"], c["looser"]) for c in told["changes"]] == [("candidate prompt", False), ("threshold", True)]
    assert (told["loosened"], told["loosened_since"]) == ([told["changes"][1]], 1)
    less = "metric:exact_match min_improvement 0.8 → metric:exact_match min_improvement 0.05"
    assert "Attempt 2 of this gate on this dataset" in second.err
    page = read(made, run_id, "report.html")
    assert page.count("while the candidate prompt changed too") == 2
    assert page.count(less) == 2
    assert first.document["run_id"] in page
    summary = read(made, run_id, "summary.md").replace("\\", "")
    assert f"**Loosened**: less is asked than in attempt 1, while the candidate prompt changed too: {less}." in summary
    assert '<property name="evalgate.attempt" value="2"/>' in read(made, run_id, "junit.xml")
    assert [one["number"] for one in history(made)] == [1, 2]


def test_two_steps_do_not_hide_what_was_loosened(project) -> None:
    made = project(thresholds=(STRICT,))
    made.run()
    made.config.write_text(made.text().replace(STRICT, "{metric: exact_match, min_improvement: 0.7}"), encoding="utf-8")
    alone = made.run("--json")
    assert (alone.code, attempts(made, alone.document["run_id"])["loosened"]) == (1, [])
    third = tried_again(made, keep="{metric: exact_match, min_improvement: 0.7}")
    told = attempts(made, third.document["run_id"])
    assert [change["what"] for change in told["changes"]] == ["candidate prompt"]
    assert told["loosened_since"] == 1
    assert [change["before"] for change in told["loosened"]] == ["metric:exact_match min_improvement 0.8"]
    assert "less is asked than in attempt 1, while the candidate prompt changed too" in read(
        made, third.document["run_id"], "report.html"
    )


def test_what_passed_is_not_brought_up_again(project) -> None:
    made = project(thresholds=(STRICT,))
    made.run()
    made.config.write_text(made.text().replace(STRICT, LOOSE), encoding="utf-8")
    assert made.run().code == 0
    told = attempts(made, tried_again(made, keep=LOOSE).document["run_id"])
    assert (told["number"], told["loosened"], told["loosened_since"]) == (3, [], None)


def test_the_same_command_is_the_same_attempt(project) -> None:
    made = project(thresholds=(STRICT,))
    first = made.run("--json")
    for arguments in ((), ("--fresh",), ("--jobs", "1")):
        assert made.run("--json", *arguments).document == first.document
    assert len(history(made)) == 1
    tried_again(made)
    made.config.write_text(made.text(), encoding="utf-8")
    again = made.run("--json")
    assert again.document == first.document
    assert len(history(made)) == 2
    told = attempts(made, first.document["run_id"])
    assert (told["number"], told["made"], told["changes"], told["earlier"]) == (1, 2, [], [])
    assert "made again after attempt 2" in again.err


def test_the_verdict_does_not_know_how_often_it_was_asked_for(project) -> None:
    made = project(thresholds=(STRICT,))
    made.run()
    second = tried_again(made)
    known = read(made, second.document["run_id"], "verdict.json")
    sealed = json.loads(read(made, second.document["run_id"], "manifest.json"))
    assert made.run("--out", str(made.root / "alone")).code == second.code
    assert (made.root / "alone" / "verdict.json").read_text(encoding="utf-8") == known
    assert json.loads((made.root / "alone" / "manifest.json").read_text(encoding="utf-8"))["root"] == sealed["root"]
    assert json.loads((made.root / "alone" / "attempts.json").read_text(encoding="utf-8"))["number"] == 1
    assert len((made.root / "alone" / "attempts.jsonl").read_bytes().splitlines()) == 1


def test_a_run_without_a_verdict_is_no_attempt(project) -> None:
    made = project(thresholds=(STRICT,))
    lines = made.tape.read_text(encoding="utf-8").splitlines(keepends=True)
    made.tape.write_text("".join(lines[:-1]), encoding="utf-8")
    assert made.run().code == 3
    assert not (made.root / "reports" / "sums" / "attempts.jsonl").exists()
    made.tape.write_text("".join(lines), encoding="utf-8")
    ran = made.run("--json")
    assert attempts(made, ran.document["run_id"])["number"] == 1
    made.config.write_text(made.text().replace("min_improvement", "min_improvment"), encoding="utf-8")
    assert made.run().code == 2
    assert len(history(made)) == 1


def test_a_run_folder_that_is_used_again_remembers(project) -> None:
    made = project(thresholds=(STRICT,))
    out = made.root / "out"
    made.run("--out", str(out))
    made.config.write_text(made.text().replace("seed: 7", "seed: 8"), encoding="utf-8")
    made.run("--out", str(out))
    told = json.loads((out / "attempts.json").read_text(encoding="utf-8"))
    assert told["number"] == 2
    assert told["changes"] == [{"what": "seed", "before": "7", "after": "8", "looser": False}]
    assert not (made.root / "reports").exists()


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda p: p.write_bytes(p.read_bytes().replace(b'"fail"', b'"pass"')), "damaged from line 1 on"),
        (lambda p: p.write_bytes(p.read_bytes()[:100]), "damaged from line 1 on"),
        (lambda p: p.write_bytes(b"\xff\x00<script>\n" * 9), "damaged from line 1 on"),
        (lambda p: (p.unlink(), p.mkdir()), "could not be remembered: Is a directory"),
        (lambda p: (p.unlink(), p.symlink_to("/dev/zero")), "could not be remembered: it is a symbolic link"),
        (lambda p: (p.unlink(), os.mkfifo(p)), "cannot be used: it is not a regular file"),
    ],
    ids=["edited", "torn", "garbage", "folder", "link", "pipe"],
)
def test_whatever_is_wrong_with_the_history_the_verdict_stands(project, damage, said: str) -> None:
    made = project(thresholds=(STRICT,))
    first = made.run("--json")
    damage(made.root / "reports" / "sums" / "attempts.jsonl")
    second = tried_again(made)
    assert (first.code, second.code) == (1, 4)
    run_id = second.document["run_id"]
    assert said in attempts(made, run_id)["note"]
    assert said in second.err
    for name in ("report.html", "summary.md"):
        assert said in read(made, run_id, name)
    assert second.document == json.loads(read(made, run_id, "verdict.json"))


def rows(folder: Path, name: str, right: int) -> str:
    path = folder / name
    lines = (json.dumps({"id": f"c{i}", "output": str(i) if i < right else "?", "reference": str(i)}) for i in range(40))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


def test_compare_remembers_in_a_folder_that_is_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [rows(tmp_path, "b.jsonl", 20), rows(tmp_path, "c.jsonl", 24), "--references", rows(tmp_path, "r.jsonl", 40)]
    told = ["--metric", "exact_match", "--out", str(tmp_path / "out"), "--threshold"]
    assert main(["compare", *files, *told, "exact_match:min_improvement=0.3"]) == 1
    rows(tmp_path, "c.jsonl", 30)
    main(["compare", *files, *told, "exact_match:min_improvement=0.05"])
    captured = capsys.readouterr()
    assert "while the candidate outputs changed too" in captured.out + captured.err
    found = json.loads((tmp_path / "out" / "attempts.json").read_text(encoding="utf-8"))
    assert (found["gate"], found["dataset"], found["number"]) == ("compare", "r", 2)
    assert [change["what"] for change in found["changes"]] == ["candidate outputs", "threshold"]
    assert [change["what"] for change in found["loosened"]] == ["threshold"]


def test_compare_without_a_folder_remembers_nothing(tmp_path: Path) -> None:
    paths = [rows(tmp_path, name, right) for name, right in (("b.jsonl", 20), ("c.jsonl", 36), ("r.jsonl", 40))]
    result = evalgate.compare(paths[0], paths[1], references=paths[2], metrics=["exact_match"])
    assert result.finished.record.attempts is None
    assert not [p.name for p in result.folder.iterdir() if p.name.startswith("attempts")]
