"""The human summary on a terminal or in a log: the verdict, what decided it, and what got worse."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalgate.core.record import RunRecord
from evalgate.core.verdict import Decision, ThresholdResult
from evalgate.core.visible import terminal_line
from evalgate.report import figures, phrases
from evalgate.report.card_phrases import quality_line
from evalgate.report.page_attempts import attempt_line, loosened_line
from evalgate.report.ranking import bad_cases, case_reasons, slice_rows

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

_STYLES = {Decision.PASS: "bold green", Decision.FAIL: "bold red", Decision.INCONCLUSIVE: "bold yellow"}
_RANK = {Decision.FAIL: 0, Decision.INCONCLUSIVE: 1, Decision.PASS: 2}
SHOWN_THRESHOLDS = 20
SHOWN_REASONS = 10
WORST_SLICES = 8
WORST_CASES = 5


def print_summary(record: RunRecord, console: Console) -> None:
    """Print the summary of a finished run; every text of unknown origin is made visible first."""
    verdict, identity = record.verdict, record.identity
    console.print(_text(f"{phrases.word(verdict.decision)}  {verdict.reason}", _STYLES[verdict.decision]))
    number = figures.counted(verdict.cases.total, "case")
    about = f"gate {identity.gate} · {identity.dataset_name}@{identity.dataset_version} · {number}"
    console.print(_text(f"{about} · {phrases.mode(record).lower()}", "dim"))
    _print_attempt(record, console)
    console.print(_thresholds(record))
    _print_reasons(record, console)
    if verdict.results.metrics:
        console.print(_metrics(record))
        for note in filter(None, map(phrases.answered_note, verdict.results.metrics.values())):
            console.print(_text(f"Lost answers: {note}", "dim"))
        for note in (note for metric in verdict.results.metrics.values() for note in phrases.judgement_notes(metric)):
            console.print(_text(f"  {note}", "yellow"))
    if verdict.results.safety:
        console.print(_safety(record))
        for result in verdict.results.safety.values():
            if result.distrust and result.category != "any":
                console.print(_text(f"  {result.category}: no threshold may decide on it: {result.distrust}", "yellow"))
            if result.category != "any":
                console.print(_text(f"  {result.category}, its detector: {quality_line(record, result.category)}", "dim"))
    _print_waivers(record, console)
    _print_slices(record, console)
    _print_cases(record, console)


def _print_attempt(record: RunRecord, console: Console) -> None:
    if line := attempt_line(record):
        note = record.attempts.note if record.attempts else None
        console.print(_text(f"{line} ({note})" if note else line, "dim"))
    if loosened := loosened_line(record):
        console.print(_text(f"Loosened: {loosened}", "bold yellow"))


def _text(text: str, style: str = "") -> Text:
    from rich.text import Text

    return Text(terminal_line(text), style=style)


def _table(title: str, *columns: str) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number == 0 else "right", overflow="fold")
    return table


def _thresholds(record: RunRecord) -> Table:
    table = _table("Thresholds", "target", "asks", "observed", "deciding interval", "p", "result")
    worst_first = sorted(record.verdict.thresholds, key=lambda result: _RANK[result.decision])
    for result in worst_first[:SHOWN_THRESHOLDS]:
        table.add_row(
            _text(phrases.target(result)),
            _text(phrases.asks(result.threshold)),
            _text(phrases.observed(record, result)),
            _text(phrases.observed_interval(record, result) if result.interval else "–"),
            _text(phrases.p_value(result)),
            _text(phrases.outcome(result), _style(result)),
        )
    if len(worst_first) > SHOWN_THRESHOLDS:
        table.caption = f"… and {len(worst_first) - SHOWN_THRESHOLDS} more in the report"
        table.caption_justify = "left"
    return table


def _print_reasons(record: RunRecord, console: Console) -> None:
    """Why: a sentence for each declared threshold, the worst first."""
    declared = [
        result for result in record.verdict.thresholds if not result.threshold.implicit or result.decision is not Decision.PASS
    ]
    for result in sorted(declared, key=lambda one: _RANK[one.decision])[:SHOWN_REASONS]:
        console.print(_text(f"  {result.reason}", "dim" if result.decision is Decision.PASS else ""))


def _style(result: ThresholdResult) -> str:
    return _STYLES[result.decision]


def _metrics(record: RunRecord) -> Table:
    level = figures.level(record.settings.confidence)
    table = _table("Metrics", "metric", "baseline", "candidate", "delta", f"{level} interval", "p")
    for metric in record.verdict.results.metrics.values():
        table.add_row(
            _text(f"{metric.name} {'↑' if metric.higher_is_better else '↓'}"),
            figures.figure(metric.baseline.value, metric.unit),
            figures.figure(metric.candidate.value, metric.unit),
            figures.figure(metric.delta.value, metric.unit, signed=True),
            figures.interval(metric.delta.reading, metric.unit, signed=True),
            figures.p_value(metric.p_value),
        )
    return table


def _safety(record: RunRecord) -> Table:
    found = tuple(record.verdict.results.safety.values())
    extra = phrases.extra_counts(found)
    columns = ("category", "baseline", "candidate", "new", "fixed", *extra, "true rate at most")
    table = _table("Safety (violating cases)", *columns)
    for result in found:
        counts = [figures.count(c) for c in (result.baseline, result.candidate, result.new, result.fixed)]
        more = [phrases.both_arms(getattr(result, name)) for name in extra]
        table.add_row(_text(result.category), *counts, *more, figures.percent(result.upper_bound))
    return table


def _print_waivers(record: RunRecord, console: Console) -> None:
    """How many waivers there are; each one that has expired by name."""
    if not record.waivers:
        return
    covered = sum(use.findings for use in record.waivers if not use.expired)
    number = figures.counted(len(record.waivers), "waiver")
    console.print(_text(f"{number}, covering {figures.counted(covered, 'finding')}", "dim"))
    for use in [use for use in record.waivers if use.expired][:SHOWN_REASONS]:
        said = f"expired on {use.waiver.expires}: {use.waiver.scope} ({use.waiver.owner})"
        console.print(_text(f"  {said}", "bold red"))


def _print_slices(record: RunRecord, console: Console) -> None:
    regressed = [row for row in slice_rows(record) if row.regressed]
    if not regressed:
        return
    table = _table("Slices that got worse (interval excludes 0)", "slice", "metric", "baseline", "candidate", "delta")
    for row in regressed[:WORST_SLICES]:
        metric = row.metric
        table.add_row(
            _text(row.slice),
            _text(metric.name),
            figures.figure(metric.baseline.value, metric.unit),
            figures.figure(metric.candidate.value, metric.unit),
            figures.figure(metric.delta.value, metric.unit, signed=True),
        )
    console.print(table)
    if len(regressed) > WORST_SLICES:
        console.print(_text(f"… and {len(regressed) - WORST_SLICES} more in the report", "dim"))


def _print_cases(record: RunRecord, console: Console) -> None:
    counts = record.verdict.cases
    if counts.by is not None:
        moved = f"{counts.improved} improved, {counts.regressed} regressed, {counts.unchanged} unchanged"
        console.print(_text(f"Cases by {counts.by}: {moved}"))
    for case in bad_cases(record)[:WORST_CASES]:
        console.print(_text(f"  {case.id}: {'; '.join(case_reasons(case))}", "dim"))
