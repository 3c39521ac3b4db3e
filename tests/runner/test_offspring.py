"""What a metric started ends with it, and nobody else does."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from evalgate.runner.offspring import MARK, end_offspring, new_mark

linux = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="the system shows no environments")
DAEMON = """
import os, sys, time
if os.fork():
    os._exit(0)
os.setsid()
if os.fork():
    os._exit(0)
with open(sys.argv[1] + ".part", "w") as told:
    told.write(str(os.getpid()))
os.rename(sys.argv[1] + ".part", sys.argv[1])
time.sleep(600)
"""
Started = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def start() -> Iterator[Started]:
    running = []

    def sleeping(environment: dict[str, str]) -> subprocess.Popen[bytes]:
        running.append(subprocess.Popen(["sleep", "600"], env={**os.environ, **environment}, start_new_session=True))
        return running[-1]

    yield sleeping
    for one in running:
        one.kill()
        one.wait()


def runs(pid: int) -> bool:
    """Whether a process is there and has not ended; one that waits to be buried has."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


@linux
def test_the_marked_end_and_nobody_else_does(start: Started) -> None:
    mark = new_mark()
    mine, other = start({MARK: mark}), start({MARK: new_mark()})
    near = start({MARK: f"{mark}0"}), start({f"X{MARK}": mark}), start({"X": f"{MARK}={mark}"})
    end_offspring(mark)
    assert mine.wait(timeout=10) == -9
    assert other.poll() is None
    assert [one.poll() for one in near] == [None] * 3


@linux
def test_a_child_that_left_its_parents_ends_too(tmp_path: Path) -> None:
    mark, told = new_mark(), tmp_path / "pid"
    subprocess.run([sys.executable, "-c", DAEMON, str(told)], env={**os.environ, MARK: mark}, check=True)
    while not told.exists():
        time.sleep(0.01)
    pid = int(told.read_text())
    assert runs(pid)
    end_offspring(mark)
    until = time.monotonic() + 10
    while runs(pid) and time.monotonic() < until:
        time.sleep(0.01)
    assert not runs(pid)


def test_marks_are_never_the_same() -> None:
    assert len({new_mark() for _ in range(100)}) == 100
