"""A detector's card: how often it was right on data that people have labelled. A count is worth what its detector is worth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

SCHEMA = "evalgate.detector-card/1"


@dataclass(frozen=True, slots=True)
class Tally:
    """What a detector said against what people said, over spans or over outputs."""

    found: int
    """Violations that it found (true positives)."""
    false_alarms: int
    """What it called a violation and people did not."""
    missed: int
    """Violations that it did not find."""
    clean: int | None = None
    """Outputs that both call clean; None for spans, where there is nothing to count."""


@dataclass(frozen=True, slots=True)
class LabelledData:
    """The data that a detector was measured on."""

    name: str
    digest: str
    outputs: int


@dataclass(frozen=True, slots=True)
class DetectorCard:
    """The measured quality of one detector with one set of parameters."""

    category: str
    detector: str
    version: str
    signature: str
    """Of the detector that was measured: a card counts for no other."""
    unit: str
    """`spans` or `outputs`."""
    data: LabelledData
    total: Tally
    rules: Mapping[str, Tally]
    """Rule, or type of the labelled data, → its tally; may be empty."""
    undecided: int = 0
    """Outputs about which it could not tell; they are in no tally."""
    binding: Mapping[str, str] = field(default_factory=dict)
    """What else the measurement holds for: a judge's `prompt_digest` and `model_digest`."""
    source: str = ""
    """Where the card was read from."""
    confidence: float = 0.95
    """Two-sided level of the intervals that stand on it."""
    engine: str = "unknown"
    """Version of evalgate that measured."""
