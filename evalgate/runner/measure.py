"""Measure one shard: rows of every metric for both variants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from evalgate.core.errors import BadInput, EvalgateError, Incomplete
from evalgate.core.values import ARMS, Arm, Case, Direction, Expectation, MetricSpec, Output, Scale, Status
from evalgate.golden.cases import references_of
from evalgate.metrics.catalog import make_metric
from evalgate.metrics.interface import Metric, ReadsJudgements, Rows
from evalgate.metrics.reference_texts import OPEN_COUNT, reference_texts
from evalgate.runner.job import MetricTask

Samples = tuple[tuple[Output, ...], ...]


@dataclass(frozen=True, slots=True)
class MetricTool:
    """A metric ready to measure, under the name it is printed with."""

    metric: Metric
    spec: MetricSpec
    reference: str | None


def metric_tool(task: MetricTask) -> MetricTool:
    """Build the metric of a task."""
    metric = make_metric(task.choice)
    return MetricTool(metric, replace(metric.spec, name=task.name), task.reference)


def metric_rows(tool: MetricTool, answers: Mapping[str, Samples], cases: Sequence[Case]) -> dict[Arm, Rows]:
    """Rows of one metric for both arms, summed over the samples of a case.

    A lost answer of the candidate gets the worst row, a lost answer of the baseline the best one: whatever it would have
    been, the candidate cannot gain by its loss. Corpus scores have no best row; there it gets the candidate's. An answer
    that a model judged, and nobody can say how, counts as lost for the metric that asked.

    Shapes: n cases → (n, d) for each arm.
    Raises: BadInput or Incomplete naming the metric and the case.
    """
    expectations = [Expectation(_references(tool, case), case) for case in cases]
    samples = len(answers[Arm.CANDIDATE][0]) if cases else 1
    flat = {arm: [output for outputs in answers[arm] for output in outputs] for arm in ARMS}
    wanted = [expectation for expectation in expectations for _ in range(samples)]
    reads = isinstance(tool.metric, ReadsJudgements)
    lost = {arm: np.array([_is_lost(tool, o) if reads else o.status is Status.ERROR for o in flat[arm]], bool) for arm in ARMS}
    measured = _measured_once(tool, flat, wanted, lost)
    if _lost_is_uncountable(tool.spec):
        anywhere = lost[Arm.BASELINE] | lost[Arm.CANDIDATE]
        for arm in ARMS:
            measured[arm][anywhere] = 0.0
    else:
        best = _constant_row(tool.spec, tool.spec.best)
        gone = lost[Arm.BASELINE]
        measured[Arm.BASELINE][gone] = measured[Arm.CANDIDATE][gone] if best is None else best
    shape = (len(cases), samples, tool.spec.columns)
    return {arm: measured[arm].reshape(shape).sum(axis=1) for arm in ARMS}


def reference_range(tool: MetricTool, cases: Sequence[Case]) -> tuple[int, int] | None:
    """Fewest and most references of a case, for signatures that leave their number open; else None."""
    if OPEN_COUNT not in tool.spec.signature.split("|"):
        return None
    counts = [len(reference_texts(Expectation(_references(tool, case), case))) for case in cases]
    return min(counts), max(counts)


def unread_judgements(tool: MetricTool, answers: Mapping[str, Samples]) -> dict[str, int] | None:
    """Arm → answers whose judgement cannot be read; None for a metric that reads no judgements."""
    if not isinstance(tool.metric, ReadsJudgements):
        return None
    flat = {arm: [output for outputs in answers[arm] for output in outputs] for arm in ARMS}
    return {str(arm): sum(o.status is not Status.ERROR and _unread(tool, o) for o in flat[arm]) for arm in ARMS}


def case_scores(tool: MetricTool, rows: Rows) -> list[float | None]:
    """The score of every case alone; None where it is undefined."""
    with np.errstate(all="ignore"):
        scores = tool.metric.score(rows)
    return [float(score) if np.isfinite(score) else None for score in scores]


def _unread(tool: MetricTool, output: Output) -> bool:
    return isinstance(tool.metric, ReadsJudgements) and tool.metric.unread(output)


def _is_lost(tool: MetricTool, output: Output) -> bool:
    return output.status is Status.ERROR or _unread(tool, output)


def _measured_once(
    tool: MetricTool,
    flat: Mapping[Arm, Sequence[Output]],
    wanted: Sequence[Expectation],
    lost: Mapping[Arm, NDArray[np.bool_]],
) -> dict[Arm, Rows]:
    """Both variants in one call, so that a metric prepares each reference once; an output that is the same is measured once."""
    baseline, candidate = flat[Arm.BASELINE], flat[Arm.CANDIDATE]
    own = [i for i in range(len(wanted)) if lost[Arm.BASELINE][i] or baseline[i] != candidate[i]]
    outputs = [*baseline, *(candidate[i] for i in own)]
    expectations = [*wanted, *(wanted[i] for i in own)]
    gone = np.concatenate([lost[Arm.BASELINE], lost[Arm.CANDIDATE][own]])
    rows = _measured(tool, outputs, expectations, gone)
    first = rows[: len(wanted)]
    second = first.copy()
    second[own] = rows[len(wanted) :]
    return {Arm.BASELINE: first, Arm.CANDIDATE: second}


def _measured(tool: MetricTool, outputs: Sequence[Output], expectations: Sequence[Expectation], lost: NDArray[np.bool_]) -> Rows:
    rows = np.zeros((len(outputs), tool.spec.columns), dtype=np.float64)
    answered = [i for i in range(len(outputs)) if not lost[i]]
    if answered:
        rows[answered] = _rows(tool, [outputs[i] for i in answered], [expectations[i] for i in answered])
    missing = [i for i in range(len(outputs)) if lost[i]]
    if missing and not _lost_is_uncountable(tool.spec):
        rows[missing] = _worst_rows(tool, [expectations[i] for i in missing])
    return rows


def _rows(tool: MetricTool, outputs: Sequence[Output], expectations: Sequence[Expectation]) -> Rows:
    try:
        rows = np.asarray(tool.metric.rows(outputs, expectations), dtype=np.float64)
    except EvalgateError:
        raise
    except (Exception, SystemExit) as error:
        raise _plugin_fault("metric", tool.spec.name, f"cases {expectations[0].case.id} …", error) from error
    if rows.shape != (len(outputs), tool.spec.columns):
        raise Incomplete(f"metric {tool.spec.name} gave rows of shape {rows.shape}, not {(len(outputs), tool.spec.columns)}")
    bad = np.flatnonzero(~np.isfinite(rows).all(axis=1))
    if bad.size:
        raise Incomplete(
            f"metric {tool.spec.name} gave a number that is not finite", where=f"case {expectations[bad[0]].case.id}"
        )
    _require_range(tool, rows, expectations)
    return rows


def _edge(end: float) -> float:
    """Rounding noise at an end of a range."""
    return 1e-9 * max(1.0, abs(end)) if np.isfinite(end) else 0.0


def _require_range(tool: MetricTool, rows: Rows, expectations: Sequence[Expectation]) -> None:
    """Intervals rest on the declared range, so a score outside it is a fault of the metric.

    Raises: Incomplete naming the metric and the case.
    """
    spec = tool.spec
    if spec.scale not in (Scale.MEAN, Scale.PROPORTION):
        return
    low, high = -np.inf if spec.low is None else spec.low, np.inf if spec.high is None else spec.high
    with np.errstate(all="ignore"):
        found = tool.metric.score(rows)
        outside = np.flatnonzero((found < low - _edge(low)) | (found > high + _edge(high)))
    if outside.size:
        said = f"metric {spec.name} gave {found[outside[0]]:g}, outside its range {spec.low} to {spec.high}"
        raise Incomplete(
            said, where=f"case {expectations[outside[0]].case.id}", hint="correct the range that the metric declares"
        )


def _lost_is_uncountable(spec: MetricSpec) -> bool:
    """Whether there is no worst value to give (latency, cost, length): the lost case then counts for neither arm."""
    return spec.direction is Direction.LOWER and spec.worst is None and not spec.needs_reference


def _worst_rows(tool: MetricTool, expectations: Sequence[Expectation]) -> Rows:
    worst = _constant_row(tool.spec, tool.spec.worst)
    if worst is not None:
        return np.tile(worst, (len(expectations), 1))
    return _rows(tool, [Output(text="") for _ in expectations], expectations)


def _constant_row(spec: MetricSpec, score: float | None) -> Rows | None:
    """(2,) the row of an answer with this score; None for corpus scores, and where there is no such score."""
    mean = spec.scale in (Scale.MEAN, Scale.PROPORTION) and spec.columns == 2
    return np.array([score, 1.0]) if mean and score is not None else None


def _references(tool: MetricTool, case: Case) -> tuple[object, ...]:
    if tool.reference is None:
        return case.references
    if case.fields.get(tool.reference) is None:
        raise BadInput(f"metric {tool.spec.name} needs column {tool.reference!r}, which is missing", where=case.place)
    return references_of(case.fields, (tool.reference,))


def _plugin_fault(kind: str, name: str, where: str, error: BaseException) -> Incomplete:
    return Incomplete(
        f"{kind} {name} failed: {type(error).__name__}: {str(error)[:300]}",
        where=where,
        hint=f"report it to the {kind}'s author",
    )
