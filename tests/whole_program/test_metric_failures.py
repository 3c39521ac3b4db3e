"""A case that somebody's metric does not survive costs that case an error and nothing else: the whole program."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evalgate.core.values import ARMS, Arm
from evalgate.runner import cell
from evalgate.runner.shard_file import ShardNumbers, read_details, read_ids, read_numbers

POISON = "poison"
"""An answer that the metric of these tests does not survive; a second word says which kind of end it brings."""
HEAD = """
import os, sys, time
import numpy as np
from evalgate.core.errors import BadInput
from evalgate.core.values import Direction, MetricSpec, Scale


def look(output, case):
    {look}


class Odd:
    spec = MetricSpec("odd", Direction.{direction}, "0-1", {low}, 1.0, "1", 2, Scale.MEAN, "version:1", needs_reference=False)

    def rows(self, outputs, expectations):
        rows = []
        for output, expectation in zip(outputs, expectations, strict=True):
            value = look(output, expectation.case) if output.text.startswith("poison") else None
            rows.append([1 / (1 + len(output.text)) if value is None else value, 1.0])
        return np.array(rows, dtype={dtype})

    def score(self, totals):
        return totals[:, 0] / totals[:, 1]
{more}

def make(parameters):
    return Odd()
"""
LOOKS = {
    "exits": ("os._exit(7)", "metric odd ended the process (exit code 7)"),
    "exits well": ("os._exit(0)", "metric odd ended the process (exit code 0)"),
    "is killed": ("os.kill(os.getpid(), 9)", "metric odd ended the process (SIGKILL)"),
    "leaves": ("sys.exit(7)", "metric odd raised SystemExit: 7"),
    "raises": ('raise ValueError("no vowels in <0x7f00aa>")', "metric odd raised ValueError: no vowels in <0x…>"),
    "loops": ("while True: pass", "metric odd took longer than 0.4 s"),
    "sleeps": ("time.sleep(99)", "metric odd took longer than 0.4 s"),
    "allocates": ("kept = [b'x' * (8 << 20) for _ in range(10 ** 6)]", "metric odd needs more than 96 MiB"),
    "has a child that allocates": (
        "import subprocess; subprocess.run([sys.executable, '-c', 'import time; a = b\"x\" * (400 << 20); time.sleep(9)'])",
        "metric odd needs more than 96 MiB",
    ),
    "gives NaN": ('return float("nan")', "metric odd gave a number that is not finite"),
    "closes every pipe": ("os.closerange(0, 64); time.sleep(99)", "metric odd closed its pipe"),
    "answers too much": ("os.write(11, b'x' * 64)", "metric odd gave an answer that is too large"),
}
QUICK = ("exits", "is killed", "leaves", "raises", "loops", "allocates", "gives NaN")
BUDGET = "{run: error_rate, max: 20%}"
THRESHOLDS = ("{metric: exact_match, min_improvement: 0.05}", "{metric: odd, max_regression: 0.5}")


def source(look: str = "return None", **parts: str) -> str:
    return HEAD.format(**{"direction": "HIGHER", "low": "0.0", "dtype": "float", "more": "", **parts}, look=look)


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call may take 0.4 s and 96 MiB."""
    monkeypatch.setattr(cell, "SECONDS", 0.4)
    monkeypatch.setattr(cell, "MEMORY_BYTES", 96 << 20)


def gate(project: Callable[..., Any], *, budget: bool = True, poisoned: tuple[int, ...] = (3,), **changes: Any) -> Any:
    answers = {("Add:", i): POISON for i in poisoned}
    thresholds = (*THRESHOLDS, BUDGET) if budget else THRESHOLDS
    return project(**{"metrics": "[exact_match, odd]", "thresholds": thresholds, "answers": answers, **changes})


def shards(root: Path) -> list[tuple[ShardNumbers, list[str], list[dict[str, Any]]]]:
    paths = sorted(next(root.rglob("shards")).glob("*.parquet"))
    return [(read_numbers(path), read_ids(path), read_details(path)[1]) for path in paths]


def only_these_are_errors(root: Path, wanted: dict[str, str]) -> None:
    """Each of these cases of the candidate is an error, as it is said, with the worst row; every other row is the metric's."""
    [(numbers, ids, details)] = shards(root)
    assert [ids[row] for row in range(len(ids)) if numbers.lost[Arm.CANDIDATE][row]] == list(wanted)
    assert not numbers.lost[Arm.BASELINE].any()
    for row, (case, detail) in enumerate(zip(ids, details, strict=True)):
        side = detail["candidate"]
        if case in wanted:
            assert (side["status"], side["error"], side["unmeasured"]) == ("error", wanted[case], {"odd": wanted[case]})
            assert side["text"].startswith(POISON), "what was answered is kept"
        assert case in wanted or "unmeasured" not in side
        for arm in ARMS:
            dead = case in wanted and arm is Arm.CANDIDATE
            expected = [0.0, 1.0] if dead else [1 / (1 + len(detail[arm]["text"])), 1.0]
            assert numbers.rows[arm][row, 2:].tolist() == expected


def test_every_case_that_a_metric_does_not_survive_is_an_error_of_that_case(
    project: Callable[..., Any], install_plugin: Callable[..., None], short: None, wall: None
) -> None:
    branches = "\n    ".join(f"if output.text == 'poison {kind}':\n        {LOOKS[kind][0]}" for kind in QUICK)
    install_plugin("odd", source(branches), group="evalgate.metrics")
    answers = {("Add:", 3 + 2 * number): f"{POISON} {kind}" for number, kind in enumerate(QUICK)}
    made = gate(project, answers=answers, base=5)
    ran = made.run("--jobs", "1", "--json")
    assert ran.code == 0, ran.err
    assert ran.document["cases"]["errors"] == {"baseline": 0, "candidate": len(QUICK)}
    page = next(made.root.rglob("report.html")).read_text(encoding="utf-8")
    assert page.count("Not measured: metric odd ") >= 1 and "no vowels in <" not in page
    only_these_are_errors(made.root, {f"c{3 + 2 * number}": LOOKS[kind][1] for number, kind in enumerate(QUICK)})


@pytest.mark.slow
@pytest.mark.parametrize("kind", sorted(LOOKS))
def test_a_case_that_a_metric_does_not_survive_is_an_error_of_that_case(
    kind: str, project: Callable[..., Any], install_plugin: Callable[..., None], short: None, wall: None
) -> None:
    install_plugin("odd", source(LOOKS[kind][0]), group="evalgate.metrics")
    made = gate(project)
    ran = made.run("--jobs", "1")
    assert ran.code == 0, ran.err
    only_these_are_errors(made.root, {"c3": LOOKS[kind][1]})


def test_the_rest_is_judged_as_if_the_metric_had_lost_that_case(
    project: Callable[..., Any], install_plugin: Callable[..., None], tmp_path: Path
) -> None:
    """A judge's metric that cannot read one judgement loses that case; the same metric that dies on it gives the same."""
    unread = "    def unread(self, output):\n        return output.text == 'poison'\n"
    install_plugin("odd", source(more=unread), group="evalgate.metrics")
    lost = gate(project).run("--json", "--out", str(tmp_path / "lost"))
    install_plugin("odd", source("raise ValueError"), group="evalgate.metrics")
    dead = gate(project).run("--json", "--out", str(tmp_path / "dead"))
    assert (lost.code, dead.code) == (0, 0), dead.err
    for key in ("baseline", "candidate", "delta", "relative", "ci", "p_value", "method", "n"):
        assert dead.document["metrics"]["odd"][key] == lost.document["metrics"]["odd"][key], key
        assert dead.document["metrics"]["exact_match"][key] == lost.document["metrics"]["exact_match"][key], key
    decided = [[(t["target"], t["verdict"], t["observed"]) for t in ran.document["thresholds"][:2]] for ran in (lost, dead)]
    assert decided[0] == decided[1]


def test_without_a_budget_it_is_exit_3_that_names_case_and_cause(
    project: Callable[..., Any], install_plugin: Callable[..., None]
) -> None:
    install_plugin("odd", source("os._exit(7)"), group="evalgate.metrics")
    made = gate(project, budget=False)
    ran = made.run()
    assert ran.code == 3 and "case c3" in ran.err and "metric odd ended the process (exit code 7)" in ran.err, ran.err
    assert "case c3: the answer of the candidate is not measured" in ran.err and "no answer" not in ran.err
    assert not list(made.root.rglob("verdict.json"))


def test_a_pair_that_both_variants_share_is_an_error_of_both(
    project: Callable[..., Any], install_plugin: Callable[..., None]
) -> None:
    install_plugin("odd", source("raise ValueError"), group="evalgate.metrics")
    made = gate(project, answers={("Sum:", 5): POISON, ("Add:", 5): POISON})
    ran = made.run("--json")
    assert ran.document["cases"]["errors"] == {"baseline": 1, "candidate": 1}
    [(numbers, ids, _)] = shards(made.root)
    row = ids.index("c5")
    assert [numbers.rows[arm][row, 2:].tolist() for arm in ARMS] == [[1.0, 1.0], [0.0, 1.0]], "best and worst"
    assert not numbers.identical[row]


def test_a_metric_without_a_worst_value_loses_the_case_for_both(
    project: Callable[..., Any], install_plugin: Callable[..., None]
) -> None:
    install_plugin(
        "odd", source("raise ValueError", direction="LOWER").replace("0.0, 1.0,", "0.0, None,"), group="evalgate.metrics"
    )
    made = gate(project, thresholds=(THRESHOLDS[0], BUDGET))
    assert made.run().code == 0
    [(numbers, ids, _)] = shards(made.root)
    row = ids.index("c3")
    assert [numbers.rows[arm][row, 2:].tolist() for arm in ARMS] == [[0.0, 0.0], [0.0, 0.0]]


def test_what_a_metric_prints_or_reads_breaks_nothing(project: Callable[..., Any], install_plugin: Callable[..., None]) -> None:
    noise = "print('{\"rows\": 1}' * 9999, flush=True); os.write(1, b'\\x00' * 9999); assert sys.stdin.read() == ''"
    install_plugin("odd", source(noise), group="evalgate.metrics")
    made = gate(project, budget=False)
    command = [sys.executable, "-m", "evalgate", "run", str(made.config), "--json", "--jobs", "1"]
    done = subprocess.run(command, env=environment(), stdin=subprocess.DEVNULL, capture_output=True, check=False)
    assert done.returncode == 0 and json.loads(done.stdout)["cases"]["errors"] == {"baseline": 0, "candidate": 0}, done.stderr
    assert b'{"rows": 1}' in done.stderr


@pytest.mark.slow
def test_a_metric_that_always_dies_is_given_up(project: Callable[..., Any], install_plugin: Callable[..., None]) -> None:
    install_plugin(
        "odd", source("os._exit(9)").replace('if output.text.startswith("poison")', "if output.text"), group="evalgate.metrics"
    )
    made = gate(project, cases=200, thresholds=(*THRESHOLDS, "{run: error_rate, max: 100%}"))
    ran = made.run("--jobs", "1")
    assert ran.code == 3 and "metric odd is given up: 8 of its processes were lost" in ran.err, ran.err
    assert "exit code 9" in ran.err and "cases c0, c0, c1" in ran.err
    assert not list(made.root.rglob("verdict.json"))


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        (("return np.array(rows, dtype=float)", "return np.array(rows, dtype=float)[1:]"), 3, "gave rows of shape [63, 2], not [64, 2]"),
        (("return np.array(rows, dtype=float)", "return np.array(rows, dtype='U9')"), 3, "TypeError: rows of numbers"),
        (("", ""), 3, "case c3: metric odd gave 7, outside its range 0.0 to 1.0"),
        (("return totals[:, 0] / totals[:, 1]", "return totals[:, 0].sum()"), 3, "gave scores of shape () for 64 sums of rows"),
        (("return np.array(rows, dtype=float)", "raise BadInput('no grade', where='case c9')"), 2, "case c9: no grade"),
    ],
)  # fmt: skip
def test_a_metric_that_contradicts_itself_has_no_verdict(
    change: tuple[str, str], code: int, said: str, project: Callable[..., Any], install_plugin: Callable[..., None]
) -> None:
    text = source("return 7.0" if change == ("", "") else "return 0.5")
    assert change[0] in text
    install_plugin("odd", text.replace(*change), group="evalgate.metrics")
    made = gate(project, budget=False)
    ran = made.run("--jobs", "1")
    assert ran.code == code and said in ran.err, ran.err
    assert not list(made.root.rglob("verdict.json"))


@pytest.mark.slow
def test_a_slow_metric_is_asked_for_less_at_a_time(
    project: Callable[..., Any], install_plugin: Callable[..., None], short: None, wall: None
) -> None:
    slow = source().replace("rows = []", "rows = []; time.sleep(0.008 * len(outputs))")
    install_plugin("odd", slow, group="evalgate.metrics")
    ran = gate(project, budget=False).run("--json", "--jobs", "1")
    assert ran.code == 0 and ran.document["cases"]["errors"] == {"baseline": 0, "candidate": 0}, ran.err


def alive(root: Path) -> list[int]:
    """Processes of cells that were started from a folder of this test."""
    found = []
    for path in Path("/proc").iterdir():
        if path.name.isdecimal():
            try:
                words = (path / "cmdline").read_bytes()
            except OSError:
                continue
            if b"cell_process" in words and str(root).encode() in words:
                found.append(int(path.name))
    return found


def gone(root: Path) -> bool:
    """Whether there is none within 5 s."""
    until = time.monotonic() + 5
    while alive(root) and time.monotonic() < until:
        time.sleep(0.05)
    return not alive(root)


def test_no_cell_outlives_a_run_in_this_process(
    project: Callable[..., Any], install_plugin: Callable[..., None], tmp_path: Path
) -> None:
    install_plugin("odd", source(), group="evalgate.metrics")
    assert gate(project, budget=False).run("--jobs", "1").code == 0
    assert not alive(tmp_path)


STARTS = """import subprocess
    child = subprocess.Popen(["sleep", "600"], start_new_session=True, stdout=2)
    open({told!r}, "w").write(str(child.pid))
    {then}"""


@pytest.mark.parametrize("then", ["os._exit(7)", "time.sleep(99)", "return None"])
def test_what_a_metric_started_in_a_session_of_its_own_ends_with_the_run(
    then: str, short: None, project: Callable[..., Any], install_plugin: Callable[..., None], tmp_path: Path
) -> None:
    told = tmp_path / "pid"
    install_plugin("odd", source(STARTS.format(told=str(told), then=then)), group="evalgate.metrics")
    assert gate(project).run("--jobs", "1").code == 0
    child = Path("/proc", told.read_text(), "stat")
    until = time.monotonic() + 5
    while child.exists() and child.read_text().rpartition(")")[2].split()[0] != "Z" and time.monotonic() < until:
        time.sleep(0.02)
    assert not child.exists() or child.read_text().rpartition(")")[2].split()[0] == "Z"


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_every_backend_gives_the_same_bytes(
    backend: str, project: Callable[..., Any], install_plugin: Callable[..., None], tmp_path: Path
) -> None:
    install_plugin("odd", source("os._exit(7)"), group="evalgate.metrics")
    made = gate(project, cases=400, base=200, right=390, poisoned=(3, 70, 390))
    written = []
    for name, options in (("alone", ("--jobs", "1")), ("many", ("--jobs", "2", "--backend", backend))):
        command = [sys.executable, "-m", "evalgate", "run", str(made.config), *options, "--out", str(tmp_path / name)]
        done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        written.append((tmp_path / name / "verdict.json").read_bytes())
    assert written[0] == written[1]
    assert json.loads(written[0])["cases"]["errors"] == {"baseline": 0, "candidate": 3}
    assert gone(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("backend", ["sequential", "threading", "loky"])
def test_no_cell_outlives_its_worker(
    number: int, backend: str, project: Callable[..., Any], install_plugin: Callable[..., None], tmp_path: Path
) -> None:
    install_plugin("odd", source("while True: pass"), group="evalgate.metrics")
    made = gate(project, cases=400, poisoned=tuple(range(400)))
    command = [sys.executable, "-m", "evalgate", "run", str(made.config), "--jobs", "2", "--backend", backend]
    started = subprocess.Popen(command, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 30
    while len(alive(tmp_path)) < (1 if backend == "sequential" else 2):
        assert started.poll() is None and time.monotonic() < until, "the cells never came"
        time.sleep(0.05)
    time.sleep(0.5)
    started.send_signal(number)
    code = started.wait(timeout=10)
    assert gone(tmp_path) and code != 0


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": sys.path[0]}
