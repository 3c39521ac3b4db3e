"""Wilson's score interval of a rate."""

from __future__ import annotations

import math

from evalgate.core.verdict import Interval
from evalgate.stats.distributions import normal_quantile


def wilson_interval(count: int, total: int, level: float) -> Interval | None:
    """Two-sided score interval of count / total, without a continuity correction; None of no trials.

    Raises: ValueError when it is no count of a total, or the level is not strictly between 0 and 1.
    Source: Wilson, 1927, "Probable inference, the law of succession, and statistical inference".
    """
    if not 0 <= count <= total:
        raise ValueError(f"{count} of {total} is not a count")
    if not 0 < level < 1:
        raise ValueError(f"a level lies strictly between 0 and 1, not at {level!r}")
    if total == 0:
        return None
    return Interval(*wilson_ends(count, total, normal_quantile((1 + level) / 2)))


def wilson_ends(count: int, total: int, quantile: float) -> tuple[float, float]:
    """The two ends for a normal quantile such as 1.96; exactly 0 or 1 where nothing, or everything, was counted."""
    square = quantile * quantile
    centre = (2 * count + square) / (2 * (total + square))
    half = quantile / (2 * (total + square)) * math.sqrt(square + 4 * count * (1 - count / total))
    low = max(centre - half, 0.0) if count else 0.0
    high = min(centre + half, 1.0) if count < total else 1.0
    return low, high
