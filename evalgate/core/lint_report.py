"""What a linter found, as values that every surface can show."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class LintSeverity(StrEnum):
    """How much a finding matters: an error fails, a warning fails with `--strict`, an info never does."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class LintFinding:
    """One thing a rule found, at its place."""

    path: str
    line: int
    """Counted from 1."""
    column: int
    """Counted from 1, in characters."""
    code: str
    """Stable code of the rule, `EP101`."""
    name: str
    """Name of the rule, `undeclared-variable`."""
    severity: LintSeverity
    message: str
    """One sentence without a final full stop; never holds a secret."""
    hint: str = ""
    """What to do."""
    fixable: bool = False
    """Whether `--fix` may repair it."""


@dataclass(frozen=True, slots=True)
class LintRuleNote:
    """A rule as a report describes it."""

    code: str
    name: str
    severity: LintSeverity
    summary: str
    why: str


@dataclass(frozen=True, slots=True)
class LintReport:
    """All findings over some files, in the order of path, line, column and code."""

    findings: tuple[LintFinding, ...]
    files: tuple[str, ...]
    """Every file that was read, in order."""
    rules: tuple[LintRuleNote, ...]
    """The rules that ran."""
    suppressed: int = 0
    """Findings that the files themselves suppress, each with a reason."""
    fixed: tuple[str, ...] = ()
    """Files that were repaired."""

    def count(self, severity: LintSeverity) -> int:
        """How many findings have this severity."""
        return sum(finding.severity is severity for finding in self.findings)

    def fails(self, *, strict: bool) -> bool:
        """Whether the files are refused: an error, or with `strict` a warning."""
        return bool(self.count(LintSeverity.ERROR) or (strict and self.count(LintSeverity.WARNING)))


def in_order(findings: Iterable[LintFinding]) -> tuple[LintFinding, ...]:
    """Findings in the order of their places, each once."""
    return tuple(sorted(dict.fromkeys(findings), key=lambda f: (f.path, f.line, f.column, f.code, f.message)))
