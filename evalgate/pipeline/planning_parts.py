"""A gate with its recorded answers, and the selections of cases that its thresholds look at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from evalgate.core.plan_report import ThresholdForecast
from evalgate.core.settings import GateSettings, Threshold
from evalgate.pipeline.planning_answers import RecordedAnswers
from evalgate.pipeline.planning_units import Flags, Units, mask_of, unit_count, units_of
from evalgate.stats.interface import MetricColumns


@dataclass(frozen=True, slots=True)
class Expected:
    """An improvement that somebody expects; negative: a loss."""

    value: float
    percent: bool
    """A share of the baseline."""


@dataclass(frozen=True, slots=True)
class Planned:
    """One gate with its recorded answers, ready to be planned."""

    settings: GateSettings
    columns: Mapping[str, MetricColumns]
    categories: tuple[str, ...]
    """Safety categories in the order of the answers' columns, `any` not among them."""
    answers: RecordedAnswers
    pairs: bool
    """Whether the candidate's recorded answers are used."""
    expected: Mapping[str, Expected]
    distrust: Mapping[str, str] = field(default_factory=dict)
    """Safety category → why no threshold may decide on it."""
    doubts: Mapping[str, str] = field(default_factory=dict)
    """Metric, or percentile of one → why no blocking threshold may decide on it."""


@dataclass(frozen=True, slots=True)
class Part:
    """A selection of cases that a threshold looks at."""

    name: str | None
    mask: Flags
    n: int
    """Units of analysis."""
    rows: int
    """Cases."""
    shared: int
    """Slices among which a claim of improvement is shared (`slice: each`); 1 without."""


def blank(threshold: Threshold, part: Part, method: str, unit: str) -> ThresholdForecast:
    """A forecast that says nothing yet."""
    return ThresholdForecast(
        target=threshold.subject,
        bound=str(threshold.bound),
        text=threshold.text,
        slice=part.name,
        level=str(threshold.level),
        decide=str(threshold.decide),
        implicit=threshold.implicit,
        n=part.n,
        method=method,
        unit=unit,
    )


def part_units(planned: Planned, part: Part) -> Units | None:
    """The answered units of a part; None when there are none."""
    if not part.mask[planned.answers.place].any():
        return None
    return units_of(planned.answers, part.mask, tuple(planned.columns.values()), pairs=planned.pairs)


def parts_of(planned: Planned, threshold: Threshold) -> Iterator[Part]:
    """The selections that a threshold looks at: the whole dataset, one slice, or each."""
    answers, choice = planned.answers, threshold.slice
    if choice is None:
        pairs: list[tuple[str | None, str | None]] = [(None, None)]
    else:
        columns = planned.settings.slices if choice.column is None else (choice.column,)
        pairs = [
            (column, value)
            for column in columns
            for value in sorted({str(v) for v in np.unique(answers.slices[column])})
            if choice.value in (None, value)
        ]
    for column, value in pairs:
        mask = mask_of(answers, column, value)
        name = None if column is None else f"{column}={value}"
        yield Part(name, mask, unit_count(answers, mask), int(mask.sum()), len(pairs))
