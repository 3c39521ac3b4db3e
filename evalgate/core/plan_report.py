"""What `evalgate plan` finds out before money is spent: a forecast, and no evidence of anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

POWERS = (0.8, 0.9)
"""The powers that plans are made for."""


class SpreadSource(StrEnum):
    """How the spread behind a forecast is known."""

    MEASURED = "measured"
    """On the recorded answers of both variants."""
    REPEATS = "repeats"
    """From the baseline's repeats; only the correlation between the variants is assumed."""
    BASELINE = "baseline"
    """From the baseline's answers, one each; the correlation between the variants is assumed."""
    ASSUMED = "assumed"
    """From no answer at all."""


@dataclass(frozen=True, slots=True)
class Spread:
    """How much one unit's figure varies, on the scale on which the threshold decides."""

    value: float
    """Standard deviation of one unit."""
    source: SpreadSource
    words: str
    """What was measured and what is assumed, in one sentence."""
    units: int
    """Units behind it; 0 where it is assumed."""


@dataclass(frozen=True, slots=True)
class BlindSpot:
    """What a rule on an exact count does not see."""

    rate: float
    """A true rate of violating cases that is new with the candidate."""
    passes: float
    """Chance that a candidate with that rate passes all the same."""
    needed: Mapping[str, int | None]
    """Power → cases needed to notice it."""
    shown_by_none: float
    """The rate that 0 of n cases shows not to be exceeded, at the gate's confidence."""


@dataclass(frozen=True, slots=True)
class ThresholdForecast:
    """What can be said of one threshold, on the whole dataset or on a slice, before the candidate is measured."""

    target: str
    """`metric:rougeL`, `safety:any`, `run:error_rate`."""
    bound: str
    text: str
    """The amount as written."""
    slice: str | None
    level: str
    decide: str
    implicit: bool
    n: int
    """Units of analysis the gate will have."""
    method: str
    unit: str
    """Of the figures below; `share` for shares of the baseline."""
    spread: Spread | None = None
    expected: float | None = None
    """The true figure that power is computed for: an improvement, or a value of its own. None: nothing was said."""
    power: float | None = None
    """Chance to pass with n units when the expected figure is true."""
    detectable: Mapping[str, float | None] | None = None
    """Power → minimum detectable effect: how far from its bound the truth has to lie."""
    passes_from: Mapping[str, float | None] | None = None
    """Power → the true figure from which on the threshold passes with that power."""
    needed: Mapping[str, int | None] | None = None
    """Power → units needed when the expected figure is true, by the usual formula; None: no number is enough."""
    needed_by_test: Mapping[str, int | None] | None = None
    """The same by the gate's own test, summed over all tables; for differences of pass rates."""
    blind_spot: BlindSpot | None = None
    """For exact counts of violations."""
    cannot: str | None = None
    """Why it cannot be met; None where it can."""
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """`metric:rougeL max_regression 0.02 [language=de]`."""
        return f"{self.target} {self.bound} {self.text}" + (f" [{self.slice}]" if self.slice else "")


@dataclass(frozen=True, slots=True)
class JointForecast:
    """Chance that all blocking thresholds pass together."""

    power: float | None
    method: str
    over: int
    """Thresholds in it."""
    left_out: tuple[str, ...]
    """Blocking thresholds whose power is not known."""


@dataclass(frozen=True, slots=True)
class CallForecast:
    """What a run asks for, what is recorded already, and what the rest would cost."""

    asked: int
    """Answers: cases x variants x samples, and as many again for each judge."""
    recorded: int
    """Answers that the recording gives."""
    to_call: int
    """Distinct requests that are still to be made."""
    errors: int
    """Requests for which only an error is recorded; they are among those still to be made."""
    prompt_tokens: int | None
    """Of the requests still to be made; None where it cannot be known."""
    completion_tokens: int | None
    usd: float | None
    """None without declared prices."""
    recorded_tokens: int
    recorded_usd: float | None
    words: str
    """How the tokens are known."""
    over_budget: tuple[str, ...] = ()
    """Limits of `proxy.budget` that the rest would exceed."""


@dataclass(frozen=True, slots=True)
class Rate:
    """How often something was seen, with its exact interval."""

    count: int
    total: int
    low: float
    """Two-sided 95 % Clopper-Pearson."""
    high: float

    @property
    def share(self) -> float:
        """count / total."""
        return self.count / self.total


@dataclass(frozen=True, slots=True)
class TrialsOfThreshold:
    """What one threshold decided when there was nothing to find."""

    name: str
    level: str
    passed: int
    failed: int
    inconclusive: int
    false_decision: str
    """Which decision is the wrong one here: `fail`, or `pass` for a claim of improvement."""
    false_alarms: Rate


@dataclass(frozen=True, slots=True)
class Trials:
    """The gate run on the baseline against itself, many times."""

    arms: str
    """`repeats`, `split` or `swap`."""
    words: str
    """What exactly was compared with what."""
    replicates: int
    seed: int
    cases: int
    passed: Rate
    failed: Rate
    inconclusive: Rate
    false_alarms: Rate
    """How often a blocking threshold failed that nothing had broken."""
    false_passes: Rate | None
    """How often a gate that claims an improvement passed; None for a gate that claims none."""
    thresholds: tuple[TrialsOfThreshold, ...]
    left_out: tuple[str, ...] = ()
    """Thresholds that say nothing in this design."""


@dataclass(frozen=True, slots=True)
class PlanReport:
    """The whole forecast."""

    gate: str
    dataset: Mapping[str, object]
    """name, version, digest, cases."""
    samples: int
    confidence: float
    answered: Mapping[str, int]
    """Variant → cases whose answers are all recorded."""
    assumptions: tuple[str, ...]
    thresholds: tuple[ThresholdForecast, ...]
    joint: JointForecast
    calls: CallForecast
    trials: Trials | None = None

    @property
    def cannot_be_met(self) -> tuple[ThresholdForecast, ...]:
        """The thresholds that a candidate as good as expected does not pass."""
        return tuple(t for t in self.thresholds if t.cannot is not None)
