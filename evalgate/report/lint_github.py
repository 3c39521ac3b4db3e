"""Findings of the linter as annotations of a pull request on GitHub.

Source: https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands; escaping as in actions/toolkit
`packages/core/src/command.ts`; ten annotations of each kind are shown for a step.
"""

from __future__ import annotations

from evalgate.core.lint_report import LintFinding, LintReport, LintSeverity
from evalgate.core.visible import shown
from evalgate.report.escape import github_data, github_property
from evalgate.report.lint_text import summary

SHOWN = 10
_KINDS = {LintSeverity.ERROR: "error", LintSeverity.WARNING: "warning", LintSeverity.INFO: "notice"}
_LIMIT = 4_000


def render_lint_github(report: LintReport, *, strict: bool) -> str:
    """Workflow commands, worst first; where there are more than GitHub shows, the last of a kind says how many."""
    lines: list[str] = []
    for severity, kind in _KINDS.items():
        found = [one for one in report.findings if one.severity is severity]
        kept = found if len(found) <= SHOWN else found[: SHOWN - 1]
        lines += [_annotation(kind, one) for one in kept]
        if len(kept) < len(found):
            said = f"{len(found) - len(kept):,} more {kind}s are not shown: run evalgate prompt lint"
            lines.append(f"::{kind} title=evalgate::{_data(said)}")
    return "\n".join([*lines, summary(report, strict=strict)]) + "\n"


def _annotation(kind: str, one: LintFinding) -> str:
    place = f"file={_property(one.path)},line={one.line},endLine={one.line},col={one.column}"
    title = _property(f"{one.code} {one.name}")
    said = one.message + (f"\ntry: {one.hint}" if one.hint else "")
    return f"::{kind} {place},title={title}::{_data(said[:_LIMIT])}"


def _data(text: str) -> str:
    return github_data(shown(text.replace("\r", "\\r")))


def _property(text: str) -> str:
    return github_property(shown(text.replace("\r", "\\r")))
