"""The slices of a report: the worst of them in its head, and a section with every one of them."""

from __future__ import annotations

from collections.abc import Sequence

from evalgate.core.record import RunRecord
from evalgate.core.verdict import Decision
from evalgate.report import figures, phrases
from evalgate.report.markup import Markup, Part, details, element, join, section, table, unbroken
from evalgate.report.page_pictures import slice_panels
from evalgate.report.ranking import SliceRow, slice_rows

SHOWN_SLICES = 60
IN_HEAD = 3
_WORDS = {Decision.FAIL: "Slices that break a threshold", Decision.INCONCLUSIVE: "Slices on which a threshold is undecided"}


def slices_banner(record: RunRecord) -> Markup:
    """The worst slices by name: those that decided, and those that got clearly worse; nothing where nothing was sliced."""
    if not record.verdict.slices:
        return Markup("")
    lines = [_line(f"{label}: ", _decided(record, decision)) for decision, label in _WORDS.items()]
    worse = [_moved(row) for row in slice_rows(record) if row.regressed]
    if not worse and not any(lines):
        number = figures.counted(len(record.verdict.slices), "slice")
        asked = any(one.slice is not None for one in record.verdict.thresholds)
        held = "every threshold on a slice passed" if asked else "no threshold looks at a slice"
        said = f": {number}; no metric got clearly worse on any of them, and {held}"
        return element("p", element("a", "Slices", href="#slices"), said, class_="about")
    return join([*lines, _line("Slices that got clearly worse: ", worse)])


def _decided(record: RunRecord, decision: Decision) -> list[str]:
    found = [one for one in record.verdict.thresholds if one.slice is not None and one.decision is decision]
    return [f"{phrases.target(one)} {phrases.asks(one.threshold)}, observed {phrases.observed(record, one)}" for one in found]


def _moved(row: SliceRow) -> str:
    return f"{row.metric.name} [{row.slice}] {figures.figure(row.metric.delta.value, row.metric.unit, signed=True)}"


def _line(label: str, found: Sequence[str]) -> Markup:
    if not found:
        return Markup("")
    more = len(found) - IN_HEAD
    listed = "; ".join(found[:IN_HEAD]) + (f"; and {more:,} more" if more > 0 else "")
    return element("p", element("a", label.rstrip(": "), href="#slices"), f": {listed}", class_="slices-line")


def slices(record: RunRecord) -> Markup:
    """Every slice, the clear regressions first."""
    rows = slice_rows(record)
    if not rows:
        return Markup("")
    shown = [_row(row) for row in rows[:SHOWN_SLICES]]
    header = ("slice", "metric", "baseline", "candidate", "delta", "interval", "n", "change")
    more = len(rows) - len(shown)
    rest = element("p", f"{more:,} more rows are in verdict.json.", class_="note") if more else ""
    listed = details(
        f"Table of {figures.counted(len(shown), 'row')}", table("Every metric of every slice, worst first", header, shown), rest
    )
    return section("slices", "Slices, worst first", element("p", _order(record), class_="note"), slice_panels(record), listed)


def _order(record: RunRecord) -> str:
    level = figures.level(record.settings.confidence)
    return (
        f"Worst first. Slices that got clearly worse (the whole {level} interval of the change is on the worse side of 0) lead; "
        "then metrics that a threshold names; then those that are worse by the larger share of the metric's range, or of the "
        "baseline where there is none. Dashed line: no change."
    )


def _row(row: SliceRow) -> tuple[Part, ...]:
    m = row.metric
    word = "worse" if row.regressed else "better" if row.improved else "no clear change"
    kind = "fail" if row.regressed else "pass" if row.improved else "quiet"
    return (
        row.slice,
        m.name,
        figures.figure(m.baseline.value, m.unit),
        figures.figure(m.candidate.value, m.unit),
        figures.figure(m.delta.value, m.unit, signed=True),
        unbroken(figures.interval(m.delta.reading, m.unit, signed=True)),
        figures.count(m.n),
        element("span", word, class_=f"badge {kind}"),
    )
