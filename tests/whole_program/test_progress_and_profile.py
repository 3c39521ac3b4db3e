"""What is told of a run under way, and where its time went: on stderr and in profile.json, never in the evidence."""

from __future__ import annotations

import json
import re
import threading
from pathlib import Path
from typing import Any

import pytest

import evalgate
from evalgate.cli import output
from evalgate.core.progress import Reached


def evidence(folder: Path) -> dict[str, bytes]:
    names = ("verdict.json", "plan.json")
    manifest = json.loads((folder / "manifest.json").read_bytes())
    sealed = json.dumps([manifest["materials"], manifest["results"], manifest["root"]]).encode()
    return (
        {"manifest.json": sealed}
        | {name: (folder / name).read_bytes() for name in names}
        | {path.name: path.read_bytes() for path in (folder / "shards").iterdir()}
    )


def test_a_profile_says_where_the_time_went_and_changes_nothing(project) -> None:
    made = project(cases=200, base=100, right=170, metrics="[exact_match, chrf]", safety="[pii]")
    plain, profiled = made.root / "a", made.root / "b"
    assert made.run("--out", str(plain)).code == made.run("--out", str(profiled), "--profile").code
    assert evidence(plain) == evidence(profiled)
    assert not (plain / "profile.json").exists()
    told = json.loads((profiled / "profile.json").read_text(encoding="utf-8"))
    assert told["schema"] == "evalgate.profile/1" and told["cases"] == 200
    stages = {stage["stage"]: stage for stage in told["stages"]}
    for name in (
        "resolving the gate", "checking the dataset", "reading cases", "rendering and looking up answers", "metric exact_match",
        "metric chrf", "detector pii", "writing shards", "statistics", "documents", "report html",
    ):  # fmt: skip
        assert stages[name]["times"] >= 1, name
        assert 0 <= stages[name]["cpu_s"] <= told["wall_s"] + 0.05, name
        assert stages[name]["wall_s"] <= told["wall_s"] + 0.01, name
    assert stages["metric chrf"]["times"] == 4, "one for each shard"
    assert [stage["cpu_s"] for stage in told["stages"]] == sorted((s["cpu_s"] for s in told["stages"]), reverse=True)


def test_the_profile_of_workers_is_theirs_too(project) -> None:
    made = project(cases=300, base=100, right=250, metrics="[exact_match, chrf]")
    ran = made.run("--out", str(made.root / "a"), "--profile", "--jobs", "2", "--backend", "threading")
    assert ran.code == 0
    stages = {s["stage"]: s for s in json.loads((made.root / "a" / "profile.json").read_text(encoding="utf-8"))["stages"]}
    assert stages["metric chrf"]["times"] == 5 and stages["metric chrf"]["cpu_s"] > 0
    assert "waiting for workers" in stages
    assert "metric chrf" in ran.err and "CPU s" in ran.err, "a table"


def test_a_profile_is_removed_when_the_next_run_makes_none(project) -> None:
    made = project()
    out = made.root / "out"
    made.run("--out", str(out), "--profile")
    assert (out / "profile.json").exists()
    assert made.run("--out", str(out)).code == 0
    assert not (out / "profile.json").exists()


def test_a_comparison_has_a_profile_too(project, tmp_path: Path) -> None:
    made = project()
    rows = [("ref", "reference", "x y z"), ("base", "output", "x y"), ("cand", "output", "x y z")]
    for name, column, text in rows:
        lines = [json.dumps({"id": f"c{i}", column: f"{text} {i}"}) for i in range(70)]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(lines), encoding="utf-8")
    files = [str(tmp_path / "base.jsonl"), str(tmp_path / "cand.jsonl"), "--references", str(tmp_path / "ref.jsonl")]
    ran = made.call("compare", *files, "--profile", "--metric", "exact_match")
    assert ran.code == 0 and "metric exact_match" in ran.err
    assert "70 of 70 cases measured" in ran.err
    quiet = made.call("compare", *files, "--profile", "--metric", "exact_match", "--quiet", "--out", str(tmp_path / "out"))
    assert quiet.err == "" and (tmp_path / "out" / "profile.json").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--backend", "sequential"), "measuring in this process"),
        (("--jobs", "1"), "measuring in this process"),
        (("--jobs", "2", "--backend", "threading"), "2 workers (threading)"),
        ((), "measuring in this process"),
    ],
)
def test_it_is_said_how_the_work_is_done(arguments: tuple[str, ...], said: str, project) -> None:
    made = project(cases=200, base=100, right=150)
    err = made.run("--out", str(made.root / "a"), *arguments).err
    assert f"evalgate: {said}\n" in err
    assert "evalgate: 200 of 200 cases measured\n" in err
    again = made.run("--out", str(made.root / "a"), *arguments).err
    assert "200 of 200 cases measured (200 before)" in again and said not in again, "there was nothing left to do"


@pytest.mark.parametrize("option", ["--quiet", "--json"])
def test_nothing_is_told_when_nobody_wants_to_hear_it(option: str, project) -> None:
    made = project(cases=200, base=100, right=150)
    ran = made.run("--out", str(made.root / "a"), option)
    assert "measur" not in ran.err


def test_lines_come_now_and_then_and_stay_lines(project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "EVERY_S", 0.0)
    made = project(cases=700, base=300, right=600)
    err = made.run("--out", str(made.root / "a"), "--backend", "sequential").err
    found = [line for line in err.splitlines() if "cases measured" in line]
    assert len(found) == 9
    assert all(re.fullmatch(r"evalgate: [\d,]+ of 700 cases measured(, .*)?", line) for line in found)
    done = [int(line.split()[1].replace(",", "")) for line in found]
    assert done == sorted(set(done)) and done[-1] == 700


def test_the_python_api_is_told_the_same(project) -> None:
    made = project(cases=200, base=100, right=150)
    told: list[Reached] = []
    said: list[str] = []
    result = evalgate.run(
        made.config, out=made.root / "a", progress=told.append, working=said.append, profile=True, backend="sequential"
    )
    assert said == ["measuring in this process"]
    assert told[0] == Reached(0, 200) and told[-1] == Reached(200, 200)
    assert all(0 <= one.done <= 200 and one.before == 0 for one in told)
    assert result.profile is not None and result.profile["cases"] == 200
    assert evalgate.run(made.config, out=made.root / "b", backend="sequential").profile is None
    told.clear()
    evalgate.run(made.config, out=made.root / "a", progress=told.append, backend="sequential")
    assert told[-1] == Reached(200, 200, 200)


@pytest.mark.parametrize(("backend", "jobs"), [("loky", 2), ("threading", 2), ("sequential", None)])
def test_f14_a_run_from_a_thread_of_a_program_with_threads(backend: str, jobs: int | None, project) -> None:
    made = project(cases=200, base=100, right=180)
    stop, found = threading.Event(), []
    others = [threading.Thread(target=stop.wait, daemon=True) for _ in range(4)]

    def work() -> None:
        found.append(evalgate.run(made.config, out=made.root / f"out-{backend}", backend=backend, jobs=jobs))

    runner = threading.Thread(target=work)
    for thread in (*others, runner):
        thread.start()
    runner.join(60)
    stop.set()
    assert not runner.is_alive() and len(found) == 1
    assert found[0].exit_code == 0 and found[0].verdict.cases.total == 200


def test_answers_are_told_with_what_they_cost(project) -> None:
    from evalgate.pipeline.gather import _Tally
    from evalgate.proxy.upstream.collect import Collected

    total = _Tally(480, known=100, found=Collected(calls=5, prompt_tokens=10, completion_tokens=20, usd=0.5))
    spent: Any = Collected(calls=7, prompt_tokens=1, completion_tokens=2, usd=0.25)
    assert total.reached(320, 20, spent) == Reached(320, 480, 120, calls=12, tokens=33, usd=0.75)
