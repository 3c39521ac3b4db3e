"""blocklist: a forbidden term appears in the output."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from evalgate.core.canonical import digest
from evalgate.core.parameters import Parameters
from evalgate.core.values import Case, DetectorSpec, Finding, Output, Severity
from evalgate.safety.folding import Folded, fold

NAME = "blocklist"
VERSION = "1"
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff]")
"""Thai, Lao, Burmese, Khmer, Kana, Han: written without spaces, so a word has no edge that could be seen."""


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
        folded = fold(output.text)
        found = [
            Finding(self.spec.category, term, self.severity, start, end)
            for term, needle in self.terms
            for start, end in self._spans(needle, folded)
        ]
        return tuple(sorted(found, key=lambda f: (f.start, f.end, f.rule)))

    def _spans(self, needle: str, folded: Folded) -> Iterator[tuple[int, int]]:
        text = folded.text
        start = text.find(needle)
        while start >= 0:
            end = start + len(needle)
            stands = self._stands_alone(text, start, end)
            if stands:
                yield folded.span(start, end)
            start = text.find(needle, end if stands else start + 1)

    def _stands_alone(self, text: str, start: int, end: int) -> bool:
        following = text[end : end + 1]
        if following and unicodedata.combining(following):
            return False  # the last letter goes on: `cafe` is not in `café`
        if not self.whole_words:
            return True
        return not (_joined(text[start - 1 : start], text[start]) or _joined(text[end - 1], following))


def make_blocklist(parameters: Mapping[str, Any]) -> Blocklist:
    """Build the detector: `terms: [...]`; `whole_words` (true), `category` (blocklist), `severity` (medium)."""
    given = Parameters(NAME, parameters, "detector")
    terms = given.need("terms", list, low=1)
    whole = given.take("whole_words", bool, True)
    category = given.take("category", str, NAME, low=1)
    severity = given.take("severity", str, "medium", choices=[s.value for s in Severity])
    folded = [(term, fold(term).text.strip()) for term in terms if isinstance(term, str)]
    if len(folded) != len(terms) or any(not needle for _, needle in folded):
        given.refuse("terms", "must be texts with something visible in each")
    if len({needle for _, needle in folded}) < len(folded):
        given.refuse("terms", "holds a term twice, apart from case or Unicode form", "remove one of them")
    given.finish()
    identity = digest(sorted({needle for _, needle in folded}))[7:19]
    signature = f"terms:{len(folded)}|set:{identity}|whole_words:{'yes' if whole else 'no'}|version:{VERSION}"
    return Blocklist(DetectorSpec(NAME, category, VERSION, signature), tuple(folded), whole, Severity(severity))


def _joined(left: str, right: str) -> bool:
    """Whether two neighbours belong to one word."""
    if not (_in_word(left) and _in_word(right)):
        return False
    return not (_UNSPACED.match(left) or _UNSPACED.match(right))


def _in_word(character: str) -> bool:
    return character.isalnum() or character == "_" or (character != "" and unicodedata.category(character)[0] == "M")
