"""The body of a `.prompty` file: messages at lines such as `system:`, found in the template before anything is filled in."""

from __future__ import annotations

import re

from evalgate.core.errors import BadInput, Problem
from evalgate.prompts.assemble import Body, is_logic_less, stray_problems
from evalgate.prompts.front_matter import Split
from evalgate.prompts.jinja_syntax import RESERVED, variables_of
from evalgate.prompts.values import Message

_MARKER = re.compile(r"[ \t]*(?:#[ \t]*)?(system|user|assistant|developer)[ \t]*(\[[^\]\n]*\])?[ \t]*:[ \t]*\Z", re.IGNORECASE)

MAX_MARKER = 300


def prompty_body(split: Split, name: str, kind: str) -> Body:
    """The messages of a body; text before the first marker is a system message, as in Prompty itself.

    A body with nothing but `{{name}}` needs no Jinja2. In one with logic, a loop may reach over several messages.
    Raises: BadInput for markers and template constructs that are not read.
    """
    lines = split.body.split("\n")
    segments: list[tuple[str, int, list[str]]] = [("system", split.body_line, [])]
    problems: list[Problem] = []
    for number, line in enumerate(lines, split.body_line):
        match = _marker(line)
        if match is None:
            segments[-1][2].append(line)
            continue
        role = match.group(1).lower()
        if role == "developer" or match.group(2):
            what = "the role 'developer'" if role == "developer" else "attributes of a message"
            problems.append(
                Problem(f"{what} cannot be sent by evalgate", f"{name}:{number}", "write system:, user: or assistant:")
            )
        segments.append((role, number + 1, []))
    if problems:
        raise BadInput(problems)
    if kind == "mustache":
        _refuse_tags(split, name)
    if kind == "mustache" or is_logic_less(split.body, RESERVED):
        return _plain(segments, name)
    source = "\n".join("" if _marker(line) else line for line in lines)
    names = variables_of(source, name, split.body_line)
    # A segment ends with its last line break, so that a marker stands at the beginning of a line when they are joined.
    joined = [(role, line, "".join(f"{text}\n" for text in texts)) for role, line, texts in segments]
    kept = [(role, line, text) for role, line, text in joined if text]
    messages = tuple(Message(role, text) for role, _, text in kept)
    return Body(messages, tuple(line for _, line, _ in kept), "jinja2", names)


def _marker(line: str) -> re.Match[str] | None:
    # Longer lines are text: matching white space twice over takes quadratic time.
    return _MARKER.match(line) if len(line) <= MAX_MARKER else None


def _plain(segments: list[tuple[str, int, list[str]]], name: str) -> Body:
    messages: list[Message] = []
    lines: list[int] = []
    for index, (role, line, texts) in enumerate(segments):
        content = "\n".join(texts)
        if not texts or (not index and not content.strip()) or (index == len(segments) - 1 and texts == [""]):
            continue
        messages.append(Message(role, content.strip("\n")))
        lines.append(line + len(content) - len(content.lstrip("\n")))
    problems = stray_problems(messages, lines, name)
    if problems:
        raise BadInput(problems)
    return Body(tuple(messages), tuple(lines))


def _refuse_tags(split: Split, name: str) -> None:
    """Mustache: variables only. Jinja marks are ordinary text there."""
    for number, line in enumerate(split.body.split("\n"), split.body_line):
        if re.search(r"\{\{\s*[#^/>!&={]", line):
            hint = "write {{name}}; sections and partials are not read, and values are not escaped for HTML"
            raise BadInput("a Mustache tag that is no variable", where=f"{name}:{number}", hint=hint)
