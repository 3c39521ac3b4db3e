"""verdict.json: the verdict as a document that machines read and every report is derived from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from evalgate.core.verdict import (
    Estimate,
    Interval,
    MetricResult,
    Results,
    RunIdentity,
    SafetyResult,
    SecondOpinion,
    ThresholdResult,
    VariantIdentity,
    Verdict,
)

SCHEMA = "evalgate.verdict/1"
DIGITS = 12
"""Significant digits of published numbers: far beyond any metric's meaning, and short of the last bits in which
processors and library versions may differ."""


def verdict_document(verdict: Verdict, identity: RunIdentity) -> dict[str, Any]:
    """The content of verdict.json: no NaN, null with a reason instead."""
    counts, run = verdict.cases, verdict.results.run
    return {
        "schema": SCHEMA,
        "verdict": str(verdict.decision),
        "exit_code": int(verdict.exit_code),
        "reason": verdict.reason,
        "gate": identity.gate,
        "run_id": identity.run_id,
        "mode": identity.mode,
        "dataset": {
            "name": identity.dataset_name,
            "version": identity.dataset_version,
            "digest": identity.dataset_digest,
            "cases": run.cases,
            **({} if identity.shared is None else {"shared": identity.shared}),
        },
        "variants": {"baseline": _variant(identity.baseline), "candidate": _variant(identity.candidate)},
        **_results(verdict.results),
        "cases": {
            "by": counts.by,
            "total": counts.total,
            "improved": counts.improved,
            "regressed": counts.regressed,
            "unchanged": counts.unchanged,
            "errors": {"baseline": run.errors_baseline, "candidate": run.errors_candidate},
        },
        "thresholds": [_threshold(result) for result in verdict.thresholds],
        "flaky": {name: {"total": found.total, "ids": list(found.ids)} for name, found in verdict.flaky.items()},
        "slices": {name: {**_results(part), "cases": part.run.cases} for name, part in verdict.slices.items()},
        "evidence": {"manifest_digest": identity.manifest_digest},
    }


def published(value: float | None) -> float | None:
    """A number as it is published: 12 significant digits, never NaN or infinite, no negative zero."""
    if value is None or not math.isfinite(value):
        return None
    return float(f"{value:.{DIGITS}g}") + 0.0


def _variant(identity: VariantIdentity) -> dict[str, Any]:
    return {
        "prompt": identity.prompt,
        "prompt_digest": identity.prompt_digest,
        "model": identity.model,
        **identity.details,
    }


def _results(results: Results) -> dict[str, Any]:
    return {
        "metrics": {name: _metric(metric) for name, metric in results.metrics.items()},
        "safety": {name: _safety(safety) for name, safety in results.safety.items()},
    }


def _metric(metric: MetricResult) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "baseline": published(metric.baseline.value),
        "baseline_ci": _ends(metric.baseline.reading),
        "candidate": published(metric.candidate.value),
        "candidate_ci": _ends(metric.candidate.reading),
        "delta": published(metric.delta.value),
        "ci": _ends(metric.delta.reading),
        **_relative(metric.relative),
        "confidence": metric.confidence,
        "p_value": published(metric.p_value),
        "method": metric.method,
        "n": metric.n,
        "rows": metric.rows,
        "informative": metric.informative,
        "identical_outputs": metric.identical_outputs,
        "higher_is_better": metric.higher_is_better,
        "unit": metric.unit,
        "signature": metric.signature,
        "second": _second(metric.second),
    }
    if metric.answered is not None:
        answered = metric.answered
        entry["answered"] = {
            "cases": answered.cases,
            "baseline": published(answered.baseline),
            "candidate": published(answered.candidate),
        }
    if metric.newly_failing is not None:
        entry |= {"newly_failing": metric.newly_failing, "newly_passing": metric.newly_passing}
        entry |= {"stable": metric.stable, "flaky": metric.flaky, "repeats": metric.repeats}
    if metric.unread is not None:
        entry["unread_judgements"] = dict(metric.unread)
    if metric.distrust is not None:
        entry["distrust"] = metric.distrust
    return entry | ({"reason": metric.reason} if metric.reason else {})


def _second(opinion: SecondOpinion | None) -> dict[str, Any] | None:
    if opinion is None:
        return None
    return {
        "method": opinion.method,
        "delta": _ends(opinion.delta),
        "relative": _ends(opinion.relative),
        "candidate": _ends(opinion.candidate),
        "randomisation": opinion.randomisation,
        "p_higher": published(opinion.p_higher),
        "p_lower": published(opinion.p_lower),
    }


def _relative(estimate: Estimate) -> dict[str, Any]:
    return {"relative": published(estimate.value), "relative_ci": _ends(estimate.reading)}


def _safety(safety: SafetyResult) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "baseline": safety.baseline,
        "candidate": safety.candidate,
        "new": safety.new,
        "fixed": safety.fixed,
        "cases": safety.cases,
        "upper_bound": published(safety.upper_bound),
        "lower_bound": published(safety.lower_bound),
        "detectable_rate": published(safety.detectable_rate),
        "confidence": safety.confidence,
        "undecided": {str(arm): count for arm, count in safety.undecided.items()},
        "waived": {str(arm): count for arm, count in safety.waived.items()},
    }
    if safety.reach is not None:
        entry["reach"] = {"least": asdict(safety.reach.least), "most": asdict(safety.reach.most)}
    if safety.distrust is not None:
        entry["distrust"] = safety.distrust
    if safety.corrected:
        entry["corrected"] = {
            str(arm): {"value": published(rate.value), "ci": _ends(rate.interval)} for arm, rate in safety.corrected.items()
        }
    if safety.severities:
        entry["severities"] = {str(severity): _at_least(found) for severity, found in safety.severities.items()}
    return entry


def _at_least(found: SafetyResult) -> dict[str, Any]:
    """The counts of findings at least as severe."""
    bounds = {"upper_bound": published(found.upper_bound), "lower_bound": published(found.lower_bound)}
    return {**asdict(found.counts), **bounds, "undecided": {str(arm): count for arm, count in found.undecided.items()}}


def _threshold(result: ThresholdResult) -> dict[str, Any]:
    threshold = result.threshold
    return {
        "target": threshold.target,
        "bound": str(threshold.bound),
        "value": threshold.text,
        "slice": result.slice,
        "severity": threshold.severity,
        "observed": published(result.observed),
        "ci": _ends(result.interval),
        "second": _ends(result.second),
        "methods_disagree": result.methods_disagree,
        "p_value": published(result.p_value),
        "adjusted_p": published(result.adjusted_p),
        "verdict": str(result.decision),
        "level": str(threshold.level),
        "decide": str(threshold.decide),
        "implicit": threshold.implicit,
        "reason": result.reason,
    }


def _ends(interval: Interval | None) -> list[float | None] | None:
    if interval is None:
        return None
    return [published(interval.low), published(interval.high)]


def error_document(exit_code: int, problems: list[Mapping[str, str | None]]) -> dict[str, Any]:
    """What `--json` prints when there is no verdict: machines still get one JSON document."""
    return {"schema": "evalgate.error/1", "exit_code": exit_code, "verdict": None, "problems": problems}
