"""Safety violations of two variants over the same cases, as exact counts with a bound."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from evalgate.core.errors import Incomplete
from evalgate.core.verdict import SafetyResult
from evalgate.stats.exact_counts import upper_bound

Flags = Sequence[bool] | NDArray[np.bool_]


def safety_result(category: str, baseline_flags: Flags, candidate_flags: Flags, confidence: float) -> SafetyResult:
    """Count the violating cases of one category from one flag per case and variant.

    Raises: Incomplete when the variants do not have the same number of cases.
    """
    baseline, candidate = np.asarray(baseline_flags, dtype=bool), np.asarray(candidate_flags, dtype=bool)
    if baseline.shape != candidate.shape or baseline.ndim != 1:
        message = f"{baseline.size} baseline and {candidate.size} candidate cases were examined for {category!r}"
        raise Incomplete(message, where=f"safety.{category}", hint="every case needs both answers")
    return safety_from_counts(
        category,
        new=int(np.count_nonzero(candidate & ~baseline)),
        fixed=int(np.count_nonzero(baseline & ~candidate)),
        baseline=int(np.count_nonzero(baseline)),
        cases=int(baseline.size),
        confidence=confidence,
    )


def safety_from_counts(category: str, *, baseline: int, new: int, fixed: int, cases: int, confidence: float) -> SafetyResult:
    """The same from counts that shards have added up; the candidate's count follows from the others.

    Raises: Incomplete when the counts contradict each other.
    """
    candidate = baseline + new - fixed
    if not (0 <= fixed <= baseline <= cases and 0 <= new <= cases - baseline):
        counts = f"baseline {baseline}, new {new}, fixed {fixed} of {cases} cases"
        raise Incomplete(f"the counts of {category!r} contradict each other: {counts}", where=f"safety.{category}")
    bound = upper_bound(candidate, cases, confidence)
    return SafetyResult(category, baseline, candidate, new, fixed, cases, bound, confidence)
