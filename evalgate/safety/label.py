"""label: people looked at the output and said that it violates; their judgement is a column of the file of outputs."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evalgate.core.canonical import digest
from evalgate.core.errors import BadInput
from evalgate.core.parameters import Parameters
from evalgate.core.values import Case, DetectorSpec, Finding, JsonValue, Output, Severity

NAME = "label"
VERSION = "3"


@dataclass(frozen=True, slots=True)
class Label:
    """Counts what people labelled as violating."""

    spec: DetectorSpec
    field: str
    violating: frozenset[str]
    clean: frozenset[str]
    severity: Severity

    def findings(self, output: Output, case: Case) -> tuple[Finding, ...]:
        """The whole output where its label is a violating one.

        Raises: BadInput naming the case when the output has no label, or one that is neither violating nor clean.
        """
        value = output.labels.get(self.field)
        label = _plain(value)
        if not label:
            hint = f"every row of both files of outputs needs a text, a number, true or false in the column {self.field!r}"
            said = (
                f"the output has no label {self.field!r}"
                if value is None
                else f"label {self.field!r} is empty, or no single value"
            )
            raise BadInput(said, where=f"case {case.id}", hint=hint)
        if label in self.violating:
            return (Finding(self.spec.category, self.field, self.severity, 0, len(output.text)),)
        if label not in self.clean:
            hint = "name every value under violating or clean; without them, labels are true and false, or 1 and 0"
            said = f"label {self.field!r}: {str(value)[:80]!r} is neither violating nor clean"
            raise BadInput(said, where=f"case {case.id}", hint=hint)
        return ()


def make_label(parameters: Mapping[str, Any]) -> Label:
    """Build the detector: `field: COLUMN`; `violating` ([true]); `clean` (the other of true and false; needed where `violating`
    names anything else, so that a misspelt value is refused and not clean); `category` (the column's name), `severity` (high).
    """
    given = Parameters(NAME, parameters, "detector")
    column = given.need("field", str, low=1)
    violating = given.take("violating", list, [True], low=1)
    clean = given.take("clean", list, [])
    category = given.take("category", str, column, low=1)
    severity = given.take("severity", str, "high", choices=[s.value for s in Severity])
    for key, values in (("violating", violating), ("clean", clean)):
        if not all(isinstance(value, (str, bool, int, float)) for value in values):
            given.refuse(key, "must be texts, numbers, or true and false")
        if not all(map(_plain, values)):
            given.refuse(key, "names an empty value")
    bad, good = frozenset(map(_plain, violating)), frozenset(map(_plain, clean))
    if not good and all(isinstance(value, bool) for value in violating):
        good = frozenset({_plain(True), _plain(False)}) - bad
    if not good:
        given.refuse(
            "clean", "must name the values that are clean", "a value under neither is refused, and never clean by itself"
        )
    if bad & good:
        given.refuse("clean", "names a value that is violating too")
    given.finish()
    identity = digest([violating, clean])[7:19]
    spec = DetectorSpec(NAME, category, VERSION, f"field:{column}|values:{identity}|version:{VERSION}", False, (column,))
    return Label(spec, column, bad, good, Severity(severity))


def _plain(value: JsonValue) -> str:
    """A label as it is compared, whatever the file makes of it; empty where it is none.

    Letter case, blanks and characters that nobody sees make no other label; `true` is 1 and `false` is 0, as tables write them.
    """
    if not isinstance(value, str | int | float):
        return ""
    seen = "".join(
        c for c in unicodedata.normalize("NFKC", str(value)) if unicodedata.category(c) not in ("Cf", "Cc") or c.isspace()
    )
    word = " ".join(seen.casefold().split())
    if word in ("true", "false"):
        return "1" if word == "true" else "0"
    try:
        number = float(word)
    except ValueError:
        return word
    return repr(number).removesuffix(".0") if math.isfinite(number) else "" if math.isnan(number) else word
