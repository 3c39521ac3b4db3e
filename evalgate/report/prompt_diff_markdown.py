"""The difference between two prompts, as it stands in a pull request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from evalgate.core.prompt_changes import CaseRendering, MessageChange, NamedChange, PromptChanges
from evalgate.core.text_changes import LineChange, Piece
from evalgate.core.visible import terminal
from evalgate.report.escape import html, markdown, shortened
from evalgate.report.prompt_diff_text import case_error_lines, cases_sentence

LIMIT = 60_000
"""Characters: a comment on a pull request holds 65,536."""
SHOWN_LINES = 80
PIECE_LIMIT = 400
TEXT_LIMIT = 300
_TAGS = {"gone": "del", "come": "ins"}
_SIGNS = {"same": "  ", "gone": "- ", "come": "+ ", "mixed": "~ "}


def render_prompt_diff(changes: PromptChanges) -> str:
    """The comparison as Markdown of at most 60,000 characters; what is left out is said.

    Words that went and came stand in `<del>` and `<ins>`, inside `<pre>`, where nothing is a mention or a link.
    """
    kept: list[str] = []
    room = LIMIT - 200
    left = 0
    for block in _blocks(changes):
        if left or len(block) + 2 > room:
            left += 1
            continue
        kept.append(block)
        room -= len(block) + 2
    if left:
        kept.append(f"*{left} more parts are left out for length: see `--json`.*")
    return "\n\n".join(kept) + "\n"


def _blocks(changes: PromptChanges) -> Iterator[str]:
    before, after = (_short(side.reference) for side in (changes.before, changes.after))
    yield f"## Prompt diff: {before} → {after}"
    if changes.same:
        yield "Nothing differs."
    else:
        yield f"**Suggested version bump: {changes.level}** ({_short('; '.join(changes.reasons))})"
    if changes.messages:
        yield "### Template"
        yield from map(_message, changes.messages)
    yield from _named("Parameters", changes.parameters)
    yield from _titled("Output schema", changes.output_schema)
    yield from _titled("Declared variables", changes.inputs)
    yield from _named("About the prompt", changes.about)
    yield "### Rendered"
    sentence = markdown(shortened(cases_sentence(changes), TEXT_LIMIT))
    yield f"{sentence[0].upper()}{sentence[1:]}."
    yield from map(_case, changes.cases)


def _case(case: CaseRendering) -> str:
    parts = [f"<details><summary>Case {html(terminal(shortened(case.case_id, TEXT_LIMIT)))}: {case.state}</summary>"]
    parts += [f"{_short(line)}." for line in case_error_lines(case)]
    parts += [_message(message) for message in case.messages]
    return "\n\n".join([*parts, "</details>"])


def _message(message: MessageChange) -> str:
    return f"Message {message.number}, **{message.role}**: {message.kind}\n\n{_pre(message.lines)}"


def _named(title: str, named: Sequence[NamedChange]) -> Iterator[str]:
    if named:
        rows = [f"| {_short(change.name)} | {_cell(change.before)} | {_cell(change.after)} |" for change in named[:SHOWN_LINES]]
        yield "\n".join([f"### {title}\n", "| | before | after |", "| --- | --- | --- |", *rows])


def _titled(title: str, lines: Sequence[LineChange]) -> Iterator[str]:
    if lines:
        yield f"### {title}\n\n{_pre(lines)}"


def _pre(lines: Sequence[LineChange]) -> str:
    told = [_line(line) for line in lines[:SHOWN_LINES]]
    if len(lines) > SHOWN_LINES:
        told.append(f"… and {len(lines) - SHOWN_LINES} more lines")
    # A line feed right behind <pre> is dropped by HTML, so that an empty first line needs one of its own.
    return "<pre>\n" + "\n".join(told) + "\n</pre>"


def _line(line: LineChange) -> str:
    if line.kind == "skipped":
        return "…"
    return _SIGNS[line.kind] + "".join(map(_piece, line.pieces))


def _piece(piece: Piece) -> str:
    text = html(terminal(shortened(piece.text, PIECE_LIMIT)))
    tag = _TAGS.get(piece.kind)
    return f"<{tag}>{text}</{tag}>" if tag and text else text


def _cell(value: str | None) -> str:
    return "" if value is None else _short(value)


def _short(text: str) -> str:
    return markdown(shortened(text, TEXT_LIMIT))
