"""Findings of the linter as JUnit XML, for the test tab of any CI."""

from __future__ import annotations

from evalgate.core.lint_report import LintFinding, LintReport, LintSeverity
from evalgate.report.escape import xml, xml_attribute


def render_lint_junit(report: LintReport, *, strict: bool) -> str:
    """One test case for each finding and for each file without one; what does not fail stands in the output of its case."""
    found = {one.path for one in report.findings}
    rows = [_finding(one, strict=strict) for one in report.findings]
    rows += [_clean(path) for path in report.files if path not in found]
    failures = sum("<failure" in row for row in rows)
    counts = f'tests="{len(rows)}" failures="{failures}" errors="0"'
    return "\n".join(
        [
            '<?xml version="1.0" encoding="UTF-8"?>',
            f'<testsuites name="evalgate prompt lint" {counts} time="0.000">',
            f'  <testsuite name="evalgate prompt lint" {counts} skipped="0" time="0.000">',
            *rows,
            "  </testsuite>",
            "</testsuites>",
            "",
        ]
    )


def _finding(one: LintFinding, *, strict: bool) -> str:
    said = one.message + (f"; try: {one.hint}" if one.hint else "")
    fails = one.severity is LintSeverity.ERROR or (strict and one.severity is LintSeverity.WARNING)
    if fails:
        body = f'<failure type="{one.code}" message="{xml_attribute(said)}">{xml(said)}</failure>'
    else:
        body = f"<system-out>{xml(f'{one.severity.value}: {said}')}</system-out>"
    name = xml_attribute(f"{one.code} {one.name} at {one.line}:{one.column}: {one.message}")
    place = f'file="{xml_attribute(one.path)}" line="{one.line}"'
    return f'    <testcase classname="{_classname(one.path)}" name="{name}" {place} time="0.000">{body}</testcase>'


def _clean(path: str) -> str:
    place = f'file="{xml_attribute(path)}" line="1"'
    return f'    <testcase classname="{_classname(path)}" name="no finding" {place} time="0.000"/>'


def _classname(path: str) -> str:
    return xml_attribute(f"evalgate.prompt.lint.{path}")
