"""Signals, a closed terminal and dying workers while cases are measured: the right exit code within seconds, nobody left."""

from __future__ import annotations

import json
import os
import pty
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evalgate.runner import pool

SOON_S = 5.0
LONG_S = 90.0
SLOW = """
import os, time
from evalgate.core.values import DetectorSpec


class Slow:
    spec = DetectorSpec("slow", "slow", "1", "version:1")

    def findings(self, output, case):
        time.sleep(float(os.environ.get("SLOW_S", "{seconds}")))
        return ()


def make(parameters):
    return Slow()
"""
"""A detector works in the worker itself. Runs that nobody disturbs need not be slow."""
READER = """
import sys, time
from evalgate.runner import case_lines
write = case_lines.CaseWriter._write
def slow(self, shard, lines):
    time.sleep({seconds} if shard else 0)
    return write(self, shard, lines)
case_lines.CaseWriter._write = slow
from evalgate.cli.main import entry
entry()
"""


@pytest.fixture
def slow(project) -> Callable[..., Any]:
    """A project whose cases take their time, in workers too."""

    def make(seconds: float, cases: int = 400) -> Any:
        made = project(cases=cases, base=150, right=350, extra="resamples: 100\n", safety="[slow]")
        place = made.root / "installed"
        info = place / "slow_plugin-1.0.dist-info"
        info.mkdir(parents=True)
        (place / "slow_plugin.py").write_text(SLOW.format(seconds=seconds))
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: slow-plugin\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text("[evalgate.detectors]\nslow = slow_plugin:make\n")
        return made

    return make


def start(
    made: Any, *arguments: str, program: tuple[str, ...] = ("-m", "evalgate"), quick: bool = False, **how: Any
) -> subprocess.Popen[str]:
    """A run in a session of its own."""
    command = [sys.executable, *program, "run", str(made.config), "--out", str(made.root / "out"), *arguments]
    paths = [str(made.root / "installed"), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"}
    environment |= {"SLOW_S": "0"} if quick else {}
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "start_new_session": True, **how}
    return subprocess.Popen(command, text=True, env=environment, **streams)


def alive_in(session: int) -> dict[int, str]:
    """What runs in a session: number → command. The dead that nobody has waited for do not run."""
    found = {}
    for place in Path("/proc").iterdir():
        if not place.name.isdecimal():
            continue
        try:
            state, _, _, of = (place / "stat").read_text().rpartition(")")[2].split()[:4]
            if int(of) == session and state not in "ZX":
                found[int(place.name)] = (place / "cmdline").read_text().replace("\0", " ")
        except (OSError, ValueError):
            continue
    return found


def until(what: str, condition: Callable[[], Any], seconds: float = 60.0) -> Any:
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.01)
    return value


def workers_of(session: int) -> list[int]:
    return [pid for pid, command in alive_in(session).items() if "popen_loky" in command]


def receipts(made: Any) -> int:
    return len(list((made.root / "out" / "shards").glob("[0-9]*.json")))


def require_end(running: subprocess.Popen[str], seconds: float = SOON_S) -> tuple[int, str]:
    """It ends soon, and leaves nobody behind. Its exit code and what it said on stderr."""
    session = running.pid
    try:
        _, err = running.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        left = alive_in(session)
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        raise AssertionError(f"still there after {seconds} s: {left}") from None
    until("everybody is gone", lambda: not alive_in(session), SOON_S)
    assert "Traceback" not in (err or ""), err
    return running.returncode, err or ""


def sealed(folder: Path) -> bytes:
    """The manifest without the digests of files that tell of the time: what the root stands for, and the root."""
    manifest = json.loads((folder / "manifest.json").read_bytes())
    return json.dumps({name: manifest[name] for name in ("materials", "results", "root")}).encode()


def require_same_in_the_end(made: Any, *arguments: str) -> None:
    """The same command continues, to the bytes of a run that nobody disturbed."""
    again = start(made, *arguments, quick=True)
    _, err = again.communicate(timeout=LONG_S)
    assert again.returncode == 0, err
    whole = start(made, "--out", str(made.root / "whole"), "--backend", "sequential", quick=True)
    _, err = whole.communicate(timeout=LONG_S)
    assert whole.returncode == 0, err
    for name in ("verdict.json", "plan.json"):
        assert (made.root / "out" / name).read_bytes() == (made.root / "whole" / name).read_bytes(), name
    assert sealed(made.root / "out") == sealed(made.root / "whole")


def measuring(made: Any, running: subprocess.Popen[str]) -> None:
    until("a shard is done", lambda: receipts(made) >= 1 or running.poll() is not None)


def workers_starting(made: Any, running: subprocess.Popen[str]) -> None:
    until("a worker is there", lambda: workers_of(running.pid) or running.poll() is not None)


def reading(made: Any, running: subprocess.Popen[str]) -> None:
    measuring(made, running)
    time.sleep(0.3)


PLACES = {
    "one after the other": (("--backend", "sequential"), measuring),
    "threads": (("--backend", "threading", "--jobs", "2"), measuring),
    "workers": (("--jobs", "2"), measuring),
    "workers that start": (("--jobs", "2"), workers_starting),
}
SLOW_ONLY = ("threads", "workers that start")
WAYS = [
    pytest.param(place, number, code, marks=[pytest.mark.slow] if place in SLOW_ONLY or number != first else [])
    for place, first in zip(PLACES, (signal.SIGTERM, signal.SIGTERM, signal.SIGINT, signal.SIGTERM), strict=True)
    for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, -signal.SIGHUP))
]


@pytest.mark.parametrize(("place", "number", "code"), WAYS)
def test_a_signal_ends_the_run_soon_and_leaves_nobody(place: str, number: int, code: int, slow) -> None:
    arguments, when = PLACES[place]
    made = slow(0.004)
    running = start(made, *arguments)
    when(made, running)
    running.send_signal(number)
    ended, err = require_end(running)
    assert ended == code, err
    assert number == signal.SIGHUP or "the same command continues" in err
    assert not (made.root / "out" / "verdict.json").exists()
    kept = receipts(made)
    assert kept >= 1 or when is workers_starting
    again = start(made, "--backend", "sequential", quick=True)
    _, err = again.communicate(timeout=LONG_S)
    assert again.returncode == 0, err
    assert json.loads((made.root / "out" / "run.json").read_text(encoding="utf-8"))["work"]["kept"] == kept


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("place", PLACES)
def test_a_signal_to_the_whole_group_as_a_terminal_sends_it(place: str, number: int, slow) -> None:
    arguments, when = PLACES[place]
    made = slow(0.004)
    running = start(made, *arguments)
    when(made, running)
    os.killpg(running.pid, number)
    ended, err = require_end(running)
    assert ended == (130 if number == signal.SIGINT else 143), err
    require_same_in_the_end(made, *arguments)


@pytest.mark.slow
@pytest.mark.parametrize("place", PLACES)
def test_two_interrupts_end_it_at_once(place: str, slow) -> None:
    arguments, when = PLACES[place]
    made = slow(0.02)
    running = start(made, *arguments)
    when(made, running)
    for _ in range(2):
        running.send_signal(signal.SIGINT)
        time.sleep(0.05)
    ended, err = require_end(running, 3.0)
    assert ended == 130, err


@pytest.mark.parametrize("backend", [pytest.param("threading", marks=pytest.mark.slow), "loky"])
def test_an_interrupt_while_cases_are_still_read(backend: str, slow) -> None:
    made = slow(0.0)
    running = start(made, "--backend", backend, "--jobs", "2", program=("-c", READER.format(seconds=2.0)))
    reading(made, running)
    running.send_signal(signal.SIGINT)
    ended, err = require_end(running)
    assert ended == 130, err


@pytest.mark.slow
def test_a_closed_terminal_ends_everything(slow) -> None:
    made = slow(0.004)
    main, side = pty.openpty()

    def own_terminal() -> None:
        import fcntl
        import termios

        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    how = {"stdin": side, "stdout": side, "stderr": side, "preexec_fn": own_terminal}
    running = start(made, "--jobs", "2", **how)
    os.close(side)
    said = threading.Thread(target=_drain, args=(main,), daemon=True)
    said.start()
    measuring(made, running)
    os.close(main)
    ended, _ = require_end(running)
    assert ended not in (0, 1, 4)
    assert not (made.root / "out" / "verdict.json").exists()
    require_same_in_the_end(made, "--jobs", "2")


def _drain(terminal: int) -> None:
    try:
        while os.read(terminal, 65536):
            pass
    except OSError:
        return


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 12))])
def test_workers_killed_at_random_are_replaced_and_nothing_is_lost(seed: int, slow) -> None:
    made = slow(0.003, cases=700)
    chance = random.Random(seed)
    running = start(made, "--jobs", "2")
    wanted = chance.choice((1, 2, 4))
    killed = done = 0
    while killed < wanted and running.poll() is None:
        time.sleep(chance.uniform(0.0, 0.6))
        if workers := workers_of(running.pid):
            os.kill(chance.choice(workers), signal.SIGKILL)
            killed += 1
            # Deaths without anything done in between are counted against the run.
            until("more is done", lambda done=done: receipts(made) > done or running.poll() is not None)
            done = receipts(made)
    ended, err = require_end(running, LONG_S)
    assert ended == 0, err
    told = json.loads((made.root / "out" / "run.json").read_text(encoding="utf-8"))["work"]["restarts"]
    assert 1 <= told <= killed, err
    assert f"worker processes died (out of memory, or killed); they are replaced ({told})" in err
    require_same_in_the_end(made, "--jobs", "2")


@pytest.mark.slow
def test_workers_that_die_again_and_again_are_given_up(slow) -> None:
    made = slow(0.02)
    running = start(made, "--jobs", "2")
    stop = threading.Event()

    def kill_all() -> None:
        while not stop.wait(0.5):
            for pid in workers_of(running.pid):
                os.kill(pid, signal.SIGKILL)

    killer = threading.Thread(target=kill_all)
    killer.start()
    try:
        ended, err = require_end(running, LONG_S)
    finally:
        stop.set()
        killer.join()
    assert ended == 3, err
    assert "worker processes died" in err and "shards are open" in err and "the same command continues" in err
    assert not (made.root / "out" / "verdict.json").exists()
    require_same_in_the_end(made, "--backend", "sequential")


def test_workers_are_given_up_after_a_bounded_number_of_deaths() -> None:
    assert 3 <= pool.MOST_IDLE_RESTARTS <= pool.MOST_RESTARTS <= 100


def test_a_second_run_in_the_same_folder_is_refused_at_once_and_a_dead_ones_lock_is_taken_over(slow) -> None:
    made = slow(0.01)
    running = start(made, "--backend", "sequential")
    until("the folder is locked", lambda: (made.root / "out" / ".lock").exists())
    began = time.monotonic()
    second = start(made, "--fresh")
    _, err = second.communicate(timeout=30)
    assert second.returncode == 2, err
    assert f"locked by process {running.pid} on " in err and " since 20" in err
    assert time.monotonic() - began < 20
    running.kill()
    running.communicate(timeout=20)
    assert (made.root / "out" / ".lock").exists()
    kept = receipts(made)
    require_same_in_the_end(made, "--resume", "--backend", "sequential")
    assert json.loads((made.root / "out" / "run.json").read_text(encoding="utf-8"))["work"]["kept"] == kept


def test_resume_is_what_happens_anyway_and_fresh_is_its_contrary(project) -> None:
    made = project()
    out = made.root / "out"
    assert made.run("--out", str(out)).code == 0
    stamp = (out / "shards" / "00000.json").stat().st_mtime_ns
    for option, same in (("--resume", True), ("--fresh", False)):
        assert made.run("--out", str(out), option).code == 0
        assert ((out / "shards" / "00000.json").stat().st_mtime_ns == stamp) is same, option
    assert made.run("--out", str(out), "--resume", "--fresh").code == 2
