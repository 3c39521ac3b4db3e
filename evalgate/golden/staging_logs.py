"""Production logs as cases: which field of a line is which input, and the usual shapes of chat requests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from evalgate.golden.tables import Row

_MISSING = object()
_MESSAGES = ("messages", "request.messages", "body.messages", "request.body.messages", "input.messages", "input")
_ANSWERS = (
    "response.choices.0.message.content",
    "response.body.choices.0.message.content",
    "choices.0.message.content",
    "response.text",
    "output",
    "response",
)


@dataclass(frozen=True, slots=True)
class LogFields:
    """Which field of a line holds what, as dotted paths: `request.body.question`, `choices.0.text`."""

    inputs: Mapping[str, str] = field(default_factory=dict)
    """Column → path; columns that are not named are looked for under their own name."""
    output: str | None = None
    """Path of the answer that was given; None: the usual places."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a source says about one case that may be staged."""

    inputs: Mapping[str, Any]
    slices: Mapping[str, Any]
    """Other columns of the dataset that the source knows, group included."""
    outputs: Mapping[str, Any]
    """Who answered → the answer, for whoever labels."""
    origin: Mapping[str, Any]
    """Where it comes from, for the provenance."""
    why: str


@dataclass(slots=True)
class LogReader:
    """Reads lines of a log as cases of a dataset, and counts those that cannot be used."""

    columns: Sequence[str]
    """Input columns of the dataset."""
    others: Sequence[str]
    """Slice and group columns: taken where a line has them under their own name."""
    fields: LogFields
    name: str
    """The log, as the provenance calls it."""
    unusable: list[tuple[str, str]] = field(default_factory=list)
    """(place, why)."""

    def read(self, rows: Iterator[Row]) -> Iterator[Found]:
        """The usable lines, in order."""
        for number, row in enumerate(rows, start=1):
            found = self._found(row)
            if isinstance(found, str):
                self.unusable.append((row.place, found))
                continue
            inputs, turns = found
            origin: dict[str, Any] = {"from": "log", "log": self.name, "line": _line(row.place, number)}
            if turns > 1:
                origin["turns"] = turns
            others = {column: row.fields[column] for column in self.others if row.fields.get(column) is not None}
            yield Found(inputs, others, self._outputs(row), origin, "from a log")

    def _found(self, row: Row) -> tuple[dict[str, Any], int] | str:
        """Inputs and number of user turns, or why there are none."""
        inputs: dict[str, Any] = {}
        turns = 0
        for column in self.columns:
            path = self.fields.inputs.get(column)
            value = at(row.fields, path) if path is not None else row.fields.get(column, _MISSING)
            if value is _MISSING and path is None and len(self.columns) == 1:
                value, turns = _last_question(row.fields)
            if value is _MISSING or value is None or value == "":
                return f"no {path or column!r} for the input {column!r}"
            inputs[column] = value
        return inputs, turns

    def _outputs(self, row: Row) -> dict[str, Any]:
        paths = _ANSWERS if self.fields.output is None else (self.fields.output,)
        for path in paths:
            value = at(row.fields, path)
            if value is not _MISSING and value is not None and (self.fields.output or isinstance(value, str)):
                return {"logged": value}
        return {}


def at(value: Any, path: str) -> Any:
    """What stands at a dotted path; a private marker when nothing does. A key that holds dots itself goes first."""
    if isinstance(value, Mapping) and path in value:
        return value[path]
    head, _, rest = path.partition(".")
    if isinstance(value, Mapping) and head in value:
        inner = value[head]
    elif isinstance(value, list) and head.isascii() and head.isdigit() and len(head) < 7 and int(head) < len(value):
        inner = value[int(head)]
    else:
        return _MISSING
    return at(inner, rest) if rest else inner


def _last_question(fields: Mapping[str, Any]) -> tuple[Any, int]:
    """The text of the last user message, and how many users' messages there are."""
    for path in _MESSAGES:
        messages = at(fields, path)
        if not isinstance(messages, list):
            continue
        asked = [m for m in messages if isinstance(m, Mapping) and m.get("role") == "user"]
        if asked:
            return _content(asked[-1].get("content")), len(asked)
    return _MISSING, 0


def _content(content: Any) -> Any:
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        texts = [part.get("text") for part in content if isinstance(part, Mapping) and part.get("type") in ("text", "input_text")]
        if texts and len(texts) == len(content) and all(isinstance(text, str) for text in texts):
            return "\n".join(str(text) for text in texts)
    return _MISSING


def _line(place: str, number: int) -> int:
    tail = place.rpartition(":")[2]
    return int(tail) if tail.isascii() and tail.isdigit() else number
