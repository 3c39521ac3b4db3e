"""What a finished run knows, in the form that reports are made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from evalgate.core.attempts import Attempts
from evalgate.core.detector_card import DetectorCard
from evalgate.core.health import HealthReport
from evalgate.core.settings import GateSettings
from evalgate.core.values import Finding, JsonValue, Status
from evalgate.core.verdict import RunIdentity, Verdict
from evalgate.core.waivers import FoundFinding, WaiverUse


@dataclass(frozen=True, slots=True)
class TextMark:
    """A part of a shown text that stands for a finding."""

    start: int
    end: int
    label: str
    """What was found there, for a reader who points at it."""
    masked: bool
    """Whether the part stands in the place of the text; False: it is the text itself, highlighted."""


@dataclass(frozen=True, slots=True)
class ArmRecord:
    """One variant's side of one case."""

    messages: tuple[tuple[str, str], ...]
    """The rendered prompt as (role, content); empty for `compare`, where no prompt is known."""
    text: str
    """As reports may show it: what detectors found is masked, unless the run's policy shows it."""
    status: Status
    error: str | None
    request_key: str | None
    latency_ms: float | None
    scores: Mapping[str, float | None]
    """Metric → score of this case alone; None where undefined."""
    findings: tuple[Finding, ...]
    found: tuple[FoundFinding, ...] = ()
    """The same findings with what recognises each of them again, and what waives it; in the order of `findings`."""
    found_texts: tuple[str, ...] = ()
    """What was found, for each of `found`; empty once the record is masked."""
    marks: tuple[TextMark, ...] = ()
    """What is masked or highlighted in `text`, in order, without overlap."""


@dataclass(frozen=True, slots=True)
class CaseRecord:
    """One case with both answers, as a report shows it."""

    id: str
    movement: str
    """`regressed`, `improved` or `unchanged`, by the metric that `CaseCounts.by` names."""
    newly_violating: bool
    change: float | None
    """How much better the candidate is by that metric (negative: worse); None where not measured."""
    slices: Mapping[str, str]
    group: str | None
    inputs: Mapping[str, JsonValue]
    references: tuple[JsonValue, ...]
    baseline: ArmRecord
    candidate: ArmRecord
    masks: tuple[str, ...] = ()
    """The marks that stand in the place of masked texts, as they appear in this case's texts."""


@dataclass(frozen=True, slots=True)
class PromptRecord:
    """A prompt as it was when judged."""

    reference: str
    """`name@version` or the path, as configured."""
    path: str
    digest: str
    messages: tuple[tuple[str, str], ...]
    """Unrendered (role, template), masked like the cases."""
    parameters: Mapping[str, Any]
    model: str
    """Alias and provider name."""
    line: int = 1
    """Line of the file on which the first message begins that the other variant does not have; 1 where none does."""
    use: Mapping[str, str] = field(default_factory=dict)
    """What the file says of its use: `intended_use`, `owner` …; what it does not say is missing. Records that were written
    before this was kept have none."""


@dataclass(frozen=True, slots=True)
class DeltaHistogram:
    """How the scores of single cases moved by one metric: candidate - baseline, in the metric's own unit."""

    metric: str
    widest: float
    """The bins cover -widest to +widest, all of the same width; 0 where nothing moved."""
    counts: tuple[int, ...]
    """Cases that moved, bin by bin; cases that did not are in none of them."""
    unchanged: int
    undefined: int
    """Cases without a score on either side."""


@dataclass(frozen=True, slots=True)
class RunRecord:
    """Everything a report may say about a run."""

    verdict: Verdict
    identity: RunIdentity
    settings: GateSettings
    document: Mapping[str, Any]
    """The content of verdict.json."""
    manifest: Mapping[str, Any]
    """The content of manifest.json: digests of every input and of the rows."""
    dataset_card: Mapping[str, Any]
    """The card of the golden dataset; for `compare` what is known of the files."""
    prompts: Mapping[str, PromptRecord]
    """`baseline` and `candidate`; empty for `compare`."""
    cases: tuple[CaseRecord, ...]
    """The selection that reports show: newly violating, errored and regressed first, worst first."""
    cases_omitted: int
    """Cases that are not in `cases`."""
    environment: Mapping[str, Any] = field(default_factory=dict)
    """Engine, Python and package versions, host, start and end: what differs from run to run."""
    attempts: Attempts | None = None
    """Where this run stands among those of its gate on its dataset; None where no history is kept (`compare`)."""
    cards: Mapping[str, DetectorCard] = field(default_factory=dict)
    """Safety category → how good its detector was measured to be; categories without a card are missing."""
    waivers: tuple[WaiverUse, ...] = ()
    """What became of every waiver of the gate."""
    health: HealthReport | None = None
    """What looked wrong in the golden dataset; None where there is none (`compare`). Never part of the verdict."""
    deltas: tuple[DeltaHistogram, ...] = ()
    """How single cases moved, metric by metric; metrics without scores of single cases are missing."""
