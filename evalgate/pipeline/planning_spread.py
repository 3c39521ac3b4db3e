"""How much one unit's figure varies: measured where answers are recorded, assumed where they are not, and always said which."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from evalgate.core.plan_report import Spread, SpreadSource
from evalgate.core.values import Scale
from evalgate.pipeline.planning_units import Units, informative_share, spread_of, total_score, unit_values
from evalgate.stats.exact_counts import upper_bound
from evalgate.stats.interface import Floats, MetricColumns
from evalgate.stats.methods import FEWEST
from evalgate.stats.power import MeanPlan, contrast_spread, discordant_spread
from evalgate.stats.quantile import point, replicate_quantiles
from evalgate.stats.survey import ENOUGH

CORRELATION = 0.5
"""Assumed between the two variants' scores of a case, while only the baseline is known."""
DISCORDANCE = 0.10
"""Assumed share of cases that pass in one variant only, while only the baseline is known."""
RANGE_SHARE = 0.3
"""Assumed standard deviation of a difference, as a share of the metric's range, while nothing is known."""
RESAMPLES = 2000


@dataclass(frozen=True, slots=True)
class Question:
    """What a threshold looks at."""

    own: bool
    """The candidate's own value; else the change."""
    relative: bool
    """As a share of the baseline."""
    factor: float = 1.0
    """For relative changes: candidate - factor x baseline is what the bound is held against."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure that a threshold decides about, and how much it varies."""

    method: str
    spread: Spread | None
    reason: str | None = None
    """Why there is no spread."""
    informative: float | None = None
    """Share of units that inform; None: taken as enough."""
    width: float | None = None
    """How far one unit's figure can reach; with few informative units the gate adds it twice."""
    guarded: bool = True
    """Whether the gate's guard against few units applies."""
    fewest: int = 1
    """Units without which there is no interval."""
    logs: bool = False
    """Whether the spread is one of log ratios."""
    discordance: float | None = None
    """For paired pass rates: the share of cases that pass in one variant only."""
    signal: Floats | None = None
    """(U,) one value a unit, for the correlation between thresholds."""

    def power(self, n: int, gap: float, error: float) -> float:
        """Chance to pass with n units."""
        if self.spread is None or n < self.fewest or n < 2:
            return 0.0
        if not self.guarded or not self._few(n):
            return MeanPlan(self.spread.value, error).power(n, gap)
        if self.width is None:
            return 0.0
        return MeanPlan(self.spread.value, error, self._guarded_spread(n)).power(n, gap)

    def needed(self, gap: float, power: float, error: float) -> int | None:
        """Units needed."""
        if self.spread is None:
            return None
        wanted = MeanPlan(self.spread.value, error).cases(gap, power)
        if wanted is None or (self.guarded and self.informative == 0):
            return None
        fewest = self.fewest
        if self.guarded:
            fewest = max(fewest, FEWEST, math.ceil(ENOUGH / (self.informative or 1.0) - 1e-9))
        if wanted >= fewest:
            return wanted
        # with fewer units than that the gate's guard decides, and may pass a wide margin all the same
        low, high = max(2, self.fewest), fewest
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if self.power(middle, gap, error) >= power else (middle + 1, high)
        return high

    def detectable(self, n: int, power: float, error: float) -> float | None:
        """Minimum detectable effect with n units, on the scale of the spread."""
        if self.spread is None or n < self.fewest or n < 2:
            return None
        if not self.guarded or not self._few(n):
            return MeanPlan(self.spread.value, error).detectable(n, power)
        return None if self.width is None else MeanPlan(self.spread.value, error, self._guarded_spread(n)).detectable(n, power)

    def _few(self, n: int) -> bool:
        return n < FEWEST or (self.informative is not None and n * self.informative < ENOUGH)

    def _guarded_spread(self, n: int) -> float:
        assert self.spread is not None and self.width is not None
        return math.sqrt(self.spread.value**2 + 2 * self.width**2 / n)


def unplanned(method: str, reason: str) -> Figure:
    """A figure of which nothing can be said beforehand."""
    return Figure(method, None, reason)


def figure_of(column: MetricColumns, question: Question, units: Units | None, seed: int) -> Figure:
    """The spread of a metric's figure, from what is recorded."""
    if units is None or len(units.baseline) < 2:
        return _assumed(column, question)
    if column.quantile is not None:
        return _percentile(column, question, units, seed)
    if column.spec.scale is Scale.CORPUS:
        return _corpus(column, question, units)
    before = unit_values(column, units.baseline)
    after = None if units.candidate is None else unit_values(column, units.candidate)
    if before is None or (units.candidate is not None and after is None):
        return unplanned("guarded t", "some recorded answers have no score of their own")
    if _pass_fail(column, units, before, after):
        return _paired_rates(question, before, after)
    return _mean(column, question, units, (before, after))


def _pass_fail(column: MetricColumns, units: Units, before: Floats, after: Floats | None) -> bool:
    binary = all(bool(np.isin(side, (0.0, 1.0)).all()) for side in (before, after) if side is not None)
    return column.spec.scale is Scale.PROPORTION and binary and not units.grouped


def _assumed(column: MetricColumns, question: Question) -> Figure:
    """Without any answer."""
    spec = column.spec
    if question.relative:
        return unplanned("", "a share of the baseline cannot be planned without the baseline's answers: record them first")
    if question.own or column.quantile is not None or spec.scale is Scale.CORPUS or spec.low is None or spec.high is None:
        return unplanned("", "nothing is recorded, and nothing reasonable can be assumed: record the baseline first")
    if spec.scale is Scale.PROPORTION:
        words = f"nothing is recorded: {DISCORDANCE:.0%} of the cases are assumed to pass in one variant only"
        spread = Spread(discordant_spread(DISCORDANCE), SpreadSource.ASSUMED, words, 0)
        return Figure("Tango score", spread, guarded=False, discordance=DISCORDANCE)
    width = spec.high - spec.low
    words = f"nothing is recorded: a standard deviation of {RANGE_SHARE:g} of the range is assumed for the differences"
    return Figure("guarded t", Spread(RANGE_SHARE * width, SpreadSource.ASSUMED, words, 0), width=width)


def _paired_rates(question: Question, before: Floats, after: Floats | None) -> Figure:
    """Pass/fail, every case for itself."""
    n, rate = len(before), float(before.mean())
    if question.own:
        return Figure("Clopper-Pearson", None, guarded=False, signal=before if after is None else after)
    if after is None:
        share = DISCORDANCE
        words = f"assumed: {share:.0%} of the cases pass in one variant only (the baseline's rate of {rate:.1%} is measured)"
        source = SpreadSource.ASSUMED
    else:
        differing = int((before != after).sum())
        share, source = differing / n, SpreadSource.MEASURED
        words = f"measured: {differing} of {n} cases pass in one variant only"
        if differing == 0:
            share = upper_bound(0, n, 0.95)
            words = f"measured: none of {n} cases passes in one variant only, so that up to {share:.2%} may (95 %)"
    signal = before if after is None else after - before
    if not question.relative:
        spread = Spread(discordant_spread(share), source, words, n)
        return Figure("Tango score", spread, guarded=False, discordance=share, signal=signal)
    if rate == 0:
        return unplanned("guarded Fieller", "the baseline is 0, so a share of it is not defined")
    variance, factor = rate * (1 - rate), question.factor
    # with equal rates, discordant pairs are what keeps the two variants from being perfectly correlated
    ratio = math.sqrt(variance * (1 - factor) ** 2 + factor * share) / rate
    return Figure("guarded Fieller", Spread(ratio, source, words, n), None, share, 1 / rate, signal=signal)


def _mean(column: MetricColumns, question: Question, units: Units, sides: tuple[Floats, Floats | None]) -> Figure:
    """A mean of case scores."""
    before, after = sides
    spec = column.spec
    width = None if spec.low is None or spec.high is None else spec.high - spec.low
    method = "guarded Fieller" if question.relative else "guarded t"
    level = abs(float(before.mean()))
    if question.relative and level == 0:
        return unplanned(method, "the baseline is 0, so a share of it is not defined")
    size = level if question.relative else 1.0
    if question.own:
        known = before if after is None else after
        which = "baseline" if after is None else "candidate"
        words = f"measured on the {which}'s {len(known)} scores"
        source = SpreadSource.BASELINE if after is None else SpreadSource.MEASURED
        spread, informing = spread_of(known), known
    elif after is not None:
        informing = after - question.factor * before
        words, source = f"measured on the differences of {len(before)} {_what(units)}", SpreadSource.MEASURED
        spread = spread_of(informing)
    else:
        informing = before
        spread, source, words = _from_baseline(column, units, before, question.factor, logs=False)
    share = informative_share(informing, width) if after is not None or question.own else None
    if spread == 0 and width is not None and after is not None and not question.own:
        share = upper_bound(0, len(before), 0.95)
        spread = width * math.sqrt(share)
        words = f"measured: none of {len(before)} {_what(units)} changed its score; up to {share:.2%} may (95 %), by the range"
    if spread == 0:
        return unplanned(method, "the recorded scores do not vary, so that nothing is known about how much they would")
    signal = before if after is None else (after if question.own else after - before)
    known_width = None if width is None else width / size
    return Figure(method, Spread(spread / size, source, words, len(before)), None, share, known_width, signal=signal)


def _corpus(column: MetricColumns, question: Question, units: Units) -> Figure:
    """A score of the whole, linearised."""
    logs, name = question.relative, "linearised t on the log ratio" if question.relative else "linearised t"
    before = unit_values(column, units.baseline, logs=logs)
    after = None if units.candidate is None else unit_values(column, units.candidate, logs=logs)
    if before is None or (units.candidate is not None and after is None):
        return unplanned(name, "the recorded scores are not defined for every case left out")
    n = len(before)
    if question.own:
        known = before if after is None else after
        which, source = ("baseline", SpreadSource.BASELINE) if after is None else ("candidate", SpreadSource.MEASURED)
        spread, words = spread_of(known), f"measured on the {which}'s {n} linearised scores"
        signal = known
    elif after is not None:
        signal = after - before
        spread, source = spread_of(signal), SpreadSource.MEASURED
        words = f"measured on the linearised differences of {n} {_what(units)}"
    else:
        signal = before
        spread, source, words = _from_baseline(column, units, before, 1.0, logs=logs)
    if spread == 0:
        return unplanned(name, "the recorded scores do not vary, so that nothing is known about how much they would")
    return Figure(name, Spread(spread, source, words, n), guarded=False, fewest=ENOUGH, logs=logs, signal=signal)


def _from_baseline(
    column: MetricColumns, units: Units, before: Floats, factor: float, *, logs: bool
) -> tuple[float, SpreadSource, str]:
    """The spread of a difference, while only the baseline is known."""
    total = spread_of(before) ** 2
    repeated = [unit_values(column, rows, logs=logs) for rows in units.repeats]
    known = [values for values in repeated if values is not None]
    assumed = f"a correlation of {CORRELATION:g} between the variants is assumed"
    if len(known) < 2 or len(known) != len(repeated):
        words = f"the baseline's {len(before)} scores are measured, {assumed}"
        return contrast_spread(total, 0.0, CORRELATION, factor), SpreadSource.BASELINE, words
    centred = np.stack([values - values.mean() for values in known])
    within = float(centred.var(axis=0, ddof=1).mean()) / len(known)
    between = max(0.0, total - within)
    share = min(1.0, within / total) if total else float(within > 0)
    words = (
        f"measured on {len(known)} answers to each of {len(before)} {_what(units)}: {share:.0%} of the variance of a score is "
        f"noise between repeats; for the rest {assumed}"
    )
    return contrast_spread(between, within, CORRELATION, factor), SpreadSource.REPEATS, words


def _percentile(column: MetricColumns, question: Question, units: Units, seed: int) -> Figure:
    """A percentile: the spread of its resampled values, scaled back to one unit."""
    share = column.quantile or 0.0
    name = "order-statistic ranks" if question.own else "paired bootstrap of the log ratio"
    sides = [_scores(column, rows) for rows in (units.baseline, units.candidate) if rows is not None]
    if any(side is None for side in sides):
        return unplanned(name, "some recorded answers have no value")
    before = sides[0]
    assert before is not None
    after = sides[-1] if len(sides) > 1 and sides[-1] is not None else before
    drawn = replicate_quantiles((before, after), units.keys, share, RESAMPLES, seed)
    logs = not question.own and bool(min(drawn[0].min(), drawn[1].min()) > 0) and question.relative
    if question.relative and not logs:
        return unplanned(name, "the percentile is not positive, so a share of it is not defined")
    one, other = (np.log(side) if logs else side for side in drawn)
    root = math.sqrt(len(before))
    if question.own:
        error, words = spread_of(other), f"measured by resampling {len(before)} values"
        source = SpreadSource.BASELINE if len(sides) == 1 else SpreadSource.MEASURED
    elif len(sides) > 1:
        error, source = spread_of(other - one), SpreadSource.MEASURED
        words = f"measured by resampling {len(before)} pairs"
    else:
        error, source = spread_of(one) * math.sqrt(2 * (1 - CORRELATION)), SpreadSource.BASELINE
        words = f"measured by resampling the baseline's {len(before)} values, a correlation of {CORRELATION:g} is assumed"
    if error == 0:
        return unplanned(name, "the resampled percentile does not vary, so that nothing is known about how much it would")
    spread = Spread(error * root, source, f"{words}; for a percentile this is rough", len(before))
    return Figure(name, spread, guarded=False, logs=logs)


def _scores(column: MetricColumns, rows: Floats) -> Floats | None:
    from evalgate.stats.scoring import scores

    found = scores(column, rows[:, column.start : column.stop])
    return found if bool(np.isfinite(found).all()) else None


def score_of(column: MetricColumns, rows: Floats) -> float | None:
    """The published score of one variant."""
    if column.quantile is None:
        return total_score(column, rows)
    values = _scores(column, rows)
    return None if values is None else point(values, column.quantile)


def fewest_units(column: MetricColumns, confidence: float) -> int:
    """Units without which a percentile has no interval; 1 for everything else."""
    from evalgate.stats.power import fewest_for_percentile

    return 1 if column.quantile is None else fewest_for_percentile(column.quantile, confidence)


def _what(units: Units) -> str:
    return "groups" if units.grouped else "cases"
