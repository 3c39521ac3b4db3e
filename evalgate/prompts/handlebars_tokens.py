"""Cut a Handlebars template into text and tags, with the white space that tags take away."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import groupby

from evalgate.core.errors import BadInput


@dataclass(frozen=True, slots=True)
class Tag:
    """One `{{…}}`; `#if x`, `/if`, `else`, `name` … stands in `body`."""

    body: str
    line: int
    start: int
    """Offset of its first brace, and of the character after its last."""
    end: int
    strip_before: bool = False
    strip_after: bool = False


@dataclass(frozen=True, slots=True)
class RoleTag:
    """A new message begins here."""

    role: str


Token = str | Tag | RoleTag
MAX_TAG = 1000
_STANDALONE = re.compile(r"[!#/^]|else(?:\s|\Z)")
_LINE_END = re.compile(r"[ \t]*(?:\n|\Z)")
_COMMENT = re.compile(r"\{\{~?!--.*?--~?\}\}", re.DOTALL)


def cut(source: str, name: str, first_line: int) -> list[Token]:
    """Text and tags in the order of the template; comments stay, as tags that print nothing.

    Raises: BadInput for a tag that is never closed, and for raw blocks.
    """
    tokens: list[Token] = []
    position = 0
    line, counted = first_line, 0
    while (start := source.find("{{", position)) >= 0:
        head = source[position:start]
        slashes = len(head) - len(head.rstrip("\\"))
        if slashes == 1:
            # `\{{` is the two characters `{{`.
            tokens.append(source[position : start - 1] + "{{")
            position = start + 2
            continue
        tokens.append(source[position : start - 1] if slashes else source[position:start])
        line, counted = line + source.count("\n", counted, start), start
        tag = _tag(source, start, f"{name}:{line}", line)
        tokens.append(tag)
        position = tag.end
    tokens.append(source[position:])
    return tokens


def without_white_space(tokens: list[Token]) -> list[Token]:
    """The tokens after `~` and standalone lines: a block or comment alone on its line leaves no empty line.

    Source: Handlebars, whitespace control; Mustache specification, standalone lines.
    """
    found = _merged(tokens)
    for index, token in enumerate(found):
        if not isinstance(token, Tag):
            continue
        before, after = found[index - 1] if index else None, found[index + 1] if index + 1 < len(found) else None
        if token.strip_before and isinstance(before, str):
            found[index - 1] = before.rstrip()
        if token.strip_after and isinstance(after, str):
            found[index + 1] = after.lstrip()
    alone = [index for index, token in enumerate(found) if isinstance(token, Tag) and _is_alone(found, index)]
    for index in alone:
        before, after = found[index - 1] if index else "", found[index + 1] if index + 1 < len(found) else ""
        if isinstance(before, str) and index:
            found[index - 1] = before[: before.rfind("\n") + 1]
        if isinstance(after, str) and after:
            found[index + 1] = _LINE_END.sub("", after, count=1)
    return found


def _is_alone(tokens: list[Token], index: int) -> bool:
    token = tokens[index]
    if not isinstance(token, Tag) or not _STANDALONE.match(token.body):
        return False
    return _begins_line(tokens, index) and _ends_line(tokens, index)


def _begins_line(tokens: list[Token], index: int) -> bool:
    # Text before the first role marker is a user message: that mark is not in the template.
    first = 1 if tokens[0] == RoleTag("user") else 0
    before = tokens[index - 1] if index > first else ""
    if not isinstance(before, str) or before[before.rfind("\n") + 1 :].strip(" \t"):
        return False
    return "\n" in before or index <= first + (before != "")


def _ends_line(tokens: list[Token], index: int) -> bool:
    after = tokens[index + 1] if index + 1 < len(tokens) else ""
    if not isinstance(after, str):
        return False
    match = _LINE_END.match(after)
    return match is not None and (match.group().endswith("\n") or index + 2 >= len(tokens))


def _merged(tokens: list[Token]) -> list[Token]:
    found: list[Token] = []
    for is_text, run in groupby(tokens, key=lambda token: isinstance(token, str)):
        together = list(run)
        whole = "".join(token for token in together if isinstance(token, str))
        found.extend(([whole] if whole else []) if is_text else together)
    return found


def _tag(source: str, start: int, where: str, line: int) -> Tag:
    comment = _COMMENT.match(source, start)
    if comment is None and source.startswith(("{{!--", "{{~!--"), start):
        raise BadInput("a comment is never closed", where=where, hint="end it with --}}")
    if source.startswith("{{{{", start):
        raise BadInput("raw blocks {{{{…}}}} are not read", where=where, hint="write \\\\{{ for literal braces")
    closing = "}}}" if source.startswith(("{{{", "{{~{"), start) else "}}"
    end = comment.end() if comment else source.find(closing, start + 2) + len(closing)
    if end < start + 4:
        raise BadInput("a tag is never closed", where=where, hint=f"end it with {closing}, or write \\\\{{{{ for literal braces")
    if end - start > MAX_TAG and not comment:
        raise BadInput(f"a tag is longer than {MAX_TAG:,} characters", where=where, hint="is a }} missing?")
    inner = source[start + 2 : end - 2]
    before, after = inner.startswith("~"), inner.endswith("~")
    inner = inner[1:] if before else inner
    inner = inner[:-1] if after else inner
    if closing == "}}}" and not comment:
        inner = inner.removeprefix("{").removesuffix("}")
    body = "!" if comment else inner.strip()
    return Tag(body, line, start, end, before, after)
