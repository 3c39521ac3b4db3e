"""Signals, crashes and closed streams: the exit code is right, nothing is lost, nobody stays behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SLOW = """
import sys, time
from evalgate.metrics import text_match
make = text_match.make_exact_match
def slow(parameters):
    metric = make(parameters)
    class Slow:
        spec, score = metric.spec, staticmethod(metric.score)
        @staticmethod
        def rows(outputs, expectations):
            time.sleep(0.4)
            return metric.rows(outputs, expectations)
    return Slow()
text_match.make_exact_match = slow
from evalgate.cli.main import entry
entry()
"""


def start(made, *arguments: str, backend: str = "sequential") -> subprocess.Popen[str]:
    command = [sys.executable, "-c", SLOW, "run", str(made.config), "--backend", backend, *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)


def wait_for_receipts(folder: Path, count: int) -> None:
    for _ in range(300):
        if len(list((folder / "shards").glob("*.json"))) >= count:
            return
        time.sleep(0.05)
    raise AssertionError("no receipt came")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_run_says_so_and_continues(project, number: signal.Signals, code: int) -> None:
    made = project(cases=400, base=200, right=300)
    folder = made.root / "out"
    running = start(made, "--out", str(folder))
    wait_for_receipts(folder, 1)
    running.send_signal(number)
    _, err = running.communicate(timeout=20)
    assert running.returncode == code, err
    assert "same command continues" in err
    assert "Traceback" not in err
    assert not (folder / "verdict.json").exists()
    assert not (folder / ".lock").exists()
    kept = {p.name: p.stat().st_mtime_ns for p in (folder / "shards").glob("*.json")}
    assert made.run("--out", str(folder)).code == 0
    assert all((folder / "shards" / name).stat().st_mtime_ns == stamp for name, stamp in kept.items())


def test_a_killed_run_is_resumed_to_the_same_bytes(project) -> None:
    made = project(cases=400, base=200, right=300)
    undisturbed = made.root / "whole"
    made.run("--out", str(undisturbed))
    folder = made.root / "out"
    for receipts in (1, 3):
        running = start(made, "--out", str(folder))
        wait_for_receipts(folder, receipts)
        running.kill()
        running.communicate(timeout=20)
        assert not (folder / "verdict.json").exists()
    assert made.run("--out", str(folder)).code == 0
    assert (folder / "verdict.json").read_bytes() == (undisturbed / "verdict.json").read_bytes()


def test_no_worker_stays_behind(project) -> None:
    made = project(cases=400, base=200, right=300)
    folder = made.root / "out"
    running = start(made, "--out", str(folder), "--jobs", "2", backend="loky")
    wait_for_receipts(folder, 1)
    group = os.getpgid(running.pid)
    running.send_signal(signal.SIGTERM)
    running.communicate(timeout=30)
    assert running.returncode == 143
    for _ in range(100):
        if not _alive_in(group):
            return
        time.sleep(0.1)
    raise AssertionError(f"processes left: {_alive_in(group)}")


def _alive_in(group: int) -> list[str]:
    listing = subprocess.run(
        ["ps", "-ww", "-eo", "pgid,stat,args"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    found = [line.split(None, 2) for line in listing[1:]]
    return [
        args for pgid, stat, args in found if int(pgid) == group and not stat.startswith("Z") and "resource_tracker" not in args
    ]


def test_a_killed_worker_is_replaced_and_nothing_is_lost(project, tmp_path: Path) -> None:
    made = project(cases=400, base=200, right=300)
    folder = made.root / "out"
    running = start(made, "--out", str(folder), "--jobs", "2", backend="loky")
    wait_for_receipts(folder, 1)
    workers = [line.split()[0] for line in _listing(running.pid) if "popen_loky" in line]
    assert workers, _listing(running.pid)
    os.kill(int(workers[0]), signal.SIGKILL)
    _, err = running.communicate(timeout=60)
    assert running.returncode == 0, err
    assert json.loads((folder / "run.json").read_text(encoding="utf-8"))["work"]["restarts"] == 1
    whole = made.root / "whole"
    assert made.run("--out", str(whole)).code == 0
    assert (folder / "verdict.json").read_bytes() == (whole / "verdict.json").read_bytes()


def _listing(parent: int) -> list[str]:
    listing = subprocess.run(
        ["ps", "-ww", "-eo", "pid,ppid,args"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    return [line for line in listing[1:] if line.split()[1] == str(parent)]


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

    made = project()
    original = files.write_whole

    def full(path: Path, data: bytes | str) -> None:
        if path.name == "report.html":
            raise files.Incomplete("cannot be written: No space left on device", where=str(path))
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
