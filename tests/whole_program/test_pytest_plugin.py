"""`pytest --evalgate CONFIG` and the fixture `gate`, as a user's test suite meets them."""

from __future__ import annotations

import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from evalgate.core.errors import BadInput
from evalgate.pipeline.reopened import reopened

pytest_plugins = ["pytester"]
pytestmark = pytest.mark.skipif(
    not any(one.name == "evalgate" for one in metadata.entry_points(group="pytest11")),
    reason="installed before there was a pytest plugin; install evalgate again",
)


@pytest.fixture
def suite(pytester: pytest.Pytester) -> Callable[..., pytest.RunResult]:
    """Run pytest in a fresh folder, in this process, with warnings as errors."""
    pytester.makeini("[pytest]\nfilterwarnings = error\n")

    def run(*arguments: object, **files: str) -> pytest.RunResult:
        for name, text in files.items():
            pytester.makepyfile(**{name: text})
        return pytester.runpytest_inprocess("-p", "no:randomly", "-p", "no:cacheprovider", *map(str, arguments))

    return run


def reports(project: Any) -> list[Path]:
    return sorted((project.root / "reports" / "sums").glob("*/verdict.json"))


def test_every_threshold_and_the_verdict_is_a_test(suite, project) -> None:
    made = project(cases=20, base=8, right=18)
    ran = suite("--evalgate", made.config, "-v")
    ran.assert_outcomes(passed=4)
    assert ran.ret == pytest.ExitCode.OK
    ran.stdout.fnmatch_lines(
        [
            "*sums.yaml::exact_match min_improvement PASSED*",
            "*sums.yaml::run error_rate max PASSED*",
            "*sums.yaml::verdict PASSED*",
        ]
    )
    assert len(reports(made)) == 1


def test_a_failure_is_one_line_and_pytests_own_exit_code(suite, project) -> None:
    made = project(cases=20, base=18, right=4)
    ran = suite("--evalgate", made.config, "--junitxml=j.xml", "-o", "junit_family=xunit1")
    ran.assert_outcomes(passed=2, failed=2)
    assert ran.ret == pytest.ExitCode.TESTS_FAILED
    lines = ran.outlines
    start = next(i for i, line in enumerate(lines) if line.startswith("____") and "exact_match" in line)
    assert lines[start + 1].startswith("FAIL: exact_match fell by") and lines[start + 2].startswith("____")
    assert "Traceback" not in ran.stdout.str()
    case = next(one for one in ET.parse("j.xml").iter("testcase") if one.get("name") == "exact_match min_improvement")
    told = {one.get("name"): one.get("value") for one in case.iter("property")}
    document = json.loads(reports(made)[0].read_text("utf-8"))
    assert float(told["evalgate.delta"]) == pytest.approx(document["metrics"]["exact_match"]["delta"])
    assert [float(end) for end in told["evalgate.interval"].split()] == pytest.approx(document["thresholds"][0]["ci"])
    assert case.get("line") is not None and case.find("failure").get("message").startswith("FAIL: exact_match")


def test_inconclusive_fails_and_says_so(suite, project) -> None:
    made = project(cases=12, base=6, right=8)
    ran = suite("--evalgate", made.config)
    ran.assert_outcomes(passed=2, failed=2)
    ran.stdout.fnmatch_lines(["INCONCLUSIVE: exact_match*", "INCONCLUSIVE (exit code 4)*"])


def test_a_warning_passes_and_is_told_when_asked_for(suite, project) -> None:
    made = project(
        cases=20, base=18, right=4, thresholds=("{metric: exact_match, min: 0.9, level: warn}", "{metric: exact_match, max: 1}")
    )
    ran = suite("--evalgate", made.config, "-rP")
    ran.assert_outcomes(passed=5)
    ran.stdout.fnmatch_lines(["WARN: fail: exact_match*"])


def test_slices_are_tests_of_their_own(suite, project) -> None:
    made = project(cases=20, base=8, right=18, thresholds=("{metric: exact_match, max_regression: 0.5, slice: {level: each}}",))
    ran = suite("--evalgate", made.config, "-v")
    ran.stdout.fnmatch_lines(["*::exact_match (level=even) max_regression *", "*::exact_match (level=odd) max_regression *"])
    ran.assert_outcomes(passed=5)


def damaged(made: Any) -> None:
    made.tape.write_text("".join(made.tape.read_text("utf-8").splitlines(keepends=True)[:-3]), encoding="utf-8")


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (damaged, "no verdict (exit code 3)"),
        (lambda made: made.config.write_text(made.text().replace("min_improvement", "min_improvment"), encoding="utf-8"), "no verdict (exit code 2)"),
        (lambda made: made.config.write_text("", encoding="utf-8"), "no verdict (exit code 2)"),
        (lambda made: made.data.write_text("", encoding="utf-8"), "no verdict (exit code"),
    ],
)  # fmt: skip
def test_without_a_verdict_collecting_is_an_error(suite, project, break_it, said: str) -> None:
    made = project(cases=10)
    break_it(made)
    ran = suite("--evalgate", made.config)
    assert ran.ret == pytest.ExitCode.INTERRUPTED
    ran.assert_outcomes(errors=1)
    ran.stdout.fnmatch_lines([f"*{said}*"])
    assert "Traceback" not in ran.stdout.str() and not reports(made)


def test_a_gate_that_is_not_there_is_a_usage_error(suite, pytester: pytest.Pytester) -> None:
    assert suite("--evalgate", "nowhere.yaml").ret == pytest.ExitCode.USAGE_ERROR


def test_other_tests_and_other_yaml_are_left_alone(suite, project) -> None:
    made = project(cases=20, base=8, right=18)
    (made.root / "configs" / "other.yaml").write_text("gate: [", encoding="utf-8")
    ran = suite("--evalgate", made.config, made.root / "configs", test_own="def test_own(): pass")
    ran.assert_outcomes(passed=4)
    suite("--evalgate", made.config).assert_outcomes(passed=5)
    suite().assert_outcomes(passed=1)


def test_the_mode_can_be_said(suite, project) -> None:
    made = project(cases=20, base=8, right=18)
    assert suite("--evalgate", made.config, "--evalgate-mode", "replay").ret == pytest.ExitCode.OK
    ran = suite("--evalgate", made.config, "--evalgate-mode", "guess")
    assert ran.ret == pytest.ExitCode.INTERRUPTED


FIXTURE = """
def test_first(gate):
    result = gate({config!r})
    assert result.exit_code == 0 and result.verdict.decision == "pass"
    assert len(result.cases()) == 20

def test_again(gate):
    assert gate({config!r}) is gate({config!r}, mode=None)
"""


def test_the_fixture_runs_a_gate_once(suite, project) -> None:
    made = project(cases=20, base=8, right=18)
    suite("--evalgate", made.config, test_own=FIXTURE.format(config=str(made.config))).assert_outcomes(passed=6)
    history = made.root / "reports" / "sums" / "attempts.jsonl"
    assert len(history.read_text("utf-8").splitlines()) == 1


@pytest.mark.slow
def test_workers_of_xdist_share_one_run(
    pytester: pytest.Pytester, project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    made = project(cases=20, base=8, right=18)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("TMPDIR", str(tmp_path / "places"))
    (tmp_path / "places").mkdir()
    pytester.makepyfile(test_own=FIXTURE.format(config=str(made.config)))
    ran = pytester.runpytest_subprocess(
        "-n", "2", "-p", "no:randomly", "-p", "no:cacheprovider", "--evalgate", str(made.config), "-v", timeout=60
    )
    ran.assert_outcomes(passed=6)
    assert len({line.split("]")[0] for line in ran.outlines if line.startswith("[gw")}) == 2
    assert not list((tmp_path / "places").glob("evalgate-pytest-*"))


def test_an_error_is_shared_too(project, tmp_path: Path) -> None:
    from evalgate.pytest_plugin.gates import Gates

    made = project(cases=10)
    damaged(made)
    told = []
    for _ in range(2):
        with pytest.raises(Exception, match="sums") as caught:
            Gates(str(tmp_path)).result(made.config, None)
        told.append((type(caught.value), str(caught.value)))
        made.tape.unlink(missing_ok=True)  # the second one does not look
    assert told[0] == told[1] and told[0][0].__name__ == "Incomplete"


def test_the_second_worker_reads_what_the_first_one_ran(project, tmp_path: Path) -> None:
    from evalgate.pytest_plugin.gates import Gates

    made = project(cases=20, base=8, right=18)
    first, second = Gates(str(tmp_path)), Gates(str(tmp_path))
    one = first.result(made.config, None)
    ran_at = (one.folder / "run.json").stat().st_mtime_ns
    other = second.result(made.config, None)
    assert (one.folder / "run.json").stat().st_mtime_ns == ran_at
    assert other.document == one.document and other.exit_code == one.exit_code
    assert other.cases().equals(one.cases())


@pytest.mark.parametrize("name", ["verdict.json", "record.json", "plan.json", "manifest.json", "shards"])
def test_a_run_that_lost_a_file_is_not_read_back(project, name: str) -> None:
    made = project(cases=10, base=2, right=9)
    folder = made.root / "run"
    assert made.run("--out", str(folder)).code == 0
    (folder / name).rename(made.root / "away")
    with pytest.raises(BadInput):
        reopened(folder)


def test_who_does_not_use_it_pays_nothing() -> None:
    script = (
        "import sys, evalgate.pytest_plugin\n"
        "print(sorted(m for m in sys.modules if m.split('.')[0] in ('evalgate', 'numpy', 'yaml', 'pydantic', 'pandas', 'tempfile_')))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['evalgate', 'evalgate.pytest_plugin']"
