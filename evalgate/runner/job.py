"""The job of a run: everything a worker needs but the cases, in one JSON file; workers receive a path and a shard's task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from evalgate.core.canonical import digest, pretty_json
from evalgate.core.errors import Incomplete
from evalgate.core.files import write_whole
from evalgate.core.settings import ModelChoice, PluginChoice
from evalgate.core.strict_json import parse_json
from evalgate.runner.finding_marks import FindingsTask, task_document, task_from

JOB_FILE = Path("work", "job.json")
CASES_FOLDER = Path("work", "cases")
RECORDING_FILE = Path("work", "recording.json")
SHARDS_FOLDER = Path("shards")
SMALLEST_SHARD = 64
SAME_SIZE = 4
"""Shards of one size before the size doubles."""
DOUBLINGS = 5


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
class ShardTask:
    """One shard to do: its cases stand in a file of their own."""

    shard: int
    first: int
    """Number of its first case, from 0."""
    rows: int
    cases: str
    """Digest of its case lines: rows measured on other cases are not reused."""


@dataclass(frozen=True, slots=True)
class Job:
    """How every case of a run is measured. Nothing in it depends on the cases, which are still being read when work begins."""

    engine: str
    """Version of evalgate: rows of another version are not reused."""
    metrics: tuple[MetricTask, ...]
    detectors: tuple[PluginChoice, ...]
    arms: Mapping[str, ArmTask]
    """Empty when the outputs are already in the cases file."""
    samples: int
    slices: tuple[str, ...]
    recording: str = ""
    """Seal of the recording: rows measured on other bytes are not reused."""
    judges: Mapping[str, ArmTask] = field(default_factory=dict)
    """Name of a judge → how it is asked about every answer."""
    findings: FindingsTask = field(default_factory=FindingsTask)
    repeats: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Arm → digest of an answer → the share of cases, with different inputs, to which it was given; empty unless a detector
    asks."""
    versions: Mapping[str, str] = field(default_factory=dict)
    """Versions of what measures, where the run was started: rows that others measured are not put together with them."""

    @property
    def choices(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The names of the metrics and of the detectors, as the configuration has them."""
        return tuple(task.choice.name for task in self.metrics), tuple(choice.name for choice in self.detectors)

    def digest(self) -> str:
        """Digest that a receipt must carry to count for this job; where something was written changes no row."""
        metrics = tuple(replace(one, choice=replace(one.choice, place="")) for one in self.metrics)
        detectors = tuple(replace(one, place="") for one in self.detectors)
        arms, judges = ({name: replace(one, prompt_path="") for name, one in some.items()} for some in (self.arms, self.judges))
        return digest(replace(self, metrics=metrics, detectors=detectors, arms=arms, judges=judges)._document())

    def save(self, folder: Path) -> None:
        """Write the job into a run folder."""
        write_whole(folder / JOB_FILE, pretty_json(self._document()))

    def _document(self) -> Any:
        return _plain({**asdict(self), "findings": task_document(self.findings)})


def load_job(folder: Path, digest: str) -> Job:
    """The job of a run folder, understood once per worker.

    Raises: Incomplete when the folder holds another job by now.
    """
    text = (folder / JOB_FILE).read_text(encoding="utf-8")
    job = _job(text)
    if _digest_of(text) != digest:
        raise Incomplete("the job of the run folder changed", where=str(folder), hint="run again")
    return job


@lru_cache(maxsize=4)
def _digest_of(text: str) -> str:
    return _job(text).digest()


@lru_cache(maxsize=4)
def _job(text: str) -> Job:
    value = parse_json(text)
    return Job(
        engine=value["engine"],
        metrics=tuple(MetricTask(_choice(m["choice"]), m["name"], m["reference"]) for m in value["metrics"]),
        detectors=tuple(_choice(d) for d in value["detectors"]),
        arms={name: _arm(arm) for name, arm in value["arms"].items()},
        samples=value["samples"],
        slices=tuple(value["slices"]),
        recording=value["recording"],
        judges={name: _arm(judge) for name, judge in value["judges"].items()},
        findings=task_from(value["findings"]),
        repeats=value["repeats"],
        versions=value["versions"],
    )


def shard_rows(shard: int) -> int:
    """Cases of a shard: a function of its place alone, so that neither workers nor a total that is not known yet matter.

    Shards grow from 64 to 2,048 cases: a small run is spread over its workers, and a large one has few files.
    """
    return SMALLEST_SHARD << min(shard // SAME_SIZE, DOUBLINGS)


def shard_count(cases: int) -> int:
    """How many shards a number of cases makes."""
    shard = 0
    while cases > 0:
        cases -= shard_rows(shard)
        shard += 1
    return shard


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
