"""Call a metric's score function so that nothing but a finite number or NaN comes back."""

from __future__ import annotations

import numpy as np

from evalgate.core.errors import Incomplete
from evalgate.stats.interface import Floats, MetricColumns


def scores(column: MetricColumns, sums: Floats) -> Floats:
    """Score sums of one metric's own columns.

    Shapes: (k, d) → (k,); NaN where the score is undefined or not finite.
    Raises: Incomplete when the metric does not return one number per sum.
    """
    with np.errstate(all="ignore"):
        found = np.asarray(column.score(np.array(sums, dtype=np.float64, order="C")), dtype=np.float64)
    if found.shape != (len(sums),):
        message = f"metric {column.spec.name!r} returned scores of shape {found.shape} for {len(sums)} sums"
        raise Incomplete(message, where=column.spec.name, hint="its score method must return one number per row")
    return np.where(np.isfinite(found), found, np.nan) + 0.0


def score_one(column: MetricColumns, total: Floats) -> float | None:
    """Score one sum; None where undefined."""
    value = float(scores(column, total[np.newaxis, :])[0])
    return value if np.isfinite(value) else None
