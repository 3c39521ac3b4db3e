"""A gate as its plan.json has it: settings, instruments and prompts, built again without the project."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from evalgate.core.errors import BadInput, Incomplete
from evalgate.core.record import RunRecord
from evalgate.core.settings import (
    Bound,
    Decide,
    GateSettings,
    Level,
    ModelChoice,
    PluginChoice,
    SliceChoice,
    TargetKind,
    Threshold,
)
from evalgate.core.values import Severity
from evalgate.core.verdict import RunIdentity, VariantIdentity
from evalgate.metrics.catalog import make_metric, rename_metric
from evalgate.pipeline.compare import MODE as FILES
from evalgate.pipeline.instruments import Instrument, Instruments, Quantile
from evalgate.pipeline.judge_stage import metric_judge
from evalgate.pipeline.shared_cases import MODE as RUNS
from evalgate.prompts.values import Prompt
from evalgate.runner.answers import prompt_of
from evalgate.runner.finding_marks import FindingsTask
from evalgate.runner.job import ArmTask, MetricTask
from evalgate.safety.catalog import make_detector


@dataclass(frozen=True, slots=True)
class PlannedGate:
    """What a plan says, as the values that decide."""

    plan: Mapping[str, Any]
    settings: GateSettings
    """The plan's rules; what decides nothing (places, reports) is as the record has it."""
    built: Instruments
    arms: Mapping[str, ArmTask]
    """Empty for a comparison."""
    findings: FindingsTask

    @property
    def is_gate(self) -> bool:
        """Whether answers came through the proxy, by prompts; else it compared outputs that existed."""
        return "proxy" in self.plan

    @property
    def mode(self) -> str:
        """Where the answers came from, as verdict.json says it."""
        return str(self.plan["proxy"]["mode"]) if self.is_gate else RUNS if "shared" in self.plan["dataset"] else FILES

    @property
    def prompts(self) -> dict[str, Prompt]:
        """Variant → prompt as workers render it."""
        return {arm: prompt_of(task) for arm, task in self.arms.items()}

    @property
    def expired(self) -> int:
        """Waivers whose day had passed."""
        return sum(self.findings.expired)

    def identity(self, run_id: str, root: str) -> RunIdentity:
        """What was judged."""
        dataset = self.plan["dataset"]
        sides = {arm: self._variant(planned) for arm, planned in self.plan["variants"].items()}
        named = (dataset["name"], dataset["version"], dataset["digest"])
        return RunIdentity(
            self.plan["gate"], run_id, *named, self.mode, sides["baseline"], sides["candidate"], root, dataset.get("shared")
        )

    def _variant(self, planned: Mapping[str, Any]) -> VariantIdentity:
        if not self.is_gate:
            return VariantIdentity(planned["outputs"], planned["digest"], planned.get("of_model", FILES))
        model = planned["model"]
        return VariantIdentity(planned["prompt"], planned["prompt_digest"], f"{model['alias']}={model['name']}")


def planned_gate(plan: Mapping[str, Any], record: RunRecord) -> PlannedGate:
    """Build a gate out of its plan.

    `record` gives what the plan holds by digest alone (cards of judges, waivers) and what decides nothing.

    Raises: Incomplete for a metric or detector that cannot be made here; KeyError, TypeError or ValueError for a plan that
        evalgate did not write.
    """
    kept = record.settings
    settings = replace(
        kept,
        gate=plan["gate"],
        safety=tuple(_choice(one, place) for one, place in _placed(plan["safety"], [c.place for c in kept.safety])),
        slices=tuple(plan["slices"]),
        thresholds=tuple(
            _threshold(one, place) for one, place in _placed(plan["thresholds"], [t.place for t in kept.thresholds])
        ),
        samples=plan["samples"],
        confidence=plan["confidence"],
        seed=plan["seed"],
        resamples=plan["resamples"],
    )
    arms = {arm: _arm(one, record.prompts[arm].path) for arm, one in plan["variants"].items()} if "proxy" in plan else {}
    return PlannedGate(plan, settings, _instruments(plan, settings, record), arms, _findings(plan, kept, record))


def _placed(entries: Sequence[Any], places: Sequence[str]) -> list[tuple[Any, str]]:
    """Entries with their places, where the record has as many; a place is for messages and decides nothing."""
    return list(zip(entries, places if len(places) == len(entries) else [""] * len(entries), strict=True))


def _instruments(plan: Mapping[str, Any], settings: GateSettings, record: RunRecord) -> Instruments:
    try:
        detectors = tuple((choice, make_detector(choice).spec) for choice in settings.safety)
        metrics = tuple(_instrument(one) for one in plan["metrics"])
    except BadInput as error:
        raise Incomplete(error.problems) from error
    judges: Mapping[str, Any] = plan.get("judges", {})
    categories = [spec.category for _, spec in detectors]
    reasons = {name: judge["distrust"] for name, judge in judges.items() if judge["distrust"] is not None}
    return Instruments(
        metrics,
        tuple(Quantile(one["name"], one["metric"], one["share"]) for one in plan["percentiles"]),
        detectors,
        distrust={name: why for name, why in reasons.items() if name in categories},
        judged={name: record.cards[name] for name in judges if name in categories and name not in reasons},
        doubts={i.spec.name: reasons[key] for i in metrics if (key := metric_judge(i.spec.name)) in reasons},
    )


def _instrument(one: Mapping[str, Any]) -> Instrument:
    choice, name = PluginChoice(one["plugin"], one["parameters"]), one["name"]
    metric = make_metric(choice)
    metric = metric if metric.spec.name == name else rename_metric(metric, name)
    return Instrument(MetricTask(choice, name, one["reference"]), metric, metric.spec)


def _choice(one: Mapping[str, Any], place: str) -> PluginChoice:
    return PluginChoice(one["plugin"], one["parameters"], place)


def _threshold(one: Mapping[str, Any], place: str) -> Threshold:
    kind, _, name = one["target"].partition(":")
    chosen, severity = one["slice"], one.get("severity")
    return Threshold(
        TargetKind(kind),
        name,
        Bound(one["bound"]),
        one["value"],
        one["relative"],
        one["text"],
        slice=None if chosen is None else SliceChoice(chosen["column"], chosen["value"]),
        level=Level(one["level"]),
        decide=Decide(one["decide"]),
        implicit=one["implicit"],
        severity=None if severity is None else Severity(severity),
        place=place,
    )


def _arm(one: Mapping[str, Any], path: str) -> ArmTask:
    template = one.get("template", {})
    return ArmTask(
        messages=tuple((role, content) for role, content in one["messages"]),
        prompt_reference=one["prompt"],
        prompt_path=path,
        parameters=one["parameters"],
        model=ModelChoice(**one["model"]),
        engine=template.get("engine", "plain"),
        optional=template.get("optional", {}),
        variables=tuple(template.get("variables", ())),
    )


def _findings(plan: Mapping[str, Any], kept: GateSettings, record: RunRecord) -> FindingsTask:
    planned = plan.get("findings", {})
    gone = planned.get("waivers", {}).get("expired", [])
    waivers = tuple(use.waiver for use in record.waivers)
    expired = tuple(place in gone for place in range(len(waivers)))
    key_env = kept.findings.key_env
    return FindingsTask(plan["gate"], plan["dataset"]["name"], key_env, planned.get("key", ""), waivers, expired)
