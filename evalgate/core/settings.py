"""The gate configuration as frozen values: parsed and judged at the door, never changed after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any


class Bound(StrEnum):
    """What a threshold asks."""

    MIN = "min"
    MAX = "max"
    MIN_IMPROVEMENT = "min_improvement"
    MAX_REGRESSION = "max_regression"
    MAX_NEWLY_FAILING = "max_newly_failing"
    MAX_INCREASE = "max_increase"
    MAX_NEW = "max_new"


class TargetKind(StrEnum):
    """What a threshold is about."""

    METRIC = "metric"
    SAFETY = "safety"
    RUN = "run"


class Level(StrEnum):
    """Whether a broken threshold blocks."""

    BLOCK = "block"
    WARN = "warn"


class Decide(StrEnum):
    """What a threshold is held against."""

    INTERVAL = "interval"
    ESTIMATE = "estimate"


@dataclass(frozen=True, slots=True)
class SliceChoice:
    """Where a threshold applies: one value of a slice column, or each value of it."""

    column: str | None = None
    """None with `each`: every value of every slice column."""
    value: str | None = None
    """None: each value."""

    def __str__(self) -> str:
        if self.column is None:
            return "each"
        return f"{self.column}={self.value}" if self.value is not None else f"{self.column}=each"


@dataclass(frozen=True, slots=True)
class Threshold:
    """One declared condition."""

    kind: TargetKind
    name: str
    """Metric as printed (`ndcg@5`, `latency_ms.p95`), safety category or `any`, or run figure."""
    bound: Bound
    value: float
    """The amount; 0.05 for `5%`."""
    relative: bool
    """True when written with `%` on an improvement or regression: a share of the baseline."""
    text: str
    """As the user wrote it: `5%`, `0.5`."""
    slice: SliceChoice | None = None
    level: Level = Level.BLOCK
    decide: Decide = Decide.INTERVAL
    implicit: bool = False
    """True for the thresholds that are always in force."""
    place: str = ""

    @property
    def target(self) -> str:
        """`metric:rougeL`, `safety:any`, `run:error_rate`."""
        return f"{self.kind}:{self.name}"


@dataclass(frozen=True, slots=True)
class PluginChoice:
    """A metric or detector named in the configuration, with its parameters."""

    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    place: str = ""


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """What a model alias stands for."""

    alias: str
    provider: str
    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    price_input: float | None = None
    """US dollars per million prompt tokens."""
    price_output: float | None = None
    """US dollars per million completion tokens."""


@dataclass(frozen=True, slots=True)
class VariantChoice:
    """One side of the comparison as the configuration names it."""

    prompt: str
    model: str
    place: str = ""


@dataclass(frozen=True, slots=True)
class ProxyChoice:
    """Where answers come from."""

    mode: str
    recording: str
    place: str = ""


@dataclass(frozen=True, slots=True)
class GateSettings:
    """One gate, resolved from YAML or from the command line of `compare`."""

    gate: str
    dataset: str
    baseline: VariantChoice
    candidate: VariantChoice
    models: Mapping[str, ModelChoice]
    proxy: ProxyChoice
    metrics: tuple[PluginChoice, ...]
    safety: tuple[PluginChoice, ...]
    slices: tuple[str, ...]
    thresholds: tuple[Threshold, ...]
    """As declared; the ones always in force are added by `with_standing_thresholds`."""
    samples: int = 1
    confidence: float = 0.95
    seed: int = 0
    resamples: int | None = None
    """Bootstrap replicates; None lets the number of cases decide."""
    reports: tuple[str, ...] = ("html", "junit", "markdown")
    path: Path | None = None
    """The configuration file."""
    root: Path = Path()
    """The project: where datasets/, configs/ and reports/ are."""
    dataset_place: str = ""
