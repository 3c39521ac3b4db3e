"""Randomisation of paired outputs: how often a difference this large comes up when the variants are interchangeable.

Ties count as extreme: with a strict comparison identical outputs would look significant.
Sources: Noreen, 1989, "Computer-Intensive Methods for Testing Hypotheses"; Riezler and Maxwell, 2005.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalgate.core.errors import Incomplete
from evalgate.stats.bootstrap import grid
from evalgate.stats.draws import exchanged_sums
from evalgate.stats.interface import Floats, Keys, StatOptions
from evalgate.stats.scoring import scores
from evalgate.stats.survey import Survey

EXACT = 16
"""With so few differing units every exchange is looked at, instead of some at random."""
_SAME = 1e-9


@dataclass(frozen=True, slots=True)
class Randomised:
    """One-sided p-values of the observed difference."""

    method: str
    p_higher: float
    p_lower: float


def randomise(survey: Survey, chosen: Sequence[int], resamples: int, options: StatOptions) -> dict[int, Randomised]:
    """Exchange the variants unit by unit, for every chosen metric; exact where few units differ.

    Raises: Incomplete when rows change between passes.
    """
    if not chosen:
        return {}
    exact = {number: _differences(survey, number) for number in chosen if survey.metrics[number].differing <= EXACT}
    sampled = [number for number in chosen if number not in exact]
    found = {number: _exact(survey, number, rows) for number, rows in exact.items()}
    if sampled:
        found |= _sampled(survey, sampled, resamples, options)
    return found


def _differences(survey: Survey, number: int) -> Floats:
    """Candidate - baseline of the units that differ. Shapes: (k, d)."""
    own = np.arange(survey.columns[number].start, survey.columns[number].stop)
    found = [rows[(rows != 0).any(axis=1)] for _, rows in _changes(survey, own)]
    return np.concatenate(found) if found else np.zeros((0, len(own)))


def _changes(survey: Survey, wanted: NDArray[np.int64]) -> Iterator[tuple[Keys, Floats]]:
    """Candidate - baseline of every unit, on the grid of the bootstrap, so that sums have no order."""
    step = grid(survey.peak[wanted], survey.n)
    read = 0
    for unit in survey.units():
        read += len(unit.keys)
        yield unit.keys, (np.rint(unit.candidate[:, wanted] / step) - np.rint(unit.baseline[:, wanted] / step)) * step
    if read != survey.n:
        raise Incomplete("rows changed while they were read", hint="run again")


def _exact(survey: Survey, number: int, rows: Floats) -> Randomised:
    k = len(rows)
    patterns = (np.arange(1 << k)[:, np.newaxis] >> np.arange(k)) & 1
    moved = patterns.astype(np.float64) @ rows
    higher, lower = _as_extreme(survey, number, moved)
    what = "groups" if survey.grouped else "cases"
    return Randomised(f"exact randomisation of {k} {what}", higher / (1 << k), lower / (1 << k))


def _sampled(survey: Survey, chosen: Sequence[int], resamples: int, options: StatOptions) -> dict[int, Randomised]:
    spans = [np.arange(survey.columns[i].start, survey.columns[i].stop, dtype=np.int64) for i in chosen]
    wanted = np.concatenate(spans)
    moved = exchanged_sums(_changes(survey, wanted), len(wanted), resamples, options.seed, options.threads)
    found, start = {}, 0
    for number, span in zip(chosen, spans, strict=True):
        higher, lower = _as_extreme(survey, number, moved[:, start : start + len(span)])
        name = f"approximate randomisation, {resamples:,} shuffles"
        found[number] = Randomised(name, (higher + 1) / (resamples + 1), (lower + 1) / (resamples + 1))
        start += len(span)
    return found


def _as_extreme(survey: Survey, number: int, moved: Floats) -> tuple[int, int]:
    """How many exchanges give a difference as high as the observed one, and as low."""
    column = survey.columns[number]
    totals = survey.totals[:, column.start : column.stop]
    before, after = scores(column, totals[0] + moved), scores(column, totals[1] - moved)
    observed = scores(column, totals)
    gap, seen = after - before, observed[1] - observed[0]
    near = _SAME * max(abs(observed[0]), abs(observed[1]), 1e-300)
    undefined = np.isnan(gap)
    return int(((gap >= seen - near) | undefined).sum()), int(((gap <= seen + near) | undefined).sum())
