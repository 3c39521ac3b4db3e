"""What a reader should see first: slices and cases, worst first, in one fixed order."""

from __future__ import annotations

from dataclasses import dataclass

from evalgate.core.record import ArmRecord, CaseRecord, RunRecord
from evalgate.core.values import Finding, Status
from evalgate.core.verdict import MetricResult, SafetyResult
from evalgate.core.waivers import counting
from evalgate.report.phrases import movement_kinds

_RANK = {"violating": 0, "errored": 1, "regressed": 2, "improved": 4, "unchanged": 3}


@dataclass(frozen=True, slots=True)
class SliceRow:
    """One metric on one slice."""

    slice: str
    metric: MetricResult
    regressed: bool
    """Worse, and the interval for reading excludes 0."""
    improved: bool
    """Better, and the interval for reading excludes 0."""


def improvement(metric: MetricResult) -> float | None:
    """The difference counted so that positive is better."""
    if metric.delta.value is None:
        return None
    return metric.delta.value if metric.higher_is_better else -metric.delta.value


def clearly(metric: MetricResult) -> int:
    """-1 where the interval for reading lies wholly on the worse side of 0, 1 on the better side, else 0."""
    ends = metric.delta.reading
    if ends is None or ends.low <= 0 <= ends.high:
        return 0
    upward = ends.low > 0
    return 1 if upward is metric.higher_is_better else -1


def slice_rows(record: RunRecord) -> tuple[SliceRow, ...]:
    """Every metric of every slice: clear regressions first, those of thresholds before others, then by how much worse."""
    named = {threshold.name for threshold in record.settings.thresholds}
    rows = [
        SliceRow(name, metric, clearly(metric) < 0, clearly(metric) > 0)
        for name, results in record.verdict.slices.items()
        for metric in results.metrics.values()
    ]
    return tuple(
        sorted(
            rows,
            key=lambda row: (not row.regressed, row.metric.name not in named, _size(row.metric), row.slice, row.metric.name),
        )
    )


def safety_slices(record: RunRecord) -> tuple[tuple[str, SafetyResult], ...]:
    """Slices with violations in the candidate or the baseline, most new ones first."""
    rows = [
        (name, result)
        for name, results in record.verdict.slices.items()
        for result in results.safety.values()
        if result.candidate or result.baseline or result.new
    ]
    return tuple(sorted(rows, key=lambda row: (-row[1].new, row[1].baseline - row[1].candidate, row[0], row[1].category)))


def bad_cases(record: RunRecord) -> tuple[CaseRecord, ...]:
    """The shown cases that are newly violating, errored or regressed, in that order and worst first."""
    bad = [case for case in record.cases if movement_kinds(case)[0] in ("violating", "errored", "regressed")]
    return tuple(sorted(bad, key=_case_order))


def case_reasons(case: CaseRecord) -> tuple[str, ...]:
    """Why a case is among the bad ones, one short sentence each; may contain text of unknown origin."""
    reasons = []
    if case.newly_violating:
        rules = sorted({f"{finding.category} ({finding.rule})" for finding in _counting(case.candidate)})
        reasons.append(f"newly violating: {', '.join(rules) or 'no finding kept'}")
    for name, arm in (("baseline", case.baseline), ("candidate", case.candidate)):
        if arm.status is Status.ERROR:
            said = f"the answer of the {name} is not measured" if arm.text else f"no answer of the {name}"
            reasons.append(f"{said}: {arm.error or 'no reason given'}")
    if case.movement == "regressed":
        reasons.append("worse than the baseline")
    return tuple(reasons)


def _counting(arm: ArmRecord) -> tuple[Finding, ...]:
    return counting(arm.found) if arm.found else arm.findings


def _case_order(case: CaseRecord) -> tuple[int, float, str]:
    return (_RANK[movement_kinds(case)[0]], case.change if case.change is not None else 0.0, case.id)


def _size(metric: MetricResult) -> float:
    gain = improvement(metric)
    if gain is None:
        return float("inf")
    if metric.low is not None and metric.high is not None and metric.high > metric.low:
        return gain / (metric.high - metric.low)
    base = abs(metric.baseline.value or 0.0)
    return gain / base if base else gain
