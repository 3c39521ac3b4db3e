"""What a worker and its cell say to each other: JSON and raw numbers with their lengths before them, and never a pickle."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from typing import Any

from evalgate.core.values import Case, Expectation, JsonValue, MetricSpec, Output, Status

LENGTHS = struct.Struct(">QQ")
"""Bytes of the JSON part, bytes of the numbers that follow it."""
MOST_SAID = 300
"""Characters of a message that somebody else's code gave."""
_PLAIN: Mapping[str, Any] = {
    "value": None,
    "error": None,
    "finish": None,
    "latency_ms": None,
    "prompt_tokens": None,
    "completion_tokens": None,
    "cost_usd": None,
    "request_key": None,
    "redacted": False,
    "shared": 0.0,
}
"""Fields of an output that are JSON as they are, with what they are where nobody said anything."""


def message(value: Mapping[str, Any], numbers: bytes = b"") -> bytes:
    """One message: lengths, JSON, numbers."""
    text = json.dumps(value, default=dict, check_circular=False).encode("ascii")
    return LENGTHS.pack(len(text), len(numbers)) + text + numbers


def pairs_document(outputs: Sequence[Output], expectations: Sequence[Expectation]) -> dict[str, JsonValue]:
    """Outputs with what is expected of them; what several outputs share is said once."""
    places: dict[int, int] = {}
    told: list[JsonValue] = []
    for expectation in expectations:
        if id(expectation) not in places:
            places[id(expectation)] = len(told)
            told.append({"references": list(expectation.references), "case": _case_document(expectation.case)})
    return {
        "outputs": [output_document(output) for output in outputs],
        "expectations": told,
        "wanted": [places[id(expectation)] for expectation in expectations],
    }


def pairs_from(document: Mapping[str, Any]) -> tuple[list[Output], list[Expectation]]:
    """The inverse of `pairs_document`: outputs that shared an expectation share it again."""
    told = [Expectation(tuple(one["references"]), _case_from(one["case"])) for one in document["expectations"]]
    return [output_from(one) for one in document["outputs"]], [told[place] for place in document["wanted"]]


def output_document(output: Output) -> dict[str, JsonValue]:
    """An output as JSON; fields that say nothing are left out."""
    document: dict[str, JsonValue] = {"text": output.text, "status": str(output.status)}
    for name, silent in _PLAIN.items():
        value = getattr(output, name)
        if type(value) is not type(silent) or value != silent:
            document[name] = value
    if output.messages:
        document["messages"] = output.messages
    if output.labels:
        document["labels"] = dict(output.labels)
    if output.judgements:
        document["judgements"] = {name: output_document(one) for name, one in output.judgements.items()}
    return document


def output_from(document: Mapping[str, Any]) -> Output:
    """The inverse of `output_document`."""
    return Output(
        text=document["text"],
        status=Status(document["status"]),
        messages=tuple((role, content) for role, content in document.get("messages", ())),
        labels=document.get("labels", {}),
        judgements={name: output_from(one) for name, one in document.get("judgements", {}).items()},
        **{name: document[name] for name in _PLAIN if name in document},
    )


def spec_document(spec: MetricSpec) -> dict[str, JsonValue]:
    """The facts of a metric as JSON."""
    return {name: getattr(spec, name) for name in MetricSpec.__dataclass_fields__}


def told_text(value: object) -> str:
    """A text that came out of a cell: short, and such that every file can hold it."""
    return str(value)[: 2 * MOST_SAID].encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "\\0")


def _case_document(case: Case) -> dict[str, JsonValue]:
    return {
        "id": case.id,
        "fields": dict(case.fields),
        "inputs": dict(case.inputs),
        "references": list(case.references),
        "slices": dict(case.slices),
        "group": case.group,
        "place": case.place,
    }


def _case_from(document: Mapping[str, Any]) -> Case:
    return Case(**{**document, "references": tuple(document["references"])})
