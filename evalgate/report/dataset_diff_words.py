"""Two texts word by word as plain pieces, for documents, terminals and Markdown."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterable, Sequence

SAME, GONE, COME = "=", "-", "+"
LONGEST = 1_000
"""Words on either side beyond which two texts are not compared word by word."""
MOST_PAIRS = 20_000
"""Pairs of equal words beyond which they are not either: texts of few words, repeated, would take seconds each."""
Piece = tuple[str, str]
"""(SAME, GONE or COME; text)."""
_TOKEN = re.compile(r"\s+|\w+|[^\w\s]")


def word_pieces(before: str, after: str) -> list[Piece] | None:
    """What stayed, went and came, in order; None where the texts are too long to be compared."""
    old, new = _TOKEN.findall(before), _TOKEN.findall(after)
    start = _common(old, new)
    stop = _common(old[start:][::-1], new[start:][::-1])
    old_middle, new_middle = old[start : len(old) - stop], new[start : len(new) - stop]
    if max(len(old_middle), len(new_middle)) > LONGEST or _pairs(old_middle, new_middle) > MOST_PAIRS:
        return None
    pieces: list[Piece] = [(SAME, "".join(old[:start]))]
    for tag, a, b, c, d in difflib.SequenceMatcher(str.isspace, old_middle, new_middle, autojunk=False).get_opcodes():
        if tag == "equal":
            pieces.append((SAME, "".join(old_middle[a:b])))
        else:
            pieces += [(GONE, "".join(old_middle[a:b])), (COME, "".join(new_middle[c:d]))]
    pieces.append((SAME, "".join(old[len(old) - stop :])))
    return _merged(pieces)


def clipped(pieces: Sequence[Piece], around: int, longest: int) -> list[Piece]:
    """The pieces with unchanged text cut to `around` characters beside a change, and changed text to `longest`."""
    found: list[Piece] = []
    for number, (kind, text) in enumerate(pieces):
        if kind != SAME:
            found.append((kind, text if len(text) <= longest else f"{text[:longest]}… ({len(text) - longest:,} more)"))
            continue
        first, last = number == 0, number == len(pieces) - 1
        room = around if first or last else 2 * around
        if len(text) <= room + 1 or (first and last):
            found.append((SAME, text[:longest]))
            continue
        before = "" if first else text[:around]
        after = "" if last else text[-around:]
        found.append((SAME, f"{before}…{after}"))
    return found


def _common(old: Sequence[str], new: Sequence[str]) -> int:
    count = 0
    for a, b in zip(old, new, strict=False):
        if a != b:
            break
        count += 1
    return count


def _pairs(old: Sequence[str], new: Sequence[str]) -> int:
    counts = Counter(new)
    return sum(counts[word] for word in old if not word.isspace())


def _merged(pieces: Iterable[Piece]) -> list[Piece]:
    merged: list[Piece] = []
    for kind, text in pieces:
        if not text:
            continue
        if merged and merged[-1][0] == kind:
            merged[-1] = (kind, merged[-1][1] + text)
        else:
            merged.append((kind, text))
    return merged
