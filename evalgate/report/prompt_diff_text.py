"""The difference between two prompts: for a terminal, and as a JSON document."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from evalgate.core.prompt_changes import CaseRendering, MessageChange, NamedChange, PromptChanges, PromptSide
from evalgate.core.text_changes import LineChange
from evalgate.core.visible import terminal_line
from evalgate.report.escape import shortened
from evalgate.report.text_changes_lines import change_line

SCHEMA = "evalgate.prompt-diff/1"
SHOWN_LINES = 200
LINE_LIMIT = 2_000


def diff_lines(changes: PromptChanges) -> Iterator[str]:
    """The comparison for a terminal or a CI log, line by line, every text of unknown origin made visible."""
    before, after = changes.before, changes.after
    yield f"{terminal_line(before.reference)} → {terminal_line(after.reference)}"
    yield bump_sentence(changes)
    yield from _messages("template", changes.messages, "")
    yield from _named("parameters", changes.parameters)
    yield from _titled("output schema", changes.output_schema)
    yield from _titled("declared variables", changes.inputs)
    yield from _named("about the prompt", changes.about)
    yield ""
    yield cases_sentence(changes)
    for case in changes.cases:
        yield from _case(case)


def bump_sentence(changes: PromptChanges) -> str:
    """The part of a semantic version that must rise, with the reasons; escaped for one line of a terminal."""
    if changes.same:
        return "nothing differs"
    return f"suggested version bump: {changes.level} ({terminal_line('; '.join(changes.reasons))})"


def cases_sentence(changes: PromptChanges) -> str:
    """How many of the rendered cases differ, or why none was rendered; escaped for one line of a terminal."""
    if changes.dataset is None:
        return f"no case was rendered: {terminal_line(changes.note)}"
    differing = sum(case.differs for case in changes.cases)
    cases = "case" if len(changes.cases) == 1 else f"{len(changes.cases)} cases"
    count = f"{differing} of {len(changes.cases)} {'differs' if differing == 1 else 'differ'}"
    failed = sum(None not in case.errors for case in changes.cases)
    rest = f", {failed} cannot be rendered by either" if failed else ""
    return f"rendered with the first {cases} of {terminal_line(changes.dataset)}: {count}{rest}"


def case_error_lines(case: CaseRendering) -> list[str]:
    """Why a side could not be rendered, one line for each side; not escaped."""
    sides = zip(("old", "new"), case.errors, strict=True)
    return [f"the {side} prompt cannot be rendered: {error}" for side, error in sides if error is not None]


def _case(case: CaseRendering) -> Iterator[str]:
    yield ""
    yield f"case {terminal_line(case.case_id)} ({terminal_line(case.place)}): {case.state}"
    yield from (f"  {terminal_line(shortened(line, LINE_LIMIT))}" for line in case_error_lines(case))
    yield from _messages("", case.messages, "  ")


def _messages(title: str, messages: Sequence[MessageChange], indent: str) -> Iterator[str]:
    if messages and title:
        yield ""
        yield title
    for message in messages:
        yield f"{indent or '  '}message {message.number}, {message.role}: {message.kind}"
        yield from _lines(message.lines, f"{indent}    ")


def _named(title: str, named: Sequence[NamedChange]) -> Iterator[str]:
    if not named:
        return
    yield ""
    yield title
    for change in named:
        for sign, value in (("-", change.before), ("+", change.after)):
            if value is not None:
                yield f"  {sign} {terminal_line(change.name)}: {terminal_line(shortened(value, LINE_LIMIT))}"


def _titled(title: str, lines: Sequence[LineChange]) -> Iterator[str]:
    if lines:
        yield ""
        yield title
        yield from _lines(lines, "  ")


def _lines(lines: Sequence[LineChange], indent: str) -> Iterator[str]:
    for line in lines[:SHOWN_LINES]:
        yield indent + terminal_line(shortened(change_line(line), LINE_LIMIT))
    if len(lines) > SHOWN_LINES:
        yield f"{indent}… and {len(lines) - SHOWN_LINES} more lines"


def diff_document(changes: PromptChanges) -> dict[str, Any]:
    """The comparison as a JSON document (`evalgate.prompt-diff/1`)."""
    return {
        "schema": SCHEMA,
        "before": _side(changes.before),
        "after": _side(changes.after),
        "same": changes.same,
        "bump": {"level": None if changes.same else changes.level, "reasons": list(changes.reasons)},
        "messages": [_told_message(message) for message in changes.messages],
        "parameters": [_told_named(change) for change in changes.parameters],
        "about": [_told_named(change) for change in changes.about],
        "output_schema": _told_lines(changes.output_schema),
        "inputs": _told_lines(changes.inputs),
        "dataset": None if changes.dataset is None else {"name": changes.dataset, "digest": changes.dataset_digest},
        "note": changes.note or None,
        "cases": [_told_case(case) for case in changes.cases],
    }


def _side(side: PromptSide) -> dict[str, str]:
    return {"reference": side.reference, "path": side.path, "digest": side.digest}


def _told_case(case: CaseRendering) -> dict[str, Any]:
    return {
        "id": case.case_id,
        "place": case.place,
        "differs": case.differs,
        "messages": [_told_message(message) for message in case.messages],
        "errors": {"before": case.errors[0], "after": case.errors[1]},
    }


def _told_message(message: MessageChange) -> dict[str, Any]:
    return {"kind": message.kind, "role": message.role, "number": message.number, "lines": _told_lines(message.lines)}


def _told_named(change: NamedChange) -> dict[str, Any]:
    return {"name": change.name, "before": change.before, "after": change.after}


def _told_lines(lines: Sequence[LineChange]) -> list[dict[str, Any]]:
    return [{"kind": line.kind, "pieces": [{"kind": piece.kind, "text": piece.text} for piece in line.pieces]} for line in lines]
