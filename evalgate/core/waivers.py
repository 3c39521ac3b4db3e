"""Waivers: findings that a person has judged acceptable, for a stated reason and until a stated day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from evalgate.core.values import Finding

LOST = "lost-answer"
"""The rule of the violation that stands for a missing answer of the candidate."""


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

    @property
    def scope(self) -> str:
        """What it is about, in a line: `pii, rule email, case c-17`."""
        parts = (("rule", self.rule), ("case", self.case), ("hash", self.hash))
        return ", ".join([self.category, *(f"{name} {value}" for name, value in parts if value is not None)])


@dataclass(frozen=True, slots=True)
class WaiverUse:
    """What became of a waiver in a run."""

    waiver: Waiver
    expired: bool
    """Whether its day had passed: its findings count, and the gate fails until somebody has looked again."""
    findings: int
    """Findings that it covers; 0: it is of no use any more."""

    @property
    def used(self) -> bool:
        """Whether it still covers anything."""
        return self.findings > 0


@dataclass(frozen=True, slots=True)
class WaiverList:
    """The content of an allow file, judged on one day."""

    name: str
    """The file as messages call it."""
    digest: str
    waivers: tuple[Waiver, ...]
    expired: tuple[bool, ...]
    """For each waiver, in order."""
    day: date | None = None
    """The day; None where only what came of it is known."""

    @property
    def expired_count(self) -> int:
        """How many have passed their day."""
        return sum(self.expired)


@dataclass(frozen=True, slots=True)
class FoundFinding:
    """A finding as it is kept: what was found is recognised by its hash, and the text is not there."""

    finding: Finding
    sample: int = 0
    """Which of the answers to the case it was found in."""
    hash: str = ""
    """Keyed hash of the text; empty where a finding has no text (an empty answer)."""
    waiver: int | None = None
    """Place in the allow file of the waiver in force that covers it; None: it counts."""
    covering: tuple[int, ...] = ()
    """Places of all waivers that cover it, expired ones included."""


def counting(found: Sequence[FoundFinding]) -> tuple[Finding, ...]:
    """The findings that no waiver takes out of the counts."""
    return tuple(one.finding for one in found if one.waiver is None)


def waived(found: Sequence[FoundFinding]) -> tuple[Finding, ...]:
    """The findings that a waiver in force takes out of the counts."""
    return tuple(one.finding for one in found if one.waiver is not None)
