"""The difference between two versions of a golden dataset for a terminal or a log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TextIO

from evalgate.core.canonical import json_line
from evalgate.core.visible import terminal_line
from evalgate.report import figures
from evalgate.report.console import open_console
from evalgate.report.dataset_diff_words import COME, GONE, clipped
from evalgate.report.escape import shortened

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

FEWEST_COLUMNS = 140
SHOWN_VALUES = 20
SHOWN_IDS = 20
TEXT_LIMIT = 300
AROUND = 40
_STYLES = {GONE: "red strike", COME: "green"}
_BRACKETS = {GONE: ("[-", "-]"), COME: ("{+", "+}")}


def print_dataset_diff(document: Mapping[str, Any], stream: TextIO) -> None:
    """Print a document `evalgate.dataset_diff/1`; every text of unknown origin is made visible first."""
    console = open_console(stream, FEWEST_COLUMNS)
    _head(document, console)
    if document["changed"]:
        console.print(_changed(document))
    for kind in ("added", "removed"):
        if document[kind]:
            console.print(_lone(document, kind))
    for line in order_lines(document):
        console.print(_text(line))
    for part in document["slices"]:
        if any(value["before"] != value["after"] for value in part["values"]):
            console.print(_slice(part))
    if document["card"]:
        console.print(_card(document["card"]))
    _advice(document, console)


def title_of(document: Mapping[str, Any]) -> str:
    """Which two versions are compared."""
    before, after = document["before"], document["after"]
    second = after["version"] if before["name"] == after["name"] else f"{after['name']}@{after['version']}"
    return f"{before['name']}@{before['version']} → {second}"


def counts_line(document: Mapping[str, Any]) -> str:
    """How many cases went, came and changed."""
    counts = document["counts"]
    said = [f"{figures.count(counts[kind])} {kind}" for kind in ("added", "removed", "changed", "moved", "unchanged")]
    labels = figures.counted(counts["label_changes"], "label change")
    alone = f", {figures.count(counts['label_changes_alone'])} of them with the same inputs" if counts["label_changes"] else ""
    return f"{figures.count(counts['before'])} → {figures.counted(counts['after'], 'case')}: {', '.join(said)} ({labels}{alone})"


def lock_lines(document: Mapping[str, Any]) -> list[str]:
    """What is to be said of the locks: nothing where the data is what its card was locked to."""
    sides = [side for side in (document["before"], document["after"]) if side["lock"] != "matches"]
    said = {"differs": "the data is NOT what its card was locked to", "not locked": "the card is not locked"}
    return [f"{side['name']}@{side['version']}: {said[side['lock']]}" for side in sides]


def order_lines(document: Mapping[str, Any]) -> list[str]:
    """Moved and renamed cases, one line each kind."""
    lines = []
    if document["moved"]:
        lines.append(f"moved: {_some(document['moved'])}")
    if document["renamed"]:
        pairs = [f"{pair['before']} → {pair['after']}" for pair in document["renamed"]]
        lines.append(f"same content under another id: {_some(pairs)}")
    return lines


def version_line(document: Mapping[str, Any]) -> str:
    """What the changes ask for and what the cards say."""
    version = document["version"]
    step = {"none": "no step", "backwards": "a step back", "not comparable": "not a step between semantic versions"}
    actual = step.get(version["actual"], f"a {version['actual']} step")
    if version["suggested"] == "none":
        return f"no change that asks for a new version ({version['before']} to {version['after']}: {actual})"
    suggested = f"a {version['suggested']} version" + (f" ({version['next']})" if version["next"] else "")
    fits = "that is enough" if version["satisfied"] else "that is NOT enough"
    return f"the changes ask for {suggested}; {version['before']} to {version['after']} is {actual}: {fits}"


def left_out_line(document: Mapping[str, Any]) -> str:
    """What the limit on texts left out; empty where nothing was."""
    texts = document["texts"]
    left = [f"{figures.count(number)} {kind}" for kind, number in texts["left_out"].items() if number]
    return f"texts of {', '.join(left)} cases are left out (--limit {texts['limit']})" if left else ""


def value_text(value: Any) -> str:
    """A value of a row as text."""
    return value if isinstance(value, str) else json_line(value).strip()


def note_text(value: Any, limit: int) -> str:
    """A value of the card as text of at most `limit` characters."""
    return "not there" if value is None else shortened(value_text(value), limit)


def share_text(entry: Mapping[str, Any] | None) -> str:
    """A slice value's cases and share."""
    return "no slice" if entry is None else f"{figures.count(entry['cases'])} ({entry['share']:.1%})"


def _head(document: Mapping[str, Any], console: Console) -> None:
    console.print(_text(f"dataset diff {title_of(document)}", "bold"))
    console.print(_text(counts_line(document)))
    for line in lock_lines(document):
        console.print(_text(line, "bold red"))
    if document["empty"]:
        console.print(_text("nothing changed"))


def _changed(document: Mapping[str, Any]) -> Table:
    table = _table("Changed cases", "case", "column", "what changed")
    shown = [change for change in document["changed"] if _has_texts(change)]
    for change in shown:
        for field in change["fields"]:
            table.add_row(_text(change["id"]), _text(f"{field['name']} ({field['role']})"), _change(field))
    _left(table, document["changed"], shown)
    return table


def _has_texts(change: Mapping[str, Any]) -> bool:
    return any("before" in field or "after" in field for field in change["fields"])


def _change(field: Mapping[str, Any]) -> Text:
    from rich.text import Text

    if field["kind"] == "added":
        return _text(f"new column: {shortened(value_text(field['after']), TEXT_LIMIT)}", "green")
    if field["kind"] == "removed":
        return _text(f"column gone: {shortened(value_text(field['before']), TEXT_LIMIT)}", "red")
    if field["words"] is None:
        both = [shortened(value_text(field[side]), TEXT_LIMIT) for side in ("before", "after")]
        return _text(f"{both[0]} → {both[1]}")
    line = Text()
    for kind, text in clipped([(k, t) for k, t in field["words"]], AROUND, TEXT_LIMIT):
        # Marks as well as colours: a log has none, and not everybody sees them.
        opening, closing = _BRACKETS.get(kind, ("", ""))
        line.append(f"{opening}{terminal_line(text)}{closing}", _STYLES.get(kind, ""))
    return line


def _lone(document: Mapping[str, Any], kind: str) -> Table:
    table = _table(f"{kind.capitalize()} cases", "case", "content")
    shown = [case for case in document[kind] if "fields" in case]
    for case in shown:
        table.add_row(_text(case["id"]), _text(shortened(json_line(case["fields"]).strip(), TEXT_LIMIT)))
    _left(table, document[kind], shown)
    return table


def _left(table: Table, every: Sequence[Any], shown: Sequence[Any]) -> None:
    left = len(every) - len(shown)
    if left:
        names = _some([entry["id"] for entry in every[len(shown) :]])
        table.add_row(_text(f"{figures.count(left)} more"), *([_text("")] * (len(table.columns) - 2)), _text(names))


def _slice(part: Mapping[str, Any]) -> Table:
    table = _table(f"Slice {terminal_line(part['column'])}", "value", "before", "after")
    values = changed_first(part["values"])
    for value in values[:SHOWN_VALUES]:
        table.add_row(_text(value["value"]), share_text(value["before"]), share_text(value["after"]))
    if len(values) > SHOWN_VALUES:
        table.add_row(_text(f"{figures.count(len(values) - SHOWN_VALUES)} more values"), "", "")
    return table


def changed_first(values: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Slice values, those whose number of cases changed first."""

    def count(entry: Mapping[str, Any] | None) -> Any:
        return None if entry is None else entry["cases"]

    return sorted(values, key=lambda value: count(value["before"]) == count(value["after"]))


def _card(changes: Sequence[Mapping[str, Any]]) -> Table:
    table = _table("Card", "key", "before", "after")
    for change in changes:
        sides = [note_text(change[side], TEXT_LIMIT) for side in ("before", "after")]
        table.add_row(_text(change["key"]), *(_text(side) for side in sides))
    return table


def _advice(document: Mapping[str, Any], console: Console) -> None:
    style = "" if document["version"]["satisfied"] else "bold yellow"
    console.print(_text(f"version: {version_line(document)}", style))
    for reason in document["version"]["reasons"]:
        console.print(_text(f"  {reason['level']}: {reason['text']}", "dim"))
    if line := left_out_line(document):
        console.print(_text(line, "dim"))


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(shortened(name, 100) for name in names[:SHOWN_IDS])
    return shown if len(names) <= SHOWN_IDS else f"{shown} and {figures.count(len(names) - SHOWN_IDS)} more"


def _text(text: str, style: str = "") -> Text:
    from rich.text import Text

    return Text(terminal_line(text), style=style)


def _table(title: str, *columns: str) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
