"""Explain a miss: which recorded request is nearest, and exactly what differs."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

CONSIDERED = 2_000
COMPARED_WORDS = 400


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
    """Say what the nearest recorded request has that this one has not.

    Only the first 2,000 recorded requests are considered.
    """
    best: tuple[float, str, Mapping[str, Any]] | None = None
    flat = _flat(miss.request)
    for number, (key, request) in enumerate(recorded):
        if number >= CONSIDERED:
            break
        closeness = _closeness(flat, _flat(request))
        if best is None or closeness > best[0]:
            best = (closeness, key, request)
    if best is None:
        return "nothing is recorded"
    differences = _differences(miss.request, best[2])
    return f"nearest recorded request {best[1][:12]} differs in {'; '.join(differences[:4])}"


def _flat(request: Mapping[str, Any]) -> str:
    contents = [str(m.get("content", "")) for m in request.get("messages", []) if isinstance(m, Mapping)]
    return "\n".join(reversed(contents))[:2_000]


def _closeness(left: str, right: str) -> float:
    matcher = difflib.SequenceMatcher(None, left, right, autojunk=False)
    return matcher.quick_ratio()


def _differences(wanted: Mapping[str, Any], recorded: Mapping[str, Any]) -> list[str]:
    found = [
        f"{name}: {recorded.get(name)!r} is recorded, {wanted.get(name)!r} is asked"
        for name in ("v", "endpoint", "model", "sample")
        if recorded.get(name) != wanted.get(name)
    ]
    ours, theirs = wanted.get("parameters", {}), recorded.get("parameters", {})
    found += [
        f"parameter {name}: {theirs.get(name)!r} is recorded, {ours.get(name)!r} is asked"
        for name in sorted({*ours, *theirs})
        if ours.get(name) != theirs.get(name)
    ]
    return found + _message_differences(wanted.get("messages", []), recorded.get("messages", []))


def _message_differences(wanted: Any, recorded: Any) -> list[str]:
    if len(wanted) != len(recorded):
        return [f"number of messages: {len(recorded)} recorded, {len(wanted)} asked"]
    found = []
    for number, (ours, theirs) in enumerate(zip(wanted, recorded, strict=True), start=1):
        if ours.get("role") != theirs.get("role"):
            found.append(f"message {number} role: {theirs.get('role')!r} is recorded, {ours.get('role')!r} is asked")
        if ours.get("content") != theirs.get("content"):
            found.append(f"message {number}: {_first_difference(str(theirs.get('content')), str(ours.get('content')))}")
    return found


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
