"""What can be said of every threshold before the candidate is measured."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from evalgate.core.plan_report import POWERS, ThresholdForecast
from evalgate.core.settings import Bound, Decide, Level, TargetKind, Threshold
from evalgate.pipeline.planning_counts import forecast_newly_failing, forecast_run, forecast_safety
from evalgate.pipeline.planning_parts import Part, Planned, blank, part_units, parts_of
from evalgate.pipeline.planning_spread import Figure, Question, fewest_units, figure_of, score_of
from evalgate.pipeline.planning_units import Units
from evalgate.stats.interface import Floats, MetricColumns
from evalgate.stats.power import PairedRatesPlan, RatePlan

SHARE = "share"


@dataclass(frozen=True, slots=True)
class Influence:
    """How single units move a threshold's estimate, for the correlation between thresholds."""

    values: Floats
    """(all units of the dataset,), of length 1."""
    own: bool
    """Of the candidate's own value; else of the change."""


Forecast = tuple[ThresholdForecast, Influence | None]


def forecasts(planned: Planned) -> list[Forecast]:
    """One forecast a threshold, or one a slice where it applies to each."""
    found: list[Forecast] = []
    for threshold in planned.settings.thresholds:
        for part in parts_of(planned, threshold):
            match threshold.kind:
                case TargetKind.SAFETY:
                    found.append((forecast_safety(planned, threshold, part), None))
                case TargetKind.RUN:
                    found.append((forecast_run(threshold, part), None))
                case TargetKind.METRIC if threshold.bound is Bound.MAX_NEWLY_FAILING:
                    found.append((_doubted(planned, threshold, forecast_newly_failing(planned, threshold, part)), None))
                case TargetKind.METRIC:
                    forecast, influence = _forecast_metric(planned, threshold, part)
                    found.append((_doubted(planned, threshold, forecast), influence))
    return found


@dataclass(frozen=True, slots=True)
class _Line:
    """Where a threshold's bound lies, and how figures are carried to the scale of the spread and back."""

    floor: float
    """The bound on the scale of improvements, or of the value itself."""
    good: float
    """+1 where larger figures pass, -1 where smaller do."""
    log_sign: float | None = None
    """With log ratios: +1 where the metric's higher is better, -1 where lower is."""

    def gap(self, figure: float) -> float:
        """How far a true figure lies on the good side of the bound, on the scale of the spread."""
        return self.good * (self._there(figure) - self._there(self.floor))

    def from_gap(self, gap: float) -> float:
        """The true figure that lies so far on the good side."""
        place = self._there(self.floor) + self.good * gap
        return place if self.log_sign is None else self.log_sign * math.expm1(self.log_sign * place)

    def _there(self, figure: float) -> float:
        if self.log_sign is None:
            return figure
        inside = self.log_sign * figure
        return self.log_sign * (math.log1p(inside) if inside > -1 else -math.inf)


def _forecast_metric(planned: Planned, threshold: Threshold, part: Part) -> Forecast:
    column = planned.columns[threshold.name]
    spec, units = column.spec, part_units(planned, part)
    sign = 1.0 if spec.higher_is_better else -1.0
    base = None if units is None else score_of(column, units.baseline)
    own = threshold.bound in (Bound.MIN, Bound.MAX)
    floor = -threshold.value if threshold.bound is Bound.MAX_REGRESSION else threshold.value
    turned = sign if (base or 0.0) >= 0 else -sign
    question = Question(own, threshold.relative, 1 + turned * floor if threshold.relative else 1.0)
    figure = figure_of(column, question, units, planned.settings.seed)
    figure = replace(figure, fewest=max(figure.fewest, fewest_units(column, planned.settings.confidence)))
    good = -1.0 if threshold.bound is Bound.MAX else 1.0
    line = _Line(floor, good, sign if figure.logs else None)
    start = blank(threshold, part, figure.method, SHARE if threshold.relative else spec.unit)
    start = replace(start, spread=figure.spread, expected=_expected(planned, threshold, base, floor))
    error = 0.5 if threshold.decide is Decide.ESTIMATE else 1 - planned.settings.confidence
    notes = []
    if threshold.decide is Decide.ESTIMATE:
        notes.append("decided on the point estimate: a candidate exactly on the bound passes half of the time")
    elif threshold.bound is Bound.MIN_IMPROVEMENT and part.shared > 1:
        error /= part.shared
        notes.append(f"a claim on each of {part.shared} slices: planned at the strictest step of Holm's correction")
    rate = own and figure.method == "Clopper-Pearson" and threshold.decide is Decide.INTERVAL
    if figure.reason is not None:
        notes.append(f"not planned: {figure.reason}")
    elif rate:
        start = _rated(start, RatePlan(threshold.value, error, threshold.bound is Bound.MIN))
    elif figure.spread is not None:
        start = _powered(start, figure, line, error)
    start = replace(start, notes=tuple(notes))
    best = _best(threshold, column, base)
    return replace(start, cannot=_cannot(start, line, best, (figure, error, threshold.name in planned.expected))), _influence(
        planned, figure, units, question
    )


def _doubted(planned: Planned, threshold: Threshold, forecast: ThresholdForecast) -> ThresholdForecast:
    """A forecast that says so where a judge's scores may not decide."""
    why = planned.doubts.get(threshold.name) if threshold.level is Level.BLOCK else None
    return forecast if why is None else replace(forecast, cannot=f"{why}, so that it may not decide", power=0.0)


def _expected(planned: Planned, threshold: Threshold, base: float | None, floor: float) -> float | None:
    """The true figure to plan for: what was declared, else a candidate as good as the baseline, where that may pass."""
    said = planned.expected.get(threshold.name)
    own = threshold.bound in (Bound.MIN, Bound.MAX)
    if said is None:
        if own:
            return base
        return None if threshold.bound is Bound.MIN_IMPROVEMENT and floor >= 0 else 0.0
    if own:
        if base is None:
            return None
        better = 1.0 if planned.columns[threshold.name].spec.higher_is_better else -1.0
        return base + better * (said.value * abs(base) if said.percent else said.value)
    if said.percent == threshold.relative:
        return said.value
    if not base:
        return None
    return said.value / abs(base) if threshold.relative else said.value * abs(base)


def _powered(start: ThresholdForecast, figure: Figure, line: _Line, error: float) -> ThresholdForecast:
    away = {power: figure.detectable(start.n, power, error) for power in POWERS}
    passes = {str(p): None if gap is None else line.from_gap(gap) for p, gap in away.items()}
    detectable = {name: None if value is None else abs(value - line.floor) for name, value in passes.items()}
    start = replace(start, detectable=detectable, passes_from=passes)
    if start.expected is None:
        return start
    truth = start.expected
    gap = line.gap(truth)
    needed = {str(power): figure.needed(gap, power, error) for power in POWERS}
    start = replace(start, power=figure.power(start.n, gap, error), needed=needed)
    if figure.discordance is None or error == 0.5:
        return start
    plan = PairedRatesPlan(line.floor, figure.discordance, error)
    tested = {name: None if n is None else plan.cases(float(name), truth) for name, n in needed.items()}
    return replace(start, power=plan.power(start.n, truth), needed_by_test=tested)


def _rated(start: ThresholdForecast, plan: RatePlan) -> ThresholdForecast:
    passes = {str(power): _rate_that_passes(plan, start.n, power) for power in POWERS}
    detectable = {name: None if value is None else abs(value - plan.bound) for name, value in passes.items()}
    start = replace(start, detectable=detectable, passes_from=passes)
    if start.expected is None:
        return start
    rate = min(1.0, max(0.0, start.expected))
    needed = {str(power): plan.cases(rate, power) for power in POWERS}
    return replace(start, power=plan.power(start.n, rate), needed=needed)


def _rate_that_passes(plan: RatePlan, n: int, power: float) -> float | None:
    best = 1.0 if plan.at_least else 0.0
    if plan.power(n, best) < power:
        return None
    worst = plan.bound
    for _ in range(60):
        middle = (best + worst) / 2
        best, worst = (middle, worst) if plan.power(n, middle) >= power else (best, middle)
    return best


def _best(threshold: Threshold, column: MetricColumns, base: float | None) -> float | None:
    """The best figure that the metric's range leaves; None where there is no end to it, or the baseline is not known."""
    spec = column.spec
    end = spec.high if spec.higher_is_better else spec.low
    if threshold.bound in (Bound.MIN, Bound.MAX):
        return spec.high if threshold.bound is Bound.MIN else spec.low
    if end is None or base is None or (threshold.relative and base == 0):
        return None
    return abs(end - base) / (abs(base) if threshold.relative else 1.0)


def _cannot(start: ThresholdForecast, line: _Line, best: float | None, plan: tuple[Figure, float, bool]) -> str | None:
    figure, error, declared = plan
    own = start.bound in (Bound.MIN, Bound.MAX)
    what = "value" if own else "improvement"
    if best is not None and line.good * (line.floor - best) > 1e-9:
        return f"the best possible {what} is {_written(best, start.unit)}"
    if start.n < figure.fewest:
        return f"{start.n:,} units are too few for an interval of {start.target}; {figure.fewest:,} at least are needed"
    if start.power is not None and start.expected is not None:
        limit = max(0.05, error) + 1e-9
        if start.power > limit:
            return None
        more = start.needed["0.8"] if start.needed else None
        would = f"{more:,} units would give it a chance of 80 %" if more else "no number of cases would change that"
        said = f"a candidate with a true {what} of {_written(start.expected, start.unit)}"
        if not declared:
            said = (
                f"a candidate as good as the baseline ({_written(start.expected, start.unit)})" if own else "an equal candidate"
            )
        return f"{said} passes with a chance of {start.power:.1%}; {would}"
    asked = (start.passes_from or {}).get("0.8")
    if asked is None or best is None or line.good * (asked - best) <= 1e-9:
        return None
    more = figure.needed(line.gap(best), 0.8, error)
    enough = f"{more:,} units at least" if more else "more than can be had"
    said = f"with {start.n:,} units a true {what} of {_written(asked, start.unit)} is needed for a chance of 80 %"
    return f"{said}, the best possible is {_written(best, start.unit)}; it takes {enough}"


def _written(value: float, unit: str) -> str:
    return f"{value * 100:.3g} %" if unit == SHARE else f"{value + 0.0:.4g}"


def _influence(planned: Planned, figure: Figure, units: Units | None, question: Question) -> Influence | None:
    if figure.signal is None or units is None or len(figure.signal) < 2:
        return None
    total = len(planned.answers.keys)
    vector = np.zeros(total)
    vector[units.index] = figure.signal - figure.signal.mean()
    size = float(np.sqrt((vector**2).sum()))
    return Influence(vector / size, question.own) if size > 0 else None
