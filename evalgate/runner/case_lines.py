"""The cases of a run, one line each: written shard by shard while the rest is still being read.

A line is JSON, a tab, and where the case stands, which is for messages alone: the digest of a shard's cases leaves it out, and so
is the same wherever a project lies.
"""

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
        kept: list[tuple[bytes, bytes]] = []
        shard = 0
        for case, outputs in lines:
            kept.append((json_line(self._value(case, outputs)).encode("utf-8"), _shown(case.place)))
            if len(kept) == shard_rows(shard):
                yield self._write(shard, kept)
                shard, kept = shard + 1, []
        if kept:
            yield self._write(shard, kept)

    def _write(self, shard: int, lines: list[tuple[bytes, bytes]]) -> ShardTask:
        data = b"".join([line[:-1] + place for line, place in lines])
        path = cases_path(self.folder, shard)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        except OSError as error:
            raise refused(error, path) from error
        first, self.rows = self.rows, self.rows + len(lines)
        return ShardTask(shard, first, len(lines), digest_bytes(b"".join([line for line, _ in lines])))

    def _value(self, case: Case, outputs: Mapping[str, tuple[Output, ...]]) -> dict[str, Any]:
        for column, value in case.slices.items():
            self.slice_values.setdefault(column, set()).add(value)
        group = None if case.group is None else self.groups.setdefault(case.group, len(self.groups))
        return line_value(CaseLine(case, group, outputs))


def line_value(line: CaseLine) -> dict[str, Any]:
    """A case as its line has it, without its place."""
    case = line.case
    return {
        "id": case.id,
        "fields": case.fields,
        "inputs": sorted(case.inputs),
        "references": list(case.references),
        "slices": case.slices,
        "group": line.group,
        "label": case.group,
        "outputs": {arm: [_plain(output) for output in outputs] for arm, outputs in line.outputs.items()},
    }


def digest_of_lines(lines: Iterable[CaseLine]) -> str:
    """The digest that the receipt of a shard has of its cases."""
    return digest_bytes("".join(json_line(line_value(line)) for line in lines).encode("utf-8"))


def digest_of_cases(data: bytes) -> str:
    """The same, of the bytes of a file with cases."""
    return digest_bytes(b"".join([body + b"\n" for body, _ in _bodies(data)]))


def _shown(place: str) -> bytes:
    """A place as the end of a line; what would end it early is a space in messages."""
    return b"\t" + place.replace("\n", " ").encode("utf-8", "backslashreplace") + b"\n"


def _bodies(data: bytes) -> list[tuple[bytes, bytes]]:
    """(what is digested, place) of every line; JSON holds no tab of its own."""
    found = [line.partition(b"\t") for line in data.split(b"\n") if line]
    return [(body, place) for body, _, place in found]


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
    if digest_of_cases(data) != task.cases:
        raise Incomplete("the cases file changed during the run", where=str(path), hint="run again with --fresh")
    return tuple(_lines(data))


def _lines(data: bytes) -> Iterator[CaseLine]:
    for body, place in _bodies(data):
        value = parse_json(body.decode("utf-8"))
        fields = value["fields"]
        case = Case(
            id=value["id"],
            fields=fields,
            inputs={name: fields[name] for name in value["inputs"]},
            references=tuple(value["references"]),
            slices=value["slices"],
            group=value["label"],
            place=place.decode("utf-8", "replace"),
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
