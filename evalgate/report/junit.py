"""junit.xml: thresholds as test cases, then the cases that got worse, for any CI's test tab."""

from __future__ import annotations

import re

from evalgate.core.record import CaseRecord, RunRecord
from evalgate.core.settings import Level
from evalgate.core.verdict import Decision, ThresholdResult
from evalgate.report import phrases
from evalgate.report.escape import shortened, xml, xml_attribute
from evalgate.report.page_attempts import loosened_line
from evalgate.report.ranking import bad_cases, case_reasons

SHOWN_CASES = 200
TEXT_LIMIT = 2_000
_PLACE = re.compile(r"(?P<file>.+):(?P<line>[1-9][0-9]*)")


def render_junit(record: RunRecord) -> str:
    """The run as JUnit XML, of the dialect that GitLab and GitHub's reporters read (with `file` and `line`).

    A broken blocking threshold is a failure, one that could not be decided an error; a broken warning passes and says
    so in its output. Names hold no numbers, so that they are the same from run to run.
    """
    thresholds = [_threshold(record, result) for result in record.verdict.thresholds]
    bad = bad_cases(record)
    cases = [_case(record, case) for case in bad[:SHOWN_CASES]]
    failures = sum("<failure" in one for one in (*thresholds, *cases))
    errors = sum("<error" in one for one in (*thresholds, *cases))
    counts = f'tests="{len(thresholds) + len(cases)}" failures="{failures}" errors="{errors}"'
    gate = xml_attribute(record.identity.gate)
    omitted = len(bad) - len(cases) + record.cases_omitted
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<testsuites name="evalgate" {counts} time="0.000">',
        f'  <testsuite name="{gate}" {counts} skipped="0" time="0.000">',
        *_properties(record, omitted),
        *thresholds,
        *cases,
        "  </testsuite>",
        "</testsuites>",
    ]
    return "\n".join(lines) + "\n"


def _properties(record: RunRecord, omitted: int) -> list[str]:
    values = {
        "evalgate.verdict": phrases.word(record.verdict.decision),
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


def _threshold(record: RunRecord, result: ThresholdResult) -> str:
    name = f"{phrases.target(result)} {result.threshold.bound.value}"
    body = f"<system-out>{xml(result.reason)}</system-out>"
    warns = result.threshold.level is Level.WARN
    if result.decision is not Decision.PASS and warns:
        body = f"<system-out>{xml(f'warning, not blocking: {result.reason}')}</system-out>"
    elif result.decision is Decision.FAIL:
        body = _outcome("failure", "ThresholdFailed", result.reason)
    elif result.decision is Decision.INCONCLUSIVE:
        body = _outcome("error", "Inconclusive", result.reason)
    return _testcase(record, "thresholds", name, result.threshold.place, body)


def _case(record: RunRecord, case: CaseRecord) -> str:
    said = "; ".join(case_reasons(case))
    sides = [
        f"{name}:\n{shortened(arm.text, TEXT_LIMIT)}"
        for name, arm in (("baseline", case.baseline), ("candidate", case.candidate))
    ]
    text = "\n\n".join([said, *sides])
    if "errored" in phrases.movement_kinds(case):
        body = _outcome("error", "NoAnswer", said, text)
    elif record.verdict.decision is Decision.PASS:
        # A gate that passed within its thresholds must not turn a test tab red for single cases.
        body = f"<system-out>{xml(text)}</system-out>"
    else:
        body = _outcome("failure", "NewlyViolating" if case.newly_violating else "Regressed", said, text)
    return _testcase(record, "cases", case.id, "", body)


def _outcome(kind: str, type_name: str, message: str, text: str | None = None) -> str:
    return f'<{kind} type="{type_name}" message="{xml_attribute(message)}">{xml(text or message)}</{kind}>'


def _testcase(record: RunRecord, family: str, name: str, place: str, body: str) -> str:
    classname = xml_attribute(f"evalgate.{record.identity.gate}.{family}")
    found = _PLACE.fullmatch(place)
    where = f' file="{xml_attribute(found["file"])}" line="{found["line"]}"' if found else ""
    opening = f'    <testcase classname="{classname}" name="{xml_attribute(name)}"{where} time="0.000"'
    return f"{opening}>{body}</testcase>" if body else f"{opening}/>"
