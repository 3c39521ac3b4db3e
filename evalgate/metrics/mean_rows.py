"""Metrics that are a mean over cases: one value per case, beside a count of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from evalgate.core.errors import Incomplete
from evalgate.core.values import Direction, Expectation, MetricSpec, Output, Scale, Status
from evalgate.metrics.interface import Rows

VALUE, COUNT = 0, 1
COLUMNS = 2


class Measure(Protocol):
    """What one such metric knows: the value of a single answer."""

    def __call__(self, output: Output, expectation: Expectation) -> float | None:
        """Measure one answer; None where the metric leaves this case out of its mean on purpose."""
        ...


@runtime_checkable
class BatchMeasure(Protocol):
    """What such a metric knows where many answers together cost less: each reference is prepared once."""

    def values(self, outputs: Sequence[Output], expectations: Sequence[Expectation]) -> Sequence[float | None]:
        """Measure n answers, each by itself; None as for one answer."""
        ...


@dataclass(frozen=True, slots=True)
class MeanMetric:
    """A metric of scale MEAN or PROPORTION, made of its facts and the measure of one answer or of many."""

    spec: MetricSpec
    measure: Measure | BatchMeasure

    def rows(self, outputs: Sequence[Output], expectations: Sequence[Expectation]) -> Rows:
        """Measure n outputs.

        Shapes: n outputs, n expectations → (n, 2): the value and 1, or 0 and 0 for a case left out.
        Raises: BadInput or Incomplete naming the case that cannot be measured.
        """
        if len(outputs) != len(expectations):
            raise Incomplete(f"{len(outputs)} outputs cannot be paired with {len(expectations)} expectations")
        values = self._values(outputs, expectations)
        table = np.zeros((len(outputs), COLUMNS), dtype=np.float64)
        if None not in values:
            table[:, VALUE], table[:, COUNT] = values, 1.0
            return table
        for row, value in zip(table, values, strict=True):
            if value is not None:
                row[:] = value, 1.0
        return table

    def score(self, totals: Rows) -> NDArray[np.float64]:
        """Shapes: (k, 2) sums of rows → (k,) means; NaN where nothing was counted."""
        return mean_score(totals)

    def _values(self, outputs: Sequence[Output], expectations: Sequence[Expectation]) -> Sequence[float | None]:
        lost = {i for i, output in enumerate(outputs) if output.status is Status.ERROR}
        if not lost:
            return self._answered(outputs, expectations)
        # An answer that never came must not profit from being empty (the shortest text, an empty reference).
        first = min(lost)
        worst = self._worst(outputs[first], expectations[first])
        kept = [i for i in range(len(outputs)) if i not in lost]
        found = dict(zip(kept, self._answered([outputs[i] for i in kept], [expectations[i] for i in kept]), strict=True))
        return [found.get(i, worst) for i in range(len(outputs))]

    def _answered(self, outputs: Sequence[Output], expectations: Sequence[Expectation]) -> Sequence[float | None]:
        measure = self.measure
        if isinstance(measure, BatchMeasure):
            values = measure.values(outputs, expectations)
            if len(values) != len(outputs):
                # A single value would otherwise be spread over all rows.
                raise Incomplete(f"metric {self.spec.name} gave {len(values)} values for {len(outputs)} answers")
            return values
        return [measure(output, expectation) for output, expectation in zip(outputs, expectations, strict=True)]

    def _worst(self, output: Output, expectation: Expectation) -> float:
        if self.spec.worst is None:
            raise Incomplete(
                f"{self.spec.name} cannot be measured: the model gave no answer ({output.error or 'unknown error'})",
                where=place_of(expectation),
                hint="record the missing answer again, or drop this metric",
            )
        return self.spec.worst


def mean_score(totals: Rows) -> NDArray[np.float64]:
    """The mean behind every MEAN and PROPORTION metric.

    Shapes: (k, 2) sums of values and of counts → (k,) means; NaN where the count is zero.
    """
    counts = totals[:, COUNT]
    means = np.full(counts.shape, np.nan, dtype=np.float64)
    np.divide(totals[:, VALUE], counts, out=means, where=counts != 0)
    return means


def share_spec(name: str, signature: str, *, proportion: bool = True, needs_reference: bool = True) -> MetricSpec:
    """The facts of a metric between 0 and 1, higher is better; `proportion`: each case is exactly 0 or 1."""
    return MetricSpec(
        name=name,
        direction=Direction.HIGHER,
        unit="0-1",
        low=0.0,
        high=1.0,
        version="1",
        columns=COLUMNS,
        scale=Scale.PROPORTION if proportion else Scale.MEAN,
        signature=signature,
        needs_reference=needs_reference,
    )


def place_of(expectation: Expectation) -> str:
    """Where a case stands, for messages: its id, and the file and line when they are known."""
    case = expectation.case
    return f"case {case.id} ({case.place})" if case.place else f"case {case.id}"
