"""The cases of the report: what got worse, side by side."""

from __future__ import annotations

from collections.abc import Mapping

from evalgate.core.record import ArmRecord, CaseRecord, RunRecord
from evalgate.core.values import JsonValue, Status
from evalgate.report.escape import anchor
from evalgate.report.markup import Markup, Part, details, element, facts, join, section
from evalgate.report.page_case_data import CaseData, rest_note
from evalgate.report.page_case_words import (
    COLOURS,
    LABELS,
    LOST_NOTE,
    change_label,
    directions,
    flaky_ids,
    kinds_of,
    lost_words,
    moved,
    score_words,
    value_words,
    where_words,
)
from evalgate.report.page_findings import case_findings
from evalgate.report.ranking import case_reasons
from evalgate.report.word_diff import with_masks, word_diff

OPEN = 3
"""Cases that are shown open."""
AS_HTML = 300
"""Cases that can be read without scripts, at most."""
HTML_BYTES = 2_500_000
"""Of their HTML, at most; one case is always there."""
_SORTS = (
    ("", "worst first"),
    ("best", "most improved first"),
    ("least", "most regressed first"),
    ("id", "by id"),
)
_KEYS = (
    ("j", "next case"),
    ("k", "case before"),
    ("Enter", "open or close the case"),
    ("/", "search"),
    ("Esc", "clear the search, or close the case"),
    ("m", "more cases"),
    ("?", "this list"),
)


def cases(record: RunRecord, as_html: int = AS_HTML) -> Markup:
    """The cases that the record holds, worst first: the first ones as HTML, the others as data for the page's script."""
    flaky = flaky_ids(record)
    metrics = tuple(next(iter(record.cases)).candidate.scores) if record.cases else ()
    data = CaseData(record, metrics, flaky)
    shown: list[Markup] = []
    room = HTML_BYTES
    for case in record.cases[:as_html]:
        made = _case(record, case, kinds_of(case, flaky), len(shown) < OPEN)
        room -= len(made.encode())
        if room < 0 and shown:
            break
        shown.append(made)
        data.add_head(case, anchor("case", case.id))
    for case in record.cases[len(shown) :]:
        if not data.add(case, anchor("case", case.id)):
            break
    left = record.cases_omitted + len(record.cases) - len(data.heads)
    said = rest_note(record.verdict.cases.total, len(shown), len(data.bodies), left)
    legend = join(
        ["In the outputs, ", element("del", "words only in the baseline"), " and ", element("ins", "only in the candidate"), "."]
    )
    return section(
        "cases",
        "Cases",
        element("p", said, class_="note"),
        element("p", legend, class_="note"),
        _form(any_flaky=bool(flaky)),
        element("div", *shown, id="case-list"),
        element("p", element("button", "Show more cases", type="button", id="more"), id="more-line", hidden="hidden"),
        data.script(),
    )


def _form(*, any_flaky: bool) -> Markup:
    """Search, filters and order; the script shows them, fills in what it finds in the cases, and works them."""
    kinds = [("", "all cases"), *((name, label) for name, label in LABELS.items() if name != "flaky" or any_flaky)]
    keys = [element("div", element("dt", element("kbd", key)), element("dd", what)) for key, what in _KEYS]
    on = element("label", Markup('<input type="checkbox" id="keys-on" checked> '), "keys are on")
    return element(
        "form",
        element("label", "Search ", Markup('<input type="search" id="search" autocomplete="off">')),
        element("label", "Show ", _select("kind", kinds)),
        element("label", "Metric ", _select("moved", [("", "any metric")])),
        element("label", "Slice ", _select("slice", [("", "all slices")])),
        element("label", "Category ", _select("category", [("", "all categories")])),
        element("label", "Order ", _select("order", _SORTS)),
        element("button", "Clear all", type="button", id="clear", hidden="hidden"),
        element("output", "", id="shown", aria_live="polite"),
        details("Keys", element("dl", *keys, class_="keys"), element("p", on), id="keys"),
        class_="filter",
        role="search",
        aria_label="Cases",
        hidden="hidden",
    )


def _select(name: str, options: list[tuple[str, str]] | tuple[tuple[str, str], ...]) -> Markup:
    return element("select", *(element("option", label, value=value) for value, label in options), id=name)


def _case(record: RunRecord, case: CaseRecord, kinds: tuple[str, ...], is_open: bool) -> Markup:
    badges = join(element("span", LABELS[kind], class_=f"badge {COLOURS[kind]}") for kind in kinds)
    change = change_label(record, case)
    label = element("span", change, class_="change") if change else ""
    summary = join([element("span", case.id, class_="case-id"), badges, label])
    attributes = {"id": anchor("case", case.id), "class_": "case"}
    if is_open:
        attributes["open"] = "open"
    return details(summary, *_content(record, case), **attributes)


def _content(record: RunRecord, case: CaseRecord) -> list[Part]:
    parts: list[Part] = []
    reasons = case_reasons(case)
    if reasons:
        parts.append(element("p", "; ".join(reasons), class_="why"))
    if where := where_words(case):
        parts.append(element("p", where, class_="note"))
    parts.append(_named("Inputs", case.inputs, case))
    parts.append(_named("References", {str(number): value for number, value in enumerate(case.references, start=1)}, case))
    parts.append(_sides(case))
    parts.append(case_findings(record, case))
    if Status.ERROR in (case.baseline.status, case.candidate.status):
        parts.append(element("p", LOST_NOTE, class_="note"))
    parts.append(_scores(case, directions(record)))
    prompts = [(name, arm) for name, arm in (("Baseline", case.baseline), ("Candidate", case.candidate)) if arm.messages]
    if prompts:
        shown = (element("div", element("h3", name), element("pre", _messages(arm, case))) for name, arm in prompts)
        parts.append(details("Rendered prompts", element("div", *shown, class_="sides")))
    parts.append(element("p", element("a", "Link to this case", href=f"#{anchor('case', case.id)}"), class_="link"))
    return parts


def _named(title: str, values: Mapping[str, JsonValue], case: CaseRecord) -> Markup:
    if not values:
        return Markup("")
    rows = [(name, element("span", with_masks(value_words(value), case.masks), class_="value")) for name, value in values.items()]
    return element("div", element("h3", title), facts(rows))


def _sides(case: CaseRecord) -> Markup:
    old, new = word_diff(case.baseline.text, case.candidate.text, case.baseline.marks, case.candidate.marks)
    sides = [_side("Baseline", case.baseline, old), _side("Candidate", case.candidate, new)]
    return element("div", *sides, class_="sides")


def _side(name: str, arm: ArmRecord, shown: Markup) -> Markup:
    if arm.status is Status.ERROR:
        body = element("p", lost_words(arm), class_="lost")
        body = element("div", body, element("pre", shown)) if arm.text else body
    else:
        body = element("pre", shown if arm.text else element("em", "empty output"))
    return element("div", element("h3", f"{name} output"), body)


def _scores(case: CaseRecord, better: Mapping[str, float]) -> Markup:
    moves = {name: moved(case, name, better) for name in case.candidate.scores}
    rows: list[tuple[str, Part | None]] = [(name, score_words(case, name, move)) for name, move in moves.items()]
    for name, arm in (("baseline", case.baseline), ("candidate", case.candidate)):
        if arm.request_key:
            rows.append((f"{name} request key", arm.request_key))
    return facts(rows) if rows else Markup("")


def _messages(arm: ArmRecord, case: CaseRecord) -> Markup:
    return with_masks("\n\n".join(f"[{role}]\n{content}" for role, content in arm.messages), case.masks)
