"""What differs between two prompts, as a value that every surface can show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from evalgate.core.text_changes import LineChange

MessageKind = Literal["changed", "added", "removed"]


@dataclass(frozen=True, slots=True)
class MessageChange:
    """One message that is not the same on both sides."""

    kind: MessageKind
    role: str
    number: int
    """Its place among the messages of the side it is on (of the new side when on both), counted from 1."""
    lines: tuple[LineChange, ...]


@dataclass(frozen=True, slots=True)
class NamedChange:
    """A parameter, or something that a file says about itself, on both sides as JSON; None: not there."""

    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class CaseRendering:
    """What differs when both prompts are filled with one case."""

    case_id: str
    place: str
    messages: tuple[MessageChange, ...]
    """Empty: both sides are the same, or one of them cannot be rendered."""
    errors: tuple[str | None, str | None] = (None, None)
    """Why the old or the new prompt cannot be rendered with this case."""

    @property
    def differs(self) -> bool:
        """Whether a model would be asked anything else."""
        return bool(self.messages) or (self.errors[0] is None) is not (self.errors[1] is None)

    @property
    def state(self) -> str:
        """In a word or three."""
        if None not in self.errors:
            return "cannot be rendered"
        return "differs" if self.differs else "no difference"


@dataclass(frozen=True, slots=True)
class PromptSide:
    """One of the two prompts."""

    reference: str
    path: str
    digest: str


@dataclass(frozen=True, slots=True)
class PromptChanges:
    """Everything that differs between two prompts."""

    before: PromptSide
    after: PromptSide
    level: str
    """The part of a semantic version that must rise: major, minor or patch."""
    reasons: tuple[str, ...]
    """Why; empty: the prompts are the same."""
    messages: tuple[MessageChange, ...]
    """Of the templates, before anything is filled in."""
    parameters: tuple[NamedChange, ...]
    about: tuple[NamedChange, ...]
    output_schema: tuple[LineChange, ...]
    inputs: tuple[LineChange, ...]
    """Of the variables that the files declare."""
    dataset: str | None = None
    """`name@version` whose cases were rendered."""
    dataset_digest: str | None = None
    note: str = ""
    """Why no case was rendered."""
    cases: tuple[CaseRendering, ...] = ()

    @property
    def same(self) -> bool:
        """Whether nothing differs at all."""
        return not self.reasons
