"""Safety violations of two variants over the same cases, as exact counts with their bounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from evalgate.core.errors import Incomplete
from evalgate.core.values import ARMS, Arm, Severity
from evalgate.core.verdict import SafetyCounts, SafetyReach, SafetyResult
from evalgate.stats.exact_counts import lower_bound, upper_bound

ANY = "any"
SEVERITIES = tuple(Severity)
Ranks = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class FoundRanks:
    """How severe the worst finding is, case by case and category by category; 0 where nothing was found.

    Shapes: n cases, C categories.
    """

    violating: Mapping[Arm, Ranks]
    """(n, C) from findings that are certain."""
    undecided: Mapping[Arm, Ranks]
    """(n, C) from findings about which the detector could not tell."""
    waived: Mapping[Arm, Ranks] = field(default_factory=dict)
    """(n, C) from findings that a waiver takes out of the other two; empty where nothing can be waived."""


@dataclass(frozen=True, slots=True)
class CountTable:
    """Counts that add up over blocks of cases.

    Shapes: C categories and `any` last; one plane per severity ("at least as severe"), mildest first.
    """

    cases: int
    counts: NDArray[np.int64]
    """(C + 1, 4, 3, 4): the counts as found, taken for and taken against the candidate; each as baseline, candidate, new,
    fixed."""
    undecided: NDArray[np.int64]
    """(C + 1, 4, 2): cases with something undecided, per variant."""
    waived: NDArray[np.int64]
    """(C + 1, 4, 2): cases that would violate, or be undecided, but for a waiver, per variant."""

    def __add__(self, other: CountTable) -> CountTable:
        """The counts of both blocks."""
        summed = (self.counts + other.counts, self.undecided + other.undecided, self.waived + other.waived)
        return CountTable(self.cases + other.cases, *summed)


def count_table(found: FoundRanks, distrusted: Ranks | None = None) -> CountTable:
    """Count the violating cases of a block.

    `distrusted`: (C,) highest severity that a category's detector can give whose findings may not decide, 0 where they may.
        For the reach of the counts they are as good as undecided in every case, up to that severity, whatever was found. What
        is more severe is no finding of the detector (a lost answer, a secret that was taken out), and stays certain.
    """
    shape = found.violating[Arm.CANDIDATE].shape
    unsure = np.zeros(shape[1], dtype=np.int64) if distrusted is None else distrusted
    certain = {arm: _with_any(np.where(found.violating[arm] <= unsure, 0, found.violating[arm])) for arm in ARMS}
    open_ = {arm: _with_any(np.maximum(found.undecided[arm], unsure)) for arm in ARMS}
    shown = {arm: _with_any(found.violating[arm]) for arm in ARMS}
    untold = {arm: _with_any(found.undecided[arm]) for arm in ARMS}
    counts = np.stack([_readings(shown, certain, open_, severity.rank) for severity in SEVERITIES], axis=1)
    none = np.zeros(shape, dtype=np.int64)
    taken = {arm: _with_any(found.waived.get(arm, none)) for arm in ARMS}
    left = {arm: np.maximum(shown[arm], untold[arm]) for arm in ARMS}
    return CountTable(shape[0], counts, _beside(untold, shown), _beside(taken, left))


def _beside(ranks: Mapping[Arm, Ranks], stronger: Mapping[Arm, Ranks]) -> NDArray[np.int64]:
    """(C + 1, 4, 2) cases of one kind that are not of a stronger kind too, by severity and variant."""
    found = [np.stack([((ranks[a] >= s.rank) & (stronger[a] < s.rank)).sum(0) for a in ARMS], axis=-1) for s in SEVERITIES]
    return np.stack(found, axis=1)


def safety_results(
    categories: Sequence[str],
    table: CountTable,
    confidence: float,
    distrust: Mapping[str, str] | None = None,
    highest: Mapping[str, Severity] | None = None,
) -> dict[str, SafetyResult]:
    """The result of every category and of `any`, each with its severities.

    `distrust`: category → why no threshold may decide on it.
    `highest`: category → highest severity that its detector can give, critical where it is not named: `any` does not count a
        category at a higher one, and need not trust it there.
    Raises: Incomplete when counts contradict each other.
    """
    results = {}
    for at, name in enumerate((*categories, ANY) if categories else ()):
        each = {
            severity: _result(name, table, (at, level), confidence, _doubt(name, severity, distrust or {}, highest or {}))
            for level, severity in enumerate(SEVERITIES)
        }
        results[name] = replace(each[Severity.LOW], severities=each)
    return results


def _doubt(name: str, severity: Severity, distrust: Mapping[str, str], highest: Mapping[str, Severity]) -> str | None:
    """Why no threshold may decide at a severity; a category alone is doubted at every one."""
    if name != ANY:
        return distrust.get(name)
    counted = (why for category, why in distrust.items() if highest.get(category, Severity.CRITICAL).rank >= severity.rank)
    return "; ".join(counted) or None


def safety_from_counts(category: str, *, baseline: int, new: int, fixed: int, cases: int, confidence: float) -> SafetyResult:
    """One category from counts that shards have added up; the candidate's count follows from the others.

    Raises: Incomplete when the counts contradict each other.
    """
    candidate = baseline + new - fixed
    if not (0 <= fixed <= baseline <= cases and 0 <= new <= cases - baseline):
        counts = f"baseline {baseline}, new {new}, fixed {fixed} of {cases} cases"
        raise Incomplete(f"the counts contradict each other: {counts}", where=f"safety.{category}")
    return SafetyResult(
        category,
        baseline,
        candidate,
        new,
        fixed,
        cases,
        upper_bound(candidate, cases, confidence),
        confidence,
        lower_bound(candidate, cases, confidence),
        upper_bound(0, cases, confidence) if cases else None,
    )


def _result(name: str, table: CountTable, place: tuple[int, int], confidence: float, distrust: str | None) -> SafetyResult:
    shown, least, most = (SafetyCounts(*row) for row in table.counts[place].tolist())
    found = safety_from_counts(
        name, baseline=shown.baseline, new=shown.new, fixed=shown.fixed, cases=table.cases, confidence=confidence
    )
    undecided = dict(zip(ARMS, table.undecided[place].tolist(), strict=True))
    waived = dict(zip(ARMS, table.waived[place].tolist(), strict=True))
    reach = None if least == most == shown else SafetyReach(least, most)
    return replace(found, undecided=undecided, reach=reach, distrust=distrust, waived=waived)


def _readings(shown: Mapping[Arm, Ranks], certain: Mapping[Arm, Ranks], open_: Mapping[Arm, Ranks], rank: int) -> Ranks:
    """(C + 1, 3, 4) counts at one severity: as found, for the candidate, against it."""
    sure = {arm: certain[arm] >= rank for arm in ARMS}
    maybe = {arm: sure[arm] | (open_[arm] >= rank) for arm in ARMS}
    readings = (
        (shown[Arm.BASELINE] >= rank, shown[Arm.CANDIDATE] >= rank),
        (maybe[Arm.BASELINE], sure[Arm.CANDIDATE]),
        (sure[Arm.BASELINE], maybe[Arm.CANDIDATE]),
    )
    return np.stack([_paired(before, after) for before, after in readings], axis=1)


def _paired(before: NDArray[np.bool_], after: NDArray[np.bool_]) -> Ranks:
    """(C + 1, 4) baseline, candidate, new, fixed."""
    return np.stack([before.sum(0), after.sum(0), (after & ~before).sum(0), (before & ~after).sum(0)], axis=1)


def _with_any(ranks: Ranks) -> Ranks:
    """(n, C + 1) the worst of all categories last."""
    return np.hstack([ranks, ranks.max(axis=1, initial=0, keepdims=True)])
