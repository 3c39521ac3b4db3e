"""The safety section: counts, what they say of the true rate, what they are worth, who decides on them, what is waived."""

from __future__ import annotations

from collections.abc import Sequence

from evalgate.core.record import RunRecord
from evalgate.core.settings import TargetKind
from evalgate.core.values import Severity
from evalgate.core.verdict import SafetyResult
from evalgate.report import figures, phrases
from evalgate.report.card_phrases import quality_lines
from evalgate.report.escape import anchor, shortened
from evalgate.report.markup import Markup, Part, details, element, join, section, table
from evalgate.report.ranking import safety_slices

SHOWN_SLICES = 60
SHOWN_WAIVERS = 200
ANY = "any"
SHOWN_TYPES = 100
SHOWN_NEW = 30
ID_LIMIT = 100
"""Characters of an id that are shown."""


def safety(record: RunRecord) -> Markup:
    """Counts of violating cases, with everything that says what they are worth."""
    found = record.verdict.results.safety
    if not found:
        return section("safety", "Safety", element("p", "No detector was configured: nothing was looked for."), _waivers(record))
    return section(
        "safety",
        "Safety",
        table("Cases with a violation, by category", *_counts(tuple(found.values()))),
        element("p", phrases.detectable(next(iter(found.values()))), class_="note"),
        element("p", phrases.masking_note(record), class_="note"),
        _new(record),
        _severities(tuple(found.values())),
        _worth(record),
        _slices(record),
        _waivers(record),
    )


def _new(record: RunRecord) -> Markup:
    """The newly violating cases that the page shows, each with what it violates."""
    new = [case for case in record.cases if case.newly_violating]
    if not new:
        return Markup("")
    items = []
    for case in new[:SHOWN_NEW]:
        found = ", ".join(dict.fromkeys(f"{one.category} ({one.severity})" for one in case.candidate.findings))
        link = element("a", shortened(case.id, ID_LIMIT), href=f"#{anchor('case', case.id)}")
        items.append(element("li", link, f": {found}" if found else ""))
    more = len(new) - len(items)
    rest = element("p", f"{more:,} more are under Cases.", class_="note") if more else ""
    return join([element("h3", "Newly violating cases"), element("ul", *items, class_="listed"), rest])


def _counts(found: Sequence[SafetyResult]) -> tuple[tuple[str, ...], list[tuple[Part, ...]]]:
    """Header and rows of the main table; undecided and waived cases have columns where there are any."""
    extra = phrases.extra_counts(found)
    header = ("category", "baseline", "candidate", "newly violating", "fixed", *extra, "true rate of the candidate")
    rows: list[tuple[Part, ...]] = []
    for one in found:
        numbers = [figures.count(number) for number in (one.baseline, one.candidate, one.new, one.fixed)]
        doubt = element("span", "not trusted", class_="badge inconclusive", title=one.distrust) if one.distrust else ""
        more = [phrases.both_arms(getattr(one, name)) for name in extra]
        rows.append((join([one.category, " " if doubt else "", doubt]), *numbers, *more, phrases.true_rate(one)))
    return header, rows


def _severities(found: Sequence[SafetyResult]) -> Markup:
    """The counts again, by how bad the findings are; categories without a finding are left out."""
    rows: list[tuple[Part, ...]] = []
    for one in found:
        for severity in Severity:
            part = one.severities.get(severity)
            if part is None or not any((part.baseline, part.candidate, *part.undecided.values(), *part.waived.values())):
                continue
            numbers = [figures.count(number) for number in (part.baseline, part.candidate, part.new, part.fixed)]
            named = phrases.at_least(severity)
            rows.append((f"{one.category}, {named}", *numbers, phrases.true_rate(part)))
    header = ("category and severity", "baseline", "candidate", "newly violating", "fixed", "true rate of the candidate")
    return details("By severity", table("Violating cases by severity", header, rows)) if rows else Markup("")


def _worth(record: RunRecord) -> Markup:
    """For each category: how good its detector is, and which thresholds decide on it."""
    rows: list[tuple[Part, ...]] = []
    for one in record.verdict.results.safety.values():
        if one.category == ANY:
            continue
        rows.append((one.category, _quality(record, one), _deciding(record, one.category), _corrected(one)))
    if not any(one.corrected for one in record.verdict.results.safety.values()):
        rows = [row[:3] for row in rows]
    header = ("category", "how good its detector is", "thresholds that decide on it", "rate, corrected for the judge's errors")
    return (
        join([element("h3", "What the counts are worth"), table("Detectors", header[: len(rows[0])], rows, class_="texts")])
        if rows
        else Markup("")
    )


def _quality(record: RunRecord, one: SafetyResult) -> Markup:
    lines = [element("p", line, class_="cell") for line in quality_lines(record, one.category)]
    if one.distrust:
        lines.append(element("p", f"No threshold may decide on it: {one.distrust}", class_="lost"))
    return join([*lines, _types(record, one.category)])


def _types(record: RunRecord, category: str) -> Markup:
    """The card by labelled type, since one rate over all of them hides what is never found."""
    card = record.cards.get(category)
    if card is None or not card.rules:
        return Markup("")
    rows = [
        (kind, *(figures.count(number) for number in (tally.found + tally.missed, tally.found, tally.false_alarms)))
        for kind, tally in sorted(card.rules.items())[:SHOWN_TYPES]
    ]
    header = ("type", "labelled", "found", "false alarms")
    return details("By type", table(f"What the detector of {category} finds", header, rows))


def _deciding(record: RunRecord, category: str) -> Markup:
    """The thresholds on a category or on any; a category that none looks at blocks nothing, and says so."""
    found = [
        element(
            "p",
            element("span", phrases.outcome(result), class_=f"badge {result.decision.value}"),
            f" {phrases.target(result)}: {phrases.asks(result.threshold)}",
            class_="cell",
        )
        for result in record.verdict.thresholds
        if result.threshold.kind is TargetKind.SAFETY and result.threshold.name in (category, ANY)
    ]
    return join(found) if found else element("p", "none: it is counted and blocks nothing", class_="cell")


def _corrected(one: SafetyResult) -> Markup:
    raw = {"baseline": one.baseline, "candidate": one.candidate}
    lines = [
        f"{arm}: {figures.percent(rate.value)} ({figures.interval(rate.interval, figures.SHARE)}), "
        f"counted {figures.percent(raw[str(arm)] / one.cases if one.cases else None)}"
        for arm, rate in one.corrected.items()
    ]
    return join(element("p", line, class_="cell") for line in lines) if lines else element("p", "–", class_="cell")


def _slices(record: RunRecord) -> Markup:
    rows = [
        (name, one.category, figures.count(one.baseline), figures.count(one.candidate), figures.count(one.new))
        for name, one in safety_slices(record)[:SHOWN_SLICES]
        if one.category != ANY
    ]
    header = ("slice", "category", "baseline", "candidate", "new")
    return details("By slice", table("Violating cases by slice", header, rows)) if rows else Markup("")


def _waivers(record: RunRecord) -> Markup:
    """Every waiver with who answers for it, why, and until when; nothing where the gate has no allow file."""
    if not record.waivers:
        return Markup("")
    rows: list[tuple[Part, ...]] = []
    for use in record.waivers[:SHOWN_WAIVERS]:
        day = str(use.waiver.expires)
        until = element("span", f"expired {day}", class_="badge fail") if use.expired else day
        used = figures.counted(use.findings, "finding") if use.used else element("span", "unused", class_="badge quiet")
        rows.append((use.waiver.scope, use.waiver.owner, use.waiver.reason, until, used))
    more = len(record.waivers) - len(rows)
    note = element("p", f"{more:,} more waivers are in verdict.json.", class_="note") if more > 0 else ""
    header = ("what is waived", "owner", "reason", "holds until", "covers")
    listed = table("Findings judged acceptable", header, rows)
    return join([element("h3", "Waivers"), element("p", _WAIVED, class_="note"), listed, note])


_WAIVED = "What a waiver in force covers is not counted as a violation. An expired one covers nothing, and the gate fails."
