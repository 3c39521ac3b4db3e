"""How long the texts of a dataset are, and which stand far apart from the others."""

from __future__ import annotations

import math
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from evalgate.core.health import HealthFinding, LengthFacts, amount
from evalgate.golden.health.duplicates import listed

FEWEST = 20
"""Cases below which no length is called unusual."""
FACTOR = 5.0
"""How many times longer or shorter than the median an unusual text is at least."""
FENCE = 3.0
"""Interquartile ranges beyond a quartile, on the logarithm of the length. Source: Tukey 1977, the outer fence of a box plot."""


@dataclass(slots=True)
class LengthCheck:
    """Collects the lengths of inputs and references."""

    inputs: dict[str, tuple[array[int], array[int], array[int]]] = field(default_factory=dict)
    """Column → characters, words, place of the case."""
    references: tuple[array[int], array[int]] = field(default_factory=lambda: (array("I"), array("I")))
    empty: dict[str, list[int]] = field(default_factory=dict)
    cases: int = 0

    def add(self, columns: Mapping[str, tuple[int, str]], references: Sequence[tuple[int, str]]) -> None:
        """Take in the next case: length and folded text of every input, and of every reference."""
        for name, (characters, text) in columns.items():
            kept = self.inputs.get(name)
            if kept is None:
                kept = self.inputs[name] = (array("I"), array("I"), array("I"))
            kept[0].append(characters)
            kept[1].append(_words(text))
            kept[2].append(self.cases)
            if not text:
                self.empty.setdefault(name, []).append(self.cases)
        for characters, text in references:
            self.references[0].append(characters)
            self.references[1].append(_words(text))
        self.cases += 1

    def facts(self) -> tuple[LengthFacts, ...]:
        """The distribution of every input column, and of the references."""
        found = []
        for name, (characters, words, _) in self.inputs.items():
            found += [_facts(name, "characters", characters), _facts(name, "words", words)]
        if self.references[0]:
            found += [_facts("references", "characters", self.references[0]), _facts("references", "words", self.references[1])]
        return tuple(found)

    def findings(self, ids: Sequence[str]) -> list[HealthFinding]:
        """`empty-input` and `unusual-length`, for each column."""
        found = []
        for name, places in sorted(self.empty.items()):
            said = amount(len(places), "case has an empty input", "cases have an empty input")
            found.append(HealthFinding("empty-input", said, len(places), listed([[ids[p]] for p in places]), name))
        for name, (characters, _, owners) in sorted(self.inputs.items()):
            found += _unusual(name, characters, ids, owners)
        return found


def _unusual(name: str, characters: Sequence[int], ids: Sequence[str], owners: Sequence[int]) -> list[HealthFinding]:
    import numpy as np

    values = np.asarray(characters, dtype=np.float64)
    filled = values[values > 0]
    if len(filled) < FEWEST:
        return []
    low, middle, high = np.quantile(np.log(filled), (0.25, 0.5, 0.75))
    reach = FENCE * (high - low)
    longest = max(high + reach, middle + math.log(FACTOR))
    shortest = min(low - reach, middle - math.log(FACTOR))
    with np.errstate(divide="ignore"):
        logs = np.log(values)
    places = np.flatnonzero((values > 0) & ((logs > longest) | (logs < shortest)))
    if not len(places):
        return []
    said = amount(len(places), "input is", "inputs are") + (
        f" far from the usual length (median {math.exp(middle):,.0f} characters, usual are "
        f"{math.exp(shortest):,.0f} to {math.exp(longest):,.0f})"
    )
    return [HealthFinding("unusual-length", said, len(places), listed([[ids[owners[p]]] for p in places.tolist()]), name)]


def _facts(name: str, unit: str, lengths: Sequence[int]) -> LengthFacts:
    import numpy as np

    values = np.asarray(lengths, dtype=np.int64)
    median, p95 = np.quantile(values, (0.5, 0.95))
    return LengthFacts(name, unit, int(values.min()), round(float(median), 2), round(float(p95), 2), int(values.max()))


def _words(text: str) -> int:
    return text.count(" ") + 1 if text else 0
