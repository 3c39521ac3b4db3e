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
    return join([table(f"Findings in {case.id}", _HEADER, rows[:SHOWN], class_="findings"), note])


def _arms(case: CaseRecord) -> tuple[tuple[str, ArmRecord], ...]:
    return (("baseline", case.baseline), ("candidate", case.candidate))


def finding_cells(record: RunRecord, name: str, arm: ArmRecord, one: FoundFinding) -> tuple[str | None, ...]:
    """The texts of a row: the hash is None where there is none, the last one is None where the finding counts."""
    finding = one.finding
    asked_again = f" (answer {one.sample + 1})" if one.sample else ""
    return (
        f"{finding.category}: {shortened(finding.rule, RULE_LIMIT)}",
        f"{finding.severity}, undecided" if finding.undecided else str(finding.severity),
        f"{name}{asked_again}",
        f"{finding.start:,} to {finding.end:,}" if finding.end > finding.start else "–",
        one.hash or None,
        None if one.waiver is None else _waived(record, one.waiver),
    )


def _row(record: RunRecord, name: str, arm: ArmRecord, one: FoundFinding) -> tuple[Part, ...]:
    *told, code, waived = finding_cells(record, name, arm, one)
    shown = element("code", code) if code else "–"
    counts = "yes" if waived is None else join([element("span", "waived", class_="badge quiet"), waived])
    return (*(cell or "" for cell in told), shown, counts)


def _waived(record: RunRecord, number: int) -> str:
    if number >= len(record.waivers):
        return ""
    waiver = record.waivers[number].waiver
    return f" by {waiver.owner} until {waiver.expires}: {shortened(waiver.reason, 200)}"
