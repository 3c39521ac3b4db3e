"""Whether planned sample sizes keep what they promise: `python benchmarks/plan_power.py [--trials 2000] [--quick]`.

For each line of the table a non-inferiority threshold is planned at power 0.8 and 0.9 for a candidate that is exactly as good
as the baseline. Then that many cases are drawn again and again, and the gate's own comparison and decision are asked, second
opinion included. The share of passes should be within 2 points of what was planned.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from evalgate.core.settings import Bound, TargetKind, Threshold
from evalgate.core.values import Direction, MetricSpec, Scale
from evalgate.core.verdict import Decision, Results, RunFigures
from evalgate.gate.decide import decide
from evalgate.stats.compare import compare_metrics
from evalgate.stats.draws import case_keys
from evalgate.stats.interface import MetricColumns, PairedBlock, StatOptions
from evalgate.stats.power import MeanPlan, discordant_spread

ERROR = 0.05
RESAMPLES = 2000
SIDE_BY_SIDE = 25
"""Trials that are judged in one call, as so many metrics."""
Floats = NDArray[np.float64]
Draw = Callable[[Generator, int], tuple[Floats, Floats]]
"""(random numbers, n) → scores of baseline and candidate."""


@dataclass(frozen=True, slots=True)
class Design:
    """One line of the table."""

    name: str
    scale: Scale
    spread: float
    margin: float
    draw: Draw


def ratio(sums: Floats) -> Floats:
    """Mean from (sum, count)."""
    with np.errstate(all="ignore"):
        return np.asarray(sums[:, 0] / sums[:, 1], dtype=np.float64)


def pass_fail(discordance: float) -> Draw:
    """Pass in 70 % of the cases; as many are gained as dropped."""

    def draw(random: Generator, n: int) -> tuple[Floats, Floats]:
        u = random.random(n)
        both = 0.7 - discordance / 2
        before = (u < both + discordance / 2) * 1.0
        after = ((u < both) | ((u >= both + discordance / 2) & (u < both + discordance))) * 1.0
        return before, after

    return draw


def normal_differences(random: Generator, n: int) -> tuple[Floats, Floats]:
    """Differences that are normal with standard deviation 0.3, inside the range as good as always."""
    change = np.clip(random.normal(0, 0.3, n), -1, 1)
    return (1 - change) / 2, (1 + change) / 2


def rubric_differences(random: Generator, n: int) -> tuple[Floats, Floats]:
    """A rubric: 64 % ties, the others half a range up or down; standard deviation 0.3."""
    change = random.choice([-0.5, 0.0, 0.5], n, p=[0.18, 0.64, 0.18])
    return (1 - change) / 2, (1 + change) / 2


def designs() -> list[Design]:
    """The lines of the table."""
    found = []
    for discordance, margins in ((0.10, (0.05, 0.03, 0.02, 0.01)), (0.05, (0.02,))):
        for margin in margins:
            name = f"pass/fail, {discordance:.0%} discordant"
            found.append(Design(name, Scale.PROPORTION, discordant_spread(discordance), margin, pass_fail(discordance)))
    for margin in (0.05, 0.02):
        found.append(Design("mean, normal, sd 0.3", Scale.MEAN, 0.3, margin, normal_differences))
        found.append(Design("mean, rubric, sd 0.3", Scale.MEAN, 0.3, margin, rubric_differences))
    return found


def passes(design: Design, n: int, trials: int, seed: int) -> float:
    """Share of trials in which the gate's own functions pass a candidate that is exactly as good as the baseline."""
    names = [f"score{place}" for place in range(SIDE_BY_SIDE)]
    specs = [MetricSpec(name, Direction.HIGHER, "0-1", 0.0, 1.0, "1", 2, design.scale, "") for name in names]
    columns = [MetricColumns(spec, ratio, 2 * place, 2 * place + 2) for place, spec in enumerate(specs)]
    margin = design.margin
    thresholds = [Threshold(TargetKind.METRIC, name, Bound.MAX_REGRESSION, margin, False, f"{margin}") for name in names]
    keys, ones, flags = case_keys([f"case-{number}" for number in range(n)]), np.ones(n), np.zeros(n, dtype=bool)
    random = np.random.default_rng([seed, n])
    seen = 0
    for start in range(0, trials, SIDE_BY_SIDE):
        drawn = [design.draw(random, n) for _ in names]
        sides = [np.stack([part for pair in drawn for part in (pair[arm], ones)], axis=1) for arm in (0, 1)]
        block = PairedBlock(sides[0], sides[1], None, flags, keys)
        found = compare_metrics(columns, lambda block=block: [block], StatOptions(1 - ERROR, start, RESAMPLES))  # type: ignore[misc]
        decided = decide(thresholds, Results(found, {}, RunFigures(n, 0, 0)), {}, confidence=1 - ERROR)
        seen += sum(one.decision is Decision.PASS for one in decided)
    return seen / (SIDE_BY_SIDE * math.ceil(trials / SIDE_BY_SIDE))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=2000, help="default: 2,000")
    parser.add_argument("--quick", action="store_true", help="only sample sizes up to 1,000")
    options = parser.parse_args()
    print(f"{options.trials:,} trials a line; standard error of a share {math.sqrt(0.16 / options.trials):.1%} at 0.8")
    print(f"{'design':<28}{'margin':>8}{'planned':>9}{'n':>8}{'passed':>9}{'gap':>8}")
    for design in designs():
        for power in (0.8, 0.9):
            n = MeanPlan(design.spread, ERROR).cases(design.margin, power)
            assert n is not None
            if options.quick and n > 1000:
                continue
            share = passes(design, n, options.trials, 20260905)
            print(f"{design.name:<28}{design.margin:>8.0%}{power:>9.0%}{n:>8,}{share:>9.1%}{share - power:>+8.1%}", flush=True)


if __name__ == "__main__":
    main()
