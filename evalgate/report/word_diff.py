"""Two texts side by side, word by word: what went and what came."""

from __future__ import annotations

import difflib
import re

from evalgate.report.markup import Markup, element, join, text

LONGEST = 4_000
"""Words beyond which a comparison would cost more than it shows."""
_TOKEN = re.compile(r"\s+|\w+|[^\w\s]")


def word_diff(before: str, after: str) -> tuple[Markup, Markup]:
    """The old text with `del`, the new one with `ins`; without marks when they are too long to compare."""
    old, new = _TOKEN.findall(before), _TOKEN.findall(after)
    if before == after or max(len(old), len(new)) > LONGEST:
        return text(before), text(after)
    left: list[Markup] = []
    right: list[Markup] = []
    for tag, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        gone, come = "".join(old[a:b]), "".join(new[c:d])
        if tag == "equal":
            left.append(text(gone))
            right.append(text(come))
            continue
        if gone:
            left.append(element("del", gone))
        if come:
            right.append(element("ins", come))
    return join(left), join(right)


def marked(content: str, spans: list[tuple[int, int, str]]) -> Markup:
    """A text with findings highlighted; overlapping spans are merged, and each mark names its rules."""
    parts: list[Markup] = []
    position = 0
    for start, end, label in _merged(spans, len(content)):
        parts.append(text(content[position:start]))
        parts.append(element("mark", content[start:end] or "∅", title=label))
        position = end
    parts.append(text(content[position:]))
    return join(parts)


def _merged(spans: list[tuple[int, int, str]], length: int) -> list[tuple[int, int, str]]:
    merged: list[tuple[int, int, str]] = []
    for start, end, label in sorted(spans):
        start, end = max(0, min(start, length)), max(0, min(end, length))
        if merged and start < merged[-1][1]:
            first, last, labels = merged[-1]
            merged[-1] = (first, max(last, end), labels if label in labels else f"{labels}, {label}")
        else:
            merged.append((start, end, label))
    return merged
