"""The benchmarks still run, and still fail on digits that differ; how long anything takes is never judged here."""

from __future__ import annotations

import copy
import importlib
import itertools
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

CASES = 60
HELP = """
import contextlib, io, runpy, sys
for script in sys.argv[1:]:
    said, sys.argv = io.StringIO(), [script, "--help"]
    try:
        with contextlib.redirect_stdout(said):
            runpy.run_path(script, run_name="__main__")
    except SystemExit as end:
        assert not end.code and "usage:" in said.getvalue(), (script, end.code)
    else:
        raise AssertionError(f"{script} --help did not end")
    print(script)
"""


@pytest.fixture(scope="module")
def bench(repository: Path) -> Iterator[Any]:
    """A benchmark by its name."""
    with pytest.MonkeyPatch.context() as patched:
        patched.syspath_prepend(str(repository / "benchmarks"))
        yield importlib.import_module


@pytest.fixture(scope="module")
def sides(bench: Any) -> tuple[ModuleType, dict[str, Any], dict[str, Any]]:
    """The benchmark of the scoring, and what both sides find in the same texts."""
    found = list(bench("workload").texts(CASES))
    references, outputs = [case[1] for case in found], {"baseline": [c[2] for c in found], "candidate": [c[3] for c in found]}
    speed = bench("scoring_speed")
    return speed, speed.evalgate_side(references, outputs), speed.library_side(references, outputs)


def test_every_script_with_options_shows_them(repository: Path) -> None:
    scripts = [path for path in sorted((repository / "benchmarks").glob("*.py")) if "ArgumentParser(" in path.read_text()]
    assert {"scoring_speed.py", "whole_compare.py", "scale.py", "workload.py"} <= {path.name for path in scripts}
    search = os.pathsep.join([str(repository / "benchmarks"), str(repository)])
    command = [sys.executable, "-c", HELP, *map(str, scripts)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env={**os.environ, "PYTHONPATH": search})
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == len(scripts)


def test_scores_equal_the_reference_libraries_and_any_difference_is_seen(sides: Any) -> None:
    speed, ours, theirs = sides
    assert speed.differences(ours, theirs) == []
    assert 30 < theirs["scores"]["bleu"]["baseline"] < theirs["scores"]["bleu"]["candidate"] < 55
    assert set(theirs["scores"]) == set(speed.TOLERANCES) == set(ours["scores"])
    for name, limit in speed.TOLERANCES.items():
        for wrong in (2 * limit, float("nan")):
            broken = copy.deepcopy(ours)
            broken["scores"][name]["candidate"] += wrong
            assert [fault.split()[0] for fault in speed.differences(broken, theirs)] == [name]
            broken = copy.deepcopy(ours)
            broken["each"][name]["baseline"][7] += wrong
            (fault,) = speed.differences(broken, theirs)
            assert f"{name} each of baseline: case 7 " in fault
    for name in ("bleu", "chrf"):
        broken = copy.deepcopy(ours)
        broken["rows"][name]["candidate"][CASES - 1, 0] += 1
        assert len(speed.differences(broken, theirs)) == 1
        broken["rows"][name]["candidate"] = broken["rows"][name]["candidate"][:-1]
        assert "shape" in speed.differences(broken, theirs)[0]


def test_a_broken_equality_ends_with_exit_1(sides: Any, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    speed, ours, theirs = sides
    results = {"evalgate": copy.deepcopy(ours), "libraries": theirs}
    results["evalgate"]["scores"]["chrf"]["baseline"] += 1e-6
    cost = sys.modules["costs"].Cost(1.0, 1.0, 1.0, 1.0, 0, 0)
    monkeypatch.setattr(speed, "run_side", lambda side, files, kept: (cost, results[side]))
    monkeypatch.setattr(sys, "argv", ["scoring_speed.py", "--cases", "1"])
    with pytest.raises(SystemExit) as end:
        speed.main()
    assert end.value.code == 1
    assert "chrf of baseline" in capsys.readouterr().err


def test_a_whole_comparison_agrees_with_a_loop_over_the_libraries(repository: Path, tmp_path: Path) -> None:
    python = tmp_path / "libraries" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    program = repository / "benchmarks" / "whole_compare.py"
    options = ["--cases", str(CASES), "--peers", "loop", "--no-cold", "--environments", str(tmp_path)]
    done = subprocess.run([sys.executable, str(program), *options], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{CASES} cases: " in done.stdout
    assert "did not finish" not in done.stdout


def test_figures_of_peers_are_held_against_each_other(bench: Any) -> None:
    whole = bench("whole_compare")
    disagreement = whole.disagreement
    one = {"baseline": {"bleu": 40.0, "rouge1": 0.5}, "candidate": {"bleu": 43.0}}
    assert disagreement(one, copy.deepcopy(one)) == []
    assert len(disagreement(one, {"baseline": {"rouge1": 0.5000001}, "candidate": {}})) == 1
    assert len(disagreement(one, {"baseline": {"bleu": float("nan")}, "candidate": {}})) == 1
    assert disagreement(one, {"baseline": {"ter": 1.0}, "candidate": {}}) == ["no figure in common"]
    assert whole.agreement(one, [{}, {"baseline": {"ter": 1.0}, "candidate": {}}]) == ["no figure in common"]
    assert whole.agreement(one, [{}, copy.deepcopy(one)]) == []


def test_a_longer_workload_begins_with_the_shorter_one(bench: Any) -> None:
    texts = bench("workload").texts
    long = list(itertools.islice(texts(1_000_000), 300))
    assert long[:100] == list(texts(100))
    assert long != list(texts(300, seed=1))
    assert len({case[0] for case in long}) == 300
    assert all(30 <= len(case[1].split()) <= 50 for case in long)
    assert any(case[1] == case[2] for case in long)


def test_costs_are_those_of_the_whole_tree(bench: Any, tmp_path: Path) -> None:
    costs = (
        "import subprocess, sys\n"
        "burn = 'import time\\nwhile time.process_time() < 0.15: pass'\n"
        "subprocess.run([sys.executable, '-S', '-c', burn])\n"
        "subprocess.Popen([sys.executable, '-S', '-c', burn])\n"
        "sys.exit(3)\n"
    )
    script = (
        "import sys; from costs import measured\n"
        f"found = measured([sys.executable, '-S', '-c', {costs!r}])\n"
        "assert found.exit_code == 3 and found.orphans == 1, found\n"
        "assert found.cpu_s >= 0.3 and found.largest_mib > 1, found\n"
    )
    search = str(Path(bench("costs").__file__).parent)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, env={**os.environ, "PYTHONPATH": search}
    )
    assert done.returncode == 0, done.stderr
