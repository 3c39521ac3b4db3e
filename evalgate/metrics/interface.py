"""What every metric is: additive rows and a score of their sum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from evalgate.core.values import Expectation, MetricSpec, Output

Rows = NDArray[np.float64]


@runtime_checkable
class Metric(Protocol):
    """A stateless measure of output quality.

    The same rows serve the corpus score, deltas, slices, intervals and worst cases, because they add up.
    Source: the idea of sacrebleu's `Metric._compute_segment_statistics` and `_compute_score_from_stats`.
    """

    @property
    def spec(self) -> MetricSpec:
        """The facts of this metric with its parameters."""
        ...

    def rows(self, outputs: Sequence[Output], expectations: Sequence[Expectation]) -> Rows:
        """Measure n outputs.

        Shapes: n outputs, n expectations → (n, spec.columns) float64, finite. Row i depends on pair i alone.
        Outputs with status error never reach this method, except as the empty text that stands for the worst.
        Raises: BadInput naming the case when a reference is missing or of the wrong kind.
        """
        ...

    def score(self, totals: Rows) -> NDArray[np.float64]:
        """Score sums of rows.

        Shapes: (k, spec.columns) → (k,) float64; NaN only where the score is undefined (nothing was counted).
        """
        ...


@runtime_checkable
class ReadsJudgements(Protocol):
    """A metric that reads what a model said of an output, which may be nothing that can be read."""

    def unread(self, output: Output) -> bool:
        """Whether there is no score to read for an output that was answered."""
        ...


class MetricFactory(Protocol):
    """What the catalog (or an entry point of `evalgate.metrics`) names: parameters → a metric.

    Raises: BadInput for an unknown parameter or a wrong value, with a suggestion.
    """

    def __call__(self, parameters: Mapping[str, Any]) -> Metric:
        """Build the metric."""
        ...
