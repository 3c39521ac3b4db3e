"""What detectors found in one case, finding by finding: where it stands, what recognises it again, and who waived it."""

from __future__ import annotations

from evalgate.core.record import ArmRecord, CaseRecord, RunRecord
from evalgate.core.waivers import FoundFinding
from evalgate.report import figures
from evalgate.report.escape import shortened
from evalgate.report.markup import Markup, Part, element, join, table

SHOWN = 100
RULE_LIMIT = 200
_HEADER = ("finding", "severity", "answer of", "characters", "hash", "counts")


def case_findings(record: RunRecord, case: CaseRecord) -> Markup:
    """The table of a case's findings; nothing where there is none."""
    rows = [_row(record, name, arm, one) for name, arm in _arms(case) for one in arm.found]
    if not rows:
        return Markup("")
    more = len(rows) - SHOWN
    note = element("p", f"{figures.count(more)} more findings are in the Parquet files.", class_="note") if more > 0 else ""
    return join([table("Findings", _HEADER, rows[:SHOWN], class_="findings"), note])


def _arms(case: CaseRecord) -> tuple[tuple[str, ArmRecord], ...]:
    return (("baseline", case.baseline), ("candidate", case.candidate))


def _row(record: RunRecord, name: str, arm: ArmRecord, one: FoundFinding) -> tuple[Part, ...]:
    finding = one.finding
    asked_again = f" (answer {one.sample + 1})" if one.sample else ""
    return (
        f"{finding.category}: {shortened(finding.rule, RULE_LIMIT)}",
        f"{finding.severity}, undecided" if finding.undecided else str(finding.severity),
        f"{name}{asked_again}",
        f"{finding.start:,} to {finding.end:,}" if finding.end > finding.start else "–",
        element("code", one.hash) if one.hash else "–",
        _counts(record, one),
    )


def _counts(record: RunRecord, one: FoundFinding) -> Part:
    if one.waiver is None:
        return "yes"
    waiver = record.waivers[one.waiver].waiver if one.waiver < len(record.waivers) else None
    badge = element("span", "waived", class_="badge quiet")
    return (
        badge if waiver is None else join([badge, f" by {waiver.owner} until {waiver.expires}: {shortened(waiver.reason, 200)}"])
    )
