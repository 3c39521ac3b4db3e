"""A finished run as reports see it, with any text in every field."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from evalgate.core.attempts import Attempt, Attempts, Change
from evalgate.core.health import HealthFinding, HealthReport, LengthFacts
from evalgate.core.record import ArmRecord, CaseRecord, PromptRecord, RunRecord, TextMark
from evalgate.core.settings import (
    Bound,
    GateSettings,
    Level,
    PluginChoice,
    ProxyChoice,
    SliceChoice,
    TargetKind,
    Threshold,
    VariantChoice,
)
from evalgate.core.values import Arm, Finding, Severity, Status
from evalgate.core.verdict import (
    CaseCounts,
    CaseList,
    CorrectedRate,
    Decision,
    Estimate,
    Interval,
    MetricResult,
    Results,
    RunFigures,
    RunIdentity,
    SafetyResult,
    ThresholdResult,
    VariantIdentity,
    Verdict,
)
from evalgate.core.waivers import FoundFinding, Waiver, WaiverUse


def _metric(name: str, text: str) -> MetricResult:
    ends = Interval(-0.3, -0.1)
    both = Estimate(-0.2, ends, ends)
    return MetricResult(
        name=name, baseline=Estimate(0.6, Interval(0.5, 0.7), None), candidate=Estimate(0.4, Interval(0.3, 0.5), None), delta=both, relative=both,
        p_value=0.0004, confidence=0.95, method=text, n=100, rows=100, informative=30, identical_outputs=False, higher_is_better=True, unit="0-1",
        low=0.0, high=1.0, signature=text, newly_failing=3, newly_passing=1, reason=text, stable=93, flaky=7, repeats=3,
    )  # fmt: skip


def _case(number: int, t: str, decision: str) -> CaseRecord:
    arm = ArmRecord(
        messages=(("system", t), ("user", f"{t} {number}")), text=f"{t} out {number}", status=Status.OK, error=None, request_key="ab" * 32,
        latency_ms=12.0, scores={"m": 0.5}, findings=(Finding("leak", t, Severity.HIGH, 0, 3),),
        found=(FoundFinding(Finding(t, t, Severity.HIGH, 0, 3), 1, "3fa9c1d2e3f40516", number % 2 or None),),
        marks=(TextMark(0, 2, t, masked=number % 2 == 0),),
    )  # fmt: skip
    lost = ArmRecord((), "", Status.ERROR, t, None, None, {"m": None}, ())
    return CaseRecord(
        id=f"{t}-{number}", movement=decision, newly_violating=number == 0, change=-0.5, slices={"language": t}, group=t, inputs={"q": t, "n": [t]},
        references=(t, {"k": t}), baseline=arm, candidate=lost if number == 1 else arm,
    )  # fmt: skip


def _attempts(t: str) -> Attempts:
    loosened = Change("threshold", t, f"{t} less", looser=True)
    changes = (Change("candidate prompt", f"{t}@1", f"{t}@2"), loosened, Change(t, t, t))
    earlier = (Attempt(1, "0" * 12, "2026-01-02T03:04:05+00:00", "fail"), Attempt(2, t, t, t))
    return Attempts(3, earlier, changes, (loosened,), loosened_since=2, note=t, made=3)


def _health(t: str) -> HealthReport:
    findings = (
        HealthFinding("contradiction", f"1 {t}", 1, ((f"{t}-0", t),), accepted=t),
        HealthFinding("input-in-prompt", f"2 {t}", 2, ((f"{t}-1",),), column=t, where=f"{t}, line 3"),
        HealthFinding("small-slice", t, 1, column=t),
    )
    return HealthReport(100, findings, (LengthFacts(t, "words", 1, 2.5, 9.0, 12),), {t: {t: 99, "unknown": 1}})


def _safety(t: str) -> SafetyResult:
    counts = SafetyResult(
        "leak", 1, 2, 2, 1, 100, 0.06, 0.95, 0.001, 0.03, undecided={Arm.CANDIDATE: 3}, distrust=t, waived={Arm.BASELINE: 4},
        corrected={Arm.CANDIDATE: CorrectedRate(0.01, Interval(0.0, 0.02))},
    )  # fmt: skip
    return replace(counts, category=t, severities={Severity.LOW: counts, Severity.HIGH: counts})


def _card(t: str) -> dict[str, Any]:
    rate = {"value": 0.9, "low": 0.8, "high": 0.95}
    return {"card": {"data": {"name": t, "outputs": 7}, "confidence": 0.95, "unit": "spans", "precision": rate, "recall": None}}


def _waivers(t: str) -> tuple[WaiverUse, ...]:
    waiver = Waiver(t, t, t, date(2026, 12, 31), rule=t, case=t, hash="3fa9c1d2e3f40516", place=t)
    return WaiverUse(waiver, expired=True, findings=2), WaiverUse(waiver, expired=False, findings=0)


def make_record(t: str, decision: Decision = Decision.FAIL) -> RunRecord:
    """A record with the text `t` in every field that can hold text of unknown origin."""
    threshold = Threshold(
        TargetKind.METRIC, "m", Bound.MAX_REGRESSION, 0.05, False, "0.05", SliceChoice("language", t), place=f"{t}.yaml:7"
    )
    warn = Threshold(TargetKind.SAFETY, "leak", Bound.MAX, 0.0, False, "0", level=Level.WARN)
    results = Results(
        {"m": _metric("m", t)}, {"leak": replace(_safety(t), category="leak"), t: _safety(t)}, RunFigures(100, 0, 1)
    )
    verdict = Verdict(
        decision, f"because {t}", results, {f"language={t}": results},
        (ThresholdResult(threshold, f"language={t}", -0.2, Interval(-0.3, -0.1), decision, t), ThresholdResult(warn, None, 2.0, None, Decision.FAIL, t)),
        CaseCounts("m", 100, 10, 20, 70), {"m": CaseList(7, (f"{t}-0", t))},
    )  # fmt: skip
    variant = VariantIdentity(f"{t}@1", "sha256:" + "0" * 64, t)
    settings = GateSettings(
        gate=f"gate {t}", dataset=t, baseline=VariantChoice(t, t), candidate=VariantChoice(t, t), models={}, proxy=ProxyChoice("replay", t),
        metrics=(PluginChoice("m", {"p": t}),), safety=(PluginChoice("leak", {"terms": [t]}),), slices=("language",), thresholds=(threshold, warn),
    )  # fmt: skip
    prompts = {
        arm: PromptRecord(f"{t}@{i}", t, "sha256:" + str(i) * 64, (("system", f"{t} {arm}"),), {"stop": t}, t)
        for i, arm in enumerate(("baseline", "candidate"))
    }
    return RunRecord(
        verdict=verdict,
        identity=RunIdentity(f"gate {t}", "0123456789ab", t, t, "sha256:" + "1" * 64, "replay", variant, variant, "sha256:" + "2" * 64),
        settings=settings,
        document={"schema": "evalgate.verdict/1", "safety": {"leak": _card(t), t: {"card": None, "card_reason": t}}},
        manifest={
            "materials": {
                "engine": {t: t}, "plan": "sha256:3", "inputs": {f"prompt:{t}": "sha256:4"},
                "extensions": [{"kind": "metric", "name": t, "plugin": t, "version": t, "signature": t}],
            },
            "results": {"shards": [{"shard": 0, "rows": 100, "content": "sha256:5"}]},
        },
        dataset_card={"name": t, "license": t, "purpose": t, "results": t, "how_made": None},
        prompts=prompts,
        cases=tuple(_case(i, t, m) for i, m in enumerate(("regressed", "unchanged", "improved", "regressed"))),
        cases_omitted=96,
        environment={"python": t, "packages": {t: t}},
        attempts=_attempts(t),
        health=_health(t),
        waivers=_waivers(t),
    )  # fmt: skip


@pytest.fixture(scope="session")
def record() -> Callable[..., RunRecord]:
    """`record("text")`: a run with that text everywhere."""
    return make_record
