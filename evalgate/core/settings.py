"""The gate configuration as frozen values: parsed and judged at the door, never changed after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from evalgate.core.values import Severity


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
    severity: Severity | None = None
    """For safety: only findings at least this severe count. None: all."""
    place: str = ""

    @property
    def target(self) -> str:
        """`metric:rougeL`, `safety:any`, `run:error_rate`."""
        return f"{self.kind}:{self.name}"

    @property
    def only(self) -> str | None:
        """What narrows a safety threshold: `high or worse`; None when every finding counts."""
        if self.severity is None or self.severity is Severity.LOW:
            return None
        return str(self.severity) if self.severity is Severity.CRITICAL else f"{self.severity} or worse"

    @property
    def subject(self) -> str:
        """The target with what narrows it: `safety:pii (high or worse)`."""
        return f"{self.target} ({self.only})" if self.only else self.target


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
    endpoint: str = "chat/completions"
    """`chat/completions` or `responses`; part of the identity of a request."""


@dataclass(frozen=True, slots=True)
class Upstream:
    """How a model is reached. Never part of a request's identity: another address gives the same keys."""

    base_url: str | None = None
    """Up to and including `/v1`; None: the environment's `OPENAI_BASE_URL`, else OpenAI's own."""
    api_key_env: str | None = None
    """Name of the environment variable that holds the key. None: `OPENAI_API_KEY`, and only for OpenAI itself, the address
    in `OPENAI_BASE_URL`, and this machine: a key goes to no other host unless its variable is named."""
    command: tuple[str, ...] = ()
    """Provider `command`: the program and its arguments."""
    function: str = ""
    """Provider `python`: `package.module:function`."""
    processes: int = 4
    """Providers `command` and `python`: calls at the same time."""


@dataclass(frozen=True, slots=True)
class CallLimits:
    """How hard an upstream may be pushed, and how long anything may take."""

    concurrency: int = 32
    """Calls in flight at most; the limiter goes below it when the upstream asks for less."""
    attempts: int = 5
    """Attempts per call for failures other than 429, which have a bound of their own."""
    timeout_s: float = 120.0
    """One attempt."""
    deadline_s: float = 600.0
    """One call, all attempts and waits together."""
    run_deadline_s: float = 21_600.0
    """All calls of a run."""
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None


@dataclass(frozen=True, slots=True)
class Budget:
    """What a run may spend; it stops before any of these is exceeded. None: no limit."""

    usd: float | None = None
    calls: int | None = None
    """Attempts that reach a provider, retries included."""
    tokens: int | None = None


@dataclass(frozen=True, slots=True)
class MockRule:
    """A canned answer, and when it is given."""

    text: str
    """The answer; `{{last}}` and `{{model}}` stand for the last user message and the model."""
    contains: str | None = None
    """A part of the last user message."""
    matches: str | None = None
    """An RE2 pattern found in the last user message."""
    model: str | None = None
    finish: str = "stop"


@dataclass(frozen=True, slots=True)
class MockFault:
    """A failure on a schedule."""

    kind: str
    """`rate_limit`, `server_error`, `timeout`, `truncated`, `slow`, `reset` or `error_body` (an error under HTTP 200)."""
    every: int | None = None
    """Each n-th attempt that arrives."""
    rate: float | None = None
    """Share of attempts, decided by key and attempt number, so that every order of arrival has the same faults."""
    first_attempts: int | None = None
    """Only the first n attempts of each request: whoever retries is answered."""
    status: int = 500
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class MockChoice:
    """How the mock answers: a deterministic function of the request's key."""

    rules: tuple[MockRule, ...] = ()
    otherwise: str = "words"
    """Without a matching rule: `words` (made from the key), `echo` (the last user message), or `miss`."""
    latency_ms_median: float = 200.0
    latency_ms_p95: float = 600.0
    words_min: int = 5
    words_max: int = 40
    faults: tuple[MockFault, ...] = ()
    paced: bool = False
    """Whether the latency is really waited; the server always waits when this is set."""


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
    limits: CallLimits = field(default_factory=CallLimits)
    budget: Budget = field(default_factory=Budget)
    mock: MockChoice = field(default_factory=MockChoice)


@dataclass(frozen=True, slots=True)
class FindingsChoice:
    """What reports may show of what detectors find, how it is recognised again, and what has been waived."""

    shown: bool = False
    """Whether reports show the texts that detectors found; False: they are masked."""
    key_env: str | None = None
    """Name of the environment variable that holds the key of the hashes; None: a public key made of gate and dataset."""
    waivers: str | None = None
    """The allow file as it was written; None: nothing is waived."""
    place: str = ""
    """`file:line` of the allow file's name, for messages."""


@dataclass(frozen=True, slots=True)
class ExecutionChoice:
    """Where the work is done. It changes no result, and is no part of the plan; the command line wins. None: not said."""

    backend: str | None = None
    address: str | None = None
    """Of the cluster."""
    storage: str | None = None
    """A store that all workers reach."""
    jobs: int | None = None


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
    root: Path = field(default=Path(), metadata={"kept": False})
    """The project: where datasets/, configs/ and reports/ are."""
    dataset_place: str = ""
    upstreams: Mapping[str, Upstream] = field(default_factory=dict, metadata={"kept": False})
    """Model alias → how it is reached; never part of the plan."""
    findings: FindingsChoice = field(default_factory=FindingsChoice)
    execution: ExecutionChoice = field(default_factory=ExecutionChoice)
