"""Which attempt a run is, what changed since the one before, and what was loosened along with the prompt."""

from __future__ import annotations

from evalgate.core.attempts import Attempts, Change, passes_by_luck
from evalgate.core.record import RunRecord
from evalgate.report import figures
from evalgate.report.escape import markdown, shortened
from evalgate.report.markup import Markup, Part, element, join, section, table

SHOWN_ATTEMPTS = 20
SHOWN_CHANGES = 50
IN_SUMMARY = 10
TEXT_LIMIT = 300
"""Characters of one side of a change."""
_KIND = {"pass": "pass", "fail": "fail", "inconclusive": "inconclusive"}


def attempt_line(record: RunRecord) -> str:
    """`Attempt 3 of this gate on this dataset`, in one sentence for every surface; empty where no history is kept."""
    found = record.attempts
    if found is None:
        return ""
    again = f", made again after attempt {found.made:,}" if found.made > found.number else ""
    return f"Attempt {found.number:,} of this gate on this dataset{again}"


def loosened_line(record: RunRecord) -> str:
    """What was loosened together with what is judged, as one line; empty where nothing was."""
    found = record.attempts
    if found is None or not found.loosened:
        return ""
    listed = "; ".join(f"{_side(c.before)} → {_side(c.after)}" for c in found.loosened[:IN_SUMMARY])
    more = len(found.loosened) - IN_SUMMARY
    before = "than before" if found.loosened_since is None else f"than in attempt {found.loosened_since:,}"
    return f"less is asked {before}, {_along(found)}: {listed}" + (f" and {more:,} more" if more > 0 else "")


def attempts_banner(record: RunRecord) -> Markup:
    """For the top of the page: a first attempt in a word, a loosened threshold so that nobody overlooks it."""
    line, loosened = attempt_line(record), loosened_line(record)
    return join(
        [
            element("p", element("a", line, href="#attempts"), class_="about") if line else "",
            element("p", element("strong", "Loosened: "), loosened, class_="lost") if loosened else "",
        ]
    )


def attempts(record: RunRecord) -> Markup:
    """The section of the page; nothing where no history is kept."""
    found = record.attempts
    if found is None:
        return Markup("")
    loosened = loosened_line(record)
    parts: list[Part] = [element("p", f"{attempt_line(record)}.")]
    if loosened:
        parts.append(element("p", element("strong", "Loosened: "), f"{loosened}.", class_="lost"))
    if found.note:
        parts.append(element("p", f"About this count: {found.note}.", class_="note"))
    if luck := _luck(record, found):
        parts.append(element("p", luck, class_="note"))
    if found.earlier:
        parts += [_changes(found), _earlier(found)]
    return section("attempts", "Attempts", *parts)


def attempts_summary(record: RunRecord) -> str:
    """The same for summary.md; empty for a first attempt, which its head names."""
    found = record.attempts
    if found is None:
        return ""
    lines = []
    if found.note:
        lines += ["", f"About this count: {markdown(shortened(found.note, TEXT_LIMIT))}."]
    if luck := _luck(record, found):
        lines += ["", markdown(luck)]
    if found.earlier:
        lines += ["", f"Since attempt {found.earlier[-1].number:,}:", ""]
        lines += [_summary_line(change) for change in _worst_first(found)[:IN_SUMMARY]] or ["- nothing of what is remembered"]
        more = len(found.changes) - IN_SUMMARY
        lines += [f"- {more:,} more changes, see report.html"] if more > 0 else []
    return "\n".join(["### Attempts", *lines]) if lines else ""


def _luck(record: RunRecord, found: Attempts) -> str:
    if found.made < 2:
        return ""
    confidence = record.settings.confidence
    once, ever = (figures.percent(passes_by_luck(number, confidence)) for number in (1, found.made))
    return (
        f"A candidate exactly on the line of a threshold passes one attempt with a chance of up to {once}, "
        f"and at least one of {found.made:,} independent attempts with up to {ever}."
    )


def _changes(found: Attempts) -> Markup:
    before = found.earlier[-1].number
    if not found.changes:
        return element("p", f"Nothing of what is remembered changed since attempt {before:,}.")
    rows = [
        (
            change.what,
            _side(change.before),
            _side(change.after),
            _badge(change),
        )
        for change in _worst_first(found)[:SHOWN_CHANGES]
    ]
    more = len(found.changes) - len(rows)
    rest = element("p", f"{more:,} more are in attempts.json.", class_="note") if more > 0 else ""
    header = ("what", "before", "now", "means")
    return join([table(f"What changed since attempt {before:,}", header, rows), rest])


def _badge(change: Change) -> Markup:
    said, kind = ("asks less", "fail") if change.looser else ("changed", "quiet")
    return element("span", said, class_=f"badge {kind}")


def _earlier(found: Attempts) -> Markup:
    shown = found.earlier[-SHOWN_ATTEMPTS:][::-1]
    rows = [
        (
            f"{one.number:,}",
            element("span", one.verdict.upper(), class_=f"badge {_KIND.get(one.verdict, 'quiet')}"),
            one.at,
            one.run_id,
        )
        for one in shown
    ]
    more = len(found.earlier) - len(shown)
    rest = element("p", f"{more:,} earlier ones are in attempts.json.", class_="note") if more > 0 else ""
    return join([table("Earlier attempts, the last one first", ("attempt", "verdict", "judged", "run"), rows), rest])


def _worst_first(found: Attempts) -> list[Change]:
    return sorted(found.changes, key=lambda change: not change.looser)


def _summary_line(change: Change) -> str:
    less = " (**asks less**)" if change.looser else ""
    return f"- {markdown(change.what)}: {markdown(_side(change.before))} → {markdown(_side(change.after))}{less}"


def _along(found: Attempts) -> str:
    """`while the candidate prompt changed too`: what was tried anew along with what was loosened."""
    along = [c.what for c in found.changes if c.what.partition(" ")[2] in ("prompt", "model", "outputs")]
    return f"while the {' and the '.join(along)} changed too" if along else "while what is judged changed too"


def _side(said: str) -> str:
    return shortened(said, TEXT_LIMIT)
