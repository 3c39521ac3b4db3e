"""Findings of the linter for people: one line each, with what to do under it."""

from __future__ import annotations

from collections import Counter

from evalgate.core.lint_report import LintReport, LintSeverity
from evalgate.core.visible import terminal_line


def render_lint_text(report: LintReport, *, strict: bool) -> str:
    """The findings as `file:line:column: severity CODE name: message`, then a summary."""
    lines: list[str] = []
    for one in report.findings:
        said = f"{one.severity.value} {one.code} {one.name}: {terminal_line(one.message)}"
        lines.append(f"{terminal_line(one.path)}:{one.line}:{one.column}: {said}")
        if one.hint:
            fix = "; --fix does it" if one.fixable else ""
            lines.append(f"    try: {terminal_line(one.hint)}{fix}")
    lines += [f"repaired {terminal_line(path)}" for path in report.fixed]
    return "\n".join([*lines, summary(report, strict=strict)]) + "\n"


def summary(report: LintReport, *, strict: bool) -> str:
    """One line: what was looked at, what was found, and whether it is refused."""
    counts = Counter(one.severity for one in report.findings)
    errors, warnings, notes = (counts[severity] for severity in LintSeverity)
    files = _number(len(report.files), "prompt")
    found = ", ".join(_number(n, word) for n, word in ((errors, "error"), (warnings, "warning"), (notes, "note")))
    held = f", {report.suppressed:,} suppressed" if report.suppressed else ""
    said = "refused" if report.fails(strict=strict) else "ok"
    return f"{said}  {files}, {len(report.rules)} rules: {found}{held}"


def _number(count: int, word: str) -> str:
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"
