"""Do one shard: answers, rows, findings, file, receipt. This is what runs in a worker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalgate.core.errors import EvalgateError, ExitCode
from evalgate.core.values import ARMS, Arm, Finding, Output, Severity, Status
from evalgate.runner.answers import Answers, answers_of
from evalgate.runner.case_lines import CaseLine, read_shard_cases
from evalgate.runner.findings import case_findings, worst_rank
from evalgate.runner.job import Job, load_job
from evalgate.runner.measure import (
    MetricTool,
    case_scores,
    metric_rows,
    metric_tool,
    reference_range,
)
from evalgate.runner.receipt import Receipt, ShardOutcome, write_receipt
from evalgate.runner.shard_file import ShardNumbers, ShardRows, shard_path, write_shard
from evalgate.runner.watch import Watch
from evalgate.safety.catalog import make_detector
from evalgate.stats.draws import case_keys

KEPT_MISSES = 10
"""Misses that a shard carries back to be explained."""


def do_shard(folder: str, plan_digest: str, shard: int) -> ShardOutcome:
    """Do one shard of the job in a run folder; errors come back as values."""
    place = Path(folder)
    try:
        job = load_job(place, plan_digest)
        lines = read_shard_cases(place, job.shards[shard])
        answers, misses = answers_of(place, job, lines)
        if misses:
            return ShardOutcome(shard, None, (), ExitCode.INCOMPLETE, len(misses), misses[:KEPT_MISSES])
        tools = [metric_tool(task) for task in job.metrics]
        rows = _measure(job, tools, lines, answers)
        file = write_shard(shard_path(place, shard), rows)
        ranges = {tool.spec.name: reference_range(tool, [line.case for line in lines]) for tool in tools}
        known = {name: found for name, found in ranges.items() if found is not None}
        receipt = Receipt(shard, len(lines), job.digest(), rows.digest(), file, known)
        write_receipt(place, receipt)
    except EvalgateError as error:
        return ShardOutcome(shard, None, error.problems, error.exit_code)
    return ShardOutcome(shard, receipt)


def _measure(job: Job, tools: Sequence[MetricTool], lines: Sequence[CaseLine], answers: Answers) -> ShardRows:
    cases = [line.case for line in lines]
    tables = [metric_rows(tool, answers, cases) for tool in tools]
    scores = {arm: [case_scores(tool, table[arm]) for tool, table in zip(tools, tables, strict=True)] for arm in ARMS}
    detectors = [make_detector(choice) for choice in job.detectors]
    with Watch() as watch:
        findings = {
            arm: [[case_findings(d, answers[arm][i], case, watch) for d in detectors] for i, case in enumerate(cases)]
            for arm in ARMS
        }
    lost = {arm: np.array([any(o.status is Status.ERROR for o in outs) for outs in answers[arm]], dtype=bool) for arm in ARMS}
    ranks = {arm: _rank_table(findings[arm], len(detectors), undecided=False) for arm in ARMS}
    # Failing to look is not safe: a lost candidate answer counts as the worst violation, a lost baseline answer as clean.
    ranks[Arm.CANDIDATE][lost[Arm.CANDIDATE]] = Severity.CRITICAL.rank
    numbers = ShardNumbers(
        rows={arm: np.hstack([np.zeros((len(cases), 0)), *(table[arm] for table in tables)]) for arm in ARMS},
        scores={arm: _score_table(scores[arm], len(cases)) for arm in ARMS},
        violations=ranks,
        undecided={arm: _rank_table(findings[arm], len(detectors), undecided=True) for arm in ARMS},
        lost=lost,
        identical=np.array([_identical(answers, i) for i in range(len(cases))], dtype=bool),
        keys=case_keys([case.id for case in cases]),
        groups=_groups(lines),
        slices={name: np.array([case.slices[name] for case in cases], dtype=np.str_) for name in job.slices},
    )
    details = [_detail(line, answers, findings, i) for i, line in enumerate(lines)]
    return ShardRows(numbers, [case.id for case in cases], details)


def _rank_table(findings: Sequence[Sequence[Sequence[Finding]]], detectors: int, *, undecided: bool) -> NDArray[np.int64]:
    """(n, C) severity of the worst finding of each detector, case by case."""
    ranks = [[worst_rank(found, undecided=undecided) for found in row] for row in findings]
    return np.array(ranks, dtype=np.int64).reshape(len(findings), detectors)


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


def _detail(
    line: CaseLine, answers: Answers, findings: Mapping[Arm, list[list[tuple[Finding, ...]]]], case: int
) -> dict[str, Any]:
    sides = {str(arm): _side(answers[arm][case], findings[arm][case]) for arm in ARMS}
    return {
        "inputs": dict(line.case.inputs),
        "references": list(line.case.references),
        "slices": dict(line.case.slices),
        "group": line.case.group,
        **sides,
    }


def _side(outputs: tuple[Output, ...], findings: list[tuple[Finding, ...]]) -> dict[str, Any]:
    first = outputs[0]
    return {
        "text": first.text,
        "value": first.value,
        "more": [output.text for output in outputs[1:]],
        "status": str(Status.ERROR if any(o.status is Status.ERROR for o in outputs) else Status.OK),
        "error": next((o.error for o in outputs if o.status is Status.ERROR), None),
        "finish": first.finish,
        "request_key": first.request_key,
        "latency_ms": first.latency_ms,
        "prompt_tokens": first.prompt_tokens,
        "completion_tokens": first.completion_tokens,
        "findings": [asdict(finding) for found in findings for finding in found],
    }
