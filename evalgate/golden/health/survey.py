"""All health checks of a dataset, fed from one pass over its cases."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from evalgate.core.health import HealthReport
from evalgate.core.values import Case
from evalgate.golden.health.acceptance import accepted
from evalgate.golden.health.duplicates import DuplicateCheck
from evalgate.golden.health.folding import COLUMN_BREAK, both_forms, folded, text_of, texts_in
from evalgate.golden.health.languages import LanguageCheck
from evalgate.golden.health.leakage import LeakCheck, PromptText
from evalgate.golden.health.lengths import LengthCheck
from evalgate.golden.health.near_duplicates import NearDuplicateCheck
from evalgate.golden.health.sensitive import SensitiveCheck
from evalgate.golden.health.slices import SliceCheck, SliceNeed


class HealthSurvey:
    """Takes in every case once and then reports.

    Memory: ids, five numbers a case, and the distinct folded inputs up to 64 million characters.
    """

    def __init__(
        self, *, grouped: bool, prompts: Sequence[PromptText] = (), needs: Sequence[SliceNeed] = (), whole: bool = True
    ) -> None:
        """`whole`: look at the dataset itself too; else only at what the prompts and the needs add."""
        self._whole = whole
        self._ids: list[str] = []
        self._needs = needs
        self._duplicates = DuplicateCheck()
        self._near = NearDuplicateCheck()
        self._lengths = LengthCheck()
        self._languages = LanguageCheck()
        self._leaks = LeakCheck(prompts)
        self._sensitive = SensitiveCheck()
        self._slices = SliceCheck(grouped)

    def watched(self, cases: Iterable[Case]) -> Iterator[Case]:
        """The same cases, each looked at as it passes."""
        for case in cases:
            self.add(case)
            yield case

    def add(self, case: Case) -> None:
        """Take in the next case."""
        columns, strict = {}, []
        for name, value in case.inputs.items():
            text = text_of(value)
            exact, alike = both_forms(text)
            columns[name] = (len(text), alike)
            strict.append(exact)
        references = [(len(text), folded(text)) for text in map(text_of, case.references)]
        joined = COLUMN_BREAK.join([text for _, text in columns.values()])
        self._ids.append(case.id)
        inside = [folded(text) for value in case.references if not isinstance(value, str) for text in texts_in(value)]
        self._leaks.add(columns, [text for _, text in references] + inside)
        self._slices.add(case)
        if not self._whole:
            return
        self._duplicates.add(COLUMN_BREAK.join(strict), joined, [text for _, text in references])
        self._near.add(case.id, case.group, joined)
        self._lengths.add(columns, references)
        self._languages.add(columns)
        self._sensitive.add(case)

    def report(self, acceptance: Any = None) -> HealthReport:
        """What was found; `acceptance` is the card's `health` key, checked."""
        ids = self._ids
        if not ids:
            return HealthReport(0)
        added = [*self._leaks.findings(ids), *self._slices.unmet(self._needs)]
        if not self._whole:
            return HealthReport(len(ids), accepted(added, acceptance))
        findings = [
            *added,
            *self._duplicates.findings(ids),
            *self._near.findings(),
            *self._lengths.findings(ids),
            *self._languages.findings(ids),
            *self._sensitive.findings(ids),
            *self._slices.findings(),
        ]
        return HealthReport(len(ids), accepted(findings, acceptance), self._lengths.facts(), self._languages.facts())
