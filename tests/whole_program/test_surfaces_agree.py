"""Every surface says what the exit code says, for every kind of verdict."""

from __future__ import annotations

import csv
import io
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import ci_readers
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evalgate.core.settings import Level
from evalgate.core.verdict import Decision
from evalgate.evidence.verdict_document import verdict_document
from evalgate.gate.conclude import conclude
from evalgate.pipeline.finished_run import read_record
from evalgate.pipeline.waiving import today_utc
from evalgate.report.catalog import REPORTS, rendered

MAIL = "[{regex: {patterns: {mail: '[a-z.]+@[a-z.]+'}, category: pii, severity: high}}]"
EVERY = "reports: [html, junit, markdown, github, gitlab, sarif, json, csv]\n"
GONE = (today_utc() - timedelta(days=1)).isoformat()
LATER = (today_utc() + timedelta(days=200)).isoformat()
CODES = {"pass": 0, "fail": 1, "inconclusive": 4}


def worst(*found: tuple[str, bool]) -> str:
    """The first kind that is there, else a pass."""
    return next((kind for kind, there in found if there), "pass")


def said_by(name: str, part: str, text: str) -> set[str]:
    """Every way in which a surface says the verdict."""
    read: Callable[[str], set[str]] = {
        "page": lambda t: {w.lower() for w in re.findall(r"<strong>(PASS|FAIL|INCONCLUSIVE)</strong>", t)[:1]},
        "default": _junit,
        "strict": _junit,
        "summary": lambda t: {re.match(r"## \S+ ([A-Z]+):", t)[1].lower()},  # type: ignore[index]
        "comment": lambda t: {re.match(r"<!-- \S+ \S+ -->\n\n## \S+ ([A-Z]+):", t)[1].lower()},  # type: ignore[index]
        "annotations": _annotations,
        "outputs": lambda t: _pairs(dict(ci_readers.outputs(t))),
        "codequality": _code_quality,
        "metrics": _metrics,
        "dotenv": lambda t: _pairs({k.removeprefix("EVALGATE_").lower(): v for k, v in ci_readers.dotenv(t).items()}),
        "results": _sarif,
        "verdict": lambda t: {json.loads(t)["verdict"], _of(json.loads(t)["exit_code"])},
        "cases": lambda t: {row["verdict"] for row in csv.DictReader(io.StringIO(t))},
    }[part]
    return read(text)


def _of(code: int) -> str:
    return next(word for word, one in CODES.items() if one == code)


def _pairs(found: dict[str, str]) -> set[str]:
    counted = worst(("fail", found["failed"] != "0"), ("inconclusive", found["inconclusive"] != "0"))
    return {found["verdict"], _of(int(found["exit_code"]))} | ({counted} if counted != "pass" else set())


def _junit(text: str) -> set[str]:
    root = ET.fromstring(text)
    statuses = {status for status, _ in ci_readers.junit(text).values()}
    properties = {one.get("name"): one.get("value") for one in root.iter("property")}
    counts = worst(("fail", root.get("failures") != "0"), ("inconclusive", root.get("errors") != "0"))
    shown = worst(("fail", "failure" in statuses), ("inconclusive", "error" in statuses))
    return {counts, shown, str(properties["evalgate.verdict"]).lower(), _of(int(properties["evalgate.exit_code"] or "9"))}


def _annotations(text: str) -> set[str]:
    names = [one.name for one in ci_readers.commands(text)]
    kinds = {"notice": "pass", "error": "fail", "warning": "inconclusive"}
    assert ("error" in names) is (names[0] == "error")
    return {kinds[names[0]]}


def _code_quality(text: str) -> set[str]:
    read = ci_readers.code_quality(text)
    assert len(read) == len(json.loads(text)), "an item would be dropped"
    severities = {one["severity"] for one in read.values()}
    return {worst(("fail", "critical" in severities), ("inconclusive", "major" in severities))}


def _metrics(text: str) -> set[str]:
    read = ci_readers.metrics(text)
    (word,) = (word for word in CODES if float(read[f"evalgate_verdict{{verdict={word}}}"]) == 1)
    return {word, _of(int(float(read["evalgate_exit_code"])))}


def _sarif(text: str) -> set[str]:
    (run,) = json.loads(text)["runs"]
    levels = {one["level"] for one in run["results"]}
    shown = worst(("fail", "error" in levels), ("inconclusive", "warning" in levels))
    return {shown, run["properties"]["verdict"], _of(run["properties"]["exitCode"])}


def waived(made: Any, expires: str) -> Any:
    path = made.root / "configs" / "waivers" / "sums.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(
        f"waivers:\n  - {{category: pii, case: c3, owner: bo, reason: made up, expires: {expires}}}\n", encoding="utf-8"
    )
    return made


def errors(made: Any, *lost: str) -> Any:
    lines = made.tape.read_text(encoding="utf-8").splitlines()
    read = [json.loads(line) for line in lines]
    for line in read:
        if line["request"]["messages"][0]["content"] in lost:
            line["response"] = {"status": "error", "error": {"type": "timeout", "message": "::error::gone"}}
    made.tape.write_text("".join(json.dumps(line) + "\n" for line in read), encoding="utf-8")
    return made


IMPROVE = "{metric: exact_match, min_improvement: 0.05}"
WARN = "{metric: exact_match, min: 0.99, level: warn}"
ADDRESS = "ana.canary@example.com"
MAILED = {("Add:", 3): f"write to {ADDRESS} now"}
WAIVERS = "findings:\n  waivers: configs/waivers/sums.yaml\n"
KINDS: dict[str, tuple[str, dict[str, Any], Callable[[Any], Any]]] = {
    "pass": ("pass", {}, lambda made: made),
    "fail": ("fail", {"right": 10}, lambda made: made),
    "inconclusive": ("inconclusive", {"right": 23}, lambda made: made),
    "warned": ("pass", {"thresholds": (IMPROVE, WARN)}, lambda made: made),
    "only warned": ("inconclusive", {"thresholds": (WARN,)}, lambda made: made),
    "failed and undecided": ("fail", {"right": 23, "thresholds": (IMPROVE, "{metric: exact_match, min: 0.99}")}, lambda made: made),
    "slices": ("pass", {"thresholds": ("{metric: exact_match, max_regression: 0.2, slice: each}",)}, lambda made: made),
    "waived": ("pass", {"safety": MAIL, "thresholds": ("{safety: pii, max_new: 0}",), "answers": MAILED, "extra": WAIVERS}, lambda made: waived(made, LATER)),
    "expired": ("fail", {"safety": MAIL, "thresholds": ("{safety: pii, max_new: 9}",), "answers": MAILED, "extra": WAIVERS}, lambda made: waived(made, GONE)),
    "with errors": ("pass", {"thresholds": (IMPROVE, "{run: error_rate, max: 20%}")}, lambda made: errors(made, "Add: 1 + 1", "Sum: 2 + 1")),
    "failed with errors": ("fail", {"right": 10, "thresholds": (IMPROVE, "{run: error_rate, max: 20%}")}, lambda made: errors(made, "Add: 1 + 1")),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_surfaces_and_exit_code_agree(project, kind: str) -> None:
    wanted, changes, arrange = KINDS[kind]
    made = arrange(project(**{**changes, "extra": changes.get("extra", "") + EVERY}))
    folder = made.root / "out"
    ran = made.run("--out", str(folder))
    assert ran.code == CODES[wanted], (ran.out, ran.err)
    assert ran.out.split()[0] == wanted.upper()
    require_agreement(read_record(folder), wanted, folder)
    assert not ci_readers.commands(ran.out) and not ci_readers.commands(ran.err)


def require_agreement(record: Any, wanted: str, folder: Path) -> None:
    for name, parts in REPORTS.items():
        for part in parts:
            text = rendered(name, part, record)
            assert said_by(name, part.name, text) == {wanted}, (name, part.name)
            assert ADDRESS not in text, "what a detector found is masked everywhere"
            if (folder / part.file).is_file():
                assert (folder / part.file).read_text(encoding="utf-8") == text
            else:
                assert part.on_request or name not in record.settings.reports


def test_outputs_that_exist_are_reported_alike(project, tmp_path: Path) -> None:
    made = project()
    for name, text in (("a", "1\n2\n3\n"), ("b", "1\n2\n?\n"), ("r", "1\n2\n3\n")):
        (tmp_path / f"{name}.txt").write_text(text, encoding="utf-8")
    files = [str(tmp_path / f"{name}.txt") for name in "ab"]
    for threshold, wanted in ((), "pass"), (("--threshold", "exact_match:min=0.9"), "inconclusive"), (("--threshold", "exact_match:max_newly_failing=0"), "fail"):  # fmt: skip
        folder = tmp_path / wanted
        more = ["--metric", "exact_match", *threshold, "--out", str(folder)]
        ran = made.call("compare", *files, "--references", str(tmp_path / "r.txt"), *more)
        assert ran.code == CODES[wanted], ran.out
        require_agreement(read_record(folder), wanted, folder)


@pytest.fixture
def measured(project) -> Any:
    """One real run, whose thresholds are then given other outcomes."""
    made = project(thresholds=(IMPROVE, WARN, "{metric: exact_match, min: 0.1, slice: each}"))
    made.run("--out", str(made.root / "out"))
    return read_record(made.root / "out")


OUTCOMES = st.lists(st.tuples(st.sampled_from(list(Decision)), st.sampled_from(list(Level))), min_size=6, max_size=6)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(OUTCOMES, st.text(max_size=20))
def test_whatever_the_thresholds_come_to_surfaces_agree(measured, outcomes: list[tuple[Decision, Level]], reason: str) -> None:
    results = tuple(
        replace(one, decision=decision, threshold=replace(one.threshold, level=level), reason=reason)
        for one, (decision, level) in zip(measured.verdict.thresholds, outcomes, strict=False)
    )
    decision, said = conclude(results, measured.verdict.results.run, require_threshold=True)
    verdict = replace(measured.verdict, thresholds=results, decision=decision, reason=said)
    record = replace(measured, verdict=verdict, document=verdict_document(verdict, measured.identity))
    for name, parts in REPORTS.items():
        for part in parts if name != "html" else ():
            assert said_by(name, part.name, rendered(name, part, record)) <= {decision.value}, (name, part.name)
