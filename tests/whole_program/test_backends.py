"""Every backend and every storage gives the same bytes; what cannot be reached is said, and no verdict is made without it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from evalgate.core.errors import Incomplete, Problem
from evalgate.pipeline.listing import installed
from evalgate.runner import copies, depot
from evalgate.runner.storage import Storage

CASES = {"cases": 200, "base": 100, "right": 150}
SLOW = pytest.mark.slow


def evidence(folder: Path) -> dict[str, bytes]:
    """What must not depend on how the work was done; the verdict names the digest of the manifest."""
    named = {name: (folder / name).read_bytes() for name in ("verdict.json", "plan.json")}
    receipts = {p.name: json.dumps(json.loads(p.read_text())["content"]).encode() for p in (folder / "shards").glob("*.json")}
    return named | receipts


def work(folder: Path) -> Any:
    return json.loads((folder / "run.json").read_text(encoding="utf-8"))["work"]


@pytest.mark.parametrize(
    "how",
    [
        pytest.param(["--backend", "loky", "--jobs", "1"], marks=SLOW),
        pytest.param(["--backend", "loky", "--jobs", "2"], marks=SLOW),
        pytest.param(["--backend", "loky", "--jobs", "4"], marks=SLOW),
        pytest.param(["--backend", "threading", "--jobs", "3"], marks=SLOW),
        ["--backend", "threading", "--jobs", "2", "--storage", "memory://backends"],
        pytest.param(["--backend", "sequential", "--storage", "memory://backends"], marks=SLOW),
        ["--backend", "loky", "--jobs", "2", "--storage", "STORE"],
    ],
    ids=lambda how: " ".join(how[1::2]),
)
def test_the_same_bytes_whoever_does_the_work(project, how: list[str]) -> None:
    made = project(
        **CASES, safety="[pii]", thresholds=("{metric: exact_match, min_improvement: 0.05}", "{safety: any, max_increase: 0}")
    )
    whole, out, store = made.root / "whole", made.root / "out", made.root / "store"
    assert made.run("--out", str(whole), "--backend", "sequential").code == 0
    ran = made.run("--out", str(out), *(f"file://{store}" if word == "STORE" else word for word in how))
    assert ran.code == 0, ran.err
    assert evidence(out) == evidence(whole)
    assert not list(store.glob("*")), "the work of a run that is over stays behind"
    if "--storage" in how:
        assert work(out)["storage"] == "cleared"
        assert work(out)["in_this_process"] == 0


@pytest.mark.parametrize(("worth", "alone"), [(1e9, 6), (1e-9, 1)], ids=["all of it is too little", "all of it is enough"])
def test_workers_are_asked_for_where_what_is_left_is_worth_their_start(
    project, monkeypatch: pytest.MonkeyPatch, worth: float, alone: int
) -> None:
    from evalgate.runner import execute

    made = project(cases=500, base=200, right=450)
    whole, out = made.root / "whole", made.root / "out"
    assert made.run("--out", str(whole), "--backend", "sequential").code == 0
    monkeypatch.setattr(execute, "ALONE_SECONDS", 1e-9)
    monkeypatch.setattr(execute, "WORTH_SECONDS", worth)
    assert made.run("--out", str(out), "--backend", "threading").code == 0
    assert (work(out)["shards"], work(out)["in_this_process"]) == (6, alone)
    assert work(out)["backend"] == ("sequential" if alone == 6 else "threading")
    assert evidence(out) == evidence(whole)


ENGINE = """
from contextlib import contextmanager
from evalgate.runner.backends import Connection

class Died(Exception): pass

@contextmanager
def make(address, jobs):
    with open(address, "a") as told:
        told.write("opened ")
    try:
        yield Connection("threading", jobs or 3, (Died,))
    finally:
        with open(address, "a") as told:
            told.write("closed ")
"""


def test_a_package_can_bring_an_engine(project, install_plugin, capsys: pytest.CaptureFixture[str]) -> None:
    """It is listed, chosen by name, told the address, closed at the end, and changes no byte of the evidence."""
    install_plugin("twin", ENGINE, group="evalgate.backends")
    made = project(**CASES)
    whole, out, told = made.root / "whole", made.root / "out", made.root / "told"
    assert made.run("--out", str(whole), "--backend", "sequential").code == 0
    ran = made.run("--out", str(out), "--backend", "twin", "--address", str(told))
    assert ran.code == 0, ran.err
    assert told.read_text() == "opened closed "
    assert (work(out)["backend"], work(out)["jobs"], work(out)["in_this_process"]) == ("twin", 3, 0)
    assert evidence(out) == evidence(whole)
    listed = [row for row in installed() if row["kind"] == "backend"]
    assert [row["name"] for row in listed] == ["dask", "loky", "ray", "sequential", "threading", "twin"]
    assert (listed[-1]["distribution"], listed[-1]["version"]) == ("twin-plugin", "1.0")
    missed = made.run("--out", str(out), "--backend", "twim")
    assert (missed.code, "did you mean twin?" in missed.err) == (2, True)


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ('yield Connection("threading", jobs or 3, (Died,))', "raise RuntimeError('no licence')", "RuntimeError: no licence"),
        ('"threading"', '"nowhere"', "the backend odd failed: "),
        ("jobs or 3", "0", "gave no Connection with at least one job"),
        ('Connection("threading", jobs or 3, (Died,))', "None", "gave no Connection with at least one job"),
        ("@contextmanager", "", "object does not support the context manager protocol"),
        ('told.write("closed ")', 'raise OSError("cannot be left")', "OSError: cannot be left"),
        ("(address, jobs)", "(address)", "TypeError: make() takes 1 positional argument but 2 were given"),
    ],
)
def test_an_engine_that_fails_is_told(project, install_plugin, right: str, wrong: str, said: str) -> None:
    assert right in ENGINE
    install_plugin("odd", ENGINE.replace(right, wrong), group="evalgate.backends")
    made = project(**CASES)
    out = made.root / "out"
    ran = made.run("--out", str(out), "--backend", "odd", "--address", str(made.root / "told"))
    assert ran.code == 3, ran.err
    assert said in ran.err
    assert not (out / "verdict.json").exists()
    assert made.run("--out", str(out), "--backend", "sequential").code == 0, "the same command continues with another engine"


def test_comparisons_have_backends_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from evalgate.pipeline.api import compare

    files = {name: tmp_path / f"{name}.jsonl" for name in ("ref", "base", "cand")}
    for name, file in files.items():
        column = "reference" if name == "ref" else "output"
        file.write_text("".join(json.dumps({"id": str(i), column: f"{i} {name if i % 3 else ''}"}) + "\n" for i in range(300)))
    found = []
    for backend, storage in (("sequential", None), ("threading", "memory://comparisons"), ("threading", None)):
        out = tmp_path / f"{backend}{storage is not None}"
        result = compare(
            files["base"], files["cand"], references=files["ref"], metrics=["bleu", "exact_match"],
            out=out, backend=backend, storage=storage, jobs=2,
        )  # fmt: skip
        found.append(evidence(result.folder))
    assert found[0] == found[1] == found[2]


def test_what_the_storage_has_is_not_done_again(project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A parent that is lost with its disk: another one goes on with what the workers had handed in."""
    made = project(**CASES)
    store, whole, out = made.root / "store", made.root / "whole", made.root / "out"
    assert made.run("--out", str(whole)).code == 0
    how = ["--backend", "threading", "--jobs", "1", "--storage", str(store)]
    handed: list[int] = []

    def until_three(url: str, folder: Path, task: Any, hand_in: Any = copies.hand_in) -> None:
        if len(handed) == 3:
            raise Incomplete(Problem("the store is full", url))
        hand_in(url, folder, task)
        handed.append(task.shard)

    monkeypatch.setattr(copies, "hand_in", until_three)
    stopped = made.run("--out", str(made.root / "lost"), *how)
    assert (stopped.code, "the store is full" in stopped.err) == (3, True)
    assert not (made.root / "lost" / "verdict.json").exists()
    monkeypatch.undo()
    assert made.run("--out", str(out), *how).code == 0
    assert work(out)["kept"] == 3
    assert evidence(out) == evidence(whole)
    assert not list(store.glob("*"))


@pytest.mark.parametrize("damage", ["torn", *(pytest.param(kind, marks=SLOW) for kind in ("lost", "receipt", "job", "fresh"))])
def test_a_damaged_storage_is_never_believed(project, monkeypatch: pytest.MonkeyPatch, damage: str) -> None:
    made = project(**CASES)
    store, whole, out = made.root / "store", made.root / "whole", made.root / "out"
    assert made.run("--out", str(whole)).code == 0
    how = ["--backend", "threading", "--jobs", "1", "--storage", str(store)]
    monkeypatch.setattr(depot.Depot, "done", lambda self: depot.REFUSED)
    assert made.run("--out", str(made.root / "first"), *how).code == 0
    assert work(made.root / "first")["storage"] == "could not be cleared"
    monkeypatch.undo()
    place = next(store.glob("evalgate-*"))
    shard = place / "shards" / "00001.parquet"
    if damage == "torn":
        shard.write_bytes(shard.read_bytes()[:-20])
    elif damage == "lost":
        shard.unlink()
    elif damage == "receipt":
        shard.with_suffix(".json").write_text("{")
    elif damage == "job":
        (place / "work" / "job.json").write_text("{}")
    again = made.run("--out", str(out), *how, *(["--fresh"] if damage == "fresh" else []))
    assert again.code == 0, again.err
    shards = len(list((whole / "shards").glob("*.json")))
    assert work(out)["kept"] == {"fresh": 0, "job": shards}.get(damage, shards - 1)
    assert evidence(out) == evidence(whole)


@pytest.mark.slow
def test_a_storage_is_cleared_where_everything_had_come_back(project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A parent that is lost between the last shard and the end."""
    made = project(**CASES)
    store, out = made.root / "store", made.root / "out"
    how = ["--out", str(out), "--backend", "threading", "--storage", str(store)]
    monkeypatch.setattr(depot.Depot, "done", lambda self: depot.REFUSED)
    assert made.run(*how).code == 0
    monkeypatch.undo()
    assert list(store.glob("evalgate-*"))
    assert made.run(*how).code == 0
    assert work(out)["kept"] == len(list((out / "shards").glob("*.json")))
    assert not list(store.glob("evalgate-*"))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["work/cases/00002.jsonl", "work/recording/0001.jsonl", "shards/00002.parquet"])
@pytest.mark.parametrize("torn", [True, False])
def test_an_object_that_is_lost_or_torn_on_the_way_is_incomplete(
    project, monkeypatch: pytest.MonkeyPatch, name: str, torn: bool
) -> None:
    made = project(**CASES)
    out = made.root / "out"
    how = ["--out", str(out), "--backend", "threading", "--jobs", "1", "--storage", f"memory://damaged{torn}"]

    def damaged(self: Storage, wanted: str, read: Any = Storage.read, fetch: Any = Storage.fetch, to: Any = None) -> Any:
        if f"{self.url}/{wanted}".endswith(name):
            if not torn:
                raise Incomplete(Problem("is not there", name))
            data = read(self, wanted)[:-3]
            return data if to is None else to.write_bytes(data)
        return read(self, wanted) if to is None else fetch(self, wanted, to)

    monkeypatch.setattr(Storage, "read", damaged)
    monkeypatch.setattr(Storage, "fetch", lambda self, wanted, target: damaged(self, wanted, to=target))
    stopped = made.run(*how)
    assert stopped.code == 3, stopped.err
    assert not (out / "verdict.json").exists()
    assert "Traceback" not in stopped.err
    monkeypatch.undo()
    finished = made.run(*how)
    assert finished.code == 0, finished.err


@pytest.mark.parametrize(
    ("how", "code", "said"),
    [
        (["--backend", "dsk"], 2, "did you mean dask"),
        (["--backend", "dask"], 2, "needs the address"),
        (["--backend", "loky", "--address", "tcp://h:1"], 2, "takes no address"),
        (["--backend", "loky", "--storage", "memory://x"], 2, "do not see the memory"),
        (["--storage", "s3://key:secret@bucket/x"], 2, "user or a password"),
        (["--storage", "s3://"], 2, "not a folder of a store"),
        (["--storage", "nowhere://bucket/x"], 2, "scheme"),
        (["--backend", "threading", "--storage", "/proc/none"], 3, "cannot be written"),
    ],
)
def test_workers_that_there_cannot_be(project, how: list[str], code: int, said: str) -> None:
    made = project()
    ran = made.run("--out", str(made.root / "out"), *how)
    assert (ran.code, said in ran.err) == (code, True), ran.err
    assert "secret" not in ran.err
    assert not (made.root / "out" / "verdict.json").exists()


@pytest.mark.parametrize("backend", ["dask", "ray"])
def test_a_cluster_that_is_not_there_or_not_installed(project, backend: str) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    made = project()
    began = time.monotonic()
    ran = made.run("--out", str(made.root / "out"), "--backend", backend, "--address", f"127.0.0.1:{port}")
    assert ran.code == 3
    assert f"evalgate-engine[{backend}]" in ran.err or f"127.0.0.1:{port}" in ran.err
    assert time.monotonic() - began < 30
    assert not (made.root / "out" / "verdict.json").exists()


@pytest.mark.parametrize(
    ("group", "said"),
    [
        ("{backend: dsk}", "did you mean dask"),
        ("{backend: loky, address: 'tcp://h:1'}", "takes no address"),
        ("{address: 'tcp://h:1'}", "no backend uses it"),
        ("{backend: dask, address: 'tcp://user:pw@h:1'}", "user or a password"),
        ("{storage: 's3://key:pw@bucket'}", "user or a password"),
        ("{backend: dask, scheduler: h}", "scheduler"),
        ("{jobs: 0}", "jobs"),
        ("{jobs: '4'}", "jobs"),
        ("{}", "execution is empty"),
        ("dask", "execution"),
    ],
)
def test_a_group_execution_that_is_refused(project, group: str, said: str) -> None:
    ran = project(extra=f"execution: {group}\n").run()
    assert (ran.code, said in ran.err) == (2, True), ran.err
    assert "pw" not in ran.err


@pytest.mark.slow
def test_the_configuration_names_the_workers_and_the_command_line_wins(project) -> None:
    plain = project(**CASES)
    assert plain.run("--out", str(plain.root / "plain")).code == 0
    made = project(**CASES, extra="execution: {backend: threading, storage: 'memory://configured', jobs: 2}\n")
    one, two, three = (made.root / name for name in ("one", "two", "three"))
    assert made.run("--out", str(one)).code == 0
    assert (work(one)["backend"], work(one)["jobs"], work(one)["storage"]) == ("threading", 2, "cleared")
    assert made.run("--out", str(two), "--jobs", "3").code == 0
    assert (work(two)["backend"], work(two)["jobs"]) == ("threading", 3)
    assert made.run("--out", str(three), "--backend", "sequential").code == 0
    assert (work(three)["backend"], "storage" in work(three)) == ("sequential", False)
    assert evidence(one) == evidence(two) == evidence(three)
    before, after = evidence(plain.root / "plain"), evidence(one)
    same = [name for name in before if name != "verdict.json"]  # which names the configuration's bytes
    assert [before[name] for name in same] == [after[name] for name in same]
    assert before["plan.json"] == after["plan.json"]


def test_nothing_of_a_cluster_is_loaded_without_one(project) -> None:
    made = project()
    look = (
        "import sys; from evalgate.cli.main import main; code = main(sys.argv[1:]);"
        "print(code, sorted({'fsspec', 'distributed', 'dask', 'ray', 'joblib'} & set(sys.modules)), file=sys.stderr)"
    )
    command = [sys.executable, "-c", look, "run", str(made.config), "--out", str(made.root / "out")]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert ran.stderr.strip().endswith("0 []"), ran.stderr


@pytest.mark.slow
def test_a_killed_parent_is_resumed_from_its_folder_and_the_storage(project) -> None:
    made = project(**CASES, metrics="[exact_match, ter, chrf]")
    out, whole, store = (made.root / name for name in ("out", "whole", "store"))
    assert made.run("--out", str(whole)).code == 0
    how = ["run", str(made.config), "--out", str(out), "--jobs", "2", "--storage", str(store)]
    running = subprocess.Popen([sys.executable, "-m", "evalgate", *how], start_new_session=True, stderr=subprocess.DEVNULL)
    for _ in range(600):
        if len(list(store.glob("*/shards/*.json"))) >= 2 or running.poll() is not None:
            break
        time.sleep(0.02)
    os.kill(running.pid, signal.SIGKILL)
    running.wait(20)
    time.sleep(1.5)  # its workers see within a second that it is gone
    assert not (out / "verdict.json").exists() or work(out)
    again = made.call(*how)
    assert again.code == 0, again.err
    assert evidence(out) == evidence(whole)
