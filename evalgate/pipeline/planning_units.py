"""Units of analysis of recorded answers, and one value a unit for every metric: what the spread is measured on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from evalgate.core.values import ARMS, Arm, Scale
from evalgate.pipeline.planning_answers import RecordedAnswers
from evalgate.stats.chunks import alike
from evalgate.stats.interface import Floats, Keys, MetricColumns
from evalgate.stats.scoring import score_one, scores
from evalgate.stats.survey import mean_columns
from evalgate.stats.unit_values import share_apart

FEWEST_PAIRS = 30
"""Cases that both variants have answered, without which their differences are not used."""
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Units:
    """The units of a selection of cases. Shapes: U units, S answers a case, D columns."""

    baseline: Floats
    """(U, D) sums over the answers of a unit."""
    candidate: Floats | None
    """(U, D); None where the candidate's answers are not used."""
    repeats: tuple[Floats, ...]
    """S times (U, D): the baseline's answers one by one; empty when each case is asked once."""
    index: NDArray[np.int64]
    """(U,) number of each unit over the whole dataset."""
    keys: Keys
    grouped: bool


def usable_pairs(answers: RecordedAnswers) -> bool:
    """Whether the candidate's recorded answers say something about how much the variants differ."""
    if int(answers.paired.sum()) < FEWEST_PAIRS:
        return False
    before, after = (answers.texts[arm][answers.paired] for arm in ARMS)
    return bool((before != after).any())


def only_paired(answers: RecordedAnswers) -> RecordedAnswers:
    """The same for the cases alone that both variants answered."""
    kept = answers.paired
    return replace(
        answers,
        place=answers.place[kept],
        rows={arm: answers.rows[arm][kept] for arm in ARMS},
        violations={arm: answers.violations[arm][kept] for arm in ARMS},
        texts={arm: answers.texts[arm][kept] for arm in ARMS},
        paired=answers.paired[kept],
    )


def mask_of(answers: RecordedAnswers, column: str | None, value: str | None) -> Flags:
    """(N,) the cases of a slice; all of them without a column."""
    if column is None:
        return np.ones(len(answers.keys), dtype=bool)
    return np.asarray(answers.slices[column] == value)


def unit_count(answers: RecordedAnswers, mask: Flags) -> int:
    """Units that the gate will have in a selection, answered or not."""
    return int(mask.sum()) if answers.groups is None else len(np.unique(answers.groups[mask]))


def units_of(answers: RecordedAnswers, mask: Flags, columns: Sequence[MetricColumns], *, pairs: bool) -> Units:
    """The answered units of a selection, groups summed, means weighing alike."""
    chosen = mask[answers.place]
    place = answers.place[chosen]
    means = mean_columns(columns)
    if answers.groups is None:
        index, inverse = place, np.arange(len(place))
    else:
        index, inverse = np.unique(answers.groups[place], return_inverse=True)
    keys = np.zeros(len(index), dtype=np.uint64)
    np.bitwise_xor.at(keys, inverse, answers.keys[place])

    def together(rows: Floats) -> Floats:
        sums = np.zeros((len(index), rows.shape[1]))
        np.add.at(sums, inverse, rows)
        return alike(sums, means)

    own = {arm: answers.rows[arm][chosen] for arm in ARMS}
    samples = own[Arm.BASELINE].shape[1]
    return Units(
        baseline=together(own[Arm.BASELINE].sum(axis=1)),
        candidate=together(own[Arm.CANDIDATE].sum(axis=1)) if pairs else None,
        repeats=tuple(together(own[Arm.BASELINE][:, s]) for s in range(samples)) if samples > 1 else (),
        index=np.asarray(index, dtype=np.int64),
        keys=keys,
        grouped=answers.groups is not None,
    )


def total_score(column: MetricColumns, rows: Floats) -> float | None:
    """The score of some units together; None where it is not defined."""
    return score_one(column, rows[:, column.start : column.stop].sum(axis=0)) if len(rows) else None


def unit_values(column: MetricColumns, rows: Floats, *, logs: bool = False) -> Floats | None:
    """One value a unit whose mean behaves like the score: its own score, or its linearised share in a corpus score.

    `logs`: of the logarithm of the corpus score. Shapes: (U, D) → (U,).
    Returns: None where a value is not defined.
    """
    own = rows[:, column.start : column.stop]
    if len(own) < 2:
        return None
    if column.spec.scale is not Scale.CORPUS:
        found = scores(column, own)
    else:
        total, n = own.sum(axis=0), len(own)
        whole, without = scores(column, total[None, :]), scores(column, total - own)
        if logs:
            with np.errstate(all="ignore"):
                whole, without = np.log(whole), np.log(without)
        found = n * whole - (n - 1) * without
    return found if bool(np.isfinite(found).all()) else None


def spread_of(values: Floats) -> float:
    """Standard deviation of the units; 0 where rounding is all that varies."""
    if len(values) < 2:
        return 0.0
    found = float(values.std(ddof=1))
    return found if found > 1e-12 * float(np.abs(values).max()) else 0.0


def informative_share(values: Floats, width: float | None) -> float:
    """Share of the units that are not where most are, as the gate's guard sees it."""
    if not len(values):
        return 0.0
    if width:
        return share_apart(values, width)
    step = max(float(np.abs(values).max()), 1e-300) * 1e-7
    counts = np.unique(np.rint(values / step), return_counts=True)[1]
    return 1.0 - float(counts.max()) / len(values)
