"""Prune: nothing that a gate asks for is lost, whatever happens meanwhile; what goes is kept aside."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evalgate.core.canonical import json_line
from evalgate.proxy import recording
from evalgate.proxy.recording import open_recording
from evalgate.proxy.recording_writer import RecordingWriter


def unsealed(line: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in line.items() if name != "digest"}


def filled(made: Any) -> None:
    """Five segments with every kind of line: needed, unneeded, duplicate, replaced error, an error that nothing replaced."""
    lines = made.lines()
    old = [made.line("baseline", 90 + i) for i in range(3)]
    made.record(*lines[:3], old[0], made.line("candidate", 1, error="HTTP 500"))
    made.record(*lines[3:6], lines[0], old[1], segment="0002.jsonl")
    made.record(old[2], lines[1], made.line("candidate", 9, error="HTTP 429"), segment="0003.jsonl")
    made.record(unsealed(lines[2]), unsealed(lines[6]), segment="0004.jsonl")
    made.record(made.line("candidate", 3, error="first"), made.line("candidate", 3, error="second"), segment="0005.jsonl")


KEPT = 8
GONE = {"unneeded": 4, "duplicates": 4, "replaced_errors": 1}


def prune(made: Any, *options: str, name: str = "sums") -> Any:
    return made.recording("prune", name, "--config", made.config, "--json", *options)


def every_line(root: Path) -> list[str]:
    """Every line of the recording and of everything put aside, as canonical text."""
    found = []
    for path in (root / "datasets" / "recordings").rglob("*.jsonl"):
        if ".pruning" not in str(path):
            found += [json.dumps(json.loads(line), sort_keys=True) for line in path.read_text(encoding="utf-8").splitlines()]
    return found


def answers(made: Any) -> dict[str, tuple[Any, ...]]:
    """What the recording says to each request of the gate."""
    opened = made.open()
    found = {}
    for line in made.lines():
        exchange = opened.lookup(line["key"])
        assert exchange is not None
        found[line["key"]] = (exchange.status, exchange.text, exchange.finish, exchange.error, exchange.latency_ms)
    return found


def test_without_apply_nothing_changes(project: Callable[..., Any]) -> None:
    made = project()
    filled(made)
    before = made.snapshot()
    ran = prune(made)
    assert ran.code == 0
    document = ran.document
    assert (document["applied"], document["aside"], document["requests"], document["kept"]) == (False, None, 8, KEPT)
    assert document["dropped"] == GONE
    assert {example["kind"] for example in document["examples"]} == set(GONE)
    assert made.snapshot() == before
    said = made.recording("prune", "sums", "--config", made.config).out
    assert "9 lines would be dropped" in said
    assert "nothing was changed: --apply does it" in said


def test_what_is_needed_stays_and_what_goes_stands_aside(project: Callable[..., Any]) -> None:
    made = project()
    filled(made)
    before, said, verdict = sorted(every_line(made.root)), answers(made), made.call("run", made.config, "--json", "--jobs", "1")
    ran = prune(made, "--apply")
    assert ran.code == 0, ran.err
    document = ran.document
    aside = Path(document["aside"])
    assert (document["applied"], document["kept"], document["dropped"]) == (True, KEPT, GONE)
    assert aside.parent == made.folder().parent
    assert aside.name.startswith("sums.pruned-")
    assert answers(made) == said
    assert len(made.open()) == 8
    assert sorted(path.name for path in made.folder().iterdir()) == ["0001.jsonl", "0002.jsonl", "0004.jsonl", "0005.jsonl"]
    assert sorted(every_line(made.root)) == before
    assert len(open_recording(aside, "aside")) > 0
    assert made.recording("verify").code == 0
    again = prune(made, "--apply")
    assert (again.document["applied"], sum(again.document["dropped"].values())) == (False, 0)
    after = made.call("run", made.config, "--json", "--jobs", "1")
    assert (after.code, [t["verdict"] for t in after.document.get("thresholds", [])]) == (
        verdict.code,
        [t["verdict"] for t in verdict.document.get("thresholds", [])],
    )


def test_kept_lines_keep_their_bytes(project: Callable[..., Any]) -> None:
    made = project()
    lines = [json.dumps(line, ensure_ascii=True, indent=None) + "\r\n" for line in made.lines()]
    place = made.record("\ufeff" + json_line(made.line("baseline", 50)), *lines, "\r\n", json_line(made.line("baseline", 51)))
    assert prune(made, "--apply").code == 0
    assert place.read_bytes().replace(b"\r\n\r\n", b"\r\n") == "".join(lines).encode()


def test_what_was_put_aside_can_be_brought_back(project: Callable[..., Any]) -> None:
    made = project()
    made.record(*made.lines(), made.line("baseline", 77))
    digest = made.open().digest
    aside = prune(made, "--apply").document["aside"]
    assert made.open().digest != digest
    assert made.bring(aside, into="sums").document["imported"] == 1
    assert made.open().digest == digest


def test_the_report_for_people(project: Callable[..., Any]) -> None:
    made = project()
    made.record(*made.lines(), made.line("baseline", 7, text="x"), '{"v"')
    said = made.recording("prune", "sums", "--config", made.config, "--apply")
    assert said.code == 0
    for part in (
        "8 lines stay for 8 requests of",
        "1 lines dropped",
        "unneeded: ",
        "m: Sum: 7 + 1",
        "they stand in",
        "4 bytes are cut off",
    ):
        assert part in said.out
    assert "nothing is dropped: every line is needed" in made.recording("prune", "sums", "--config", made.config).out


def test_all_samples_of_all_gates_are_kept(project: Callable[..., Any]) -> None:
    made = project(samples=2)
    second = made.gate("twice", samples=3)
    made.record(
        *made.lines(), *(made.line(arm, i, 2) for arm in ("baseline", "candidate") for i in range(4)), made.line("baseline", 0, 3)
    )
    ran = made.recording("prune", "sums", "--config", made.config, "--config", str(second), "--apply", "--json")
    assert (ran.document["requests"], ran.document["kept"], ran.document["dropped"]["unneeded"]) == (24, 24, 1)


def test_a_gate_that_was_not_named_is_not_robbed(project: Callable[..., Any]) -> None:
    made = project()
    other = made.gate("other", candidate="sum@1")
    made.gate("elsewhere", recording="another")
    (made.root / "configs" / "broken.yaml").write_text("gate: [\n")
    made.record(*made.lines(), made.line("baseline", 50))
    before = made.snapshot()
    assert prune(made).document["gates_not_named"] == [str(other)]
    assert f"{other} asks this recording too" in made.recording("prune", "sums", "--config", made.config).out
    ran = prune(made, "--apply")
    assert ran.code == 2
    assert "this gate asks recording 'sums' too" in ran.err
    assert made.snapshot() == before
    assert made.recording("prune", "sums", "--config", made.config, "--config", str(other), "--apply").code == 0


def test_a_gate_that_already_misses_refuses(project: Callable[..., Any]) -> None:
    made = project()
    made.record(*made.lines()[:-1], made.line("baseline", 50))
    before = made.snapshot()
    for options in ((), ("--apply",)):
        ran = prune(made, *options)
        assert ran.code == 3
        assert "1 request is not answered by the recording" in ran.err
        assert "case c3, candidate of" in ran.err
    assert made.snapshot() == before


@pytest.mark.parametrize(("change", "said", "code"), [
    (lambda made: made.gate(recording="another"), "does not ask recording 'sums'", 2),
    (lambda made: (made.root / "configs" / "sums.yaml").write_text("gate: x\n"), "sums.yaml", 2),
    (lambda made: (made.root / "configs" / "sums.yaml").unlink(), "sums.yaml", 2),
    (lambda made: made.record("{broken\n", segment="0009.jsonl"), "sums/0009.jsonl:1", 2),
    (lambda made: made.record(made.line("baseline", 0, text="no"), segment="0009.jsonl"), "another answer", 2),
    (lambda made: (made.root / "datasets" / "sums" / "1.0.0" / "cases.jsonl").write_text(""), "0 cases", 2),
], ids=range(6))  # fmt: skip
def test_what_cannot_be_pruned_stays_as_it_is(
    project: Callable[..., Any], change: Callable[[Any], Any], said: str, code: int
) -> None:
    made = project()
    filled(made)
    change(made)
    before = made.snapshot()
    for options in ((), ("--apply",)):
        ran = prune(made, *options)
        assert ran.code == code, ran.err
        assert said in ran.err
    assert made.snapshot() == before


def test_a_torn_tail_is_repaired_first_and_kept(project: Callable[..., Any]) -> None:
    made = project()
    made.record(*made.lines(), made.line("baseline", 50), '{"v":1')
    dry = prune(made)
    assert dry.code == 2
    assert "torn by a crash" in dry.err
    ran = prune(made, "--apply")
    assert (ran.code, len(ran.document["repaired"]), ran.document["dropped"]["unneeded"]) == (0, 1, 1)
    assert [path.read_text() for path in made.folder().glob("*.torn-*")] == ['{"v":1']


def test_a_recording_in_use_is_left_alone(project: Callable[..., Any]) -> None:
    made = project()
    filled(made)
    before = made.snapshot()
    with RecordingWriter(made.folder(), "sums"):
        ran = prune(made, "--apply")
        assert prune(made).code == 0
    assert ran.code == 2
    assert f"locked by process {os.getpid()}" in ran.err
    assert made.snapshot() == before


def test_two_prunings_have_two_places(project: Callable[..., Any]) -> None:
    made = project()
    asides = set()
    for _ in range(3):
        filled(made)
        asides.add(prune(made, "--apply").document["aside"])
    assert len(asides) == 3


def test_a_kept_index_does_not_outlive_its_segments(project: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "KEPT_BYTES", 0)
    made = project()
    filled(made)
    said = answers(made)
    assert (made.folder() / ".index").exists()
    assert prune(made, "--apply").code == 0
    assert not (made.folder() / ".index").exists()
    assert answers(made) == said


def test_a_recording_by_its_path(project: Callable[..., Any]) -> None:
    made = project()
    filled(made)
    assert prune(made, "--apply", name="./datasets/recordings/sums").code == 0
    shutil.copytree(made.folder(), made.root / "copy")
    ran = prune(made, "--apply", name="./copy")
    assert ran.code == 2
    assert "does not ask recording './copy'" in ran.err


# Crashes


def whole(made: Any, before: list[str], said: dict[str, Any]) -> None:
    """The recording opens and answers as before, and no line is lost."""
    assert answers(made) == said
    assert set(before) <= set(every_line(made.root))


def finished(made: Any, said: dict[str, Any]) -> None:
    """The same command again completes it, in another process: whoever held the lock is gone."""
    (made.folder() / ".lock").unlink(missing_ok=True)
    again = prune(made, "--apply")
    assert again.code == 0, again.err
    assert answers(made) == said
    assert len(made.open()) == 8
    opened = made.open()
    assert {exchange.key for exchange in opened.exchanges()} == {line["key"] for line in made.lines()}
    assert [p.name for p in made.folder().iterdir() if p.name.startswith(".") and not p.name.startswith(".lock.")] == []
    assert not [p.name for p in made.folder().parent.iterdir() if p.name.startswith(".")]


@pytest.mark.parametrize("name", ["fsync", "replace", "rename", "unlink", "mkdir"])
@pytest.mark.parametrize("failure", [errno.ENOSPC, errno.EIO, "interrupted"])
def test_a_failure_at_every_step_loses_nothing(
    project: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, name: str, failure: Any
) -> None:
    made = project()
    filled(made)
    start = made.root.parent / f"{made.root.name}-start"
    shutil.copytree(made.folder().parent, start)
    before, said = every_line(made.root), answers(made)
    real, reached = getattr(os, name), 0
    for step in range(1, 100):
        calls = iter(range(1, 1000))

        def fail(*arguments: Any, at: int = step, count: Any = calls, **options: Any) -> Any:
            if next(count) == at:
                raise KeyboardInterrupt if failure == "interrupted" else OSError(failure, os.strerror(failure))
            return real(*arguments, **options)

        monkeypatch.setattr(os, name, fail)
        ran = prune(made, "--apply")
        monkeypatch.setattr(os, name, real)
        whole(made, before, said)
        if next(calls) <= step:
            break
        reached += 1
        assert ran.code == (130 if failure == "interrupted" else 3) or ran.code == 0
        finished(made, said)
        whole(made, before, said)
        shutil.rmtree(made.folder().parent)
        shutil.copytree(start, made.folder().parent)
    assert reached > 0


KILL = """
import json, os, shutil, sys
from pathlib import Path
from evalgate.cli.main import main
from evalgate.pipeline.recording_prune import prune
from evalgate.pipeline import recording_gates
recordings, start, config = Path("datasets/recordings"), Path(sys.argv[1]), sys.argv[2]
NAMES = ("fsync", "replace", "rename", "unlink", "mkdir", "rmdir", "open", "close")
main(["recording", "prune", "sums", "--config", config, "--quiet"])
step = 0
while True:
    step += 1
    shutil.rmtree(recordings, ignore_errors=True)
    shutil.copytree(start, recordings)
    child = os.fork()
    if child == 0:
        count = 0
        def counted(real):
            def call(*arguments, **options):
                global count
                count += 1
                if count == step:
                    os._exit(9)
                return real(*arguments, **options)
            return call
        for name in NAMES:
            setattr(os, name, counted(getattr(os, name)))
        os._exit(0 if main(["recording", "prune", "sums", "--config", config, "--apply", "--quiet"]) == 0 else 1)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    shutil.copytree(recordings, Path("killed", str(step)))
    print(step, code, flush=True)
    if code != 9:
        break
"""


def test_a_kill_between_any_two_steps_loses_nothing(project: Callable[..., Any]) -> None:
    made = project()
    filled(made)
    start = made.root / "start"
    shutil.copytree(made.folder().parent, start)
    before, said = every_line(made.root), answers(made)
    command = [sys.executable, "-c", KILL, str(start), made.config]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=made.root)
    assert done.returncode == 0, done.stderr
    steps = [line.split() for line in done.stdout.splitlines() if line[:1].isdigit()]
    assert steps[-1][1] == "0", done.stdout + done.stderr
    assert {code for _, code in steps[:-1]} == {"9"}
    assert len(steps) > 30
    changed = set()
    for step, _ in steps:
        shutil.rmtree(made.folder().parent)
        shutil.copytree(made.root / "killed" / step, made.folder().parent)
        whole(made, before, said)
        changed.add(tuple(sorted((p.name, p.stat().st_size) for p in made.folder().glob("*.jsonl"))))
        finished(made, said)
        whole(made, before, said)
    assert len(changed) >= 5, "some kills must have hit between two segments"
