"""The one error tree of evalgate; each class owns the exit code of its outcome.

EvalgateError
├── BadInput            2   usage, configuration, prompt, dataset, recording file, reference mismatch
├── Incomplete          3   recording miss, lost rows, plugin failure, disk full
├── EvidenceMismatch    5   `verify`: the evidence does not match
├── Interrupted       130   Ctrl-C
└── Terminated        143   SIGTERM
Anything else that reaches the door is a bug and exits 70.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum


class ExitCode(IntEnum):
    """The exit codes of the contract; exactly one of them means that the candidate may ship."""

    PASS = 0
    FAIL = 1
    BAD_INPUT = 2
    INCOMPLETE = 3
    INCONCLUSIVE = 4
    EVIDENCE_MISMATCH = 5
    INTERNAL = 70
    INTERRUPTED = 130
    TERMINATED = 143


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, said so that a reader can act on it."""

    message: str
    """What happened, in one sentence without a final full stop."""
    where: str | None = None
    """`file:line`, a case id, or a key; None where there is no place."""
    hint: str | None = None
    """What to try."""

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        advice = f" ({self.hint})" if self.hint else ""
        return f"{place}{self.message}{advice}"


class EvalgateError(Exception):
    """Base of every error that evalgate raises on purpose."""

    exit_code: ExitCode = ExitCode.INTERNAL

    def __init__(self, problems: Problem | str | Iterable[Problem], *, where: str | None = None, hint: str | None = None):
        if isinstance(problems, str):
            problems = Problem(problems, where, hint)
        self.problems: tuple[Problem, ...] = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__("\n".join(str(p) for p in self.problems))

    def __reduce__(self) -> tuple[type[EvalgateError], tuple[tuple[Problem, ...]]]:
        return type(self), (self.problems,)


class BadInput(EvalgateError):
    """Something the user gave cannot be used: exit 2, nothing was written."""

    exit_code = ExitCode.BAD_INPUT


class Incomplete(EvalgateError):
    """The evaluation could not be completed: exit 3, never a verdict."""

    exit_code = ExitCode.INCOMPLETE


class EvidenceMismatch(EvalgateError):
    """Evidence does not match what it claims: exit 5."""

    exit_code = ExitCode.EVIDENCE_MISMATCH


class Interrupted(EvalgateError):
    """The user pressed Ctrl-C; the same command continues."""

    exit_code = ExitCode.INTERRUPTED


class Terminated(EvalgateError):
    """The process was asked to end (SIGTERM); the same command continues."""

    exit_code = ExitCode.TERMINATED
