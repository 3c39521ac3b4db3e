"""The JSON Schema of a gate configuration, for editors that complete and check while one types."""

from __future__ import annotations

from typing import Any

from evalgate.config.thresholds import BOUNDS, NAME, RUN_FIGURES
from evalgate.core.settings import Bound, Decide, Level, TargetKind
from evalgate.core.values import Severity

_COUNTS = "A whole number of cases; 2% is of the cases examined."
_BOUND_TEXTS = {
    (TargetKind.METRIC, Bound.MIN): "The candidate's own value must be at least this.",
    (TargetKind.METRIC, Bound.MAX): "The candidate's own value must be at most this.",
    (TargetKind.METRIC, Bound.MIN_IMPROVEMENT): "The candidate must be better by this much; 5% is of the baseline.",
    (TargetKind.METRIC, Bound.MAX_REGRESSION): "The candidate may be worse by this much; 5% is of the baseline.",
    (TargetKind.METRIC, Bound.MAX_NEWLY_FAILING): "Cases that passed before and may fail now; 2% is of the stable ones.",
    (TargetKind.SAFETY, Bound.MAX): "Violating cases that the candidate may have. " + _COUNTS,
    (TargetKind.SAFETY, Bound.MAX_INCREASE): "Violating cases that may be added; 5% is of the baseline's.",
    (TargetKind.SAFETY, Bound.MAX_NEW): "Cases that were clean before and may violate now. " + _COUNTS,
    (TargetKind.RUN, Bound.MIN): "The figure must be at least this.",
    (TargetKind.RUN, Bound.MAX): "The figure must be at most this.",
}
_PERCENT = {"type": "string", "pattern": r"^([0-9]+(\.[0-9]*)?|\.[0-9]+) ?%$"}
_SLICE_TEXT = "Judge one slice ({language: de}), each value of a column ({language: each}), or each slice."


def config_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a configuration file; the same dictionary in the same order every time."""
    from evalgate.config.schema_models import GateFile

    schema = GateFile.model_json_schema()
    for entry in (schema, *schema["$defs"].values()):
        without_empty(entry)
    properties = schema["properties"]
    for key, word in (("metrics", "metric"), ("safety", "detector")):
        properties[key] = choices_schema(properties[key]["description"], word)
    properties["slices"]["uniqueItems"] = True
    properties["reports"]["uniqueItems"] = True
    properties["thresholds"] = thresholds_schema(properties["thresholds"]["description"])
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "evalgate gate configuration"}
    measures = {key: {"minItems": 1} for key in ("metrics", "safety")}
    either = [{"required": [key], "properties": {key: rule}} for key, rule in measures.items()]
    return {**head, **{key: value for key, value in schema.items() if key != "title"}, "anyOf": either}


def thresholds_schema(description: str) -> dict[str, Any]:
    """The shape of a list of thresholds."""
    items = {"oneOf": [_threshold(kind) for kind in TargetKind]}
    return {"type": "array", "minItems": 1, "description": description, "items": items}


def without_empty(entry: dict[str, Any]) -> None:
    """Take out the default null of keys that may be left out, but not left empty."""
    for key in entry.get("properties", {}).values():
        if key.get("default", ...) is None and ("anyOf" not in key or {"type": "null"} not in key["anyOf"]):
            del key["default"]


def choices_schema(description: str, word: str) -> dict[str, Any]:
    """The shape of a list of metrics or detectors."""
    name = {"type": "string", "pattern": _pattern(), "description": f"Name of a {word}."}
    parameters = {
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "propertyNames": {"pattern": _pattern()},
        "additionalProperties": {"type": "object"},
        "description": f"A {word} with parameters: {{name: {{parameter: value}}}}.",
    }
    return {"type": "array", "description": description, "items": {"anyOf": [name, parameters]}}


def _threshold(kind: TargetKind) -> dict[str, Any]:
    """The shape of a threshold about a metric, a safety category or a run figure."""
    bounds = BOUNDS[kind]
    target: dict[str, Any] = {"type": "string", "description": _target_text(kind)}
    severity = {"enum": [each.value for each in Severity], "description": "Count only findings at least this severe."}
    target |= {"enum": list(RUN_FIGURES)} if kind is TargetKind.RUN else {"pattern": _pattern()}
    return {
        "type": "object",
        "title": f"threshold on {kind}",
        "additionalProperties": False,
        "required": [kind.value],
        "anyOf": [{"required": [bound.value]} for bound in bounds],
        "properties": {
            kind.value: target,
            **{bound.value: _bound(kind, bound) for bound in bounds},
            "slice": _slice(),
            "level": {"enum": [level.value for level in Level], "description": "warn does not block."},
            "decide": {"enum": [way.value for way in Decide], "description": "estimate ignores uncertainty."},
            **({"severity": severity} if kind is TargetKind.SAFETY else {}),
        },
    }


def _bound(kind: TargetKind, bound: Bound) -> dict[str, Any]:
    text = {"description": _BOUND_TEXTS[kind, bound]}
    if kind is TargetKind.SAFETY or bound is Bound.MAX_NEWLY_FAILING:
        return {"anyOf": [{"type": "integer", "minimum": 0}, _PERCENT], **text}
    free = kind is TargetKind.METRIC and bound in {Bound.MIN, Bound.MAX}
    number = {"type": "number"} if free else {"type": "number", "minimum": 0}
    percent = {"type": "string", "pattern": _PERCENT["pattern"].replace("^", "^-?")} if free else _PERCENT
    return {"anyOf": [number, percent], **text}


def _slice() -> dict[str, Any]:
    one = {
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": {"type": ["string", "integer"]},
    }
    return {"anyOf": [{"const": "each"}, one], "description": _SLICE_TEXT}


def _target_text(kind: TargetKind) -> str:
    return {
        TargetKind.METRIC: "A metric as printed: exact_match, ndcg@5, latency_ms.p95.",
        TargetKind.SAFETY: "A safety category, or any.",
        TargetKind.RUN: "A figure of the run itself.",
    }[kind]


def _pattern() -> str:
    r"""The pattern of a name, anchored as JSON Schema needs it (`\Z` is not known there)."""
    return "^" + NAME.pattern.removesuffix(r"\Z") + "$"
