"""Closed streams, odd environments, failing disks and inputs that change: the exit code is right, nothing is lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(("arguments", "code"), [([], 1), (["--json"], 1), (["--quiet"], 1), ([], 0)])
def test_a_closed_stdout_does_not_change_the_exit_code(project, arguments: list[str], code: int) -> None:
    made = project(base=20, right=36) if code == 0 else project(base=36, right=20)
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "evalgate", "run", str(made.config), "--out", str(made.root / "out"), *arguments],
        stdout=write, stderr=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    os.close(write)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert (made.root / "out" / "verdict.json").exists()


@pytest.mark.parametrize(
    "environment",
    [
        {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0"},
        {"LC_ALL": "tr_TR.UTF-8"},
        {"PYTHONHASHSEED": "123"},
        {"TERM": "dumb", "COLUMNS": "40"},
        {"NO_COLOR": "1"},
        {"TZ": "Pacific/Apia", "HOME": "/nonexistent"},
    ],
)
def test_the_environment_changes_nothing(project, environment: dict[str, str]) -> None:
    made = project(metrics="[exact_match, chrf]")
    made.run("--out", str(made.root / "here"))
    command = [sys.executable, "-m", "evalgate", "run", str(made.config), "--out", str(made.root / "there"), "--json"]
    done = subprocess.run(command, capture_output=True, env={**os.environ, **environment}, stdin=subprocess.DEVNULL, check=False)
    assert done.returncode == 0, done.stderr
    assert (made.root / "there" / "verdict.json").read_bytes() == (made.root / "here" / "verdict.json").read_bytes()
    assert json.loads(done.stdout)["verdict"] == "pass"


def test_a_read_only_output_place_is_refused_before_any_work(project) -> None:
    made = project()
    target = made.root / "file"
    target.write_text("x", encoding="utf-8")
    for out in (target, target / "below"):
        ran = made.run("--out", str(out))
        assert ran.code == 2
    assert target.read_text(encoding="utf-8") == "x"


def test_a_full_disk_is_incomplete(project, monkeypatch: pytest.MonkeyPatch) -> None:
    from evalgate.core import files
    from evalgate.core.errors import Incomplete

    made = project()
    original = files.write_whole

    def full(path: Path, data: bytes | str) -> None:
        if path.name == "report.html":
            raise Incomplete("cannot be written: No space left on device", where=str(path))
        original(path, data)

    monkeypatch.setattr("evalgate.pipeline.evaluate.write_whole", full)
    ran = made.run("--out", str(made.root / "out"))
    assert ran.code == 3
    assert not (made.root / "out" / "verdict.json").exists()


@pytest.mark.parametrize("what", ["data", "tape"])
def test_input_that_changes_during_the_run_is_noticed(project, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    from evalgate.pipeline import evaluate, run

    made = project()
    path = made.data if what == "data" else made.tape

    def change(*_: object) -> None:
        path.write_text(
            path.read_text(encoding="utf-8").replace("level", "lev\\u0065l").replace('"no idea"', '"no ideas"'), encoding="utf-8"
        )
        if what == "data":
            path.write_text(path.read_text(encoding="utf-8").replace('"answer": "7"', '"answer": "8"'), encoding="utf-8")

    if what == "data":
        original = run.opened
        monkeypatch.setattr(run, "opened", lambda *a, **k: (change(), original(*a, **k))[1])
    else:
        execute = evaluate.execute
        monkeypatch.setattr(evaluate, "execute", lambda *a: (execute(*a), change())[0])
    ran = made.run("--out", str(made.root / "out"))
    assert ran.code == 3, ran.err
    assert "changed during the run" in ran.err
    assert not (made.root / "out" / "verdict.json").exists()


def test_progress_is_a_bar_on_a_terminal_and_lines_elsewhere(project) -> None:
    import pty

    made = project(cases=200, base=100, right=150)
    assert "200 of 200 cases measured" in made.run("--out", str(made.root / "a")).err
    assert made.run("--out", str(made.root / "b"), "--quiet").err == ""
    main, side = pty.openpty()
    command = [sys.executable, "-m", "evalgate", "run", str(made.config), "--out", str(made.root / "c")]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=side, env={**os.environ, "TERM": "xterm"}, check=False)
    os.close(side)
    seen = b""
    while True:
        try:
            piece = os.read(main, 65536)
        except OSError:
            break
        if not piece:
            break
        seen += piece
    os.close(main)
    assert done.returncode == 0
    assert b"measuring" in seen
    assert b"\x1b[" not in done.stdout
