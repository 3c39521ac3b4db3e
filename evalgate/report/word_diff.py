"""Two texts side by side, word by word: what went and what came, and what was found or masked in them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence

from evalgate.core.record import TextMark
from evalgate.report.markup import Markup, element, join, text

LONGEST = 4_000
"""Words beyond which a comparison would cost more than it shows."""
_TOKEN = re.compile(r"\s+|\w+|[^\w\s]")
Pieces = list[tuple[str | None, int, int]]
"""(`del`, `ins` or None, start, end) over a whole text."""


def word_diff(
    before: str, after: str, old_marks: Sequence[TextMark] = (), new_marks: Sequence[TextMark] = ()
) -> tuple[Markup, Markup]:
    """The old text with `del`, the new one with `ins`; without these when they are too long to compare.

    What stands for a masked text is one word.
    """
    old, new = _tokens(before, old_marks), _tokens(after, new_marks)
    left: Pieces = [(None, 0, len(before))]
    right: Pieces = [(None, 0, len(after))]
    if before != after and max(len(old), len(new)) <= LONGEST:
        left, right = _compared(old, new)
    return _drawn(before, left, old_marks), _drawn(after, right, new_marks)


def marked(content: str, marks: Sequence[TextMark]) -> Markup:
    """A text with its findings highlighted or masked."""
    return _drawn(content, [(None, 0, len(content))], marks)


def with_masks(content: str, masks: Iterable[str]) -> Markup:
    """A text in which the given marks stand for masked texts."""
    known = sorted(set(masks), key=lambda mask: (-len(mask), mask))
    if not known:
        return text(content)
    parts = re.split(f"({'|'.join(map(re.escape, known))})", content)
    return join(_mask(part) if number % 2 else text(part) for number, part in enumerate(parts))


def _mask(content: str, label: str = "masked: what a detector found") -> Markup:
    return element("mark", content, class_="masked", title=label)


def _tokens(content: str, marks: Sequence[TextMark]) -> list[str]:
    found: list[str] = []
    position = 0
    for mark in marks:
        if mark.masked:
            found += [*_TOKEN.findall(content[position : mark.start]), content[mark.start : mark.end]]
            position = mark.end
    return [*found, *_TOKEN.findall(content[position:])]


def _compared(old: Sequence[str], new: Sequence[str]) -> tuple[Pieces, Pieces]:
    left: Pieces = []
    right: Pieces = []
    at, there = 0, 0
    for tag, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        gone, come = sum(map(len, old[a:b])), sum(map(len, new[c:d]))
        same = tag == "equal"
        left.append((None if same else "del", at, at + gone))
        right.append((None if same else "ins", there, there + come))
        at, there = at + gone, there + come
    return left, right


def _drawn(content: str, pieces: Pieces, marks: Sequence[TextMark]) -> Markup:
    parts: list[Markup] = []
    for tag, start, end in pieces:
        inside = join(_inside(content, start, end, marks))
        if inside:
            parts.append(inside if tag is None else element(tag, inside))
    return join(parts)


def _inside(content: str, start: int, end: int, marks: Sequence[TextMark]) -> Iterator[Markup]:
    position = start
    for mark in marks:
        first, last = max(mark.start, start), min(mark.end, end)
        if first >= last:
            continue
        yield text(content[position:first])
        shown = content[first:last]
        yield _mask(shown, f"masked: {mark.label}") if mark.masked else element("mark", shown, title=mark.label)
        position = last
    yield text(content[position:end])
