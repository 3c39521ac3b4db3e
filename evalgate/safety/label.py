"""label: people looked at the output and said that it violates; their judgement is a column of the file of outputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evalgate.core.canonical import digest
from evalgate.core.errors import BadInput
from evalgate.core.parameters import Parameters
from evalgate.core.values import Case, DetectorSpec, Finding, JsonValue, Output, Severity

NAME = "label"
VERSION = "1"


@dataclass(frozen=True, slots=True)
class Label:
    """Counts what people labelled as violating."""

    spec: DetectorSpec
    field: str
    violating: tuple[JsonValue, ...]
    clean: tuple[JsonValue, ...]
    """Empty: every other value is clean."""
    severity: Severity

    def findings(self, output: Output, case: Case) -> tuple[Finding, ...]:
        """The whole output where its label is a violating one.

        Raises: BadInput naming the case when the output has no label, or one that is neither violating nor clean.
        """
        value = output.labels.get(self.field)
        if value is None:
            hint = f"every row of both files of outputs needs a value in the column {self.field!r}"
            raise BadInput(f"the output has no label {self.field!r}", where=f"case {case.id}", hint=hint)
        if _among(value, self.violating):
            return (Finding(self.spec.category, self.field, self.severity, 0, len(output.text)),)
        if self.clean and not _among(value, self.clean):
            hint = "name every value under violating or clean"
            raise BadInput(f"label {self.field!r} has the unexpected value {value!r}", where=f"case {case.id}", hint=hint)
        return ()


def make_label(parameters: Mapping[str, Any]) -> Label:
    """Build the detector: `field: COLUMN`; `violating` ([true]), `clean` (every other value), `category` (the column's name),
    `severity` (high)."""
    given = Parameters(NAME, parameters, "detector")
    column = given.need("field", str, low=1)
    violating = given.take("violating", list, [True], low=1)
    clean = given.take("clean", list, [])
    category = given.take("category", str, column, low=1)
    severity = given.take("severity", str, "high", choices=[s.value for s in Severity])
    for key, values in (("violating", violating), ("clean", clean)):
        if not all(isinstance(value, (str, bool, int, float)) for value in values):
            given.refuse(key, "must be texts, numbers, or true and false")
    if any(_among(value, violating) for value in clean):
        given.refuse("clean", "names a value that is violating too")
    given.finish()
    identity = digest([violating, clean])[7:19]
    spec = DetectorSpec(NAME, category, VERSION, f"field:{column}|values:{identity}|version:{VERSION}", False, (column,))
    return Label(spec, column, tuple(violating), tuple(clean), Severity(severity))


def _among(value: JsonValue, values: tuple[JsonValue, ...] | list[JsonValue]) -> bool:
    """Whether a label is one of these; `1` is not `true`, and what a table of texts calls `True` is."""
    return any(value == other and isinstance(value, bool) == isinstance(other, bool) for other in values) or (
        isinstance(value, str) and value.strip().lower() in [str(other).lower() for other in values if isinstance(other, bool)]
    )
