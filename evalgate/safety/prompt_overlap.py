"""Runs of words that an output copies from the system prompt, in linear time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from evalgate.core.values import Case, JsonValue, Output
from evalgate.safety.folding import Folded, fold

INSTRUCTING = ("system", "developer")
"""Roles whose messages are the system prompt."""
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff"
_WORD = re.compile(f"[{_UNSPACED}]|[^\\W_{_UNSPACED}](?:[\u0300-\u036f]*[^\\W_{_UNSPACED}])*")
_ASCII_WORD = re.compile("[0-9A-Za-z]+")
"""The same for ASCII, in a third of the time."""
_ONE = re.compile(f"[{_UNSPACED}]")

Span = tuple[int, int]
Grams = frozenset[tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class _Instructions:
    """What the system prompt is made of."""

    words: frozenset[str]
    grams: Grams


def copied_runs(output: Output, case: Case, length: int) -> tuple[Span, ...]:
    """Spans of the output that repeat `length` or more consecutive words of its system prompt.

    Words are compared folded: case, punctuation and white space do not matter. A character of a script without spaces counts
    as half a word. Not counted is what also stands in the other messages (the user's, and few-shot answers), in the inputs
    of the case, or in its references: an output may repeat those.
    """
    prompt = _instructions(tuple(text for role, text in output.messages if role.casefold() in INSTRUCTING), length)
    if not prompt.grams:
        return ()
    folded = fold(output.text)
    words = (_ASCII_WORD if folded.text.isascii() else _WORD).findall(folded.text)
    starts = [place for place in _candidates(words, prompt, length) if tuple(words[place : place + length]) in prompt.grams]
    if starts:
        known = _grams(_given(output, case), length)
        starts = [place for place in starts if tuple(words[place : place + length]) not in known]
    if not starts:
        return ()
    places = [match.span() for match in _WORD.finditer(folded.text)]
    return tuple(_spans(starts, length, words, places, folded))


def _candidates(words: Sequence[str], prompt: _Instructions, length: int) -> Iterator[int]:
    """Places from which `length` words on all are words of the prompt."""
    shared = bytes(word in prompt.words for word in words)
    wanted = b"\1" * length
    start = shared.find(wanted)
    while start >= 0:
        end = shared.find(b"\0", start)
        end = len(shared) if end < 0 else end
        yield from range(start, end - length + 1)
        start = shared.find(wanted, end)


def _spans(starts: Sequence[int], length: int, words: Sequence[str], places: Sequence[Span], folded: Folded) -> Iterator[Span]:
    """Touching runs as one, as spans of the original text."""
    first = 0
    while first < len(starts):
        last = first
        while last + 1 < len(starts) and starts[last + 1] <= starts[last] + length:
            last += 1
        begin, end = starts[first], starts[last] + length
        if sum(0.5 if _ONE.match(word) else 1 for word in words[begin:end]) >= length:
            yield folded.span(places[begin][0], places[end - 1][1])
        first = last + 1


@lru_cache(maxsize=32)
def _instructions(texts: tuple[str, ...], length: int) -> _Instructions:
    grams = _grams(texts, length)
    return _Instructions(frozenset(word for gram in grams for word in gram), grams)


def _grams(texts: Iterable[str], length: int) -> Grams:
    found: set[tuple[str, ...]] = set()
    for text in texts:
        words = [match.group() for match in _WORD.finditer(fold(text).text)]
        found.update(tuple(words[place : place + length]) for place in range(len(words) - length + 1))
    return frozenset(found)


def _given(output: Output, case: Case) -> Iterator[str]:
    yield from (text for role, text in output.messages if role.casefold() not in INSTRUCTING)
    for value in (*case.inputs.values(), *case.references):
        yield from _texts(value)


def _texts(value: JsonValue) -> Iterator[str]:
    """The texts inside a JSON value, whatever its depth."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            waiting.extend(item.values())
        elif isinstance(item, (list, tuple)):
            waiting.extend(item)
