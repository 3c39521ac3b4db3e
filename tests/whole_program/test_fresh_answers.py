"""Answers that pass for something they are not: old ones for new, made-up ones for real, cleaned ones for clean."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from evalgate.core.lock import locked
from evalgate.pipeline import sources
from evalgate.proxy.recording import open_recording
from evalgate.proxy.recording_writer import RecordingWriter

APP = """
import json, sys
asked = json.load(sys.stdin)
arm, number = asked["messages"][-1]["content"].split()[:2]
open("calls.log", "a").write(arm + number + "\\n")
{before}
print({said})
"""
RIGHT = 'str(int(number) + 1) if arm == "Add:" or int(number) < 20 else "no idea"'


def with_app(made: Any, *, said: str = RIGHT, before: str = "", name: str = "app.py") -> Any:
    """The project's model is a program; nothing is recorded yet."""
    (made.root / name).write_text(APP.format(said=said, before=before), encoding="utf-8")
    models = (
        f"m: {{provider: command, name: m, command: [{sys.executable}, {name}], parameters: {{temperature: 0}}, processes: 8}}"
    )
    text = made.text().replace("m: {provider: openai, name: m, parameters: {temperature: 0}}", models)
    made.config.write_text(text.replace("recording: sums}", "recording: sums, attempts: 1}"), encoding="utf-8")
    return made


def recorded(made: Any, name: str = "sums") -> dict[str, str]:
    return {e.key: e.text for e in open_recording(made.root / "datasets" / "recordings" / name, name).exchanges()}


def calls(made: Any) -> int:
    log = made.root / "calls.log"
    return len(log.read_text().splitlines()) if log.exists() else 0


@pytest.mark.parametrize("mode", ["record", "live", "refresh"])
def test_a_leaked_key_counts_although_it_is_not_written(mode: str, project) -> None:
    made = project(
        cases=12, base=12, right=12, safety="[{blocklist: {terms: [never said]}}]", thresholds=("{safety: any, max: 0}",)
    )
    said = 'str(int(number) + 1) + (" AKIAIOSFODNN7EXAMPLE" if arm == "Add:" else "")'
    with_app(made, said=said)
    shutil.rmtree(made.tape.parent)
    ran = made.run("--mode", mode, "--json")
    assert ran.code == 1, ran.err
    assert ran.document["safety"]["any"] | {"candidate": 12, "baseline": 0} == ran.document["safety"]["any"]
    written = b"".join(path.read_bytes() for path in made.root.rglob("*") if path.is_file() and path.suffix != ".py")
    assert b"AKIAIOSFODNN7EXAMPLE" not in written


FAILS_ONCE = 'if number == "7": sys.exit(3)'


@pytest.mark.parametrize("mode", ["live", "refresh"])
def test_answers_of_another_application_are_not_taken_for_new_ones(mode: str, project) -> None:
    made = with_app(project(cases=12, base=6, right=12), said='"old"', before=FAILS_ONCE)
    assert made.run("--mode", mode).code == 3
    with_app(made, name="app2.py")
    ran = made.run("--mode", mode, "--json", "--out", str(made.root / "out"))
    assert ran.code in (0, 1, 4), ran.err
    rows = (made.root / "out" / "verdict.json").read_text()
    assert json.loads(rows)["metrics"]["exact_match"]["candidate"] == 1.0
    if mode == "refresh":
        assert "old" not in recorded(made).values()
        assert "put aside" in ran.err


@pytest.mark.parametrize("mode", ["live", "refresh"])
def test_answers_of_yesterday_are_not_taken_for_new_ones(mode: str, project, monkeypatch: pytest.MonkeyPatch) -> None:
    made = with_app(project(cases=12, base=6, right=12), before=FAILS_ONCE)
    assert made.run("--mode", mode).code == 3
    first = calls(made)
    (place,) = made.root.rglob("attempt.json")
    attempt = json.loads(place.read_text())
    place.write_text(json.dumps({**attempt, "started": "2020-01-01T00:00:00+00:00"}))
    (made.root / "app.py").write_text(APP.format(said=RIGHT, before=""), encoding="utf-8")
    assert made.run("--mode", mode).code in (0, 1, 4)
    assert calls(made) - first == 24


def test_an_attempt_that_is_continued_is_told(project) -> None:
    made = with_app(project(cases=12, base=6, right=12), before=FAILS_ONCE)
    assert made.run("--mode", "refresh").code == 3
    first = calls(made)
    (made.root / "app.py").write_text(APP.format(said=RIGHT, before=""), encoding="utf-8")
    ran = made.run("--mode", "refresh")
    assert ran.code in (0, 1, 4), ran.err
    assert "answers of the attempt that began at" in ran.err
    assert calls(made) - first == 2
    assert not (made.tape.parent / "attempt.json").exists()


def test_a_recording_with_the_word_refresh_in_its_name_is_left_alone(project) -> None:
    made = with_app(project(cases=12, base=6, right=12))
    other = made.tape.parent.with_name("sums.refresh")
    shutil.copytree(made.tape.parent, other)
    before = recorded(made, "sums.refresh")
    assert made.run("--mode", "refresh").code in (0, 1, 4)
    assert calls(made) == 24
    assert recorded(made, "sums.refresh") == before


@pytest.mark.parametrize("mode", ["record", "refresh", "live"])
def test_a_mock_is_never_recorded_as_a_model(mode: str, project) -> None:
    made = project()
    made.config.write_text(made.text().replace("provider: openai", "provider: mock"), encoding="utf-8")
    ran = made.run("--mode", mode)
    assert ran.code == 2
    assert "is a mock" in ran.err


def test_refresh_keeps_what_other_gates_ask_of_the_recording(project) -> None:
    made = with_app(project(cases=20))
    before = recorded(made)
    lines = made.data.read_text().splitlines()
    made.data.write_text("\n".join(lines[:6]) + "\n", encoding="utf-8")
    assert made.run("--mode", "refresh").code in (0, 1, 4)
    assert calls(made) == 12
    assert recorded(made).keys() == before.keys()
    made.data.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert made.run().code in (0, 1, 4)


def test_a_recording_that_somebody_writes_is_not_replaced(project) -> None:
    made = with_app(project(cases=12, base=6, right=12))
    before = recorded(made)
    with RecordingWriter(made.tape.parent, "sums"):
        ran = made.run("--mode", "refresh")
        assert ran.code == 3
        assert "locked by process" in ran.err
    assert recorded(made) == before
    assert made.run("--mode", "refresh").code in (0, 1, 4)
    assert calls(made) == 24, "what was asked is not asked again"


@pytest.mark.parametrize("mode", ["record", "refresh"])
def test_a_refresh_that_died_between_its_renames_is_finished(mode: str, project, monkeypatch: pytest.MonkeyPatch) -> None:
    made = with_app(project(cases=12, base=6, right=12))
    real = sources._finish_swap

    def die(place: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(sources, "_finish_swap", die)
    assert made.run("--mode", "refresh").code == 130
    assert not made.tape.parent.exists()
    monkeypatch.setattr(sources, "_finish_swap", real)
    replayed = made.run()
    assert replayed.code == 2
    assert "was interrupted" in replayed.err
    assert made.run("--mode", mode).code in (0, 1, 4)
    assert calls(made) == 24
    assert made.run().code in (0, 1, 4)
    assert not [p.name for p in made.tape.parent.parent.iterdir() if p.name.startswith(".refresh")]


def test_a_torn_tail_that_was_cut_is_told(project) -> None:
    made = with_app(project(cases=12, base=6, right=12))
    shutil.rmtree(made.tape.parent)
    assert made.run("--mode", "record").code in (0, 1, 4)
    made.tape.write_bytes(made.tape.read_bytes()[:-40])
    ran = made.run("--mode", "record")
    assert ran.code in (0, 1, 4)
    assert "the last line was torn" in ran.err
    assert calls(made) == 25


def test_in_a_notebook_the_loop_that_runs_is_no_hindrance(project) -> None:
    import evalgate

    made = with_app(project(cases=12, base=6, right=12))
    shutil.rmtree(made.tape.parent)

    async def cell() -> int:
        return evalgate.run(made.config, mode="record").exit_code

    assert asyncio.run(cell()) in (0, 1, 4)
    assert calls(made) == 24


NOTEBOOK = """
import asyncio, sys
import evalgate
from evalgate.core.errors import Interrupted
async def cell():
    evalgate.run(sys.argv[1], mode="record")
try:
    asyncio.new_event_loop().run_until_complete(cell())
except Interrupted as error:
    print(error)
"""


def test_an_interrupt_in_a_notebook_stops_the_asking(project) -> None:
    """The interrupt comes to the thread of the notebook; the one that asks must hear of it and keep what it has."""
    made = with_app(project(cases=40), before="import time; time.sleep(0.2)")
    shutil.rmtree(made.tape.parent)
    command = [sys.executable, "-c", NOTEBOOK, str(made.config)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=made.root) as notebook:
        for _ in range(1200):
            if calls(made) >= 16 or notebook.poll() is not None:
                break
            time.sleep(0.05)
        notebook.send_signal(signal.SIGINT)
        said, _ = notebook.communicate(timeout=60)
    assert notebook.returncode == 0
    assert "will not be asked for again" in said
    kept, before = len(recorded(made)), calls(made)
    assert 1 <= kept < 80
    assert made.run("--mode", "record").code in (0, 1, 4)
    assert calls(made) - before == 80 - kept


def test_a_refresh_that_died_between_its_renames_is_kept_when_the_set_up_changes(
    project, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = with_app(project(cases=12, base=6, right=12))
    real = sources._finish_swap

    def die(place: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(sources, "_finish_swap", die)
    assert made.run("--mode", "refresh").code == 130
    monkeypatch.setattr(sources, "_finish_swap", real)
    with_app(made, said='"new"', name="app2.py")
    assert made.run("--mode", "refresh").code in (0, 1, 4)
    assert set(recorded(made).values()) == {"new"}
    beside = [set(recorded(made, p.name).values()) for p in made.tape.parent.parent.iterdir() if p.name.startswith("sums.")]
    assert len(beside) == 2, "both earlier recordings still stand"


class Oracle:
    """A provider of somebody else's."""

    def __init__(self, upstream: Any, context: Any) -> None:
        self.closed = False

    async def ask(self, call: Any, attempt: int, timeout_s: float) -> Any:
        from evalgate.proxy.upstream.interface import Failure, FailureKind, Reply

        arm, number = call.body["messages"][-1]["content"].split()[:2]
        if attempt == 0 and number == "3":
            return Failure(FailureKind.TRANSIENT, "not in the mood")
        return Reply(str(int(number) + 1) if arm == "Add:" else "no idea", "stop", 1, 1, 1.0)

    async def close(self) -> None:
        self.closed = True


def test_a_provider_of_somebody_elses_answers(project, monkeypatch: pytest.MonkeyPatch) -> None:
    class Entry:
        name, value, dist = "oracle", "oracle:Oracle", None

        def load(self) -> Any:
            return Oracle

    monkeypatch.setattr(
        "evalgate.core.plugins._entry_points", lambda group: {"oracle": [Entry()]} if group == "evalgate.providers" else {}
    )
    made = project(cases=40)
    made.config.write_text(made.text().replace("provider: openai", "provider: oracle"), encoding="utf-8")
    shutil.rmtree(made.tape.parent)
    ran = made.run("--mode", "record", "--json", "--out", str(made.root / "out"))
    assert ran.code == 0, ran.err
    assert ran.document["metrics"]["exact_match"] | {"baseline": 0.0, "candidate": 1.0} == ran.document["metrics"]["exact_match"]
    assert json.loads((made.root / "out" / "run.json").read_text())["collection"]["retries"] == 2
    monkeypatch.undo()
    assert made.run().code == 0, "replay needs no provider"


def test_a_lock_tells_two_processes_with_one_number_apart(tmp_path: Path) -> None:
    import os
    import socket

    lock = tmp_path / ".lock"
    holder = {"pid": os.getpid(), "host": socket.gethostname(), "since": "then", "started": "another-boot/1"}
    lock.write_text(json.dumps(holder), encoding="utf-8")
    with locked(lock, "wait"):
        assert json.loads(lock.read_text())["started"] != "another-boot/1"
    assert not lock.exists()


@pytest.mark.parametrize(("metrics", "same"), [("[exact_match]", True), ("[exact_match, latency_ms]", False)])
def test_waiting_times_are_evidence_only_where_they_are_measured(metrics: str, same: bool, project) -> None:
    made = project(metrics=metrics)
    ids = []
    for more in (0.0, 1000.0):
        rows = [json.loads(line) for line in made.tape.read_text().splitlines()]
        made.tape.write_text("".join(json.dumps({**row, "latency_ms": row["latency_ms"] + more}) + "\n" for row in rows))
        ids.append(made.run("--json").document["run_id"])
    assert (ids[0] == ids[1]) is same
