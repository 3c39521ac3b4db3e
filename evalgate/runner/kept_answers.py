"""What a shard keeps of answers and cases beside their texts, so that they can be measured again from the shard alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from evalgate.core.values import ARMS, Case, Output, Status
from evalgate.metrics.catalog import BUILTINS
from evalgate.runner.case_lines import CaseLine
from evalgate.runner.job import Job
from evalgate.runner.metric_errors import UNMEASURED
from evalgate.runner.shard_file import ANSWERS, LATENCY

FIELDS = "fields"
_FIRST = ("text", "value", "finish", "request_key", LATENCY, "prompt_tokens", "completion_tokens")
"""Members of the first answer that every shard keeps."""
_LATER = ("messages", "shared", "judgements")
"""Members that are made again, or kept in another form."""
_PLAIN = Output(text="")
_NAMES = tuple(one.name for one in fields(Output) if one.name not in _LATER)
_JUDGED = ("text", "value", "status", "error", "finish", "request_key", "redacted")


def reads_fields(job: Job) -> bool:
    """Whether anything that measures may read columns that are no inputs."""
    metrics = job.metrics
    return bool(job.detectors) or any(one.reference is not None or one.choice.name not in BUILTINS for one in metrics)


def kept_members(outputs: Sequence[Output]) -> dict[str, Any]:
    """Of the answers to a case, whatever does not stand beside their texts anyway; nothing for most.

    How the prompt was rendered, and how often the same answer was given, is found again from the whole run.
    """
    if len(outputs) == 1 and _is_plain(outputs[0]):
        return {}
    several = len(outputs) > 1
    return {ANSWERS: [_lacking(one, first=number == 0, several=several) for number, one in enumerate(outputs)]}


def _is_plain(output: Output) -> bool:
    return not (output.cost_usd is not None or output.redacted or output.labels or output.judgements)


def _lacking(output: Output, *, first: bool, several: bool) -> dict[str, Any]:
    known = _FIRST if first else ("text",)
    known = known if several else (*known, "status", "error")
    # Also where it is not known, so that the same answers have the same digest, however long they took.
    later = {} if first else {LATENCY: output.latency_ms}
    return (
        _members(output, [name for name in _NAMES if name not in known])
        | later
        | ({"judgements": {name: _members(one, _JUDGED) for name, one in output.judgements.items()}} if output.judgements else {})
    )


def _members(output: Output, names: Sequence[str]) -> dict[str, Any]:
    found = {name: getattr(output, name) for name in names}
    return {name: _value(value) for name, value in found.items() if value != getattr(_PLAIN, name)}


def _value(value: Any) -> Any:
    return str(value) if isinstance(value, Status) else dict(value) if isinstance(value, Mapping) else value


def answers_in(side: Mapping[str, Any]) -> tuple[Output, ...]:
    """The answers of one variant to a case, out of its side.

    Raises: KeyError, TypeError or ValueError for what no shard keeps.
    """
    texts = [side["text"], *side["more"]]
    kept = side.get(ANSWERS, [{} for _ in texts])
    first = {name: side[name] for name in _FIRST}
    if len(texts) == 1 and UNMEASURED not in side:
        first |= {"status": side["status"], "error": side["error"]}
    members = [
        {**(first if number == 0 else {"text": text}), **one} for number, (text, one) in enumerate(zip(texts, kept, strict=True))
    ]
    return tuple(_output(one) for one in members)


def _output(members: Mapping[str, Any]) -> Output:
    judged = {name: _output({"text": "", **one}) for name, one in members.get("judgements", {}).items()}
    return Output(**{**members, "status": Status(members.get("status", Status.OK)), "judgements": judged})


def line_in(case_id: str, detail: Mapping[str, Any], group: int | None) -> CaseLine:
    """A case as it was measured, out of its details; `group` is the number of its cluster."""
    inputs = dict(detail["inputs"])
    case = Case(
        id=case_id,
        fields={**inputs, **detail.get(FIELDS, {})},
        inputs=inputs,
        references=tuple(detail["references"]),
        slices=detail["slices"],
        group=detail["group"],
        place=f"case {case_id}",
    )
    return CaseLine(case, group, {str(arm): answers_in(detail[str(arm)]) for arm in ARMS})
