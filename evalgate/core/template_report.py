"""What unit tests of prompt templates found, as values that every surface can show."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from evalgate.core.text_changes import LineChange


@dataclass(frozen=True, slots=True)
class TemplateOutcome:
    """One test of one prompt."""

    name: str
    place: str
    """`file:line` of the test."""
    failures: tuple[str, ...] = ()
    """What was expected and is not so, one sentence each; empty: it passed."""
    changes: tuple[LineChange, ...] = ()
    """What differs from the expected messages or from the snapshot."""


@dataclass(frozen=True, slots=True)
class PromptOutcomes:
    """All tests of one prompt, from one file."""

    file: str
    """The file in which the tests stand: a test file, or the prompt itself."""
    prompt: str
    outcomes: tuple[TemplateOutcome, ...]


@dataclass(frozen=True, slots=True)
class TemplateReport:
    """All tests of all prompts."""

    prompts: tuple[PromptOutcomes, ...]
    untested: tuple[str, ...] = ()
    """Prompt files without any test."""
    orphans: tuple[str, ...] = ()
    """Snapshots that no test asks for."""
    written: tuple[str, ...] = ()
    """Snapshot files that were written or removed."""

    def all(self) -> Iterator[TemplateOutcome]:
        """Every outcome, in order."""
        return (outcome for prompt in self.prompts for outcome in prompt.outcomes)

    @property
    def total(self) -> int:
        """How many tests ran."""
        return sum(1 for _ in self.all())

    @property
    def failed(self) -> int:
        """How many did not pass."""
        return sum(bool(outcome.failures) for outcome in self.all())
