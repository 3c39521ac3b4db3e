"""Safety violations of two variants over the same cases, as exact counts with a bound."""

from __future__ import annotations

from evalgate.core.errors import Incomplete
from evalgate.core.verdict import SafetyResult
from evalgate.stats.exact_counts import upper_bound


def safety_from_counts(category: str, *, baseline: int, new: int, fixed: int, cases: int, confidence: float) -> SafetyResult:
    """One category from counts that shards have added up; the candidate's count follows from the others.

    Raises: Incomplete when the counts contradict each other.
    """
    candidate = baseline + new - fixed
    if not (0 <= fixed <= baseline <= cases and 0 <= new <= cases - baseline):
        counts = f"baseline {baseline}, new {new}, fixed {fixed} of {cases} cases"
        raise Incomplete(f"the counts of {category!r} contradict each other: {counts}", where=f"safety.{category}")
    bound = upper_bound(candidate, cases, confidence)
    return SafetyResult(category, baseline, candidate, new, fixed, cases, bound, confidence)
