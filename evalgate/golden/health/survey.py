"""All health checks of a dataset, fed from one pass over its cases."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from evalgate.core.health import HealthFinding, HealthReport
from evalgate.core.values import Case
from evalgate.golden.health.acceptance import accepted
from evalgate.golden.health.duplicates import DuplicateCheck
from evalgate.golden.health.folding import COLUMN_BREAK, both_forms, folded, text_of, texts_in
from evalgate.golden.health.languages import LanguageCheck
from evalgate.golden.health.leakage import LeakCheck, LookedFor, PromptText, looked_for
from evalgate.golden.health.lengths import LengthCheck
from evalgate.golden.health.near_duplicates import NearDuplicateCheck
from evalgate.golden.health.references import EmptyReferenceCheck
from evalgate.golden.health.sensitive import SensitiveCheck
from evalgate.golden.health.slices import SliceCheck, SliceNeed


class GateLook:
    """What a gate adds to a survey of its dataset: the prompts that cases may stand in, and the cases that thresholds need."""

    def __init__(self, prompts: Sequence[PromptText] = (), needs: Sequence[SliceNeed] = ()) -> None:
        self.leaks = LeakCheck(prompts)
        self.needs = needs


class HealthSurvey:
    """Takes in every case once and then reports.

    Memory: ids, five numbers a case, and the distinct folded inputs up to 64 million characters.
    """

    def __init__(
        self,
        *,
        grouped: bool,
        prompts: Sequence[PromptText] = (),
        needs: Sequence[SliceNeed] = (),
        beside: Sequence[GateLook] = (),
    ) -> None:
        """`prompts` and `needs` are those of the gate that the survey is for; `beside`: gates that share the one pass."""
        self._ids: list[str] = []
        self._own = GateLook(prompts, needs)
        self._looks = (self._own, *beside)
        self._duplicates = DuplicateCheck()
        self._near = NearDuplicateCheck()
        self._lengths = LengthCheck()
        self._languages = LanguageCheck()
        self._sensitive = SensitiveCheck()
        self._empty = EmptyReferenceCheck()
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
        self._look_for_leaks(columns, [text for _, text in references] + inside)
        self._slices.add(case)
        self._duplicates.add(COLUMN_BREAK.join(strict), joined, [text for _, text in references])
        self._near.add(case.id, case.group, joined)
        self._lengths.add(columns, references)
        self._languages.add(columns)
        self._sensitive.add(case)
        self._empty.add(case.references)

    def _look_for_leaks(self, columns: Mapping[str, tuple[int, str]], references: Sequence[str]) -> None:
        inputs: list[tuple[str, LookedFor]] = []
        wanted: list[LookedFor] = []
        if any(look.leaks.messages for look in self._looks):
            inputs = [(name, found) for name, (_, text) in columns.items() if (found := looked_for(text)) is not None]
            wanted = [found for text in references if (found := looked_for(text)) is not None]
        for look in self._looks:
            look.leaks.add(inputs, wanted)

    def report(self, acceptance: Any = None, look: GateLook | None = None) -> HealthReport:
        """What was found in the dataset, and what it means for a gate (default: the survey's own).

        `acceptance` is the card's `health` key, checked.
        """
        ids = self._ids
        if not ids:
            return HealthReport(0)
        findings = [
            *self._added(look or self._own),
            *self._duplicates.findings(ids),
            *self._near.findings(),
            *self._empty.findings(ids),
            *self._lengths.findings(ids),
            *self._languages.findings(ids),
            *self._sensitive.findings(ids),
            *self._slices.findings(),
        ]
        return HealthReport(len(ids), accepted(findings, acceptance), self._lengths.facts(), self._languages.facts())

    def report_beside(self, look: GateLook, acceptance: Any = None) -> HealthReport:
        """Only what a gate adds."""
        return HealthReport(len(self._ids), accepted(self._added(look), acceptance) if self._ids else ())

    def _added(self, look: GateLook) -> list[HealthFinding]:
        return [*look.leaks.findings(self._ids), *self._slices.unmet(look.needs)]
