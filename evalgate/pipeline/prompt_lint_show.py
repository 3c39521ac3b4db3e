"""What the linter found, in the form that was asked for."""

from __future__ import annotations

from evalgate import __version__
from evalgate.core.lint_report import LintReport
from evalgate.report.lint_github import render_lint_github
from evalgate.report.lint_json import render_lint_json
from evalgate.report.lint_junit import render_lint_junit
from evalgate.report.lint_sarif import render_lint_sarif
from evalgate.report.lint_text import render_lint_text, summary

__all__ = ["lint_summary", "show_lint"]


def show_lint(report: LintReport, form: str, *, strict: bool) -> str:
    """The report as `text`, `json`, `github`, `sarif` or `junit`."""
    match form:
        case "json":
            return render_lint_json(report, strict=strict)
        case "github":
            return render_lint_github(report, strict=strict)
        case "sarif":
            return render_lint_sarif(report, version=__version__)
        case "junit":
            return render_lint_junit(report, strict=strict)
        case _:
            return render_lint_text(report, strict=strict)


def lint_summary(report: LintReport, *, strict: bool) -> str:
    """One line about all of it."""
    return summary(report, strict=strict)
