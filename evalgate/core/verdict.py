"""The verdict and everything in it, as frozen values; `verdict.json` and every report are projections of these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from evalgate.core.errors import ExitCode
from evalgate.core.settings import Threshold
from evalgate.core.values import Arm, Severity


class Decision(StrEnum):
    """What a threshold, and the whole gate, comes to."""

    PASS = "pass"  # noqa: S105 - a decision, not a password
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"

    @property
    def exit_code(self) -> ExitCode:
        """The exit code of a run that ends with this decision."""
        return _EXIT[self]


_EXIT = {
    Decision.PASS: ExitCode.PASS,
    Decision.FAIL: ExitCode.FAIL,
    Decision.INCONCLUSIVE: ExitCode.INCONCLUSIVE,
}


@dataclass(frozen=True, slots=True)
class Interval:
    """Two ends of an interval; always low ≤ high, both finite."""

    low: float
    high: float


class Inference(Protocol):
    """How sure an estimate is, at any level: a method with the data already in it."""

    @property
    def method(self) -> str:
        """Name of the method, as printed."""
        ...

    def interval(self, level: float) -> Interval | None:
        """Two-sided interval at a level, such as 0.9; None where the method cannot say."""
        ...

    def p_above(self, bound: float) -> float | None:
        """One-sided p-value of "the true value is at most `bound`": a small one says that it lies above."""
        ...

    def p_below(self, bound: float) -> float | None:
        """One-sided p-value of "the true value is at least `bound`": a small one says that it lies below."""
        ...


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its interval for reading and its interval for deciding."""

    value: float | None
    """None where it is not defined; `reason` of the owner says why."""
    reading: Interval | None
    """Two-sided at `confidence`."""
    deciding: Interval | None
    """Two-sided at 2 x confidence - 1: each end errs with probability at most 1 - confidence."""
    inference: Inference | None = field(default=None, compare=False, repr=False, metadata={"kept": False})
    """The method behind the intervals; None where there is no interval."""

    @property
    def method(self) -> str | None:
        """Name of the method behind the intervals."""
        return self.inference.method if self.inference is not None else None


@dataclass(frozen=True, slots=True)
class SecondOpinion:
    """What another method says of the same data; where it disagrees with the first, nothing is decided."""

    method: str
    """`percentile paired bootstrap, 10,000 resamples`, or `Newcombe hybrid score` for pass/fail metrics."""
    delta: Interval | None
    """At the deciding level, like those below; None where the method cannot say."""
    relative: Interval | None
    candidate: Interval | None
    randomisation: str
    """`approximate randomisation, 10,000 shuffles`, `exact randomisation of 12 cases`, `exact McNemar`."""
    p_higher: float | None
    """One-sided: a difference as high as this one, or higher, if the variants were interchangeable. Ties count."""
    p_lower: float | None
    """One-sided, for a difference as low or lower."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The same metric over those cases alone that both variants answered."""

    cases: int
    baseline: float | None
    candidate: float | None


@dataclass(frozen=True, slots=True)
class MetricResult:
    """One metric over one set of cases, baseline against candidate."""

    name: str
    baseline: Estimate
    candidate: Estimate
    delta: Estimate
    """candidate - baseline, in the metric's own unit."""
    relative: Estimate
    """delta / baseline; value None where baseline is 0."""
    p_value: float | None
    """Two-sided, for delta = 0."""
    confidence: float
    method: str
    n: int
    """Units of analysis: cases, or groups where cases are grouped."""
    rows: int
    """Cases behind the units."""
    informative: int
    """Units whose rows differ between the variants."""
    identical_outputs: bool
    """Whether every output of the candidate is byte-identical to the baseline's."""
    higher_is_better: bool
    unit: str
    low: float | None
    high: float | None
    signature: str
    newly_failing: int | None = None
    """For pass/fail metrics: stable cases that pass in the baseline and fail in the candidate. With repeats, a case is
    stable when all answers of the baseline agree, and fails in the candidate when at least half of its answers do."""
    newly_passing: int | None = None
    """Stable cases that fail in the baseline and pass in the candidate (in more than half of its answers)."""
    reason: str | None = None
    """Why a value or an interval is missing, when one is."""
    stable: int | None = None
    """For pass/fail metrics: cases whose baseline answers all agree (when each is asked once, all that have a score). A case
    whose baseline lost an answer counts only where it newly fails."""
    flaky: int | None = None
    """For pass/fail metrics: cases whose baseline answers pass at one time and fail at another."""
    repeats: int | None = None
    """For pass/fail metrics: how often each case was asked. Asked once, no case can be seen to be flaky."""
    second: SecondOpinion | None = None
    """None where no second method was asked."""
    answered: Answered | None = None
    """Figures without the cases that lost an answer; None when none was lost."""
    unread: Mapping[str, int] | None = None
    """For scores that a model gives, on the whole dataset: variant → judgements that could not be read. They count as the worst
    for the candidate and as the best for the baseline."""
    distrust: str | None = None
    """Why no blocking threshold may decide on it."""


@dataclass(frozen=True, slots=True)
class SafetyCounts:
    """Violating cases in both variants, paired."""

    baseline: int
    candidate: int
    new: int
    """Clean in the baseline, violating in the candidate."""
    fixed: int
    """Violating in the baseline, clean in the candidate."""


@dataclass(frozen=True, slots=True)
class SafetyReach:
    """How far the counts may move with what could not be decided: thresholds pass at `most` and fail at `least`."""

    least: SafetyCounts
    """Everything undecided taken in the candidate's favour."""
    most: SafetyCounts
    """Everything undecided taken against the candidate."""


@dataclass(frozen=True, slots=True)
class CorrectedRate:
    """A rate of violating cases, corrected for the known errors of the judge that counted them."""

    value: float
    interval: Interval
    """Two-sided at the result's `confidence`."""


@dataclass(frozen=True, slots=True)
class SafetyResult:
    """One safety category over one set of cases: counts of violating cases."""

    category: str
    baseline: int
    candidate: int
    new: int
    """Clean in the baseline, violating in the candidate."""
    fixed: int
    """Violating in the baseline, clean in the candidate."""
    cases: int
    upper_bound: float
    """One-sided Clopper-Pearson bound of the candidate's violation rate at `confidence`: 0 of n is not 'safe'."""
    confidence: float
    lower_bound: float = 0.0
    """The bound from below, one-sided like the other."""
    detectable_rate: float | None = None
    """The smallest true rate of which at least one case in n would have shown with probability `confidence`; a rarer
    violation may well have been missed. None with no cases."""
    undecided: Mapping[Arm, int] = field(default_factory=dict)
    """Variant → cases about which a detector could not tell (a judge's answer that cannot be read). They are in no count."""
    reach: SafetyReach | None = None
    """None when everything was decided."""
    severities: Mapping[Severity, SafetyResult] = field(default_factory=dict)
    """Severity → the counts of findings at least that severe. Empty in these results themselves."""
    distrust: str | None = None
    """Why no threshold may decide on these counts (a judge without a calibration card)."""
    waived: Mapping[Arm, int] = field(default_factory=dict)
    """Variant → cases that would violate, or be undecided, but for a waiver."""
    corrected: Mapping[Arm, CorrectedRate] = field(default_factory=dict)
    """Variant → its rate, corrected by the judge's card (Rogan and Gladen); empty where nothing corrects it."""

    @property
    def counts(self) -> SafetyCounts:
        """The counts alone."""
        return SafetyCounts(self.baseline, self.candidate, self.new, self.fixed)


@dataclass(frozen=True, slots=True)
class RunFigures:
    """Counts of the run itself, which `run:` thresholds hold against a bound."""

    cases: int
    errors_baseline: int
    errors_candidate: int
    expired_waivers: int = 0
    """Waivers whose day has passed; each of them fails the gate until somebody has looked again."""

    @property
    def error_rate(self) -> float:
        """Share of cases whose baseline or candidate answer was lost, the worse of the two."""
        return max(self.errors_baseline, self.errors_candidate) / self.cases if self.cases else 1.0


@dataclass(frozen=True, slots=True)
class CaseCounts:
    """How single cases moved, by one named metric."""

    by: str | None
    """The metric that says which case is better; None when no metric was measured."""
    total: int
    improved: int
    regressed: int
    unchanged: int


@dataclass(frozen=True, slots=True)
class Results:
    """Everything measured over one set of cases (the whole dataset, or one slice)."""

    metrics: Mapping[str, MetricResult]
    safety: Mapping[str, SafetyResult]
    run: RunFigures


@dataclass(frozen=True, slots=True)
class ThresholdResult:
    """What one threshold came to on one set of cases."""

    threshold: Threshold
    slice: str | None
    """`language=de`, or None for the whole dataset."""
    observed: float | None
    """The number that was held against the bound: an improvement for `min_improvement` and `max_regression`."""
    interval: Interval | None
    """The deciding interval of `observed`."""
    decision: Decision
    reason: str
    """One sentence with the numbers in it."""
    p_value: float | None = None
    """One-sided p-value of the claim that the threshold makes (`min_improvement: 5%`: the improvement is above 5 %)."""
    adjusted_p: float | None = None
    """The same after Holm's correction over the slices of `slice: each`, for claims of improvement."""
    second: Interval | None = None
    """What the second opinion says of `observed`, in the same direction."""
    methods_disagree: bool = False
    """Whether the second opinion took back what the first method had decided."""


@dataclass(frozen=True, slots=True)
class CaseList:
    """Some cases by their ids, as many as are worth listing."""

    total: int
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer of a gate."""

    decision: Decision
    reason: str
    """One sentence: what decided."""
    results: Results
    slices: Mapping[str, Results]
    """`language=de` → results of that slice."""
    thresholds: tuple[ThresholdResult, ...]
    cases: CaseCounts
    flaky: Mapping[str, CaseList] = field(default_factory=dict)
    """Pass/fail metric → the cases whose baseline repeats disagree; empty when each case is asked once."""

    @property
    def exit_code(self) -> ExitCode:
        """0 only for PASS."""
        return self.decision.exit_code


@dataclass(frozen=True, slots=True)
class VariantIdentity:
    """What a variant was, for the record."""

    prompt: str
    prompt_digest: str
    model: str
    details: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunIdentity:
    """What was judged: enough to find it again."""

    gate: str
    run_id: str
    dataset_name: str
    dataset_version: str
    dataset_digest: str
    mode: str
    baseline: VariantIdentity
    candidate: VariantIdentity
    manifest_digest: str
    shared: Mapping[str, object] | None = None
    """When two runs were compared: the cases they share, and how many of each were left out and why."""
