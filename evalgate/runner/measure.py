"""Measure one shard: rows of every metric for both variants."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from evalgate.core.errors import BadInput, EvalgateError, Incomplete
from evalgate.core.values import ARMS, Arm, Case, Direction, Expectation, MetricSpec, Output, Scale, Status
from evalgate.golden.cases import references_of
from evalgate.metrics.catalog import BUILTINS, make_metric
from evalgate.metrics.interface import Metric, ReadsJudgements, Rows
from evalgate.metrics.reference_texts import OPEN_COUNT, reference_texts
from evalgate.runner.job import MetricTask

if TYPE_CHECKING:
    from evalgate.runner.cell_metrics import CellMetric
    from evalgate.runner.cells import Cells

Samples = tuple[tuple[Output, ...], ...]
_MEANS = (Scale.MEAN, Scale.PROPORTION)


@dataclass(frozen=True, slots=True)
class MetricTool:
    """A metric ready to measure, under the name it is printed with."""

    metric: Metric
    spec: MetricSpec
    reference: str | None
    cell: CellMetric | None = None
    """The same metric where it measures in a process of its own."""


@dataclass(frozen=True, slots=True)
class MeasuredMetric:
    """What one metric gave."""

    rows: dict[Arm, Rows]
    """(n, d) of each arm, summed over the samples of a case."""
    errors: Mapping[Arm, Mapping[int, str]] = field(default_factory=dict)
    """Arm → case → what the metric did in place of measuring it."""


def metric_tools(tasks: Sequence[MetricTask], job: str) -> list[MetricTool]:
    """Build the metrics of a job. Those that are not built in measure in the cell that this worker has for the job.

    Raises: BadInput or Incomplete naming a metric that cannot be made.
    """
    if all(task.choice.name in BUILTINS for task in tasks):
        return [metric_tool(task) for task in tasks]
    from evalgate.runner.cells import cells_of

    return [metric_tool(task, cells_of(job)) for task in tasks]


def metric_tool(task: MetricTask, cells: Cells | None = None) -> MetricTool:
    """Build the metric of a task; without `cells` it measures in this process, whoever wrote it."""
    if cells is not None and task.choice.name not in BUILTINS:
        cell = cells.metric(task.choice, task.name)
        return MetricTool(cell, replace(cell.spec, name=task.name), task.reference, cell)
    metric = make_metric(task.choice)
    return MetricTool(metric, replace(metric.spec, name=task.name), task.reference)


def end_cells(job: str) -> None:
    """End the processes in which metrics of a job measured, where there are any."""
    cells = sys.modules.get("evalgate.runner.cells")
    if cells is not None:
        cells.close_cells(job)


def metric_rows(tool: MetricTool, answers: Mapping[str, Samples], cases: Sequence[Case]) -> dict[Arm, Rows]:
    """As `measured`, for whoever needs every case.

    Raises: also Incomplete for a case that the metric does not survive.
    """
    found = measured(tool, answers, cases)
    for arm in ARMS:
        for case, said in found.errors.get(arm, {}).items():
            raise Incomplete(said, where=f"case {cases[case].id}")
    return found.rows


def measured(tool: MetricTool, answers: Mapping[str, Samples], cases: Sequence[Case]) -> MeasuredMetric:
    """Rows of one metric for both arms, summed over the samples of a case.

    A lost answer of the candidate gets the worst row, a lost answer of the baseline the best one: whatever it would have
    been, the candidate cannot gain by its loss. Corpus scores have no best row; there it gets the candidate's. An answer
    that a model judged, and nobody can say how, counts as lost for the metric that asked. So does an answer on which a metric
    that measures in a cell fails: that is an error of the case, and of no other.

    Shapes: n cases → (n, d) for each arm.
    Raises: BadInput or Incomplete naming the metric and the case.
    """
    expectations = [Expectation(_references(tool, case), case) for case in cases]
    samples = len(answers[Arm.CANDIDATE][0]) if cases else 1
    flat = {arm: [output for outputs in answers[arm] for output in outputs] for arm in ARMS}
    wanted = [expectation for expectation in expectations for _ in range(samples)]
    lost = {arm: _lost_flags(tool, flat[arm]) for arm in ARMS}
    rows, errors = _measured_once(tool, flat, wanted, lost)
    for arm in ARMS:
        lost[arm][list(errors[arm])] = True
    _give_rows_to_lost(tool.spec, rows, lost)
    shape = (len(cases), samples, tool.spec.columns)
    summed = {arm: rows[arm].reshape(shape).sum(axis=1) for arm in ARMS}
    return MeasuredMetric(summed, {arm: _first_of_case(errors[arm], samples) for arm in ARMS})


def _give_rows_to_lost(spec: MetricSpec, rows: Mapping[Arm, Rows], lost: Mapping[Arm, NDArray[np.bool_]]) -> None:
    """What stands for an answer that is missing; the candidate's has its worst row already."""
    if _lost_is_uncountable(spec):
        nothing = np.asarray(lost[Arm.BASELINE] | lost[Arm.CANDIDATE])
    else:
        best, gone = _constant_row(spec, spec.best), lost[Arm.BASELINE]
        rows[Arm.BASELINE][gone] = rows[Arm.CANDIDATE][gone] if best is None else best
        # NaN: the metric did not survive the empty text either, so that there is no worst row
        nothing = np.asarray((np.isnan(rows[Arm.BASELINE]) | np.isnan(rows[Arm.CANDIDATE])).any(axis=1))
    for arm in ARMS:
        rows[arm][nothing] = 0.0


def _first_of_case(errors: Mapping[int, str], samples: int) -> dict[int, str]:
    found: dict[int, str] = {}
    for place in sorted(errors):
        found.setdefault(place // samples, errors[place])
    return found


def reference_range(tool: MetricTool, cases: Sequence[Case]) -> tuple[int, int] | None:
    """Fewest and most references of a case, for signatures that leave their number open; else None."""
    if OPEN_COUNT not in tool.spec.signature.split("|"):
        return None
    counts = [len(reference_texts(Expectation(_references(tool, case), case))) for case in cases]
    return min(counts), max(counts)


def unread_judgements(tool: MetricTool, answers: Mapping[str, Samples]) -> dict[str, int] | None:
    """Arm → answers whose judgement cannot be read; None for a metric that reads no judgements."""
    if not _reads_judgements(tool):
        return None
    flat = {arm: [output for outputs in answers[arm] for output in outputs] for arm in ARMS}
    return {str(arm): int((_lost_flags(tool, flat[arm]) & ~_error_flags(flat[arm])).sum()) for arm in ARMS}


def case_scores(tool: MetricTool, rows: Rows) -> list[float | None]:
    """The score of every case alone; None where it is undefined."""
    with np.errstate(all="ignore"):
        scores = tool.metric.score(rows)
    return [float(score) if np.isfinite(score) else None for score in scores]


def _reads_judgements(tool: MetricTool) -> bool:
    return isinstance(tool.metric, ReadsJudgements) if tool.cell is None else tool.cell.judges


def _error_flags(outputs: Sequence[Output]) -> NDArray[np.bool_]:
    return np.array([output.status is Status.ERROR for output in outputs], bool)


def _lost_flags(tool: MetricTool, outputs: Sequence[Output]) -> NDArray[np.bool_]:
    """(n,) whether there is no answer, or none that the metric's judge could be understood about."""
    lost = _error_flags(outputs)
    if not _reads_judgements(tool):
        return lost
    if tool.cell is not None:
        answered = np.flatnonzero(~lost).tolist()
        lost[answered] = tool.cell.unread([outputs[i] for i in answered])
        return lost
    metric = tool.metric
    return np.array([gone or _unread(metric, output) for gone, output in zip(lost, outputs, strict=True)], bool)


def _unread(metric: Metric, output: Output) -> bool:
    return isinstance(metric, ReadsJudgements) and metric.unread(output)


def _measured_once(
    tool: MetricTool,
    flat: Mapping[Arm, Sequence[Output]],
    wanted: Sequence[Expectation],
    lost: Mapping[Arm, NDArray[np.bool_]],
) -> tuple[dict[Arm, Rows], dict[Arm, dict[int, str]]]:
    """Both variants in one call, so that a metric prepares each reference once; an output that is the same is measured once.

    Returns: arm → rows, and arm → answer → why there is none.
    """
    count = len(wanted)
    baseline, candidate = flat[Arm.BASELINE], flat[Arm.CANDIDATE]
    own = [i for i in range(count) if lost[Arm.BASELINE][i] or baseline[i] != candidate[i]]
    outputs = [*baseline, *(candidate[i] for i in own)]
    expectations = [*wanted, *(wanted[i] for i in own)]
    gone = np.concatenate([lost[Arm.BASELINE], lost[Arm.CANDIDATE][own]])
    rows, errors = _measured(tool, outputs, expectations, gone)
    first = rows[:count]
    second = first.copy()
    second[own] = rows[count:]
    before = {i: said for i, said in errors.items() if i < count}
    others = set(own)
    after = {i: said for i, said in before.items() if i not in others}
    after |= {own[i - count]: said for i, said in errors.items() if i >= count}
    return {Arm.BASELINE: first, Arm.CANDIDATE: second}, {Arm.BASELINE: before, Arm.CANDIDATE: after}


def _measured(
    tool: MetricTool, outputs: Sequence[Output], expectations: Sequence[Expectation], lost: NDArray[np.bool_]
) -> tuple[Rows, dict[int, str]]:
    rows = np.zeros((len(outputs), tool.spec.columns), dtype=np.float64)
    errors: dict[int, str] = {}
    answered = [i for i in range(len(outputs)) if not lost[i]]
    if answered:
        rows[answered], failed = _rows(tool, [outputs[i] for i in answered], [expectations[i] for i in answered])
        errors = {answered[i]: said for i, said in failed.items()}
    missing = [i for i in range(len(outputs)) if lost[i] or i in errors]
    if missing and not _lost_is_uncountable(tool.spec):
        rows[missing] = _worst_rows(tool, [expectations[i] for i in missing])
    return rows, errors


def _rows(tool: MetricTool, outputs: Sequence[Output], expectations: Sequence[Expectation]) -> tuple[Rows, dict[int, str]]:
    """Rows, checked, and number of an answer → why there is none. A metric of this process has no such answers: if it fails,
    that is a bug, and the run ends."""
    if tool.cell is not None:
        gathered = tool.cell.gather(outputs, expectations)
        if tool.spec.scale in _MEANS:
            _require_range(tool.spec, gathered.scores, expectations)
        return gathered.rows, gathered.errors
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
    if tool.spec.scale in _MEANS:
        with np.errstate(all="ignore"):
            _require_range(tool.spec, tool.metric.score(rows), expectations)
    return rows, {}


def _edge(end: float) -> float:
    """Rounding noise at an end of a range."""
    return 1e-9 * max(1.0, abs(end)) if np.isfinite(end) else 0.0


def _require_range(spec: MetricSpec, scores: NDArray[np.float64], expectations: Sequence[Expectation]) -> None:
    """Intervals rest on the declared range, so a score outside it is a fault of the metric.

    Raises: Incomplete naming the metric and the case.
    """
    low, high = -np.inf if spec.low is None else spec.low, np.inf if spec.high is None else spec.high
    with np.errstate(all="ignore"):
        outside = np.flatnonzero((scores < low - _edge(low)) | (scores > high + _edge(high)))
    if outside.size:
        said = f"metric {spec.name} gave {scores[outside[0]]:g}, outside its range {spec.low} to {spec.high}"
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
    rows, failed = _rows(tool, [Output(text="") for _ in expectations], expectations)
    rows[list(failed)] = np.nan
    return rows


def _constant_row(spec: MetricSpec, score: float | None) -> Rows | None:
    """(2,) the row of an answer with this score; None for corpus scores, and where there is no such score."""
    mean = spec.scale in _MEANS and spec.columns == 2
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
