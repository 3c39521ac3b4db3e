"""Files of labelled outputs: texts with labelled spans, or outputs with a label each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, TypeGuard

from evalgate.core.errors import BadInput
from evalgate.core.labelled import LabelledOutput, LabelledSpan, label_text
from evalgate.core.plugins import suggestion
from evalgate.core.strict_json import parse_json
from evalgate.core.values import Case, Output
from evalgate.golden.cases import ContentDigest, IdRegister
from evalgate.golden.tables import ID_COLUMN, TEXT_COLUMN, Row, empty_means_missing, read_rows

OUTPUT, LABEL, SPANS = "output", "label", "spans"
_REFERENCE = "reference"
_MESSAGES = "messages"


@dataclass(frozen=True, slots=True)
class LabelledColumns:
    """Which columns hold what; None: found by its usual name."""

    text: str | None = None
    """`text` or `output`."""
    label: str | None = None
    spans: str | None = None
    violating: tuple[str, ...] = ()
    """Labels that mean a violation; none: labels are true and false."""


class LabelledFile:
    """The rows of a file, read one at a time; the file is known whole once all have been taken.

    Raises: BadInput for a file that cannot be read, has no rows, or has not one kind of labels.
    """

    def __init__(self, path: Path, columns: LabelledColumns) -> None:
        self.path = path
        self._rows = read_rows(path)
        self._content, self._ids = ContentDigest(), IdRegister()
        first = next(self._rows, None)
        if first is None:
            raise BadInput("the file has 0 outputs", where=str(path), hint="a detector is measured on at least one")
        self._first = first
        self._text = _text_column(first, columns.text)
        self._spans, self._label = _label_columns(first, columns)
        self._violating = {label_text(value) for value in columns.violating}
        self._unseen = dict.fromkeys(columns.violating)
        if self._violating and self._label is None:
            raise BadInput("says which labels violate, and the file has spans", where="--violating", hint="leave it away")

    @property
    def unit(self) -> str:
        """`spans` or `outputs`: what is labelled."""
        return "outputs" if self._spans is None else "spans"

    @property
    def outputs(self) -> int:
        """Rows so far."""
        return self._content.rows

    @property
    def digest(self) -> str:
        """`sha256:<hex>` of the content of all rows so far."""
        return self._content.hexdigest()

    def __iter__(self) -> Iterator[LabelledOutput]:
        """Every output with its labels.

        Raises: BadInput naming the row whose text or labels cannot be used, or a violating label that no row has.
        """
        for row in chain([self._first], self._rows):
            self._content.add(row.fields, row.canonical)
            yield self._labelled(row)
        if self._unseen:
            value = next(iter(self._unseen))
            hint = "check its spelling: labels of this name were looked for, and everything else is clean"
            raise BadInput(f"no row has the label {value!r}", where=str(self.path), hint=hint)

    def _labelled(self, row: Row) -> LabelledOutput:
        text = _cell(row, self._text)
        if not isinstance(text, str):
            raise BadInput(f"{self._text} is text, not {type(text).__name__}", where=row.place)
        own = {ID_COLUMN, self._text, self._spans, self._label}
        others = {name: value for name, value in row.fields.items() if name not in own}
        case = Case(
            id=self._ids.take(_cell(row, ID_COLUMN), row.place),
            fields=row.fields,
            inputs=others,
            references=_references(others.get(_REFERENCE)),
            slices={},
            place=row.place,
        )
        output = Output(text, messages=_messages(others.get(_MESSAGES)), labels=others)
        if self._spans is not None:
            return LabelledOutput(output, case, _spans_of(row, self._spans, text), None)
        assert self._label is not None
        return LabelledOutput(output, case, None, self._violates(row, self._label))

    def _violates(self, row: Row, column: str) -> bool:
        value = _cell(row, column)
        if value is None or isinstance(value, (list, dict)) or (value == "" and empty_means_missing(row)):
            raise BadInput(f"{column} is a text, a number, true or false", where=row.place, hint="label every output")
        label = label_text(value)
        if self._violating:
            for name in [name for name in self._unseen if label_text(name) == label]:
                del self._unseen[name]
            return label in self._violating
        if label not in ("true", "false"):
            hint = "say which labels violate: --violating VALUE,…"
            raise BadInput(f"{column} is {str(value)[:80]!r}, neither true nor false", where=row.place, hint=hint)
        return label == "true"


def _text_column(row: Row, chosen: str | None) -> str:
    names = [name for name in ((chosen,) if chosen else (TEXT_COLUMN, OUTPUT)) if name in row.fields]
    if not names:
        hint = suggestion(chosen or TEXT_COLUMN, [str(name) for name in row.fields])
        raise BadInput(f"no column {chosen or f'{TEXT_COLUMN} or {OUTPUT}'}", where=row.place, hint=f"{hint} (--text-field)")
    if len(names) > 1:
        raise BadInput("has both text and output", where=row.place, hint="choose with --text-field")
    return names[0]


def _label_columns(row: Row, columns: LabelledColumns) -> tuple[str | None, str | None]:
    """The column of spans and the column of labels, of which exactly one is there."""
    if columns.spans is not None and columns.label is not None:
        raise BadInput("outputs are labelled as a whole or by spans, not both", where="--label-field, --spans-field")
    if columns.spans is not None or columns.label is not None:
        return columns.spans, columns.label
    found = [name for name in (SPANS, LABEL) if name in row.fields]
    if len(found) != 1:
        said = "has both spans and label" if found else "no column spans or label"
        hint = "choose with --spans-field or --label-field"
        raise BadInput(said, where=row.place, hint=hint)
    return (SPANS, None) if found == [SPANS] else (None, LABEL)


def _cell(row: Row, column: str) -> Any:
    if column not in row.fields:
        raise BadInput(f"no column {column!r}", where=row.place, hint=suggestion(column, [str(n) for n in row.fields]))
    return row.fields[column]


def _spans_of(row: Row, column: str, text: str) -> tuple[LabelledSpan, ...]:
    value = _cell(row, column)
    if isinstance(value, str) and empty_means_missing(row):
        try:
            value = parse_json(value)
        except ValueError as error:
            raise BadInput(f"{column} is not JSON: {error}", where=row.place, hint="write [] for none") from error
    if not isinstance(value, list):
        raise BadInput(f"{column} is a list of spans", where=row.place, hint="write [] for none")
    return tuple(_span(entry, row, column, text) for entry in value)


def _span(entry: Any, row: Row, column: str, text: str) -> LabelledSpan:
    if not isinstance(entry, Mapping):
        raise BadInput(f"{column}: a span is {{type, start, end}}", where=row.place)
    kind, start, end = (entry.get(key) for key in ("type", "start", "end"))
    if not isinstance(kind, str) or not kind or not _is_offset(start) or not _is_offset(end):
        raise BadInput(f"{column}: a span needs type (text), start and end (characters)", where=row.place)
    if not 0 <= start < end <= len(text):
        said = f"{column}: {kind[:80]} from {start} to {end} is no stretch of {len(text)} characters"
        raise BadInput(said, where=row.place, hint="offsets count characters from 0; the end is the one after the last")
    if "value" in entry and entry["value"] != text[start:end]:
        said = f"{column}: {kind[:80]} from {start} to {end} is not the text in its value"
        raise BadInput(said, where=row.place, hint="are the offsets bytes, or of another version of the text?")
    return LabelledSpan(kind, start, end)


def _is_offset(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _references(value: Any) -> tuple[Any, ...]:
    if value is None:
        return ()
    return tuple(value) if isinstance(value, list) else (value,)


def _messages(value: Any) -> tuple[tuple[str, str], ...]:
    """The prompt that was answered, where a column `messages` holds it as a list of {role, content}."""
    if not isinstance(value, list) or not all(isinstance(m, Mapping) for m in value):
        return ()
    return tuple((str(message.get("role", "")), str(message.get("content", ""))) for message in value)
