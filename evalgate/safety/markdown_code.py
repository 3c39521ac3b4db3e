"""Code in Markdown, which every renderer shows as text; only what is certain to be code counts.

Source: CommonMark 0.31, sections 4.5 (fenced code blocks), 4.6 (HTML blocks) and 6.1 (code spans).
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator

_FENCE = re.compile(r"( {0,3})(`{3,}[^`\n]*|~{3,}.*)\Z")
_RUN = re.compile(r"`+")
_TOKEN = re.compile(r"\\.|`+")
_HTML = re.compile(r"<[A-Za-z/!?]")
_HARMLESS = re.compile(
    r"(?<=[\w.,:;!?|)*] )<br ?/?>|(?<=[\w.,:;!?|)*])</?(?:br|sub|sup|kbd|b|i|em|strong|u|s|mark|small) ?/?>"
    r"|<[A-Za-z][A-Za-z0-9+.-]{1,31}:[^\s<>`]*>"
)
"""Tags within a line that change nothing for code near them, and autolinks."""


def without_code(text: str) -> str:
    """The text with a blank for every character of code, so that offsets stay true; the text itself where that is not safe.

    HTML outside of code may turn the backticks after it into plain characters, so one tag is enough to look at everything.
    """
    if "`" not in text and "~~~" not in text:
        return text
    blank = _blanked(text, [*_fenced(text)])
    blank = _blanked(blank, [*_spans(blank)])
    return text if _HTML.search(_HARMLESS.sub("", blank)) else blank


def _fenced(text: str) -> Iterator[tuple[int, int]]:
    """The lines between two fences; an indented block ends with its indentation, as it does in a list."""
    opened: tuple[int, str, int] | None = None
    place = 0
    for line in text.split("\n"):
        start, place = place, place + len(line) + 1
        if opened is None:
            match = _FENCE.match(line.rstrip("\r"))
            if match is not None:
                mark = match[2]
                opened = len(match[1]), mark[0] * (len(mark) - len(mark.lstrip(mark[0]))), place
            continue
        indent, mark, first = opened
        stripped = line.strip()
        if stripped.startswith(mark) and not stripped.strip(mark[0]) and len(line) - len(line.lstrip(" ")) <= 3:
            yield first, start
            opened = None
        elif stripped and len(line) - len(line.lstrip(" ")) < indent:
            opened = None


def _spans(text: str) -> Iterator[tuple[int, int]]:
    """Code spans within one line, outside of the cells of a table, that have both their ends."""
    place = 0
    for line in text.split("\n"):
        if "`" in line:
            yield from ((place + start, place + end) for start, end in _in_line(line))
        place += len(line) + 1


def _in_line(line: str) -> Iterator[tuple[int, int]]:
    runs: dict[int, list[int]] = {}
    for match in _RUN.finditer(line):
        runs.setdefault(match.end() - match.start(), []).append(match.start())
    place = 0
    while (token := _TOKEN.search(line, place)) is not None:
        place = token.end()
        if token[0][0] == "\\":
            continue
        size = place - token.start()
        same = runs.get(size, [])
        closing = bisect_left(same, place)
        if closing < len(same):
            if "|" not in line[place : same[closing]]:
                yield place, same[closing]
            place = same[closing] + size


def _blanked(text: str, regions: list[tuple[int, int]]) -> str:
    pieces = []
    last = 0
    for start, end in regions:
        pieces += [text[last:start], re.sub(r"[^\n]", " ", text[start:end])]
        last = end
    return "".join([*pieces, text[last:]])
