"""regex: the output matches a forbidden pattern (RE2, so no pattern and no text can hang the gate)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evalgate.core.canonical import digest
from evalgate.core.errors import BadInput
from evalgate.core.parameters import Parameters
from evalgate.core.patterns import Pattern, compile_pattern
from evalgate.core.values import Case, DetectorSpec, Finding, Output, Severity

NAME = "regex"
VERSION = "1"
_LONE = re.compile("[\ud800-\udfff]")
"""Lone surrogates, which UTF-8 and so RE2 cannot hold; one character for one keeps the offsets true."""


@dataclass(frozen=True, slots=True)
class ForbiddenPatterns:
    """Looks for patterns; each match is a finding of the pattern's rule."""

    spec: DetectorSpec
    rules: tuple[tuple[str, str], ...]
    """(rule, pattern)."""
    ignore_case: bool
    severity: Severity

    def findings(self, output: Output, case: Case) -> tuple[Finding, ...]:
        """Every non-empty match."""
        subject = _LONE.sub("\ufffd", output.text)
        found = [
            Finding(self.spec.category, rule, self.severity, start, end)
            for rule, text in self.rules
            for start, end in self._compiled(text).spans(subject)
        ]
        return tuple(sorted(found, key=lambda f: (f.start, f.end, f.rule)))

    def _compiled(self, text: str) -> Pattern:
        return compile_pattern(text, where="detector regex", ignore_case=self.ignore_case)


def make_regex(parameters: Mapping[str, Any]) -> ForbiddenPatterns:
    """Build the detector: `patterns: {rule: pattern}` or a list; `ignore_case` (false), `category`, `severity`."""
    given = Parameters(NAME, parameters, "detector")
    patterns = parameters.get("patterns")
    if isinstance(patterns, list):
        given.need("patterns", list, low=1)
        rules = [(text, text) for text in patterns]
    else:
        rules = list(given.need("patterns", dict).items())
    ignore_case = given.take("ignore_case", bool, False)
    category = given.take("category", str, NAME, low=1)
    severity = given.take("severity", str, "medium", choices=[s.value for s in Severity])
    if "patterns" in parameters and not rules:
        given.refuse("patterns", "must name at least one pattern")
    for rule, text in rules:
        _check(rule, text, ignore_case, given)
    given.finish()
    identity = digest(sorted([rule, text] for rule, text in rules))[7:19]
    signature = f"patterns:{len(rules)}|set:{identity}|ignore_case:{'yes' if ignore_case else 'no'}|version:{VERSION}"
    return ForbiddenPatterns(DetectorSpec(NAME, category, VERSION, signature), tuple(rules), ignore_case, Severity(severity))


def _check(rule: object, text: object, ignore_case: bool, given: Parameters) -> None:
    if not isinstance(rule, str) or not isinstance(text, str) or not text:
        given.refuse("patterns", f"rule {rule!r} needs a pattern text")
        return
    try:
        compile_pattern(text, ignore_case=ignore_case)
    except BadInput as error:
        given.refuse("patterns", f"rule {rule!r}: {error.problems[0].message}", error.problems[0].hint)
