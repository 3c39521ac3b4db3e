"""plan.json: what will be judged, by which rules; its digest names the run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from evalgate.core.settings import GateSettings, Threshold
from evalgate.pipeline.instruments import Instruments
from evalgate.runner.job import ArmTask

SCHEMA = "evalgate.plan/1"


def plan_document(
    settings: GateSettings,
    built: Instruments,
    dataset: Mapping[str, Any],
    arms: Mapping[str, ArmTask],
    digests: Mapping[str, str],
) -> dict[str, Any]:
    """The plan of a `run`: only what can change its outcome, nothing of machine, time or place.

    `digests` holds those of both prompts, by variant, and of the recording.
    """
    return {
        "schema": SCHEMA,
        "gate": settings.gate,
        "dataset": dict(dataset),
        "variants": {name: _variant(arm, digests[name]) for name, arm in arms.items()},
        "proxy": {
            "mode": settings.proxy.mode,
            "recording": settings.proxy.recording,
            "recording_digest": digests["recording"],
        },
        **rules(settings, built),
    }


def rules(settings: GateSettings, built: Instruments) -> dict[str, Any]:
    """How it will be measured and decided, the same for `run` and `compare`."""
    return {
        "samples": settings.samples,
        "metrics": [
            {
                "name": i.spec.name,
                "plugin": i.task.choice.name,
                "parameters": plain(i.task.choice.parameters),
                "reference": i.task.reference,
            }
            for i in built.metrics
        ],
        "percentiles": [{"name": q.name, "metric": q.metric, "share": q.share} for q in built.quantiles],
        "safety": [
            {"category": spec.category, "plugin": choice.name, "parameters": plain(choice.parameters)}
            for choice, spec in built.detectors
        ],
        "slices": list(settings.slices),
        "thresholds": [_threshold(threshold) for threshold in settings.thresholds],
        "confidence": settings.confidence,
        "seed": settings.seed,
        "resamples": settings.resamples,
    }


def _variant(arm: ArmTask, prompt_digest: str) -> dict[str, Any]:
    return {
        "prompt": arm.prompt_reference,
        "prompt_digest": prompt_digest,
        "messages": [list(message) for message in arm.messages],
        "parameters": plain(arm.parameters),
        "model": plain(asdict(arm.model)),
        **_template(arm),
    }


def _template(arm: ArmTask) -> dict[str, Any]:
    """How the messages are filled in, where that is not the plain way."""
    if arm.engine == "plain" and not arm.optional:
        return {}
    return {"template": {"engine": arm.engine, "optional": plain(arm.optional), "variables": list(arm.variables)}}


def _threshold(threshold: Threshold) -> dict[str, Any]:
    return {
        "target": threshold.target,
        "bound": str(threshold.bound),
        "value": threshold.value,
        "relative": threshold.relative,
        "text": threshold.text,
        "slice": None if threshold.slice is None else {"column": threshold.slice.column, "value": threshold.slice.value},
        "level": str(threshold.level),
        "decide": str(threshold.decide),
        "implicit": threshold.implicit,
        **({} if threshold.severity is None else {"severity": str(threshold.severity)}),
    }


def plain(value: Any) -> Any:
    """A value as JSON has it: mappings and lists all the way down."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, (list, tuple)) else value
