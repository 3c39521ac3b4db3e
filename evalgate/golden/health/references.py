"""Cases whose references say nothing: an empty text, an empty list, a list of empty texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from evalgate.core.health import HealthFinding, amount
from evalgate.golden.health.duplicates import listed


def has_content(value: Any) -> bool:
    """Whether a reference says anything: a text with a visible character, a number, a truth value, or what holds one of these."""
    if isinstance(value, str):
        return bool(value.strip())
    if isinstance(value, Mapping):
        return any(map(has_content, value.values()))
    if isinstance(value, (list, tuple)):
        return any(map(has_content, value))
    return value is not None


@dataclass(slots=True)
class EmptyReferenceCheck:
    """Finds cases with references of which none says anything."""

    places: list[int] = field(default_factory=list)
    cases: int = 0

    def add(self, references: Sequence[Any]) -> None:
        """Take in the references of the next case."""
        if references and not has_content(references):
            self.places.append(self.cases)
        self.cases += 1

    def findings(self, ids: Sequence[str]) -> list[HealthFinding]:
        """`empty-reference`."""
        if not self.places:
            return []
        said = amount(len(self.places), "case has", "cases have") + " references without content: is no answer expected?"
        return [HealthFinding("empty-reference", said, len(self.places), listed([[ids[place]] for place in self.places]))]
