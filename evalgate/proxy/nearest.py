"""Explain a miss: which recorded request is nearest, and exactly what differs."""

from __future__ import annotations

import difflib
import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

CONSIDERED = 20_000
"""Recorded requests that are looked at; their order is that of their keys, so that they are a fair sample of any more."""
LOOKED_AT_CLOSELY = 5
COMPARED_WORDS = 400
COMPARED_CHARACTERS = 4_000
SHOWN_DIFFERENCES = 4


@dataclass(frozen=True, slots=True)
class Miss:
    """A request that no recorded exchange answers."""

    case_id: str
    arm: str
    sample: int
    request: Mapping[str, Any]
    reason: str
    """`not recorded`, or why the recorded exchange cannot answer."""


def explain(miss: Miss, recorded: Iterable[tuple[str, Mapping[str, Any]]]) -> str:
    """Say what the nearest recorded request has that this one has not."""
    return explain_all([miss], recorded)[0]


def explain_all(misses: Sequence[Miss], recorded: Iterable[tuple[str, Mapping[str, Any]]]) -> list[str]:
    """Explain several misses in one pass over the recording; at most 20,000 recorded requests are considered."""
    wanted = [_words_of(miss.request) for miss in misses]
    close: list[list[tuple[float, int, str, Mapping[str, Any]]]] = [[] for _ in misses]
    for number, (key, request) in enumerate(recorded):
        if number >= CONSIDERED:
            break
        words = _words_of(request)
        for miss, own, best in zip(misses, wanted, close, strict=True):
            entry = (_alike(own, words) + _same_frame(miss.request, request), -number, key, request)
            if len(best) < LOOKED_AT_CLOSELY:
                heapq.heappush(best, entry)
            elif entry[:2] > best[0][:2]:
                heapq.heapreplace(best, entry)
    return [_said(miss, best) for miss, best in zip(misses, close, strict=True)]


def _said(miss: Miss, best: list[tuple[float, int, str, Mapping[str, Any]]]) -> str:
    if not best:
        return "nothing is recorded"
    flat = _flat(miss.request)
    _, _, key, request = max(best, key=lambda entry: (_closeness(flat, _flat(entry[3])) + entry[0] / 10, entry[1]))
    differences = _differences(miss.request, request)
    more = f"; and {len(differences) - SHOWN_DIFFERENCES} more" if len(differences) > SHOWN_DIFFERENCES else ""
    return f"nearest recorded request {key[:12]} differs in {'; '.join(differences[:SHOWN_DIFFERENCES])}{more}"


def _contents(request: Mapping[str, Any]) -> list[str]:
    content = request.get("messages", request.get("input", []))
    if isinstance(content, str):
        return [content]
    items = content if isinstance(content, list) else []
    return [str(m.get("content", "")) if isinstance(m, Mapping) else str(m) for m in items]


def _flat(request: Mapping[str, Any]) -> str:
    """The last message first: it is what differs from case to case."""
    return "\n".join(reversed(_contents(request)))[:COMPARED_CHARACTERS]


def _words_of(request: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(_flat(request).split())


def _alike(left: frozenset[str], right: frozenset[str]) -> float:
    """Source: P. Jaccard's coefficient of community, 1901."""
    return len(left & right) / len(left | right) if left or right else 1.0


def _same_frame(left: Mapping[str, Any], right: Mapping[str, Any]) -> float:
    same = [name for name in ("model", "parameters", "endpoint", "sample") if left.get(name) == right.get(name)]
    return len(same) / 100


def _closeness(left: str, right: str) -> float:
    ratio: float = difflib.SequenceMatcher(None, left, right, autojunk=False).quick_ratio()
    return ratio


def _differences(wanted: Mapping[str, Any], recorded: Mapping[str, Any]) -> list[str]:
    found = [
        f"{name}: {_shown(recorded.get(name))} is recorded, {_shown(wanted.get(name))} is asked"
        for name in ("v", "endpoint", "model", "sample")
        if recorded.get(name) != wanted.get(name)
    ]
    ours, theirs = wanted.get("parameters", {}), recorded.get("parameters", {})
    found += [
        f"parameter {name}: {_shown(theirs.get(name))} is recorded, {_shown(ours.get(name))} is asked"
        for name in sorted({*ours, *theirs})
        if ours.get(name) != theirs.get(name)
    ]
    return found + _content_differences(wanted, recorded)


def _content_differences(wanted: Mapping[str, Any], recorded: Mapping[str, Any]) -> list[str]:
    ours, theirs = (side.get("messages", side.get("input", [])) for side in (wanted, recorded))
    if not isinstance(ours, list) or not isinstance(theirs, list):
        return [] if ours == theirs else [f"input: {_first_difference(str(theirs), str(ours))}"]
    if len(ours) != len(theirs):
        return [f"number of messages: {len(theirs)} recorded, {len(ours)} asked"]
    found: list[str] = []
    for number, (one, other) in enumerate(zip(ours, theirs, strict=True), start=1):
        if not isinstance(one, Mapping) or not isinstance(other, Mapping):
            if one != other:
                found.append(f"input {number}: {_first_difference(str(other), str(one))}")
            continue
        found += [
            f"message {number} {name}: {_shown(other.get(name))} is recorded, {_shown(one.get(name))} is asked"
            for name in sorted({*one, *other} - {"content"})
            if one.get(name) != other.get(name)
        ]
        if one.get("content") != other.get("content"):
            found.append(f"message {number}: {_first_difference(str(other.get('content')), str(one.get('content')))}")
    return found


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 120 else text[:119] + "…"


def _first_difference(recorded: str, wanted: str) -> str:
    old, new = recorded.split(), wanted.split()
    same = next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    # Matching words takes quadratic time: only what follows the first difference is compared.
    old, new = old[same : same + COMPARED_WORDS], new[same : same + COMPARED_WORDS]
    for tag, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag != "equal":
            return f"{_words(old[a:b])} is recorded, {_words(new[c:d])} is asked"
    return "white space"


def _words(words: list[str]) -> str:
    text = " ".join(words[:12])
    return repr(text[:120]) if words else "nothing"
