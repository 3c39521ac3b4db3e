"""The job of a run: everything a worker needs, in one JSON file; workers receive a path and a shard number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from evalgate.core.canonical import digest, pretty_json
from evalgate.core.files import write_whole
from evalgate.core.settings import ModelChoice, PluginChoice
from evalgate.core.strict_json import parse_json
from evalgate.runner.finding_marks import FindingsTask, task_document, task_from

JOB_FILE = Path("work", "job.json")
CASES_FILE = Path("work", "cases.jsonl")
RECORDING_FILE = Path("work", "recording.json")
SHARDS_FOLDER = Path("shards")


@dataclass(frozen=True, slots=True)
class MetricTask:
    """One metric to measure."""

    choice: PluginChoice
    name: str
    """As printed, renaming applied."""
    reference: str | None
    """Another reference column than the card's, or None."""


@dataclass(frozen=True, slots=True)
class ArmTask:
    """How one variant asks."""

    messages: tuple[tuple[str, str], ...]
    """(role, template)."""
    prompt_reference: str
    prompt_path: str
    parameters: Mapping[str, Any]
    """The model's parameters with the prompt's own on top."""
    model: ModelChoice
    engine: str = "plain"
    """Template language of the messages."""
    optional: Mapping[str, Any] = field(default_factory=dict)
    """Inputs that a case need not have, with their defaults."""
    variables: tuple[str, ...] = ()
    """What a template with logic uses; empty: the placeholders say it."""


@dataclass(frozen=True, slots=True)
class ShardSpan:
    """Where a shard's cases stand in the cases file."""

    first: int
    rows: int
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class Job:
    """The work of a run."""

    plan_digest: str
    engine: str
    """Version of evalgate: rows of another version are not reused."""
    metrics: tuple[MetricTask, ...]
    detectors: tuple[PluginChoice, ...]
    arms: Mapping[str, ArmTask]
    """Empty when the outputs are already in the cases file."""
    samples: int
    slices: tuple[str, ...]
    shards: tuple[ShardSpan, ...]
    recording: str = ""
    """Seal of the recording: rows measured on other bytes are not reused."""
    judges: Mapping[str, ArmTask] = field(default_factory=dict)
    """Name of a judge → how it is asked about every answer."""
    findings: FindingsTask = field(default_factory=FindingsTask)
    repeats: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Arm → digest of an answer → the share of cases, with different inputs, to which it was given; empty unless a detector
    asks."""

    def digest(self) -> str:
        """Digest that a receipt must carry to count for this job."""
        return digest(self._document())

    def save(self, folder: Path) -> None:
        """Write the job into a run folder."""
        write_whole(folder / JOB_FILE, pretty_json(self._document()))

    def _document(self) -> Any:
        return _plain({**asdict(self), "findings": task_document(self.findings)})


def load_job(folder: Path, plan_digest: str) -> Job:
    """The job of a run folder, understood once per worker.

    Not once per folder and plan: a recording that was made anew may answer the same from other places.
    """
    return _job((folder / JOB_FILE).read_text(encoding="utf-8"), plan_digest)


@lru_cache(maxsize=4)
def _job(text: str, plan_digest: str) -> Job:
    value = parse_json(text)
    return Job(
        plan_digest=plan_digest,
        engine=value["engine"],
        metrics=tuple(MetricTask(_choice(m["choice"]), m["name"], m["reference"]) for m in value["metrics"]),
        detectors=tuple(_choice(d) for d in value["detectors"]),
        arms={name: _arm(arm) for name, arm in value["arms"].items()},
        samples=value["samples"],
        slices=tuple(value["slices"]),
        shards=tuple(ShardSpan(**s) for s in value["shards"]),
        recording=value["recording"],
        judges={name: _arm(judge) for name, judge in value["judges"].items()},
        findings=task_from(value["findings"]),
        repeats=value["repeats"],
    )


def shard_rows(cases: int) -> int:
    """Cases per shard: a function of the number of cases alone, so that workers and backends change nothing."""
    return min(4096, max(64, -(-cases // 16)))


def _choice(value: Mapping[str, Any]) -> PluginChoice:
    return PluginChoice(value["name"], value["parameters"], value["place"])


def _arm(value: Mapping[str, Any]) -> ArmTask:
    return ArmTask(
        messages=tuple((role, content) for role, content in value["messages"]),
        prompt_reference=value["prompt_reference"],
        prompt_path=value["prompt_path"],
        parameters=value["parameters"],
        model=ModelChoice(**value["model"]),
        engine=value["engine"],
        optional=value["optional"],
        variables=tuple(value["variables"]),
    )


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
