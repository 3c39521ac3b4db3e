"""Do one shard: answers, rows, findings, file, receipt. This is what runs in a worker."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalgate.core.errors import EvalgateError, ExitCode
from evalgate.core.timings import Timings
from evalgate.core.values import ARMS, Arm, Case, Finding, Output, Status
from evalgate.core.waivers import LOST, FoundFinding, counting, waived
from evalgate.metrics.interface import Rows
from evalgate.runner.answers import Answers, answers_of
from evalgate.runner.case_lines import CaseLine, read_shard_cases
from evalgate.runner.finding_marks import Marker, found_document, marker_of
from evalgate.runner.findings import answer_findings, worst_rank
from evalgate.runner.job import Job, ShardTask, load_job
from evalgate.runner.kept_answers import FIELDS, kept_members, reads_fields
from evalgate.runner.measure import (
    MetricTool,
    case_scores,
    measured,
    metric_tools,
    reference_range,
    unread_judgements,
)
from evalgate.runner.metric_errors import MetricErrors, with_metric_errors
from evalgate.runner.receipt import Receipt, ShardOutcome, write_receipt
from evalgate.runner.repeats import with_shares
from evalgate.runner.shard_file import ShardNumbers, ShardRows, shard_path, write_shard
from evalgate.runner.watch import Watch
from evalgate.safety.catalog import make_detector
from evalgate.safety.interface import Detector
from evalgate.stats.draws import case_keys

KEPT_MISSES = 10
"""Misses that a shard carries back to be explained."""
FoundTable = Mapping[Arm, list[list[tuple[FoundFinding, ...]]]]
"""Variant → case → detector → what was found."""
Measured = tuple[dict[Arm, Rows], dict[Arm, list[float | None]], MetricErrors]
"""Of one metric: variant → rows (n, d), variant → score of each case, and the cases that it could not measure."""
WRITING = "writing shards"


def do_shard(folder: str, digest: str, task: ShardTask) -> ShardOutcome:
    """Do one shard of the job in a run folder; errors come back as values."""
    place, shard, timings = Path(folder), task.shard, Timings()
    try:
        with timings.stage("reading work"):
            job = load_job(place, digest)
            lines = read_shard_cases(place, task)
        with timings.stage("rendering and looking up answers"):
            answers, misses = answers_of(place, job, lines)
        if misses:
            return ShardOutcome(shard, None, (), ExitCode.INCOMPLETE, len(misses), misses[:KEPT_MISSES])
        tools = metric_tools(job.metrics, digest)
        rows, seen = measured_shard(job, lines, with_shares(answers, job.repeats), tools, timings)
        with timings.stage(WRITING):
            file = write_shard(shard_path(place, shard), rows)
            receipt = Receipt(shard, len(lines), digest, task.cases, rows.digest(), file, **seen)
            write_receipt(place, receipt)
    except EvalgateError as error:
        return ShardOutcome(shard, None, error.problems, error.exit_code)
    return ShardOutcome(shard, receipt, timings=timings.spent)


def measured_shard(
    job: Job, lines: Sequence[CaseLine], answers: Answers, tools: Sequence[MetricTool], timings: Timings
) -> tuple[ShardRows, dict[str, Any]]:
    """Everything that is measured on a shard, and what its receipt says of it beside the digests.

    Raises: Incomplete or BadInput naming the metric or detector that failed.
    """
    found = _found(job, lines, answers, timings)
    cases = [line.case for line in lines]
    table = _measure(tools, cases, answers, timings)
    with timings.stage(WRITING):
        rows = _shard_rows(job, lines, answers, found, table)
        rows = with_metric_errors(rows, {tool.spec.name: errors for tool, (*_, errors) in zip(tools, table, strict=True)})
    ranges = {tool.spec.name: reference_range(tool, cases) for tool in tools}
    seen = {
        "references": {name: found for name, found in ranges.items() if found is not None},
        "waivers": _used_waivers(found),
        "unread": {tool.spec.name: counts for tool in tools if (counts := unread_judgements(tool, answers)) is not None},
    }
    return rows, seen


def _found(job: Job, lines: Sequence[CaseLine], answers: Answers, timings: Timings) -> FoundTable:
    """What every detector finds in the answers of both variants, marked."""
    marker = marker_of(job.findings)
    found: dict[Arm, list[list[tuple[FoundFinding, ...]]]] = {arm: [[] for _ in lines] for arm in ARMS}
    with Watch() as watch:
        for detector in [make_detector(choice) for choice in job.detectors]:
            with timings.stage(f"detector {detector.spec.category}"):
                for arm in ARMS:
                    for line, outputs, row in zip(lines, answers[arm], found[arm], strict=True):
                        row.append(_case_found(detector, line, (arm, outputs), marker, watch))
    return found


def _case_found(
    detector: Detector, line: CaseLine, side: tuple[Arm, tuple[Output, ...]], marker: Marker, watch: Watch
) -> tuple[FoundFinding, ...]:
    (arm, outputs), case = side, line.case
    found = marker.marked(answer_findings(detector, outputs, case, watch), outputs, case.id)
    if arm is Arm.CANDIDATE and _is_lost(outputs):
        # Failing to look is not safe: a lost candidate answer counts as the worst violation, a lost baseline answer as clean.
        return (*found, marker.lost(detector.spec.category, case.id))
    return tuple(found)


def _is_lost(outputs: tuple[Output, ...]) -> bool:
    return any(output.status is Status.ERROR for output in outputs)


def _every(found: FoundTable) -> Iterator[FoundFinding]:
    return (one for rows in found.values() for row in rows for ones in row for one in ones)


def _used_waivers(found: FoundTable) -> dict[str, int]:
    used = Counter(place for one in _every(found) for place in one.covering)
    return {str(place): used[place] for place in sorted(used)}


def _measure(tools: Sequence[MetricTool], cases: Sequence[Case], answers: Answers, timings: Timings) -> list[Measured]:
    """What every metric gives for both variants."""
    tables: list[Measured] = []
    for tool in tools:
        with timings.stage(f"metric {tool.spec.name}"):
            found = measured(tool, answers, cases)
            scores = {arm: case_scores(tool, found.rows[arm]) for arm in ARMS}
            tables.append((found.rows, scores, found.errors))
    return tables


def _shard_rows(
    job: Job, lines: Sequence[CaseLine], answers: Answers, found: FoundTable, tables: Sequence[Measured]
) -> ShardRows:
    cases = [line.case for line in lines]
    detectors = len(job.detectors)
    counted = {arm: [[counting(ones) for ones in row] for row in found[arm]] for arm in ARMS}
    numbers = ShardNumbers(
        rows={arm: np.hstack([np.zeros((len(cases), 0)), *(table[arm] for table, *_ in tables)]) for arm in ARMS},
        scores={arm: _score_table([scores[arm] for _, scores, _ in tables], len(cases)) for arm in ARMS},
        violations={arm: _rank_table(counted[arm], detectors, undecided=False) for arm in ARMS},
        undecided={arm: _rank_table(counted[arm], detectors, undecided=True) for arm in ARMS},
        lost={arm: np.array([_is_lost(outputs) for outputs in answers[arm]], dtype=bool) for arm in ARMS},
        identical=np.array([_identical(answers, i) for i in range(len(cases))], dtype=bool),
        keys=case_keys([case.id for case in cases]),
        groups=_groups(lines),
        slices={name: np.array([case.slices[name] for case in cases], dtype=np.str_) for name in job.slices},
        waived=_waived_tables(found, detectors) if job.findings.waivers else {},
    )
    wide = reads_fields(job)
    details = [_detail(line, answers, found, i) | _fields(line.case, wide=wide) for i, line in enumerate(lines)]
    return ShardRows(numbers, [case.id for case in cases], details)


def _rank_table(findings: Sequence[Sequence[Sequence[Finding]]], detectors: int, *, undecided: bool) -> NDArray[np.int64]:
    """(n, C) severity of the worst finding of each detector, case by case."""
    ranks = [[worst_rank(found, undecided=undecided) for found in row] for row in findings]
    return np.array(ranks, dtype=np.int64).reshape(len(findings), detectors)


def _waived_tables(found: FoundTable, detectors: int) -> dict[Arm, NDArray[np.int64]]:
    """(n, C) severity of the worst finding that is waived, certain or not, case by case."""
    tables = {}
    for arm in ARMS:
        taken = [[waived(ones) for ones in row] for row in found[arm]]
        tables[arm] = np.maximum(*(_rank_table(taken, detectors, undecided=undecided) for undecided in (False, True)))
    return tables


def _score_table(columns: list[list[float | None]], rows: int) -> Any:
    if not columns:
        return np.zeros((rows, 0))
    return np.array([[np.nan if value is None else value for value in column] for column in columns], dtype=np.float64).T


def _identical(answers: Answers, case: int) -> bool:
    """Two lost answers are not identical outputs: nothing is known of either."""
    baseline, candidate = answers[Arm.BASELINE][case], answers[Arm.CANDIDATE][case]
    same = [(o.text, o.value) for o in baseline] == [(o.text, o.value) for o in candidate]
    return same and all(o.status is Status.OK for o in (*baseline, *candidate))


def _groups(lines: Sequence[CaseLine]) -> Any:
    numbers = [line.group for line in lines]
    return None if None in numbers else np.array(numbers, dtype=np.int64)


def _detail(line: CaseLine, answers: Answers, found: FoundTable, case: int) -> dict[str, Any]:
    sides = {str(arm): _side(answers[arm][case], found[arm][case]) for arm in ARMS}
    return {
        "inputs": dict(line.case.inputs),
        "references": list(line.case.references),
        "slices": dict(line.case.slices),
        "group": line.case.group,
        **sides,
    }


def _fields(case: Case, *, wide: bool) -> dict[str, Any]:
    """Columns that are no inputs, where something may read them: without them nobody could measure again."""
    others = {name: value for name, value in case.fields.items() if name not in case.inputs} if wide else {}
    return {FIELDS: others} if others else {}


def _side(outputs: tuple[Output, ...], found: list[tuple[FoundFinding, ...]]) -> dict[str, Any]:
    first = outputs[0]
    # That an answer is missing stands in `status`; among the findings it stands only where somebody waived it.
    kept = [one for ones in found for one in ones if one.finding.rule != LOST or one.covering]
    return {
        "text": first.text,
        "value": first.value,
        "more": [output.text for output in outputs[1:]],
        "status": str(Status.ERROR if _is_lost(outputs) else Status.OK),
        "error": next((o.error for o in outputs if o.status is Status.ERROR), None),
        "finish": first.finish,
        "request_key": first.request_key,
        "latency_ms": first.latency_ms,
        "prompt_tokens": first.prompt_tokens,
        "completion_tokens": first.completion_tokens,
        "findings": [found_document(one) for one in kept],
        **kept_members(outputs),
    }
