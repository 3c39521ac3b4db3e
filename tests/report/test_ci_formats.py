"""JUnit, SARIF, GitLab's reports and CSV hold what their readers ask for, whatever the texts in them are."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from dataclasses import replace
from pathlib import Path

import ci_readers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from evalgate.core.record import RunRecord
from evalgate.core.settings import Bound, Level, TargetKind
from evalgate.core.values import Severity
from evalgate.core.verdict import Decision
from evalgate.report.cases_csv import COLUMNS, render_csv
from evalgate.report.catalog import FILES, REPORTS, rendered
from evalgate.report.checks import checks, prompt_place, told_apart
from evalgate.report.escape import csv_cell
from evalgate.report.gitlab_code_quality import render_code_quality
from evalgate.report.gitlab_dotenv import render_dotenv
from evalgate.report.gitlab_metrics import render_metrics
from evalgate.report.junit import render_junit, render_junit_strict
from evalgate.report.sarif import render_sarif

TEXT = st.one_of(
    st.text(max_size=30),
    st.sampled_from(["]]>", "<!--", "\x00\x1b[31m", "\ud800", "a\nb\r\nc", "=1+1", "#'\"", "../..", "e:\\x"]),
)
XSD = etree.XMLSchema(etree.parse(str(Path(__file__).with_name("junit-10.xsd"))))
"""By Gregory Boissinot, under the MIT licence that stands in it; it comes with Jenkins' xUnit plugin."""


def thresholds_of(record: RunRecord, *changes: dict) -> RunRecord:
    """The record with its first threshold in several forms."""
    first = record.verdict.thresholds[0]
    made = []
    for change in changes:
        inside = {key: value for key, value in change.items() if key not in ("decision", "slice", "reason")}
        outside = {key: value for key, value in change.items() if key not in inside}
        made.append(replace(first, threshold=replace(first.threshold, **inside), **outside))
    return replace(record, verdict=replace(record.verdict, thresholds=tuple(made)))


@settings(max_examples=60)
@given(TEXT, st.sampled_from(list(Decision)))
def test_the_strict_dialect_is_valid_by_the_schema_of_jenkins(record, text: str, decision: Decision) -> None:
    XSD.assertValid(etree.fromstring(render_junit_strict(record(text, decision)).encode("utf-8")))


def test_the_default_dialect_differs_in_places_alone(record) -> None:
    made = record("harmless")
    default, strict = render_junit(made), render_junit_strict(made)
    assert 'file="harmless.yaml" line="7"' in default
    assert re.sub(r' file="[^"]*" line="\d+"', "", default) == strict
    assert not XSD.validate(etree.fromstring(default.encode("utf-8")))


@settings(max_examples=60)
@given(TEXT, st.sampled_from(list(Decision)))
def test_gitlab_sees_every_test_once(record, text: str, decision: Decision) -> None:
    junit = render_junit(record(text, decision))
    assert len(ci_readers.junit(junit)) == junit.count("<testcase ")


def test_names_of_tests_are_unique_and_the_same_whatever_was_measured(record) -> None:
    same = [{}, {}, {"value": 0.1, "text": "0.1"}, {"level": Level.WARN}, {"slice": None}, {"bound": Bound.MIN}]
    made = thresholds_of(record("x"), *same)
    names = [one.name for one in checks(made)]
    assert len(set(names)) == len(names) == 6
    other = thresholds_of(record("x"), *[{**one, "reason": "9.99", "decision": Decision.PASS} for one in same])
    assert [one.name for one in checks(other)] == names
    assert len({one.fingerprint(made) for one in checks(made)}) == 6
    assert not any(re.search(r"\d\.\d", name) for name in names)


@given(st.lists(st.sampled_from(["a", "a (2)", "a\n", "a\\n", "\u200b", "\\u200b", "b"]), max_size=8))
def test_names_are_told_apart(names: list[str]) -> None:
    assert len(set(told_apart(names))) == len(names)


@pytest.mark.parametrize(
    ("decision", "counts"), [(Decision.PASS, (0, 0)), (Decision.FAIL, (3, 1)), (Decision.INCONCLUSIVE, (0, 2))]
)
def test_junit_is_red_exactly_when_the_gate_is(record, decision: Decision, counts: tuple[int, int]) -> None:
    text = render_junit(record("x", decision))
    assert (text.count("<failure "), text.count("<error ")) == counts
    assert len(re.findall(r'time="[0-9]+\.[0-9]{3}"', text)) == text.count("time=")


def test_a_gate_that_did_not_pass_without_a_broken_threshold_says_so_everywhere(record) -> None:
    made = thresholds_of(record("x", Decision.INCONCLUSIVE), {"decision": Decision.PASS})
    assert 'name="verdict"' in render_junit(made) and "<error " in render_junit(made)
    assert [one["severity"] for one in json.loads(render_code_quality(made))] == ["major"]
    assert [one["ruleId"] for one in json.loads(render_sarif(made))["runs"][0]["results"]] == ["verdict"]


@settings(max_examples=100)
@given(TEXT, st.sampled_from(list(Decision)))
def test_gitlab_takes_every_item_and_every_line(record, text: str, decision: Decision) -> None:
    made = record(text, decision)
    items = json.loads(render_code_quality(made))
    assert len(ci_readers.code_quality(render_code_quality(made))) == len(items)
    metrics = render_metrics(made)
    assert metrics.isascii() and metrics.endswith("# EOF\n") and "'" not in metrics
    assert len(ci_readers.metrics(metrics)) == metrics.count("\n") - 1
    assert all(re.fullmatch(r"-?[0-9]+\.[0-9]{6}", value) for value in ci_readers.metrics(metrics).values())
    env = render_dotenv(made)
    assert ci_readers.dotenv(env)["EVALGATE_VERDICT"] == decision.value and env.isascii()


def test_the_ported_readers_of_gitlab_fall_for_what_gitlab_falls_for() -> None:
    good = {
        "description": "d",
        "check_name": "c",
        "fingerprint": "f",
        "severity": "minor",
        "location": {"path": "p", "lines": {"begin": 1}},
    }
    assert (
        len(
            ci_readers.code_quality(
                json.dumps([good, {**good, "fingerprint": "g", "severity": "bad"}, {**good, "fingerprint": "h"}])
            )
        )
        == 1
    )
    with pytest.raises(ValueError, match="quotation"):
        ci_readers.metrics("a{b=it's} 1\n")
    for bad in ("A=b c\n", "A-B=c\n", "A=b\n\n", "A=" + "x" * 6_000 + "\n", "A='b'\n"):
        with pytest.raises(ValueError, match=r"not KEY|larger"):
            ci_readers.dotenv(bad)


@settings(max_examples=60)
@given(TEXT, st.sampled_from(list(Decision)))
def test_sarif_has_what_code_scanning_asks_for(record, text: str, decision: Decision) -> None:
    document = json.loads(render_sarif(record(text, decision)))
    assert document["version"] == "2.1.0" and document["$schema"].endswith("sarif-2.1.0.json")
    (run,) = document["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert run["tool"]["driver"]["name"] == "evalgate"
    assert re.fullmatch(r"evalgate/[^/]+/", run["automationDetails"]["id"])
    assert len({rule["id"] for rule in rules}) == len(rules)
    for rule in rules:
        assert rule["shortDescription"]["text"] and rule["fullDescription"]["text"] and rule["help"]["text"]
        assert ("security-severity" in rule["properties"]) == rule["id"].startswith("safety/")
    prints = set()
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"] and result["message"]["text"]
        (place,) = result["locations"]
        assert place["physicalLocation"]["region"] == {"startLine": 1, "startColumn": 1}
        uri = place["physicalLocation"]["artifactLocation"]["uri"]
        assert uri and not re.search(r"[^A-Za-z0-9._~/%:@!$&'()*+,;=-]", uri)
        prints.add(result["partialFingerprints"]["primaryLocationLineHash"])
    assert len(prints) == len(run["results"])


def test_an_alert_stays_the_same_while_figures_and_lines_move(record) -> None:
    def told(made: RunRecord) -> str:
        return json.loads(render_sarif(made))["runs"][0]["results"][0]["partialFingerprints"]["primaryLocationLineHash"]

    made = record("x")
    moved = thresholds_of(made, {"reason": "other figures"})
    prompts = {**made.prompts, "candidate": replace(made.prompts["candidate"], line=90)}
    assert told(made) == told(moved) == told(replace(made, prompts=prompts))


@pytest.mark.parametrize(("severity", "alert"), [(None, "8.0"), (Severity.LOW, "3.0"), (Severity.CRITICAL, "9.5")])
def test_only_rules_of_safety_are_security_alerts(record, severity: Severity | None, alert: str) -> None:
    made = thresholds_of(record("x"), {"kind": TargetKind.SAFETY, "name": "pii", "severity": severity})
    (rule,) = json.loads(render_sarif(made))["runs"][0]["tool"]["driver"]["rules"]
    assert rule["properties"]["security-severity"] == alert and "security" in rule["properties"]["tags"]


@pytest.mark.parametrize("decision", list(Decision))
def test_sarif_is_valid_by_its_schema(record, decision: Decision) -> None:
    place = Path(os.environ.get("EVALGATE_SARIF_SCHEMA", "sarif-schema-2.1.0.json"))
    if not place.is_file():
        pytest.skip("no SARIF schema: EVALGATE_SARIF_SCHEMA names the file sarif-schema-2.1.0.json of oasis-tcs/sarif-spec")
    from jsonschema import Draft7Validator

    validator = Draft7Validator(json.loads(place.read_text(encoding="utf-8")))
    for text in ("x", "\x00<b>", "日本 語"):
        assert list(validator.iter_errors(json.loads(render_sarif(record(text, decision))))) == []


@given(TEXT)
def test_no_cell_is_a_formula_and_every_row_has_every_column(record, text: str) -> None:
    made = record(text)
    rows = list(csv.reader(io.StringIO(render_csv(made))))
    assert len(rows) == 1 + len(made.cases)
    assert {len(row) for row in rows} == {len(rows[0])}
    assert tuple(rows[0][: len(COLUMNS)]) == COLUMNS
    for row in rows:
        for cell in row:
            number = re.fullmatch(r"-?[0-9.]+(e-?[0-9]+)?", cell)
            assert number or not re.match(r"\s*[=+\-@＝＋－＠]|[\t\r\n]", cell), cell
    first = dict(zip(rows[0], rows[1], strict=True))
    assert json.loads(first["slices"]) == dict(made.cases[0].slices)
    assert json.loads(first["inputs"]) == dict(made.cases[0].inputs)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\n=1", " =1", "\u00a0=1", "＝1", "=cmd|' /C calc'!A0"])
def test_what_begins_like_a_formula_gets_an_apostrophe(text: str) -> None:
    assert csv_cell(text).startswith("'")


@pytest.mark.parametrize("text", ["hi;=HYPERLINK(1)", "a\t=1", "a\n+1", "a; @x"])
def test_what_a_spreadsheet_may_split_off_is_no_formula(text: str) -> None:
    assert not re.search(r"[;\t\n][ \t]*[=+@-]", csv_cell(text))


@pytest.mark.parametrize("text", ["a=1", "1+1", "x", "", "'=1", "Grüße"])
def test_other_cells_stay_as_they_are(text: str) -> None:
    assert csv_cell(text) == text


def test_without_a_prompt_findings_stand_at_the_candidate(record) -> None:
    made = record("x")
    assert prompt_place(replace(made, prompts={})) == ("x@1", 1)
    empty = replace(made, prompts={}, identity=replace(made.identity, candidate=replace(made.identity.candidate, prompt=" ")))
    assert prompt_place(empty) == ("evalgate", 1)


def test_the_same_run_gives_the_same_bytes(record) -> None:
    for name, parts in REPORTS.items():
        for part in parts:
            assert rendered(name, part, record("x")) == rendered(name, part, record("x"))
    assert len(set(FILES)) == len(FILES)
