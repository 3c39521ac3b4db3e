"""A disk that is full, or fails, at every step: exit 3 with its name, nothing lost, and the same bytes once there is space."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

SAID = {"ENOSPC": "No space left on device", "EIO": "Input/output error", "EDQUOT": "Disk quota exceeded"}
FAILING = """
import errno, os, sys

left = [{number}]


def refuse(*paths):
    if not any(isinstance(path, str) and path.startswith({out!r}) for path in map(os.fspath, paths)):
        return
    left[0] -= 1
    if left[0] == 0 or left[0] < 0 and {stays}:
        raise OSError(errno.{name}, os.strerror(errno.{name}), paths[0])


def hook(event, arguments):
    if event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) and isinstance(arguments[0], (str, os.PathLike)):
        refuse(arguments[0])
    elif event in ("os.rename", "os.link"):
        refuse(*arguments[:2])
    elif event == "os.mkdir":
        refuse(arguments[0])


def synced(number):
    refuse(os.readlink(f"/proc/self/fd/{{number}}"))
    sync(number)


sync, os.fsync = os.fsync, synced
sys.addaudithook(hook)
"""
"""The N-th time that something is opened for writing, made, renamed or synchronised in the run folder fails."""
MOST = 400
KIB = 1024


def sealed(folder: Path) -> bytes:
    """The manifest without the digests of files that tell of the time: what the root stands for, and the root."""
    manifest = json.loads((folder / "manifest.json").read_bytes())
    return json.dumps({name: manifest[name] for name in ("materials", "results", "root")}).encode()


def evidence(out: Path) -> dict[str, bytes]:
    names = ["verdict.json", "plan.json"]
    shards = sorted((out / "shards").iterdir())
    found = {path.name: path.read_bytes() for path in (*(out / name for name in names), *shards)}
    return {**found, "manifest.json": sealed(out)}


def require_clean(out: Path, at: str) -> None:
    """Nothing torn stands under a name that somebody reads."""
    left = [p for p in out.rglob("*") if p.name.endswith(".part") or p.name.startswith(".lock")] if out.is_dir() else []
    assert not left, f"{at}: {left}"
    assert not (out / "verdict.json").exists(), at


@pytest.fixture
def made(project) -> Any:
    return project(cases=150, base=50, right=120, extra="resamples: 100\nreports: [markdown]\n")


@pytest.mark.parametrize(
    ("name", "stays", "step"),
    [
        ("ENOSPC", True, 13),
        pytest.param("ENOSPC", True, 1, marks=pytest.mark.slow),
        pytest.param("EIO", False, 1, marks=pytest.mark.slow),
    ],
)
def test_f18_whatever_fails_first(name: str, stays: bool, step: int, made, nursery) -> None:
    out, whole = made.root / "out", made.root / "whole"
    assert made.run("--out", str(whole), "--backend", "sequential").code == 0
    expected, failed = evidence(whole), 0

    def run(prepare: str = "") -> tuple[int, str]:
        said = made.root / "said"
        said.unlink(missing_ok=True)
        command = ["run", str(made.config), "--out", str(out), "--backend", "sequential"]
        child = nursery.start(command, said, prepare=prepare)
        return child.wait(), child.text

    for number in range(1, MOST, step):
        shutil.rmtree(out, ignore_errors=True)
        code, said = run(FAILING.format(number=number, out=str(out), stays=stays, name=name))
        at = f"failure {number}: exit {code}\n{said}"
        assert "Traceback" not in said, at
        if code == 0:
            assert evidence(out) == expected, at
            if number > failed + step * 3:
                break
            continue
        failed = number
        assert code == 3 or (code == 2 and "cannot be made a run folder" in said), at
        assert SAID[name] in said and str(out) in said and "try: " in said, at
        require_clean(out, at)
        again, said = run()
        assert again == 0, f"{at}\nthen exit {again}\n{said}"
        assert evidence(out) == expected, at
    else:
        raise AssertionError("no run came through")
    print(f"{failed} steps can fail")
    assert failed >= 20


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Any]:
    """A small disk of its own: `disk(KiB)` makes it, or changes its size."""
    place = tmp_path / "disk"
    place.mkdir()

    def sized(kib: int) -> Path:
        options = f"remount,size={kib}k" if place.is_mount() else f"size={kib}k"
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)], capture_output=True, check=False)
        if done.returncode != 0:
            pytest.skip("a tmpfs cannot be mounted here")
        return place

    if shutil.which("mount") is None:
        pytest.skip("there is no mount")
    yield sized
    # Lazily: a worker may have a file open there for a moment yet, and a disk that stays would be in pytest's way for ever.
    subprocess.run(["umount", "-l", str(place)], capture_output=True, check=False)
    assert not place.is_mount()


def used_kib(place: Path) -> int:
    return shutil.disk_usage(place).used // KIB


@pytest.mark.parametrize(
    "arguments",
    [("--backend", "sequential"), pytest.param(("--jobs", "2"), marks=pytest.mark.slow)],
    ids=["one process", "workers"],
)
@pytest.mark.parametrize("parts", [3, pytest.param(16, marks=pytest.mark.slow)])
def test_f16_a_full_disk(arguments: tuple[str, ...], parts: int, project, disk, nursery) -> None:
    made = project(cases=500, base=200, right=450, extra="resamples: 100\n", metrics="[exact_match, chrf]")
    place = disk(64 * KIB)
    whole = made.root / "whole"
    assert made.run("--out", str(whole), "--backend", "sequential").code == 0
    expected = evidence(whole)
    shutil.copytree(whole, place / "measured")
    needed = used_kib(place)
    shutil.rmtree(place / "measured")
    refused = 0
    for part in range(parts):
        kib = max(4, needed * part // parts)
        disk(kib)
        out = place / f"out{part}"
        child = nursery.start(["run", str(made.config), "--out", str(out), *arguments], made.root / f"said{part}")
        code = child.wait()
        at = f"{kib} KiB of {needed}: exit {code}\n{child.text}"
        assert "Traceback" not in child.text, at
        if code != 0:
            refused += 1
            assert code == 3 or (code == 2 and "cannot be made a run folder" in child.text), at
            assert "No space left on device" in child.text and str(out) in child.text, at
            require_clean(out, at)
        kept = {p.name: p.read_bytes() for p in (out / "shards").glob("*.json")} if (out / "shards").is_dir() else {}
        disk(64 * KIB)
        again = nursery.start(["run", str(made.config), "--out", str(out), *arguments], made.root / f"said{part}")
        assert again.wait() == 0, again.text
        found = evidence(out)
        assert found == expected, at
        assert kept.items() <= found.items(), at
        shutil.rmtree(out)
    assert refused >= parts - 1


@pytest.mark.parametrize(
    ("limits", "said"),
    [("ulimit -n 12", "Too many open files"), pytest.param("ulimit -v 420000", "out of memory", marks=pytest.mark.slow)],
)
def test_f15_too_little_of_something_is_no_bug(limits: str, said: str, project) -> None:
    made = project(cases=300, base=100, right=250, extra="resamples: 100\n")
    out = made.root / "out"
    command = [sys.executable, "-m", "evalgate", "run", str(made.config), "--out", str(out), "--jobs", "2"]
    done = subprocess.run(
        ["bash", "-c", f'{limits} && exec "$@"', "bash", *command], capture_output=True, text=True, check=False, timeout=120
    )
    assert "Traceback" not in done.stderr and "internal error" not in done.stderr
    assert done.returncode == 3, done.stderr
    assert said in done.stderr and "the same command continues" in done.stderr
    require_clean(out, done.stderr)
    assert made.run("--out", str(out)).code == 0
