"""Findings of the linter as JSON, for programs."""

from __future__ import annotations

from evalgate.core.lint_report import LintReport, LintSeverity
from evalgate.report.escape import ascii_json


def render_lint_json(report: LintReport, *, strict: bool) -> str:
    """`evalgate.lint/1`: what was looked at and every finding with its place; sorted keys."""
    document = {
        "schema": "evalgate.lint/1",
        "files": list(report.files),
        "counts": {severity.value: report.count(severity) for severity in LintSeverity},
        "suppressed": report.suppressed,
        "fixed": list(report.fixed),
        "strict": strict,
        "refused": report.fails(strict=strict),
        "findings": [
            {
                "path": one.path,
                "line": one.line,
                "column": one.column,
                "code": one.code,
                "name": one.name,
                "severity": one.severity.value,
                "message": one.message,
                "hint": one.hint or None,
                "fixable": one.fixable,
            }
            for one in report.findings
        ],
    }
    return ascii_json(document)
