"""What a detector found against what people labelled, counted by overlap."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from evalgate.core.detector_card import Tally
from evalgate.core.labelled import LabelledSpan
from evalgate.core.values import Finding


@dataclass(slots=True)
class SpanCount:
    """Counts labelled spans and findings, text by text.

    A labelled span is found when a finding of a rule that its type is mapped to overlaps it. A finding that overlaps no span of
    any type that its rule is mapped from is a false alarm of each of them, and one in all; a rule that no type is mapped to
    is counted under its own name. Two findings in one labelled span are one found span and no false alarm.
    """

    mapping: Mapping[str, tuple[str, ...]]
    """Labelled type → rules that look for it; other types are looked for by the rule of the same name."""
    types: frozenset[str] = frozenset()
    """Only these types and their rules count; none: every type and every finding."""
    found: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    false_alarms: Counter[str] = field(default_factory=Counter)
    all_false: int = 0
    types_seen: set[str] = field(default_factory=set)
    rules_seen: set[str] = field(default_factory=set)

    def add(self, spans: Sequence[LabelledSpan], findings: Sequence[Finding]) -> None:
        """Count one text."""
        self.types_seen.update(span.type for span in spans)
        self.rules_seen.update(finding.rule for finding in findings)
        covers = {rule: _Cover((f.start, f.end) for f in findings if f.rule == rule) for rule in {f.rule for f in findings}}
        for span in spans:
            if self._counts(span.type):
                hit = any(rule in covers and covers[rule].meets(span.start, span.end) for rule in self.rules_of(span.type))
                (self.found if hit else self.missed)[span.type] += 1
        self._add_false(spans, findings)

    def rules_of(self, kind: str) -> tuple[str, ...]:
        """The rules that look for a type."""
        return self.mapping.get(kind, (kind,))

    def types_of(self, rule: str) -> tuple[str, ...]:
        """The types that a rule was mapped from; its own name where it was mapped from none."""
        return tuple(kind for kind, rules in self.mapping.items() if rule in rules) or (rule,)

    def tallies(self) -> dict[str, Tally]:
        """Labelled type, or rule without one → its counts, sorted."""
        names = sorted({*self.found, *self.missed, *self.false_alarms})
        return {name: Tally(self.found[name], self.false_alarms[name], self.missed[name]) for name in names}

    def total(self) -> Tally:
        """All types together."""
        return Tally(self.found.total(), self.all_false, self.missed.total())

    def _counts(self, kind: str) -> bool:
        return not self.types or kind in self.types

    def _add_false(self, spans: Sequence[LabelledSpan], findings: Sequence[Finding]) -> None:
        covers: dict[str, _Cover] = {}
        for finding in findings:
            kinds = self.types_of(finding.rule)
            counted = [kind for kind in kinds if self._counts(kind)]
            if not counted:
                continue
            if finding.rule not in covers:
                covers[finding.rule] = _Cover((s.start, s.end) for s in spans if finding.rule in self.rules_of(s.type))
            if not covers[finding.rule].meets(finding.start, finding.end):
                self.false_alarms.update(counted)
                self.all_false += 1


class _Cover:
    """Stretches of a text, joined where they touch, so that looking one up takes no walk through all of them."""

    def __init__(self, stretches: Iterable[tuple[int, int]]) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        for start, end in sorted((start, max(end, start + 1)) for start, end in stretches):
            if self._ends and start <= self._ends[-1]:
                self._ends[-1] = max(self._ends[-1], end)
            else:
                self._starts.append(start)
                self._ends.append(end)

    def meets(self, start: int, end: int) -> bool:
        """Whether a stretch has a character in common with one of these; an empty one counts as its first character."""
        last = bisect_right(self._starts, max(end, start + 1) - 1) - 1
        return last >= 0 and self._ends[last] > start
