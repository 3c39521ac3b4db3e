"""Forecasts for thresholds on exact counts: newly failing cases, violations, figures of the run."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from evalgate.core.plan_report import POWERS, BlindSpot, ThresholdForecast
from evalgate.core.settings import Bound, Threshold
from evalgate.core.values import Arm
from evalgate.pipeline.instruments import ANY
from evalgate.pipeline.planning_parts import Part, Planned, blank, part_units
from evalgate.pipeline.planning_spread import DISCORDANCE
from evalgate.pipeline.planning_units import unit_values
from evalgate.stats.exact_counts import upper_bound
from evalgate.stats.power import cases_to_notice, chance_at_most

METHOD = "exact count"
RARE = 0.01
"""The rate of new violations that a forecast speaks of."""
HARDLY = 0.05


def forecast_newly_failing(planned: Planned, threshold: Threshold, part: Part) -> ThresholdForecast:
    """How likely a candidate that is as good as the baseline stays within the allowance."""
    start = replace(blank(threshold, part, METHOD, "count"), n=part.rows)
    limit = threshold.value * part.rows if _is_share(threshold) else threshold.value
    if planned.settings.samples > 1:
        note = "decided on the cases whose repeats agree; --a-a --arms repeats measures how often it is a false alarm"
        return replace(start, notes=(note,))
    units = part_units(planned, part)
    rate, words = DISCORDANCE / 2, f"assumed: {DISCORDANCE / 2:.0%} of the cases are newly failing by chance alone"
    if units is not None and units.candidate is not None:
        column = planned.columns[threshold.name]
        before, after = unit_values(column, units.baseline), unit_values(column, units.candidate)
        if before is not None and after is not None:
            differing = int((before != after).sum())
            rate, words = differing / 2 / len(before), f"measured: {differing} of {len(before)} cases pass in one variant only"
    power = chance_at_most(limit, part.rows, rate)
    allowance = next((k for k in range(part.rows + 1) if chance_at_most(k, part.rows, rate) >= POWERS[0]), part.rows)
    notes = (f"{words}; a candidate as good as the baseline passes with power {POWERS[0]} from an allowance of {allowance} on",)
    cannot = None
    if power <= HARDLY:
        cannot = f"a candidate as good as the baseline passes with a chance of {power:.1%}; allow {allowance} cases at least"
    return replace(start, expected=rate, power=power, notes=notes, cannot=cannot)


def forecast_safety(planned: Planned, threshold: Threshold, part: Part) -> ThresholdForecast:
    """What a rule on violating cases lets through, and what the baseline itself would make of it."""
    start = replace(blank(threshold, part, METHOD, "count"), n=part.rows)
    answers = planned.answers
    chosen = part.mask[answers.place]
    least = threshold.severity.rank if threshold.severity else 1
    found = answers.violations[Arm.BASELINE][chosen].max(axis=1, initial=0) >= least
    flags = found.any(axis=1) if threshold.name == ANY else found[:, planned.categories.index(threshold.name)]
    seen, measured = int(np.count_nonzero(flags)), len(flags)
    known = f"the baseline violates in {seen} of {measured} cases" if measured else "nothing is recorded of the baseline"
    limit, rate = threshold.value, 0.0
    if threshold.bound is Bound.MAX:
        rate = seen / measured if measured else 0.0
    if _is_share(threshold):
        limit = threshold.value * (seen if threshold.bound is Bound.MAX_INCREASE else part.rows)
    power = chance_at_most(limit, part.rows, rate) if measured or rate == 0 else None
    blind = BlindSpot(
        RARE,
        chance_at_most(limit, part.rows, RARE),
        {str(p): cases_to_notice(max(limit, 0.0), RARE, p) for p in POWERS},
        upper_bound(0, part.rows, planned.settings.confidence),
    )
    cannot = None
    if power is not None and power <= HARDLY:
        cannot = f"{known}, {threshold.text} allowed: a candidate that is as good passes with a chance of {power:.1%}"
    if threshold.name in planned.distrust:
        cannot, power = f"{planned.distrust[threshold.name]}, so that no threshold may decide on it", 0.0
    return replace(start, expected=rate, power=power, blind_spot=blind, notes=(known,), cannot=cannot)


def forecast_run(threshold: Threshold, part: Part) -> ThresholdForecast:
    """Figures of the run are exact: the number of cases is known, lost answers are assumed not to happen."""
    start = replace(blank(threshold, part, METHOD, "count"), n=part.rows)
    figure = float(part.rows) if threshold.name == "cases" else 0.0
    holds = figure >= threshold.value if threshold.bound is Bound.MIN else figure <= threshold.value
    if threshold.name == "cases":
        needed = {str(p): int(threshold.value) for p in POWERS} if threshold.bound is Bound.MIN else None
        cannot = None if holds else f"the dataset has {part.rows:,} cases"
        return replace(start, expected=figure, power=float(holds), needed=needed, cannot=cannot)
    notes = ("forecast for a run that loses no answer",)
    cannot = None if holds else "not even a run that loses no answer passes"
    return replace(start, expected=0.0, power=float(holds), notes=notes, cannot=cannot)


def _is_share(threshold: Threshold) -> bool:
    return threshold.relative or threshold.text.rstrip().endswith("%")
