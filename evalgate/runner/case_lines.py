"""The cases of a run, one JSON line each: written shard by shard while the rest is still being read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evalgate.core.canonical import digest_bytes, json_line
from evalgate.core.errors import Incomplete
from evalgate.core.refusal import refused
from evalgate.core.strict_json import parse_json
from evalgate.core.values import ARMS, Case, Output, Status
from evalgate.runner.job import CASES_FOLDER, ShardTask, shard_rows

_MAYBE = ("value", "error", "finish", "request_key", "latency_ms", "prompt_tokens", "completion_tokens", "cost_usd")
"""What an output may have, and has not as None."""


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
    """Cuts the cases into shards, writes each one's lines, and remembers what the whole has."""

    folder: Path
    rows: int = 0
    """Cases written."""
    groups: dict[str, int] = field(default_factory=dict)
    slice_values: dict[str, set[str]] = field(default_factory=dict)

    def shards(self, lines: Iterable[tuple[Case, Mapping[str, tuple[Output, ...]]]]) -> Iterator[ShardTask]:
        """Write the cases of one shard after the other; each can be measured as soon as it is given.

        Raises: Incomplete when the disk refuses.
        """
        kept: list[bytes] = []
        shard = 0
        for case, outputs in lines:
            kept.append(json_line(self._value(case, outputs)).encode("utf-8"))
            if len(kept) == shard_rows(shard):
                yield self._write(shard, kept)
                shard, kept = shard + 1, []
        if kept:
            yield self._write(shard, kept)

    def _write(self, shard: int, lines: list[bytes]) -> ShardTask:
        data = b"".join(lines)
        path = cases_path(self.folder, shard)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        except OSError as error:
            raise refused(error, path) from error
        first, self.rows = self.rows, self.rows + len(lines)
        return ShardTask(shard, first, len(lines), digest_bytes(data))

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


def cases_path(folder: Path, shard: int) -> Path:
    """The file with the cases of a shard."""
    return folder / CASES_FOLDER / f"{shard:05d}.jsonl"


def read_shard_cases(folder: Path, task: ShardTask) -> tuple[CaseLine, ...]:
    """Read the cases of one shard.

    Raises: Incomplete when the file no longer holds what was written.
    """
    path = cases_path(folder, task.shard)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise Incomplete(f"the cases cannot be read: {error.strerror}", where=str(path), hint="run again") from error
    if digest_bytes(data) != task.cases:
        raise Incomplete("the cases file changed during the run", where=str(path), hint="run again with --fresh")
    return tuple(_lines(data))


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
    """What an output has beside the usual: most have a text and nothing else, and a million cases have two million of them."""
    kept: dict[str, Any] = {"text": output.text}
    for name in _MAYBE:
        value = getattr(output, name)
        if value is not None:
            kept[name] = value
    if output.status is not Status.OK:
        kept["status"] = output.status
    if output.redacted:
        kept["redacted"] = True
    if output.labels:
        kept["labels"] = dict(output.labels)
    return kept


def _output(value: Mapping[str, Any]) -> Output:
    if len(value) == 1:
        return Output(text=value["text"])
    return Output(**{**value, "status": Status(value.get("status", Status.OK))})
