"""The flaky cases of a run: left out where newly failing cases are counted, and worth a look of their own."""

from __future__ import annotations

from evalgate.core.record import RunRecord
from evalgate.core.verdict import CaseList
from evalgate.report import figures
from evalgate.report.escape import anchor, markdown, shortened
from evalgate.report.markup import Markup, Part, details, element, join, section, table

ID_LIMIT = 100
"""Characters of an id that are shown."""
IN_SUMMARY = 10
_WHAT = (
    "A case is flaky when the baseline's own answers to it pass at one time and fail at another. "
    "Such cases are left out where newly failing cases are counted; every other figure includes them."
)


def flaky(record: RunRecord) -> Markup:
    """How many cases are flaky by each pass/fail metric, and which; nothing where each case was asked once."""
    found = record.verdict.flaky
    if not found:
        return Markup("")
    header = ("metric", "answers a case", "stable", "flaky", "newly failing", "newly passing")
    rows = [(name, *_counts(record, name, cases)) for name, cases in found.items()]
    shown = {case.id for case in record.cases}
    return section(
        "flaky",
        "Flaky cases",
        element("p", _WHAT, class_="note"),
        table("Stable and flaky cases by metric", header, rows),
        *(_listed(name, cases, shown) for name, cases in found.items() if cases.total),
    )


def flaky_summary(record: RunRecord) -> str:
    """The same for summary.md, in a line for each metric; empty where no case is flaky."""
    lines = [_line(record, name, cases) for name, cases in record.verdict.flaky.items() if cases.total]
    return "\n".join(["### Flaky cases", "", *lines]) if lines else ""


def _counts(record: RunRecord, name: str, cases: CaseList) -> tuple[Part, ...]:
    metric = record.verdict.results.metrics.get(name)
    if metric is None:
        return (figures.NOT_AVAILABLE, figures.NOT_AVAILABLE, figures.count(cases.total), *[figures.NOT_AVAILABLE] * 2)
    counted = metric.repeats, metric.stable, cases.total, metric.newly_failing, metric.newly_passing
    return tuple(figures.NOT_AVAILABLE if number is None else figures.count(number) for number in counted)


def _listed(name: str, cases: CaseList, shown: set[str]) -> Markup:
    items = (element("li", _linked(case_id) if case_id in shown else shortened(case_id, ID_LIMIT)) for case_id in cases.ids)
    more = cases.total - len(cases.ids)
    rest = element("p", f"{more:,} more; the Parquet files under shards/ hold every score.", class_="note") if more > 0 else ""
    return details(join([f"{figures.counted(cases.total, 'flaky case')} by ", name]), element("ul", *items), rest)


def _linked(case_id: str) -> Markup:
    return element("a", shortened(case_id, ID_LIMIT), href=f"#{anchor('case', case_id)}")


def _line(record: RunRecord, name: str, cases: CaseList) -> str:
    listed = [markdown(shortened(case_id, ID_LIMIT)) for case_id in cases.ids[:IN_SUMMARY]]
    more = cases.total - len(listed)
    ids = ", ".join(listed) + (f" and {more:,} more" if more > 0 else "")
    total = figures.counted(record.verdict.cases.total, "case")
    return f"- {markdown(name)}: {cases.total:,} of {total} flaky in the baseline, not counted as newly failing: {ids}"
