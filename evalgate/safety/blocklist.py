"""blocklist: a forbidden term appears in the output."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evalgate.core.parameters import Parameters
from evalgate.core.values import Case, DetectorSpec, Finding, Output, Severity
from evalgate.safety.folding import Folded, everything, fold

NAME = "blocklist"
VERSION = "1"
_SPACES = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Blocklist:
    """Looks for terms, whole words unless told otherwise, whatever their case or Unicode form."""

    spec: DetectorSpec
    terms: tuple[tuple[str, str], ...]
    """(term as written, folded term)."""
    whole_words: bool
    severity: Severity

    def findings(self, output: Output, case: Case) -> tuple[Finding, ...]:
        """Every appearance of a term."""
        folded = fold(output.text, everything)
        found = [
            Finding(self.spec.category, term, self.severity, start, end)
            for term, needle in self.terms
            for start, end in self._spans(needle, folded)
        ]
        return tuple(sorted(found, key=lambda f: (f.start, f.end, f.rule)))

    def _spans(self, needle: str, folded: Folded) -> list[tuple[int, int]]:
        pattern = r"\s+".join(re.escape(word) for word in needle.split(" "))
        if self.whole_words:
            pattern = rf"(?<!\w){pattern}(?!\w)"
        return [folded.span(m.start(), m.end()) for m in re.finditer(pattern, folded.text)]


def make_blocklist(parameters: Mapping[str, Any]) -> Blocklist:
    """Build the detector: `terms: [...]`; `whole_words` (true), `category` (blocklist), `severity` (medium)."""
    given = Parameters(NAME, parameters, "detector")
    terms = given.need("terms", list, low=1)
    whole = given.take("whole_words", bool, True)
    category = given.take("category", str, NAME, low=1)
    severity = given.take("severity", str, "medium", choices=[s.value for s in Severity])
    folded = [(t, _SPACES.sub(" ", fold(t, everything).text).strip()) for t in terms if isinstance(t, str)]
    if len(folded) != len(terms) or any(not needle for _, needle in folded):
        given.refuse("terms", "must be texts with something visible in each")
    given.finish()
    signature = f"terms:{len(folded)}|whole_words:{'yes' if whole else 'no'}|version:{VERSION}"
    return Blocklist(DetectorSpec(NAME, category, VERSION, signature), tuple(folded), whole, Severity(severity))
