"""Real clusters: two Dask worker processes and a local Ray give the same bytes as one process, and say what is wrong."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

CASES = {"cases": 400, "base": 200, "right": 300}
REPOSITORY = Path(__file__).parents[2]


def evidence(folder: Path) -> dict[str, bytes]:
    """What must not depend on how the work was done; the verdict names the digest of the manifest."""
    named = {name: (folder / name).read_bytes() for name in ("verdict.json", "plan.json")}
    receipts = {p.name: json.dumps(json.loads(p.read_text())["content"]).encode() for p in (folder / "shards").glob("*.json")}
    return named | receipts


def work(folder: Path) -> Any:
    return json.loads((folder / "run.json").read_text(encoding="utf-8"))["work"]


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1", **more}


def run(made: Any, out: Path, *how: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "evalgate", "run", str(made.config), "--out", str(out), *how]
    return subprocess.run(command, capture_output=True, text=True, timeout=150, env=environment(), check=False)


@pytest.fixture
def dask(tmp_path: Path) -> Iterator[Callable[..., tuple[str, list[subprocess.Popen[bytes]]]]]:
    """Start a scheduler and two worker processes: `dask()` gives its address and the processes, scheduler first."""
    pytest.importorskip("distributed", reason="pip install 'evalgate-engine[dask]'")
    started: list[subprocess.Popen[bytes]] = []

    def start(**variables: str) -> tuple[str, list[subprocess.Popen[bytes]]]:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            port = listener.getsockname()[1]
        address = f"tcp://127.0.0.1:{port}"
        options = ["--no-dashboard", "--host", "127.0.0.1"]
        commands = [["scheduler", "--port", str(port), *options]]
        commands += [
            ["worker", address, "--nthreads", "1", "--no-nanny", *options, "--local-directory", str(tmp_path / "dask")]
        ] * 2
        for command in commands:
            started.append(
                subprocess.Popen(
                    [sys.executable, "-W", "ignore", "-m", "dask", *command],
                    env=environment(**variables), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                )
            )  # fmt: skip
        return address, started

    yield start
    for process in started:
        process.kill()
    for process in started:
        process.wait(20)


def how(address: str, *more: str) -> list[str]:
    return ["--backend", "dask", "--address", address, *more]


@pytest.mark.parametrize("storage", [False, True])
def test_a_dask_cluster_gives_the_same_bytes(project, dask, tmp_path: Path, storage: bool) -> None:
    made = project(**CASES, metrics="[exact_match, bleu, chrf]", safety="[pii]")
    address, _ = dask()
    whole, out, store = (made.root / name for name in ("whole", "out", "store"))
    assert run(made, whole, "--backend", "sequential").returncode == 0
    ran = run(made, out, *how(address, *(["--storage", str(store)] if storage else [])))
    assert ran.returncode == 0, ran.stderr
    assert (work(out)["backend"], work(out)["jobs"], work(out)["in_this_process"]) == ("dask", 2, 0)
    assert evidence(out) == evidence(whole)


def test_a_dask_worker_that_dies_costs_nothing(project, dask) -> None:
    made = project(**CASES, metrics="[exact_match, ter, chrf]")
    address, (_, worker, _) = dask()
    whole, out = made.root / "whole", made.root / "out"
    assert run(made, whole, "--backend", "sequential").returncode == 0
    command = [sys.executable, "-m", "evalgate", "run", str(made.config), "--out", str(out), *how(address)]
    running = subprocess.Popen(command, env=environment(), stderr=subprocess.PIPE, text=True)
    wait_for_receipt(out, running)
    worker.send_signal(signal.SIGKILL)
    _, said = running.communicate(timeout=120)
    assert running.returncode == 0, said
    assert evidence(out) == evidence(whole)


def test_a_scheduler_that_dies_leaves_a_run_that_can_be_resumed(project, dask) -> None:
    made = project(cases=3000, base=1500, right=2200, metrics="[exact_match, ter, chrf, self_bleu, bleu, rouge]")
    address, (scheduler, *_) = dask()
    whole, out = made.root / "whole", made.root / "out"
    code = run(made, whole, "--backend", "sequential").returncode
    command = [sys.executable, "-m", "evalgate", "run", str(made.config), "--out", str(out), *how(address)]
    running = subprocess.Popen(command, env=environment(), stderr=subprocess.PIPE, text=True)
    wait_for_receipt(out, running)
    scheduler.kill()
    _, said = running.communicate(timeout=120)
    assert running.returncode == 3, said
    assert address in said
    assert not (out / "verdict.json").exists()
    assert run(made, out, "--jobs", "1").returncode == code
    assert work(out)["kept"] >= 1
    assert evidence(out) == evidence(whole)


def wait_for_receipt(out: Path, running: subprocess.Popen[str]) -> None:
    for _ in range(600):
        if list((out / "shards").glob("*.json")) or running.poll() is not None:
            return
        time.sleep(0.05)


def test_a_worker_of_another_version_stops_the_run(project, dask, tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(
        "import importlib.metadata as m\nknown = m.version\n"
        "m.version = lambda name: '0.0.1' if name == 'sacrebleu' else known(name)\n"
    )
    made = project(**CASES)
    address, _ = dask(PYTHONPATH=f"{tmp_path / 'site'}{os.pathsep}{REPOSITORY}")
    ran = run(made, made.root / "out", *how(address))
    assert ran.returncode == 3
    assert "sacrebleu 0.0.1 instead of" in ran.stderr and f"worker on {socket.gethostname()}" in ran.stderr
    assert not (made.root / "out" / "verdict.json").exists()


def test_workers_without_evalgate(project, dask, tmp_path: Path) -> None:
    """Where joblib would wait for ever."""
    made = project()
    hidden = tmp_path / "site"
    hidden.mkdir()
    (hidden / "sitecustomize.py").write_text("import sys\nsys.modules['evalgate'] = None\n")
    address, _ = dask(PYTHONPATH=str(hidden))
    ran = run(made, made.root / "out", *how(address))
    assert (ran.returncode, "cannot call evalgate" in ran.stderr) == (3, True), ran.stderr


def test_a_port_that_is_no_scheduler(project) -> None:
    pytest.importorskip("distributed", reason="pip install 'evalgate-engine[dask]'")
    made = project()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        began = time.monotonic()
        ran = run(made, made.root / "out", *how(f"tcp://127.0.0.1:{port}"))
    assert (ran.returncode, f"127.0.0.1:{port}" in ran.stderr) == (3, True), ran.stderr
    assert time.monotonic() - began < 60


@pytest.mark.parametrize("storage", [False, True])
def test_a_local_ray_gives_the_same_bytes(project, storage: bool) -> None:
    pytest.importorskip("ray", reason="pip install 'evalgate-engine[ray]'")
    made = project(**CASES, metrics="[exact_match, bleu, chrf]")
    whole, out, store = (made.root / name for name in ("whole", "out", "store"))
    assert run(made, whole, "--backend", "sequential").returncode == 0
    ran = run(made, out, "--backend", "ray", "--address", "local", *(["--storage", str(store)] if storage else []))
    assert ran.returncode == 0, ran.stderr
    assert work(out)["backend"] == "ray"
    assert evidence(out) == evidence(whole)
