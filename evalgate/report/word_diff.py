"""Two texts side by side, word by word: what went and what came, and what was found or masked in them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from evalgate.core.record import TextMark
from evalgate.report.common_words import common_words
from evalgate.report.markup import Markup, element, join, text

LONGEST = 4_000
"""Words beyond which a comparison would cost more than it shows."""
_WORD = re.compile(r"\w+|[^\w\s]")
Span = tuple[int, int]
Pieces = list[tuple[str | None, int, int]]
"""(`del`, `ins` or None, start, end) over a whole text."""


def word_diff(
    before: str, after: str, old_marks: Sequence[TextMark] = (), new_marks: Sequence[TextMark] = ()
) -> tuple[Markup, Markup]:
    """The old text with `del`, the new one with `ins`; without these when they are too long to compare.

    What stands for a masked text is one word. As many words as possible stay unmarked.
    """
    left: Pieces = [(None, 0, len(before))]
    right: Pieces = [(None, 0, len(after))]
    if before != after:
        old, new = _words(before, old_marks), _words(after, new_marks)
        if max(len(old), len(new)) <= LONGEST:
            left, right = _compared(before, after, old, new)
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


def _words(content: str, marks: Sequence[TextMark]) -> list[Span]:
    """Where the words stand; what is between them is white space."""
    found: list[Span] = []
    position = 0
    for mark in marks:
        if mark.masked:
            found += [word.span() for word in _WORD.finditer(content, position, mark.start)]
            found.append((mark.start, mark.end))
            position = mark.end
    return found + [word.span() for word in _WORD.finditer(content, position)]


def _compared(before: str, after: str, old: Sequence[Span], new: Sequence[Span]) -> tuple[Pieces, Pieces]:
    left: Pieces = []
    right: Pieces = []
    same, there, gone, come = 0, 0, 0, 0  # where equal text began on either side, and where it ends so far
    for (start, end), (first, last) in _common(before, after, old, new):
        if before[gone:start] != after[come:first]:
            kept, back = _same_space(before[gone:start], after[come:first])
            left += [(None, same, gone + kept), ("del", gone + kept, start - back)]
            right += [(None, there, come + kept), ("ins", come + kept, first - back)]
            same, there = start - back, first - back
        gone, come = end, last
    return [*left, (None, same, len(before))], [*right, (None, there, len(after))]


def _common(before: str, after: str, old: Sequence[Span], new: Sequence[Span]) -> Iterator[tuple[Span, Span]]:
    """Words that both texts have, pair by pair, and their ends as a last one."""
    words = [before[start:end] for start, end in old], [after[start:end] for start, end in new]
    for one, other in common_words(*words):
        yield old[one], new[other]
    yield (len(before), len(before)), (len(after), len(after))


def _same_space(gone: str, come: str) -> tuple[int, int]:
    """How many characters of white space two different texts both begin with, and both end with."""
    shortest = min(len(gone), len(come))
    start = 0
    while start < shortest and gone[start] == come[start] and gone[start].isspace():
        start += 1
    end = 0
    while end < shortest - start and gone[-1 - end] == come[-1 - end] and gone[-1 - end].isspace():
        end += 1
    return start, end


def _drawn(content: str, pieces: Pieces, marks: Sequence[TextMark]) -> Markup:
    parts: list[Markup] = []
    for tag, start, end in pieces:
        inside = join(_inside(content, start, end, marks)) if marks else text(content[start:end])
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
