"""The health of the golden dataset behind a run: what looked wrong, and what its texts are like."""

from __future__ import annotations

from collections.abc import Sequence

from evalgate.core.health import HealthFinding, HealthReport
from evalgate.core.record import RunRecord
from evalgate.report import figures
from evalgate.report.escape import anchor, shortened
from evalgate.report.markup import Markup, Part, details, element, join, section, table

ID_LIMIT = 100
"""Characters of an id that are shown."""
_WHAT = (
    "What to know of the cases before trusting the figures. Nothing here changed the verdict; "
    "a dataset with errors is refused by "
)


def health(record: RunRecord) -> Markup:
    """Findings, lengths and languages; nothing where no dataset was looked at (`compare`)."""
    report = record.health
    if report is None:
        return Markup("")
    shown = {case.id for case in record.cases}
    rows = [(_severity(f), f.code, _said(f), _cases(f, shown)) for f in report.findings]
    header = ("severity", "code", "what", "cases")
    found = table("Findings about the dataset", header, rows) if rows else element("p", "Nothing was found.")
    note = element("p", _WHAT, element("code", "evalgate check"), ". Texts are not repeated here.", class_="note")
    return section("health", "Dataset health", note, found, _lengths(report), _languages(report))


def _severity(finding: HealthFinding) -> str:
    return "accepted" if finding.accepted is not None else finding.severity.value


def _said(finding: HealthFinding) -> Part:
    column = f"{finding.column}: " if finding.column else ""
    reason = f" Accepted: {finding.accepted}" if finding.accepted is not None else ""
    where = f" ({finding.where})" if finding.where and finding.where not in finding.message else ""
    return f"{column}{finding.message}{where}.{reason}"


def _cases(finding: HealthFinding, shown: set[str]) -> Part:
    if not finding.cases:
        return "–"
    sets = [_together(ids, shown) for ids in finding.cases]
    more = finding.count - len(sets)
    rest = [element("li", f"{more:,} more")] if more > 0 else []
    return details(figures.count(finding.count), element("ul", *(element("li", ids) for ids in sets), *rest))


def _together(ids: Sequence[str], shown: set[str]) -> Markup:
    parts: list[Part] = []
    for case_id in ids:
        if parts:
            parts.append(", ")
        text = shortened(case_id, ID_LIMIT)
        parts.append(element("a", text, href=f"#{anchor('case', case_id)}") if case_id in shown else text)
    return join(parts)


def _lengths(report: HealthReport) -> Markup:
    if not report.lengths:
        return Markup("")
    rows = [
        (n.column, n.unit, figures.count(n.least), f"{n.median:,g}", f"{n.p95:,g}", figures.count(n.most)) for n in report.lengths
    ]
    return details("Lengths", table("Lengths of the texts", ("column", "unit", "shortest", "median", "p95", "longest"), rows))


def _languages(report: HealthReport) -> Markup:
    if not report.languages:
        return Markup("")
    rows = [(column, name, figures.count(n)) for column, counts in report.languages.items() for name, n in counts.items()]
    return details("Languages", table("Languages of the inputs, as far as recognised", ("column", "language", "cases"), rows))
