"""The health of a golden dataset: what looks wrong in it, in the form that `check`, a run's report and health.json share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

SCHEMA = "evalgate.health/1"
HEALTH = "health.json"
"""Name of the document in a run's folder."""
LISTED = 20
"""Cases, or sets of cases, that a finding names; its count is always whole."""
LISTED_OF_A_SET = 5
"""Ids named of one set of cases."""


class HealthSeverity(StrEnum):
    """What follows from a finding."""

    ERROR = "error"
    """`check` refuses the dataset, unless its card accepts the code with a reason."""
    WARNING = "warning"
    """Printed and shown; nothing is refused."""
    NOTE = "note"
    """Something could not be looked at."""


CODES: Mapping[str, HealthSeverity] = MappingProxyType(
    {
        "contradiction": HealthSeverity.ERROR,
        "secret": HealthSeverity.ERROR,
        "duplicate": HealthSeverity.WARNING,
        "near-duplicate": HealthSeverity.WARNING,
        "repeated-reference": HealthSeverity.WARNING,
        "empty-input": HealthSeverity.WARNING,
        "empty-reference": HealthSeverity.WARNING,
        "input-in-prompt": HealthSeverity.WARNING,
        "reference-in-prompt": HealthSeverity.WARNING,
        "small-slice": HealthSeverity.WARNING,
        "unbalanced-slice": HealthSeverity.WARNING,
        "other-language": HealthSeverity.WARNING,
        "unusual-length": HealthSeverity.WARNING,
        "personal-data": HealthSeverity.WARNING,
        "not-checked": HealthSeverity.NOTE,
    }
)
"""Every code of a finding, with what follows from it; docs/dataset-health.md describes each."""


def amount(count: int, one: str, many: str) -> str:
    """A count with its words: `1 case has`, `2,000 cases have`."""
    return f"{count:,} {one if count == 1 else many}"


@dataclass(frozen=True, slots=True)
class HealthFinding:
    """One thing that looks wrong. The texts themselves are never kept: ids, columns and counts say where to look."""

    code: str
    """One of CODES."""
    message: str
    """One sentence with its count, without a final full stop."""
    count: int
    """Cases concerned, or sets of cases where the finding is about several together."""
    cases: tuple[tuple[str, ...], ...] = ()
    """The first LISTED of them: ids that belong together (one id where a case stands for itself)."""
    column: str | None = None
    where: str | None = None
    """A prompt with its message and line, or a threshold's place; None: the dataset."""
    accepted: str | None = None
    """The reason by which the card accepts it."""

    @property
    def severity(self) -> HealthSeverity:
        """What follows from it."""
        return CODES[self.code]

    @property
    def refuses(self) -> bool:
        """Whether `check` refuses the dataset because of it."""
        return self.severity is HealthSeverity.ERROR and self.accepted is None


@dataclass(frozen=True, slots=True)
class LengthFacts:
    """How long the texts of one column are."""

    column: str
    unit: str
    """`characters` or `words` (separated by white space)."""
    least: int
    median: float
    p95: float
    most: int


@dataclass(frozen=True, slots=True)
class HealthReport:
    """What was found in one dataset, and what it looks like."""

    cases: int
    findings: tuple[HealthFinding, ...] = ()
    """Errors first, then warnings, then notes; accepted ones last of their kind."""
    lengths: tuple[LengthFacts, ...] = ()
    languages: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Input column → language (`en`, `de` …, a script such as `Cyrillic`, or `unknown`) → cases, most frequent first."""

    def of(self, severity: HealthSeverity) -> tuple[HealthFinding, ...]:
        """The findings of one severity that the card does not accept."""
        return tuple(f for f in self.findings if f.severity is severity and f.accepted is None)


def health_document(report: HealthReport) -> dict[str, Any]:
    """The content of health.json."""
    return {
        "schema": SCHEMA,
        "cases": report.cases,
        "findings": [
            {
                "code": f.code,
                "severity": f.severity.value,
                "message": f.message,
                "count": f.count,
                "cases": [list(ids) for ids in f.cases],
                "column": f.column,
                "where": f.where,
                "accepted": f.accepted,
            }
            for f in report.findings
        ],
        "lengths": [
            {"column": n.column, "unit": n.unit, "min": n.least, "median": n.median, "p95": n.p95, "max": n.most}
            for n in report.lengths
        ],
        "languages": {column: dict(counts) for column, counts in report.languages.items()},
    }
