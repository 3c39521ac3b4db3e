"""Results of template tests: for a terminal, as a JSON document, and as JUnit XML for any CI's test tab."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from evalgate.core.template_report import PromptOutcomes, TemplateOutcome, TemplateReport
from evalgate.core.text_changes import LineChange
from evalgate.core.visible import terminal_line
from evalgate.report.escape import shortened, xml, xml_attribute
from evalgate.report.text_changes_lines import change_line

SHOWN_CHANGES = 80
SHOWN_NAMES = 10
FAILURE_LIMIT = 2_000
_PLACE = re.compile(r"(?P<file>.+):(?P<line>[1-9][0-9]*)")


def result_lines(report: TemplateReport) -> Iterator[str]:
    """The report for a terminal or a CI log, line by line, every text of unknown origin made visible."""
    for prompt in report.prompts:
        failed = [outcome for outcome in prompt.outcomes if outcome.failures]
        count = f"{len(failed)} of {_tests(len(prompt.outcomes))} failed" if failed else _tests(len(prompt.outcomes))
        yield f"{'FAIL' if failed else 'ok  '}  {terminal_line(prompt.file)}  ({count})"
        for outcome in failed:
            yield from _failed(outcome)
    yield from _named("untested", report.untested)
    yield from _named("orphaned snapshot", report.orphans)
    yield from _named("written", report.written)
    yield f"FAIL  {report.failed} of {_tests(report.total)} failed" if report.failed else f"ok    {_tests(report.total)}"


def _failed(outcome: TemplateOutcome) -> Iterator[str]:
    yield f"  {terminal_line(outcome.place)}: {terminal_line(outcome.name)}"
    for failure in outcome.failures:
        yield f"    {terminal_line(shortened(failure, FAILURE_LIMIT))}"
    yield from (f"      {line}" for line in _changes(outcome.changes))


def _changes(changes: Sequence[LineChange]) -> list[str]:
    lines = [terminal_line(change_line(change)) for change in changes[:SHOWN_CHANGES]]
    left = len(changes) - SHOWN_CHANGES
    return [*lines, f"… and {left} more lines"] if left > 0 else lines


def _named(what: str, names: Sequence[str]) -> Iterator[str]:
    yield from (f"{what}: {terminal_line(name)}" for name in names[:SHOWN_NAMES])
    if len(names) > SHOWN_NAMES:
        yield f"{what}: and {len(names) - SHOWN_NAMES} more"


def _tests(count: int) -> str:
    return "1 test" if count == 1 else f"{count} tests"


def result_document(report: TemplateReport) -> dict[str, Any]:
    """The report as a JSON document (`evalgate.prompt-tests/1`)."""
    return {
        "schema": "evalgate.prompt-tests/1",
        "tests": report.total,
        "failed": report.failed,
        "prompts": [
            {"file": prompt.file, "prompt": prompt.prompt, "tests": [_told(outcome) for outcome in prompt.outcomes]}
            for prompt in report.prompts
        ],
        "untested": list(report.untested),
        "orphans": list(report.orphans),
        "written": list(report.written),
    }


def _told(outcome: TemplateOutcome) -> dict[str, Any]:
    return {
        "name": outcome.name,
        "place": outcome.place,
        "passed": not outcome.failures,
        "failures": list(outcome.failures),
        "changes": [
            {"kind": change.kind, "pieces": [{"kind": piece.kind, "text": piece.text} for piece in change.pieces]}
            for change in outcome.changes
        ],
    }


def result_junit(report: TemplateReport) -> str:
    """The report as JUnit XML, one suite for each prompt."""
    counts = f'tests="{report.total}" failures="{report.failed}" errors="0"'
    suites = [line for prompt in report.prompts for line in _suite(prompt)]
    return "\n".join(
        [
            '<?xml version="1.0" encoding="UTF-8"?>',
            f'<testsuites name="evalgate prompt test" {counts} time="0.000">',
            *suites,
            "</testsuites>",
            "",
        ]
    )


def _suite(prompt: PromptOutcomes) -> Iterator[str]:
    failed = sum(bool(outcome.failures) for outcome in prompt.outcomes)
    counts = f'tests="{len(prompt.outcomes)}" failures="{failed}" errors="0" skipped="0" time="0.000"'
    yield f'  <testsuite name="{xml_attribute(prompt.file)}" {counts}>'
    for outcome in prompt.outcomes:
        yield from _testcase(prompt, outcome)
    yield "  </testsuite>"


def _testcase(prompt: PromptOutcomes, outcome: TemplateOutcome) -> Iterator[str]:
    found = _PLACE.fullmatch(outcome.place)
    file, line = (found["file"], f' line="{found["line"]}"') if found else (outcome.place, "")
    names = f'classname="{xml_attribute(prompt.prompt)}" name="{xml_attribute(outcome.name)}"'
    opening = f'    <testcase {names} file="{xml_attribute(file)}"{line} time="0.000"'
    if not outcome.failures:
        yield f"{opening}/>"
        return
    said = shortened("; ".join(outcome.failures), FAILURE_LIMIT)
    text = "\n".join([*(shortened(failure, FAILURE_LIMIT) for failure in outcome.failures), *_changes(outcome.changes)])
    yield f'{opening}><failure type="TemplateTest" message="{xml_attribute(said)}">{xml(text)}</failure></testcase>'
