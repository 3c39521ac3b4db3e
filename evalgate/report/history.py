"""What the page over many runs is made from: one entry for each run folder, also where nothing can be read there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from evalgate.core.verdict import ThresholdResult


class RunState(StrEnum):
    """What became of a run folder."""

    FINISHED = "finished"
    UNFINISHED = "unfinished"
    """It has no verdict: it runs, was interrupted, or could not be completed."""
    DAMAGED = "damaged"
    """Its documents cannot be read, or do not belong together."""


@dataclass(frozen=True, slots=True)
class PastRun:
    """One run folder; every text in it is of unknown origin."""

    place: str
    """Its path below the folder that the page is about."""
    gate: str
    """As the verdict or the plan says it; where neither can be read, the name of the folder above."""
    state: RunState
    note: str = ""
    """What is wrong, where something is."""
    link: str | None = None
    """Address of its report, percent-encoded, relative to the page; None where it has none."""
    run_id: str = ""
    at: str | None = None
    """When it ended, ISO 8601, UTC; None where that is not kept."""
    verdict: str = ""
    reason: str = ""
    candidate: str = ""
    """The candidate's prompt, or its file of outputs."""
    model: str = ""
    dataset: str = ""
    mode: str = ""
    attempt: int | None = None
    thresholds: tuple[tuple[ThresholdResult, str], ...] = ()
    """Each with the unit of what it observed."""


@dataclass(frozen=True, slots=True)
class Series:
    """One threshold over the runs of a gate, the oldest run first."""

    points: tuple[tuple[PastRun, ThresholdResult, str], ...]

    @property
    def last(self) -> ThresholdResult:
        """As the newest run that asks it has it."""
        return self.points[-1][1]

    @property
    def unit(self) -> str:
        """Of what was observed."""
        return self.points[-1][2]


def newest_first(runs: Iterable[PastRun]) -> list[PastRun]:
    """Runs by the time they ended. What has no time comes first where it is not finished, so that nobody overlooks it, and
    last where it is.
    """
    ordered = sorted(runs, key=lambda run: run.place)
    ordered.sort(key=lambda run: run.at or "", reverse=True)
    return sorted(ordered, key=lambda run: 1 if run.at else 2 if run.state is RunState.FINISHED else 0)


def by_gate(runs: Iterable[PastRun]) -> dict[str, list[PastRun]]:
    """Gates by name, each with its runs, newest first."""
    gates: dict[str, list[PastRun]] = {}
    for run in newest_first(runs):
        gates.setdefault(run.gate, []).append(run)
    return dict(sorted(gates.items()))


def series_of(runs: list[PastRun]) -> list[Series]:
    """The thresholds of a gate over its finished runs (given newest first), in the order of the newest run.

    A threshold is the same as long as it asks the same kind of thing of the same target: its value may change from run to
    run, and is drawn as it was.
    """
    found: dict[tuple[object, ...], list[tuple[PastRun, ThresholdResult, str]]] = {}
    for run in runs:
        met: dict[tuple[object, ...], int] = {}
        for result, unit in run.thresholds:
            threshold = result.threshold
            what = (threshold.target, threshold.bound, result.slice, threshold.severity, unit)
            met[what] = met.get(what, 0) + 1
            found.setdefault((*what, met[what]), []).append((run, result, unit))
    return [Series(tuple(reversed(points))) for points in found.values()]
