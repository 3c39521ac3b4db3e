"""The values that travel between rooms: cases, outputs and what a case expects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

JsonValue = Any
"""A value that JSON can hold (None, bool, int, float, str, list, dict); checked where it enters."""


class Arm(StrEnum):
    """The two variants of a gate."""

    BASELINE = "baseline"
    CANDIDATE = "candidate"


ARMS = (Arm.BASELINE, Arm.CANDIDATE)


@dataclass(frozen=True, slots=True)
class Case:
    """One row of a golden dataset."""

    id: str
    """Unique within the dataset, compared after NFC normalisation."""
    fields: Mapping[str, JsonValue]
    """The whole row as it stands in the data, the id included."""
    inputs: Mapping[str, JsonValue]
    """What the prompt may use."""
    references: tuple[JsonValue, ...]
    """The expected answers of the card's `reference` column(s): texts, or structured values (relevance grades,
    item lists, JSON). A list column of texts gives several references. Empty when the dataset has none."""
    slices: Mapping[str, str]
    """Slice column → value, as text."""
    group: str | None = None
    """The cluster of paraphrases or turns this case belongs to."""
    place: str = ""
    """`file:line` of the row, for messages."""


class Status(StrEnum):
    """Whether a model answered."""

    OK = "ok"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Output:
    """One answer of one variant to one case."""

    text: str
    """The answer as text; empty when `status` is error."""
    value: JsonValue = None
    """The answer as data when it was given as data (a ranked list in a `.jsonl` column); else None."""
    status: Status = Status.OK
    error: str | None = None
    """Why there is no answer, when `status` is error."""
    finish: str | None = None
    """`stop`, `length`, `content_filter` … as the provider said."""
    latency_ms: float | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cost_usd: float | None = None
    """Cost of this call in US dollars, from the model's declared price."""
    request_key: str | None = None
    """Key of the recorded exchange this answer came from."""
    redacted: bool = False
    """Whether something that is or looks like a secret was taken out of the text before it was recorded."""
    messages: tuple[tuple[str, str], ...] = ()
    """The rendered prompt that it answers, as (role, content); empty where no prompt is known."""
    labels: Mapping[str, JsonValue] = field(default_factory=dict)
    """What people said about it: the other columns of a file of outputs."""
    judgements: Mapping[str, Output] = field(default_factory=dict)
    """Name of a judge → its answer about this output; an answer that was lost is an error."""
    shared: float = 0.0
    """Share of all cases, with different inputs, to which its variant gave this same answer; 0 where no detector asks."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """What an output is measured against: the references of its case, and the case itself."""

    references: tuple[JsonValue, ...]
    case: Case


class Direction(StrEnum):
    """Which way a metric is better."""

    HIGHER = "higher"
    LOWER = "lower"


class Scale(StrEnum):
    """How a metric's score follows from its rows; it chooses the statistical method."""

    MEAN = "mean"
    """score = sum of column 0 / sum of column 1 (the count), averaged over cases."""
    PROPORTION = "proportion"
    """A mean of zeros and ones: pass or fail per case."""
    CORPUS = "corpus"
    """A function of the summed rows that is not a mean (BLEU, chrF, TER)."""
    QUANTILE = "quantile"
    """A percentile of the per-case values."""


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """The facts of one metric, all mandatory."""

    name: str
    """As printed, parameters included: `ndcg@5`."""
    direction: Direction
    unit: str
    """`0-100`, `0-1`, `ms`, `tokens`, `USD`, `characters` …"""
    low: float | None
    """Smallest possible score; None when unbounded."""
    high: float | None
    """Largest possible score; None when unbounded."""
    version: str
    columns: int
    """d: numbers per row."""
    scale: Scale
    signature: str
    """The recipe of the number: `tok:13a|smooth:exp|…`; a score without it is not a result."""
    needs_reference: bool = True

    @property
    def higher_is_better(self) -> bool:
        """Whether a larger score is better."""
        return self.direction is Direction.HIGHER

    @property
    def worst(self) -> float | None:
        """The worst possible score, or None when there is no bound on that side."""
        return self.low if self.higher_is_better else self.high

    @property
    def best(self) -> float | None:
        """The best possible score, or None when there is no bound on that side."""
        return self.high if self.higher_is_better else self.low


class Severity(StrEnum):
    """How bad a finding is."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """1 for low to 4 for critical; 0 is left for "nothing found"."""
        return _RANKS[self]


_RANKS = {severity: rank for rank, severity in enumerate(Severity, start=1)}


@dataclass(frozen=True, slots=True)
class Finding:
    """One safety violation in one output. The text itself is not kept: a span and a rule say where and what."""

    category: str
    rule: str
    severity: Severity
    start: int
    """Offset of the first character in the output."""
    end: int
    """Offset after the last character."""
    undecided: bool = False
    """The detector could not tell (a judge's answer that cannot be read): an error, which never counts as clean."""


@dataclass(frozen=True, slots=True)
class DetectorSpec:
    """The facts of one detector."""

    name: str
    category: str
    version: str
    signature: str
    sensitive: bool = True
    """Whether reports mask what it finds, unless the run's policy shows it. False only where the text itself harms nobody
    (an empty answer, a refusal)."""
    reads: tuple[str, ...] = ()
    """Columns of a file of outputs that it reads (`Output.labels`)."""
    repeated: float | None = None
    """Share of the cases from which on it must know that an answer is the same (`Output.shared`); None: it looks at each
    output alone."""
    highest: Severity = Severity.CRITICAL
    """No finding of it is more severe."""
