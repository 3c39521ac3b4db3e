"""How often a gate was tried on a dataset, and what changed from try to try."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is not as it was in the attempt before."""

    what: str
    """`candidate prompt`, `baseline prompt`, `threshold`, `dataset`, `recording`, `model`, `metrics`, `confidence` …"""
    before: str
    after: str
    looser: bool = False
    """Whether it makes passing easier: a threshold that asks less, was removed, or only warns."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One earlier run of the same gate on the same dataset."""

    number: int
    run_id: str
    at: str
    """When it ended, ISO 8601, UTC."""
    verdict: str


@dataclass(frozen=True, slots=True)
class Attempts:
    """Where a run stands in the history of its gate on its dataset."""

    number: int
    """1 for the first attempt; a run with the same id as an earlier one is that attempt again."""
    earlier: tuple[Attempt, ...] = ()
    changes: tuple[Change, ...] = ()
    """Since the attempt before this one."""
    loosened: tuple[Change, ...] = ()
    """What asks less while a prompt changed too; each is pointed out."""
    loosened_since: int | None = None
    """The attempt that asked more: the one before, or an earlier one that no pass has followed yet."""
    note: str | None = None
    """Why the history may not be complete, when that is known."""
    made: int = 1
    """Attempts made so far, this one included; more than `number` where an earlier attempt is run again."""


def passes_by_luck(attempts: int, confidence: float) -> float:
    """How likely a candidate exactly on the line of a threshold passes in at least one of several independent attempts.

    Each errs with probability at most 1 - confidence, so this is at most 1 - confidence^attempts: 0.23 after 5 at 0.95.
    """
    return 1.0 - confidence**attempts
