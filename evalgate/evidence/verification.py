"""What a verification of a run found, level by level, and what it means for the exit code."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from evalgate.core.errors import ExitCode

SCHEMA = "evalgate.verification/1"
SHOWN = 50
"""Differences that one comparison names; the rest are counted."""


class Assurance(StrEnum):
    """How far a run is derived again; each level includes those before it, and trusts less."""

    INTEGRITY = "integrity"
    DECISION = "decision"
    SCORES = "scores"
    REPLAY = "replay"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not what the evidence says."""

    where: str
    """A file, a threshold, a case, a metric."""
    message: str


@dataclass(frozen=True, slots=True)
class Checked:
    """What one level compared."""

    level: Assurance
    compared: tuple[str, ...]
    """What was held against what, for a reader."""
    trusted: tuple[str, ...] = ()
    """What had to be believed at this level."""
    differences: tuple[Difference, ...] = ()
    undecided: tuple[str, ...] = ()
    """Why something could not be looked at."""

    @property
    def matched(self) -> bool:
        """Whether everything was looked at, and is what the evidence says."""
        return not self.differences and not self.undecided


@dataclass(frozen=True, slots=True)
class Verification:
    """What all levels found."""

    run: str
    """The run folder as it was named."""
    run_id: str
    root: str
    """The root digest that manifest.json states."""
    verdict: str
    """The verdict that verdict.json states; a verification says nothing about whether it is a good one."""
    levels: tuple[Checked, ...]

    @property
    def exit_code(self) -> ExitCode:
        """0 only when every level that was asked for matched; a difference outranks what could not be looked at."""
        if any(one.differences for one in self.levels):
            return ExitCode.EVIDENCE_MISMATCH
        return ExitCode.PASS if self.levels and all(one.matched for one in self.levels) else ExitCode.INCOMPLETE

    def document(self) -> dict[str, Any]:
        """The verification as JSON."""
        return {
            "schema": SCHEMA,
            "run": self.run,
            "run_id": self.run_id,
            "root": self.root,
            "verdict": self.verdict,
            "matches": self.exit_code is ExitCode.PASS,
            "exit_code": int(self.exit_code),
            "levels": [_level(one) for one in self.levels],
        }


def _level(one: Checked) -> dict[str, Any]:
    return {
        "level": str(one.level),
        "matches": one.matched,
        "compared": list(one.compared),
        "trusted": list(one.trusted),
        "differences": [{"where": each.where, "message": each.message} for each in one.differences],
        "undecided": list(one.undecided),
    }


def differing(derived: Any, stated: Any, place: str = "") -> Iterator[tuple[str, Any, Any]]:
    """(place, derived, stated) of everything in which two JSON values differ; numbers and booleans are told apart."""
    if isinstance(derived, Mapping) and isinstance(stated, Mapping):
        for key in [*derived, *(key for key in stated if key not in derived)]:
            inner = f"{place}.{key}" if place else str(key)
            if key not in stated or key not in derived:
                yield inner, derived.get(key, ABSENT), stated.get(key, ABSENT)
            else:
                yield from differing(derived[key], stated[key], inner)
    elif isinstance(derived, (list, tuple)) and isinstance(stated, (list, tuple)):
        if len(derived) != len(stated):
            yield place, f"{len(derived)} items", f"{len(stated)} items"
        for number, (one, other) in enumerate(zip(derived, stated, strict=False)):
            yield from differing(one, other, f"{place}.{number}")
    elif isinstance(derived, bool) is not isinstance(stated, bool) or derived != stated:
        yield place, derived, stated


ABSENT = "nothing"


def limited(found: Sequence[Difference]) -> tuple[Difference, ...]:
    """The first differences, and how many more there are."""
    rest = len(found) - SHOWN
    more = (Difference("…", f"{rest} more differences"),) if rest > 0 else ()
    return (*found[:SHOWN], *more)


def short(value: Any) -> str:
    """A value in a message."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 80 else f"{text[:77]}…"
