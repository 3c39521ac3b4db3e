"""junit.xml: a test case for each threshold and slice, then the cases that got worse, for any CI's test tab.

Sources: GitLab's parser (`lib/gitlab/ci/parsers/test/junit.rb`), the reporters for GitHub, and the schema of Jenkins' xUnit
plugin (`junit-10.xsd`), which knows neither `file` nor `line`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from evalgate.core.record import CaseRecord, RunRecord
from evalgate.core.verdict import Decision
from evalgate.report import phrases
from evalgate.report.checks import Check, checks, declared_place, told_apart, unexplained
from evalgate.report.escape import shortened, xml, xml_attribute
from evalgate.report.page_attempts import loosened_line
from evalgate.report.ranking import bad_cases, case_reasons

SHOWN_CASES = 200
TEXT_LIMIT = 2_000
_OUTCOMES = {Decision.FAIL: ("failure", "ThresholdFailed"), Decision.INCONCLUSIVE: ("error", "Inconclusive")}


@dataclass(frozen=True, slots=True)
class _Test:
    family: str
    name: str
    body: str
    place: str = ""


def render_junit(record: RunRecord) -> str:
    """The run as JUnit XML, of the dialect that GitLab and GitHub's reporters read (with `file` and `line`).

    A broken blocking threshold is a failure, one that could not be decided an error; a broken warning passes and says
    so in its output. Names hold no numbers, so that they are the same from run to run. There is a failure exactly when the
    gate failed, and no error in a gate that passed.
    """
    return _document(record, places=True)


def render_junit_strict(record: RunRecord) -> str:
    """The same in the dialect that the schema of Jenkins' xUnit plugin accepts, without `file` and `line`."""
    return _document(record, places=False)


def _document(record: RunRecord, *, places: bool) -> str:
    bad = bad_cases(record)
    shown = bad[:SHOWN_CASES]
    tests = [_threshold(check) for check in checks(record)]
    if unexplained(record):
        tests.append(_Test("gate", "verdict", _outcome(*_OUTCOMES[record.verdict.decision], record.verdict.reason)))
    names = told_apart(case.id for case in shown)
    tests += [_case(record, case, name) for case, name in zip(shown, names, strict=True)]
    failures, errors = (sum(test.body.startswith(f"<{kind} ") for test in tests) for kind in ("failure", "error"))
    counts = f'tests="{len(tests)}" failures="{failures}" errors="{errors}"'
    omitted = len(bad) - len(shown) + record.cases_omitted
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<testsuites name="evalgate" {counts} time="0.000">',
        f'  <testsuite name="{xml_attribute(record.identity.gate)}" {counts} skipped="0" time="0.000">',
        *_properties(record, omitted),
        *_testcases(record, tests, places=places),
        "  </testsuite>",
        "</testsuites>",
    ]
    return "\n".join(lines) + "\n"


def _properties(record: RunRecord, omitted: int) -> list[str]:
    values = {
        "evalgate.verdict": phrases.word(record.verdict.decision),
        "evalgate.exit_code": str(int(record.verdict.exit_code)),
        "evalgate.reason": record.verdict.reason,
        "evalgate.run_id": record.identity.run_id,
        "evalgate.dataset": f"{record.identity.dataset_name}@{record.identity.dataset_version}",
        "evalgate.manifest": record.identity.manifest_digest,
        "evalgate.cases_not_listed": str(omitted),
    }
    waived = record.verdict.results.safety.get("any")
    if record.waivers and waived is not None:
        values["evalgate.waivers"] = str(len(record.waivers))
        values |= {f"evalgate.waived.{arm}": str(count) for arm, count in waived.waived.items()}
    if record.attempts is not None:
        values["evalgate.attempt"] = str(record.attempts.number)
        values |= {"evalgate.loosened": loosened_line(record)} if record.attempts.loosened else {}
    rows = [f'      <property name="{name}" value="{xml_attribute(value)}"/>' for name, value in values.items()]
    return ["    <properties>", *rows, "    </properties>"]


def _threshold(check: Check) -> _Test:
    result = check.result
    body = f"<system-out>{xml(result.reason)}</system-out>"
    if check.warns:
        body = f"<system-out>{xml(f'warning, not blocking: {result.reason}')}</system-out>"
    elif result.decision is not Decision.PASS:
        body = _outcome(*_OUTCOMES[result.decision], result.reason)
    return _Test("thresholds", check.name, body, result.threshold.place)


def _case(record: RunRecord, case: CaseRecord, name: str) -> _Test:
    said = "; ".join(case_reasons(case))
    sides = [
        f"{arm}:\n{shortened(side.text, TEXT_LIMIT)}"
        for arm, side in (("baseline", case.baseline), ("candidate", case.candidate))
    ]
    text = "\n\n".join([said, *sides])
    errored = "errored" in phrases.movement_kinds(case)
    # A test tab must not be red for single cases where the gate itself is not.
    body = f"<system-out>{xml(text)}</system-out>"
    if errored and record.verdict.decision is not Decision.PASS:
        body = _outcome("error", "NoAnswer", said, text)
    elif not errored and record.verdict.decision is Decision.FAIL:
        body = _outcome("failure", "NewlyViolating" if case.newly_violating else "Regressed", said, text)
    return _Test("cases", name, body)


def _outcome(kind: str, type_name: str, message: str, text: str | None = None) -> str:
    # GitHub's reporters show the attribute, GitLab the text.
    return f'<{kind} type="{type_name}" message="{xml_attribute(message)}">{xml(text or message)}</{kind}>'


def _testcases(record: RunRecord, tests: Iterable[_Test], *, places: bool) -> Iterable[str]:
    for test in tests:
        classname = xml_attribute(f"evalgate.{record.identity.gate}.{test.family}")
        found = declared_place(test.place) if places else None
        where = f' file="{xml_attribute(found[0])}" line="{found[1]}"' if found else ""
        named = f'classname="{classname}" name="{xml_attribute(test.name)}"'
        yield f'    <testcase {named}{where} time="0.000">{test.body}</testcase>'
