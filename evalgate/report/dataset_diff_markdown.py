"""The difference between two versions of a golden dataset, as it stands in a pull request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evalgate.report import figures
from evalgate.report.dataset_diff_table import (
    changed_first,
    counts_line,
    left_out_line,
    lock_lines,
    note_text,
    order_lines,
    share_text,
    title_of,
    value_text,
    version_line,
)
from evalgate.report.dataset_diff_words import COME, GONE, clipped
from evalgate.report.escape import markdown, shortened

LIMIT = 60_000
"""Characters: a comment on a pull request holds 65,536."""
SHOWN_VALUES = 30
TEXT_LIMIT = 400
AROUND = 60
_TAGS = {GONE: "del", COME: "ins"}


def render_dataset_diff(document: Mapping[str, Any]) -> str:
    """A document `evalgate.dataset_diff/1` as Markdown of at most 60,000 characters; what is left out is said."""
    head = _head(document)
    closing = _closing(document)
    room = LIMIT - len(head) - len(closing) - 1_000
    kept = [head]
    parts = [_slices(document["slices"]), _card(document["card"]), _order(document)]
    for part in filter(None, parts):
        if len(part) <= room // 2:
            kept.append(part)
            room -= len(part) + 2
        else:
            kept.append("*A part is left out for length: see `--json`.*")
    for title, entries in _case_parts(document):
        if entries:
            section, room = _collapsible(title, entries, room)
            kept.append(section)
    return "\n\n".join([*kept, closing]) + "\n"


def _head(document: Mapping[str, Any]) -> str:
    mark = "✅" if document["version"]["satisfied"] and not lock_lines(document) else "⚠️"
    lines = [f"## Dataset diff: {markdown(shortened(title_of(document), 300))}", markdown(counts_line(document))]
    lines += [f"❌ {markdown(shortened(line, 300))}." for line in lock_lines(document)]
    lines.append(f"{mark} **Version**: {markdown(shortened(version_line(document), 600))}.")
    reasons = document["version"]["reasons"]
    lines.append("\n".join(f"- **{reason['level']}**: {markdown(shortened(reason['text'], 200))}" for reason in reasons[:30]))
    return "\n\n".join(filter(None, lines))


def _slices(parts: Sequence[Mapping[str, Any]]) -> str:
    sections = []
    for part in parts:
        values = changed_first(part["values"])
        rows = [(shortened(v["value"], 100), share_text(v["before"]), share_text(v["after"])) for v in values[:SHOWN_VALUES]]
        if len(values) > SHOWN_VALUES:
            rows.append((f"{figures.count(len(values) - SHOWN_VALUES)} more values", "", ""))
        sections.append(_table((part["column"], "before", "after"), rows))
    return "### Slice balance\n\n" + "\n\n".join(sections) if sections else ""


def _card(changes: Sequence[Mapping[str, Any]]) -> str:
    rows = [(change["key"], *(note_text(change[side], TEXT_LIMIT) for side in ("before", "after"))) for change in changes]
    return "### Card\n\n" + _table(("key", "before", "after"), rows) if rows else ""


def _order(document: Mapping[str, Any]) -> str:
    return "\n\n".join(markdown(line) for line in order_lines(document))


def _case_parts(document: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    labels = [c for c in document["changed"] if any(f["role"] == "reference" for f in c["fields"])]
    alone = [c for c in labels if not any(f["role"] == "input" for f in c["fields"])]
    others = [c for c in document["changed"] if c not in alone]
    return [
        ("Labels that changed, inputs as before", [_changed(case) for case in alone]),
        ("Changed cases" if not alone else "Other changed cases", [_changed(case) for case in others]),
        ("Removed cases", [_lone(case) for case in document["removed"]]),
        ("Added cases", [_lone(case) for case in document["added"]]),
    ]


def _collapsible(title: str, entries: Sequence[str], room: int) -> tuple[str, int]:
    """One part that opens on demand, with as many entries as there is room for; also the room that is left."""
    lines: list[str] = []
    used = 200
    for entry in entries:
        if used + len(entry) + 1 > room:
            break
        lines.append(entry)
        used += len(entry) + 1
    left = len(entries) - len(lines)
    if left:
        lines.append(f"- *{figures.count(left)} more are left out for length: see `--json`.*")
    # Nothing of unknown origin in the summary: it is HTML, where Markdown's escapes would not hold.
    body = "\n".join(lines)
    section = f"<details><summary>{title} ({figures.count(len(entries))})</summary>\n\n{body}\n\n</details>"
    return section, max(0, room - used)


def _changed(case: Mapping[str, Any]) -> str:
    return f"- **{_short(case['id'])}**\n" + "\n".join(f"  - {_field(field)}" for field in case["fields"][:20])


def _field(field: Mapping[str, Any]) -> str:
    name = f"{_short(field['name'])} ({field['role']})"
    if "before" not in field and "after" not in field:
        return f"{name}: {field['kind']}"
    if field["kind"] == "added":
        return f"{name}: new column: {_mark(COME, shortened(value_text(field['after']), TEXT_LIMIT))}"
    if field["kind"] == "removed":
        return f"{name}: column gone: {_mark(GONE, shortened(value_text(field['before']), TEXT_LIMIT))}"
    if field["words"] is None:
        sides = ((GONE, "before"), (COME, "after"))
        return f"{name}: " + " ".join(_mark(kind, shortened(value_text(field[side]), TEXT_LIMIT)) for kind, side in sides)
    pieces = clipped([(kind, text) for kind, text in field["words"]], AROUND, TEXT_LIMIT)
    return f"{name}: " + "".join(_mark(kind, text) for kind, text in pieces[:200]) + (" …" if len(pieces) > 200 else "")


def _mark(kind: str, text: str) -> str:
    tag = _TAGS.get(kind)
    return markdown(text) if tag is None else f"<{tag}>{markdown(text)}</{tag}>"


def _lone(case: Mapping[str, Any]) -> str:
    if "fields" not in case:
        return f"- **{_short(case['id'])}**"
    fields = list(case["fields"].items())
    told = [f"{_short(name)}: {markdown(shortened(value_text(value), TEXT_LIMIT))}" for name, value in fields[:20]]
    return f"- **{_short(case['id'])}**\n" + "\n".join(f"  - {line}" for line in told)


def _closing(document: Mapping[str, Any]) -> str:
    rows = [
        (side["version"], figures.count(side["cases"]), side["lock"], side["digest"])
        for side in (document["before"], document["after"])
    ]
    rows = [tuple(shortened(cell, 200) for cell in row) for row in rows]  # type: ignore[misc]
    table = _table(("version", "cases", "lock", "digest"), rows)
    line = left_out_line(document)
    return table + (f"\n\n*{markdown(line)}*" if line else "")


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(_short(cell) for cell in header) + " |", "| " + " | ".join("---" for _ in header) + " |"]
    lines += ["| " + " | ".join(markdown(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def _short(text: str) -> str:
    return markdown(shortened(text, 100))
