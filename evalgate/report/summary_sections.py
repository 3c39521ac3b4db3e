"""The sections of the Markdown reports: thresholds, metrics, safety, waivers, slices, cases, evidence."""

from __future__ import annotations

from collections.abc import Sequence

from evalgate.core.record import CaseRecord, RunRecord
from evalgate.core.verdict import Decision
from evalgate.report import figures, phrases
from evalgate.report.card_phrases import quality_lines
from evalgate.report.escape import code, markdown, markdown_block, shortened
from evalgate.report.ranking import bad_cases, case_reasons, slice_rows

WORST_CASES = 10
WORST_SLICES = 10
SHOWN_WAIVERS = 50
TEXT_LIMIT = 300
REASON_LIMIT = 500
MARKS = {Decision.PASS: "✅", Decision.FAIL: "❌", Decision.INCONCLUSIVE: "⚠️"}


def table_of(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; every cell is text of unknown origin."""
    lines = ["| " + " | ".join(header) + " |", "| " + " | ".join("---" for _ in header) + " |"]
    lines += ["| " + " | ".join(markdown(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def thresholds(record: RunRecord) -> str:
    """Every threshold with its reason."""
    rows = [
        (
            f"{MARKS[r.decision]} {phrases.outcome(r)}",
            phrases.target(r),
            phrases.asks(r.threshold),
            phrases.p_value(r),
            shortened(r.reason, REASON_LIMIT),
        )
        for r in record.verdict.thresholds
    ]
    return "### Thresholds\n\n" + table_of(("result", "target", "asks", "p", "reason"), rows)


def metrics(record: RunRecord) -> str:
    """Every metric of the whole dataset, and what is to be known of it."""
    rows = [
        (
            m.name,
            figures.figure(m.baseline.value, m.unit),
            figures.figure(m.candidate.value, m.unit),
            figures.figure(m.delta.value, m.unit, signed=True),
            figures.interval(m.delta.reading, m.unit, signed=True),
            f"{m.n:,}",
            m.method,
        )
        for m in record.verdict.results.metrics.values()
    ]
    if not rows:
        return ""
    level = figures.level(record.settings.confidence)
    table = table_of(("metric", "baseline", "candidate", "delta", f"{level} interval", "n", "method"), rows)
    lost = [note for note in map(phrases.answered_note, record.verdict.results.metrics.values()) if note]
    notes = f"\n\nAnswers were lost. {markdown('; '.join(lost))}." if lost else ""
    judged = [note for m in record.verdict.results.metrics.values() for note in phrases.judgement_notes(m)]
    notes += "\n" + "".join(f"\n- {markdown(shortened(note, 500))}" for note in judged) if judged else ""
    return f"### Metrics\n\n{table}{notes}"


def safety(record: RunRecord) -> str:
    """Violating cases of every category."""
    found = tuple(record.verdict.results.safety.values())
    if not found:
        return ""
    extra = phrases.extra_counts(found)
    rows = [
        (
            s.category,
            *map(str, (s.baseline, s.candidate, s.new, s.fixed)),
            *(phrases.both_arms(getattr(s, name)) for name in extra),
            phrases.true_rate(s),
        )
        for s in found
    ]
    header = ("category", "baseline", "candidate", "new", "fixed", *extra, "true rate")
    notes = [phrases.detectable(found[0]), phrases.masking_note(record)]
    notes += [f"{s.category}: no threshold may decide on it: {s.distrust}" for s in found if s.distrust and s.category != "any"]
    notes += [f"{name}, its detector: {'; '.join(quality_lines(record, name))}" for s in found if (name := s.category) != "any"]
    told = "\n".join(f"- {markdown(shortened(note, 500))}" for note in notes)
    return f"### Safety: violating cases\n\n{table_of(header, rows)}\n\n{told}"


def waivers(record: RunRecord) -> str:
    """Expired waivers first: they fail the gate."""
    uses = sorted(record.waivers, key=lambda use: not use.expired)
    if not uses:
        return ""
    rows = [
        (
            shortened(use.waiver.scope, 200),
            shortened(use.waiver.owner, 100),
            shortened(use.waiver.reason, 200),
            f"{'EXPIRED ' if use.expired else ''}{use.waiver.expires}",
            figures.counted(use.findings, "finding") if use.used else "nothing: remove it",
        )
        for use in uses[:SHOWN_WAIVERS]
    ]
    more = f"\n\n{len(uses) - len(rows):,} more in report.html." if len(uses) > len(rows) else ""
    return "### Waivers\n\n" + table_of(("what", "owner", "reason", "holds until", "covers"), rows) + more


def slices(record: RunRecord) -> str:
    """The slices that clearly got worse."""
    rows = [row for row in slice_rows(record) if row.regressed]
    if not rows:
        return ""
    shown = [
        (
            row.slice,
            row.metric.name,
            figures.figure(row.metric.baseline.value, row.metric.unit),
            figures.figure(row.metric.candidate.value, row.metric.unit),
            figures.interval(row.metric.delta.reading, row.metric.unit, signed=True),
        )
        for row in rows[:WORST_SLICES]
    ]
    table = table_of(("slice", "metric", "baseline", "candidate", "interval of the delta"), shown)
    return f"### Slices that got worse ({len(rows)})\n\n{table}"


def worst_cases(record: RunRecord) -> str:
    """The worst cases with both answers."""
    bad = bad_cases(record)
    counts = record.verdict.cases
    if not bad:
        return ""
    by = f"By {markdown(counts.by)}: " if counts.by else ""
    moved = f"{by}{counts.improved} improved, {counts.regressed} regressed, {counts.unchanged} unchanged."
    return "\n\n".join(["### Worst cases", moved, *(_case(case) for case in bad[:WORST_CASES])])


def _case(case: CaseRecord) -> str:
    said = markdown(shortened("; ".join(case_reasons(case)), 300))
    sides = [
        f"{name}\n\n{markdown_block(shortened(arm.text, TEXT_LIMIT))}"
        for name, arm in (("baseline", case.baseline), ("candidate", case.candidate))
    ]
    return "\n\n".join([f"**{markdown(shortened(case.id, 100))}**: {said}", *sides])


def evidence(record: RunRecord) -> str:
    """What the run is recognised by."""
    identity = record.identity
    rows = [
        ("run", identity.run_id),
        ("dataset digest", identity.dataset_digest),
        ("baseline prompt", f"{identity.baseline.prompt} {identity.baseline.prompt_digest}"),
        ("candidate prompt", f"{identity.candidate.prompt} {identity.candidate.prompt_digest}"),
        ("manifest", identity.manifest_digest),
    ]
    lines = ["| what | value |", "| --- | --- |", *(f"| {name} | {code(shortened(value, 300))} |" for name, value in rows)]
    return "\n".join(["### Evidence", "", *lines])
