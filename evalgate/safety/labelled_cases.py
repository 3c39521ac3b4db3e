"""Which cases are unsafe, read from a column of the dataset; shared by the detectors that need to know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from evalgate.core.canonical import digest
from evalgate.core.errors import BadInput
from evalgate.core.labelled import label_text
from evalgate.core.parameters import Parameters
from evalgate.core.values import Case


@dataclass(frozen=True, slots=True)
class UnsafeCases:
    """The column that labels a case, and the labels that mean an unsafe request; every other label is safe."""

    field: str
    unsafe: tuple[Any, ...]

    def holds(self, case: Case) -> bool:
        """Whether the case is an unsafe request.

        Raises: BadInput naming the case when it has no text, number, true or false in the column.
        """
        label = case.fields.get(self.field)
        if label is None or isinstance(label, (list, dict)) or label == "":
            hint = f"every case needs a label in {self.field!r}: what is unsafe, and what is not"
            said = f"case {case.id!r} has no label in column {self.field!r}"
            raise BadInput(said, where=case.place or case.id, hint=hint)
        return any(_same(label, value) for value in self.unsafe)

    @property
    def signature(self) -> str:
        """The column, and a digest of the labels."""
        return f"field:{self.field}|unsafe:{digest(sorted(str(value) for value in self.unsafe))[7:19]}"


def take_unsafe_cases(given: Parameters, owner: str) -> UnsafeCases:
    """The parameters `field: COLUMN` and `unsafe: [label, …]`, both required."""
    example = f"{owner}: {{field: label, unsafe: [attack]}}"
    field = given.need("field", str, low=1)
    unsafe = given.need("unsafe", list, low=1)
    if any(isinstance(value, (list, dict)) or value is None for value in unsafe):
        given.refuse("unsafe", "must list labels: texts, numbers, true or false", example)
    return UnsafeCases(field, tuple(unsafe))


def _same(label: object, value: object) -> bool:
    """Equal as YAML and CSV write them: a `true` or `1` of a CSV file is a text."""
    return label_text(label) == label_text(value)
