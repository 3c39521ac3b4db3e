"""Waivers: findings that a person has judged acceptable, for a stated reason and until a stated day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Waiver:
    """One judged finding: it is counted as waived instead of as a violation."""

    category: str
    owner: str
    reason: str
    expires: date
    """The last day on which it holds."""
    rule: str | None = None
    """Only findings of this rule; None: all of the category."""
    case: str | None = None
    """Only in this case."""
    hash: str | None = None
    """Only the text with this keyed hash, as reports print it."""
    place: str = ""
    """`file:line`, for messages."""


@dataclass(frozen=True, slots=True)
class WaiverUse:
    """What became of a waiver in a run."""

    waiver: Waiver
    expired: bool
    """Whether its day had passed: its findings count, and the gate fails until somebody has looked again."""
    findings: int
    """Findings that it covers; 0: it is of no use any more."""
