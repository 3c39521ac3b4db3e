"""The cases file of a run: checked cases, one JSON line each, read by byte range."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evalgate.core.canonical import json_line
from evalgate.core.errors import Incomplete, Problem
from evalgate.core.strict_json import parse_json
from evalgate.core.values import ARMS, Case, Output, Status
from evalgate.runner.job import CASES_FILE, ShardSpan


@dataclass(frozen=True, slots=True)
class CaseLine:
    """One case as a worker reads it."""

    case: Case
    group: int | None
    """Cluster number over the whole dataset."""
    outputs: Mapping[str, tuple[Output, ...]]
    """Arm → answers, when they exist already; else empty."""


@dataclass(slots=True)
class CaseWriter:
    """Writes the cases file and remembers what is needed to cut it into shards."""

    folder: Path
    offsets: list[int] = field(default_factory=lambda: [0])
    groups: dict[str, int] = field(default_factory=dict)
    slice_values: dict[str, set[str]] = field(default_factory=dict)

    def write(self, lines: Iterable[tuple[Case, Mapping[str, tuple[Output, ...]]]]) -> None:
        """Write all cases.

        Raises: Incomplete when the disk refuses.
        """
        path = self.folder / CASES_FILE
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as handle:
                for case, outputs in lines:
                    data = json_line(self._value(case, outputs)).encode("utf-8")
                    handle.write(data)
                    self.offsets.append(self.offsets[-1] + len(data))
        except OSError as error:
            raise Incomplete(Problem(f"cannot be written: {error.strerror}", str(path), "free space, then run again")) from error

    @property
    def rows(self) -> int:
        """Cases written."""
        return len(self.offsets) - 1

    def spans(self, size: int) -> tuple[ShardSpan, ...]:
        """Cut the file into shards of `size` cases."""
        starts = range(0, self.rows, size)
        ends = [min(start + size, self.rows) for start in starts]
        return tuple(
            ShardSpan(start, end - start, self.offsets[start], self.offsets[end] - self.offsets[start])
            for start, end in zip(starts, ends, strict=True)
        )

    def _value(self, case: Case, outputs: Mapping[str, tuple[Output, ...]]) -> dict[str, Any]:
        for column, value in case.slices.items():
            self.slice_values.setdefault(column, set()).add(value)
        group = None if case.group is None else self.groups.setdefault(case.group, len(self.groups))
        return {
            "id": case.id,
            "fields": case.fields,
            "inputs": sorted(case.inputs),
            "references": list(case.references),
            "slices": case.slices,
            "group": group,
            "label": case.group,
            "place": case.place,
            "outputs": {arm: [_plain(output) for output in outputs[arm]] for arm in outputs},
        }


def read_shard_cases(folder: Path, span: ShardSpan) -> tuple[CaseLine, ...]:
    """Read the cases of one shard.

    Raises: Incomplete when the file no longer holds what was written.
    """
    path = folder / CASES_FILE
    with path.open("rb") as handle:
        handle.seek(span.offset)
        data = handle.read(span.length)
    lines = tuple(_lines(data))
    if len(data) != span.length or len(lines) != span.rows:
        raise Incomplete("the cases file changed during the run", where=str(path), hint="run again with --fresh")
    return lines


def _lines(data: bytes) -> Iterator[CaseLine]:
    for body in data.split(b"\n"):
        if not body:
            continue
        value = parse_json(body.decode("utf-8"))
        fields = value["fields"]
        case = Case(
            id=value["id"],
            fields=fields,
            inputs={name: fields[name] for name in value["inputs"]},
            references=tuple(value["references"]),
            slices=value["slices"],
            group=value["label"],
            place=value["place"],
        )
        outputs = {str(a): tuple(_output(o) for o in value["outputs"][a]) for a in ARMS if a in value["outputs"]}
        yield CaseLine(case, value["group"], outputs)


def _plain(output: Output) -> dict[str, Any]:
    return {
        "text": output.text,
        "value": output.value,
        "status": output.status,
        "error": output.error,
        "finish": output.finish,
        "request_key": output.request_key,
        "redacted": output.redacted,
        "latency_ms": output.latency_ms,
        "prompt_tokens": output.prompt_tokens,
        "completion_tokens": output.completion_tokens,
        "cost_usd": output.cost_usd,
        "labels": dict(output.labels),
    }


def _output(value: Mapping[str, Any]) -> Output:
    return Output(**{**value, "status": Status(value["status"])})
