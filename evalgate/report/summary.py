"""summary.md: the run on one screen of a pull request."""

from __future__ import annotations

from collections.abc import Sequence

from evalgate.core.record import CaseRecord, RunRecord
from evalgate.core.verdict import Decision
from evalgate.report import figures, phrases
from evalgate.report.card_phrases import quality_lines
from evalgate.report.escape import markdown, markdown_block, shortened
from evalgate.report.page_attempts import attempt_line, attempts_summary, loosened_line
from evalgate.report.page_flaky import flaky_summary
from evalgate.report.ranking import bad_cases, case_reasons, slice_rows

LIMIT = 60_000
"""Characters: a comment on a pull request holds 65,536."""
WORST_CASES = 10
WORST_SLICES = 10
SHOWN_WAIVERS = 50
TEXT_LIMIT = 300
REASON_LIMIT = 500
_MARKS = {Decision.PASS: "✅", Decision.FAIL: "❌", Decision.INCONCLUSIVE: "⚠️"}


def render_markdown(record: RunRecord) -> str:
    """The run as Markdown; whole sections are left out, least important first, where it would grow too long."""
    sections = [_head(record), _thresholds(record), _metrics(record), _safety(record), _waivers(record), _slices(record)]
    sections += [flaky_summary(record), attempts_summary(record), _cases(record)]
    kept: list[str] = []
    closing = _closing(record)
    room = LIMIT - len(closing) - 200
    for section in filter(None, sections):
        if len(section) + 2 > room:
            kept.append("*The rest is left out for length: see report.html.*")
            break
        kept.append(section)
        room -= len(section) + 2
    return "\n\n".join([*kept, closing]) + "\n"


def _head(record: RunRecord) -> str:
    verdict, identity = record.verdict, record.identity
    title = f"## {_MARKS[verdict.decision]} {phrases.word(verdict.decision)}: {markdown(identity.gate)}"
    about = f"{figures.counted(verdict.cases.total, 'case')} of {identity.dataset_name}@{identity.dataset_version}"
    told = " · ".join(markdown(one) for one in (about, phrases.mode(record), attempt_line(record)) if one)
    loosened = loosened_line(record)
    pointed_out = f"\n\n**Loosened**: {markdown(loosened)}." if loosened else ""
    return f"{title}\n\n{markdown(shortened(verdict.reason, 2_000))}\n\n{told}{pointed_out}"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(header) + " |", "| " + " | ".join("---" for _ in header) + " |"]
    lines += ["| " + " | ".join(markdown(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def _thresholds(record: RunRecord) -> str:
    rows = [
        (
            f"{_MARKS[r.decision]} {phrases.outcome(r)}",
            phrases.target(r),
            phrases.asks(r.threshold),
            phrases.p_value(r),
            shortened(r.reason, REASON_LIMIT),
        )
        for r in record.verdict.thresholds
    ]
    return "### Thresholds\n\n" + _table(("result", "target", "asks", "p", "reason"), rows)


def _metrics(record: RunRecord) -> str:
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
    table = _table(("metric", "baseline", "candidate", "delta", f"{level} interval", "n", "method"), rows)
    lost = [note for note in map(phrases.answered_note, record.verdict.results.metrics.values()) if note]
    notes = f"\n\nAnswers were lost. {markdown('; '.join(lost))}." if lost else ""
    judged = [note for m in record.verdict.results.metrics.values() for note in phrases.judgement_notes(m)]
    notes += "\n" + "".join(f"\n- {markdown(shortened(note, 500))}" for note in judged) if judged else ""
    return f"### Metrics\n\n{table}{notes}"


def _safety(record: RunRecord) -> str:
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
    return f"### Safety: violating cases\n\n{_table(header, rows)}\n\n{told}"


def _waivers(record: RunRecord) -> str:
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
    return "### Waivers\n\n" + _table(("what", "owner", "reason", "holds until", "covers"), rows) + more


def _slices(record: RunRecord) -> str:
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
    table = _table(("slice", "metric", "baseline", "candidate", "interval of the delta"), shown)
    return f"### Slices that got worse ({len(rows)})\n\n{table}"


def _cases(record: RunRecord) -> str:
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


def _closing(record: RunRecord) -> str:
    identity = record.identity
    rows = [
        ("run", identity.run_id),
        ("dataset digest", identity.dataset_digest),
        ("baseline prompt", f"{identity.baseline.prompt} {identity.baseline.prompt_digest}"),
        ("candidate prompt", f"{identity.candidate.prompt} {identity.candidate.prompt_digest}"),
        ("manifest", identity.manifest_digest),
    ]
    return "### Evidence\n\n" + _table(("what", "value"), [(a, shortened(b, 300)) for a, b in rows])
