"""The cases of the report: what got worse, side by side."""

from __future__ import annotations

import json
from collections.abc import Mapping

from evalgate.core.record import ArmRecord, CaseRecord, RunRecord
from evalgate.core.values import JsonValue, Status
from evalgate.report import figures, phrases
from evalgate.report.escape import anchor
from evalgate.report.markup import Markup, Part, details, element, facts, join, section
from evalgate.report.page_findings import case_findings
from evalgate.report.ranking import case_reasons
from evalgate.report.word_diff import with_masks, word_diff

OPEN = 3
"""Cases that are shown open."""


def cases(record: RunRecord) -> Markup:
    """The selection of cases, worst first."""
    shown = [_case(record, case, number < OPEN) for number, case in enumerate(record.cases)]
    said = f"{len(shown):,} of {record.verdict.cases.total:,} cases: newly violating, without answer, regressed; worst first."
    if record.cases_omitted:
        said += f" The other {record.cases_omitted:,} are in the Parquet files under shards/."
    search = element(
        "form",
        element("label", "Search ", Markup('<input type="search" id="search" autocomplete="off">')),
        element("label", "Show ", _choices()),
        element("output", "", id="shown", aria_live="polite"),
        class_="filter",
        hidden="hidden",
    )
    return section("cases", "Cases", element("p", said, class_="note"), search, element("div", *shown, id="case-list"))


def _choices() -> Markup:
    names = (
        ("", "all"),
        ("violating", "newly violating"),
        ("errored", "without answer"),
        ("regressed", "regressed"),
        ("improved", "improved"),
    )
    options = (element("option", label, value=value) for value, label in names)
    return element("select", *options, id="kind")


def _case(record: RunRecord, case: CaseRecord, is_open: bool) -> Markup:
    kinds = phrases.movement_kinds(case)
    badges = join(element("span", _LABELS[kind], class_=f"badge {_COLOURS[kind]}") for kind in kinds)
    summary = join([element("span", case.id, class_="case-id"), badges, _change(record, case)])
    attributes = {"id": anchor("case", case.id), "class_": "case", "data_kinds": " ".join(kinds)}
    if is_open:
        attributes["open"] = "open"
    return details(summary, *_content(record, case), **attributes)


_LABELS = {
    "violating": "newly violating",
    "errored": "no answer",
    "regressed": "regressed",
    "improved": "improved",
    "unchanged": "unchanged",
}
_COLOURS = {"violating": "fail", "errored": "inconclusive", "regressed": "fail", "improved": "pass", "unchanged": "quiet"}


def _change(record: RunRecord, case: CaseRecord) -> Markup:
    by = record.verdict.cases.by
    if by is None or case.change is None:
        return Markup("")
    metric = record.verdict.results.metrics.get(by)
    written = figures.figure(case.change, metric.unit if metric else "", signed=True)
    return element("span", f"{by} {written}", class_="change")


def _content(record: RunRecord, case: CaseRecord) -> list[Part]:
    parts: list[Part] = []
    reasons = case_reasons(case)
    if reasons:
        parts.append(element("p", "; ".join(reasons), class_="why"))
    where = [(name, value) for name, value in case.slices.items()] + ([("group", case.group)] if case.group else [])
    if where:
        parts.append(element("p", ", ".join(f"{name}: {value}" for name, value in where), class_="note"))
    parts.append(_named("Inputs", case.inputs, case))
    parts.append(_named("References", {str(number): value for number, value in enumerate(case.references, start=1)}, case))
    parts.append(_sides(case))
    parts.append(case_findings(record, case))
    if Status.ERROR in (case.baseline.status, case.candidate.status):
        parts.append(element("p", "The scores count the missing answer against the candidate.", class_="note"))
    parts.append(_scores(case))
    prompts = [(name, arm) for name, arm in (("Baseline", case.baseline), ("Candidate", case.candidate)) if arm.messages]
    if prompts:
        shown = (element("div", element("h3", name), element("pre", _messages(arm, case))) for name, arm in prompts)
        parts.append(details("Rendered prompts", element("div", *shown, class_="sides")))
    return parts


def _named(title: str, values: Mapping[str, JsonValue], case: CaseRecord) -> Markup:
    if not values:
        return Markup("")
    rows = [(name, element("span", with_masks(_as_text(value), case.masks), class_="value")) for name, value in values.items()]
    return element("div", element("h3", title), facts(rows))


def _as_text(value: JsonValue) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def _sides(case: CaseRecord) -> Markup:
    old, new = word_diff(case.baseline.text, case.candidate.text, case.baseline.marks, case.candidate.marks)
    sides = [_side("Baseline", case.baseline, old), _side("Candidate", case.candidate, new)]
    return element("div", *sides, class_="sides")


def _side(name: str, arm: ArmRecord, shown: Markup) -> Markup:
    if arm.status is Status.ERROR:
        said = f"{'Not measured' if arm.text else 'No answer'}: {arm.error or 'no reason given'}"
        body = element("p", said, class_="lost")
        body = element("div", body, element("pre", shown)) if arm.text else body
    else:
        body = element("pre", shown if arm.text else element("em", "empty output"))
    return element("div", element("h3", f"{name} output"), body)


def _scores(case: CaseRecord) -> Markup:
    rows = [
        (name, f"{_score(case.baseline.scores.get(name))} → {_score(case.candidate.scores.get(name))}")
        for name in case.candidate.scores
    ]
    for name, arm in (("baseline", case.baseline), ("candidate", case.candidate)):
        if arm.request_key:
            rows.append((f"{name} request key", arm.request_key))
    return facts(rows) if rows else Markup("")


def _score(value: float | None) -> str:
    return figures.NOT_AVAILABLE if value is None else f"{value:.4g}".replace("-", "−")


def _messages(arm: ArmRecord, case: CaseRecord) -> Markup:
    return with_masks("\n\n".join(f"[{role}]\n{content}" for role, content in arm.messages), case.masks)
