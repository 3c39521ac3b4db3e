"""Cases that ask the same, and references that contradict each other."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field

from evalgate.core.health import LISTED, LISTED_OF_A_SET, HealthFinding, amount

_CONTRADICTION = (
    "question is asked by several cases that expect different answers; where several are right, give one case all of them",
    "questions are asked by several cases that expect different answers; where several are right, give one case all of them",
)
_DUPLICATE = (
    "question is asked by several cases (but for case, white space and Unicode form), so that it counts several times",
    "questions are asked by several cases (but for case, white space and Unicode form), so that they count several times",
)
_REPEATED = ("case gives the same reference twice", "cases give the same reference twice")


@dataclass(slots=True)
class DuplicateCheck:
    """Finds cases whose inputs are equal.

    It keeps three 64-bit hashes a case; only equality of them is used, so that no outcome depends on their values. A chance
    hit has a probability of about 1 in 37 million for a million cases.
    """

    folded_keys: array[int] = field(default_factory=lambda: array("q"))
    exact_keys: array[int] = field(default_factory=lambda: array("q"))
    reference_keys: array[int] = field(default_factory=lambda: array("q"))
    """Hash of the folded reference, where a case has exactly one."""
    several: dict[int, frozenset[int]] = field(default_factory=dict)
    """Place → hashes of its folded references, where a case has none or several."""
    repeated: list[int] = field(default_factory=list)
    """Places of cases that give the same reference twice."""

    def add(self, exact: str, joined: str, references: Sequence[str]) -> None:
        """Take in the next case: the texts of its inputs, joined, in the strictest form and folded, and its folded references."""
        # A case without any text asks nothing, so it asks nothing twice either.
        alone = None if joined.strip() else ("", len(self.folded_keys))
        self.folded_keys.append(hash(alone or joined))
        self.exact_keys.append(hash(alone or exact))
        distinct = frozenset(map(hash, references))
        if len(distinct) < len(references):
            self.repeated.append(len(self.folded_keys) - 1)
        self.reference_keys.append(next(iter(distinct)) if len(distinct) == 1 else 0)
        if len(distinct) != 1:
            self.several[len(self.folded_keys) - 1] = distinct

    def findings(self, ids: Sequence[str]) -> list[HealthFinding]:
        """`contradiction`, `duplicate` and `repeated-reference`."""
        contradictions: list[list[str]] = []
        duplicates: list[list[str]] = []
        for places in _alike(self.folded_keys):
            strict = [part for part in _alike([self.exact_keys[p] for p in places]) if self._disagree([places[i] for i in part])]
            (contradictions if strict else duplicates).append([ids[place] for place in places])
        return [
            *_finding("contradiction", contradictions, *_CONTRADICTION),
            *_finding("duplicate", duplicates, *_DUPLICATE),
            *_finding("repeated-reference", [[ids[place]] for place in self.repeated], *_REPEATED),
        ]

    def _disagree(self, places: Sequence[int]) -> bool:
        """Whether two of some cases have references and none in common."""
        sets = (self.several.get(place, frozenset((self.reference_keys[place],))) for place in places)
        distinct = sorted({found for found in sets if found}, key=sorted)
        return any(one.isdisjoint(other) for i, one in enumerate(distinct[:100]) for other in distinct[i + 1 : 100])


def _alike(keys: Sequence[int]) -> list[list[int]]:
    """Places of equal keys, for every key that stands at two or more."""
    import numpy as np

    values = np.asarray(keys, dtype=np.int64)
    order = np.argsort(values, kind="stable")
    edges = np.flatnonzero(np.diff(values[order])) + 1
    starts, ends = np.concatenate(([0], edges)), np.concatenate((edges, [len(values)]))
    several = ends - starts > 1
    return [order[a:b].tolist() for a, b in zip(starts[several].tolist(), ends[several].tolist(), strict=True)]


def _finding(code: str, sets: list[list[str]], one: str, many: str) -> list[HealthFinding]:
    return [HealthFinding(code, amount(len(sets), one, many), len(sets), listed(sets))] if sets else []


def listed(sets: Sequence[Sequence[str]]) -> tuple[tuple[str, ...], ...]:
    """The sets of ids that a finding names, in an order that does not depend on the order of the cases."""
    ordered = sorted((sorted(ids) for ids in sets), key=lambda ids: (-len(ids), ids))
    return tuple(tuple(ids[:LISTED_OF_A_SET]) for ids in ordered[:LISTED])
