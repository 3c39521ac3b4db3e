"""Forecasts against what the gate's own comparison and decision then do, on data whose truth is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from evalgate.core.settings import Bound, GateSettings, ProxyChoice, TargetKind, Threshold, VariantChoice
from evalgate.core.values import ARMS, Arm, Direction, MetricSpec, Scale
from evalgate.core.verdict import Decision, Results, RunFigures
from evalgate.gate.decide import decide
from evalgate.pipeline.planning_answers import RecordedAnswers
from evalgate.pipeline.planning_parts import Expected, Planned
from evalgate.pipeline.planning_thresholds import forecasts
from evalgate.pipeline.planning_units import units_of
from evalgate.stats.compare import compare_metrics
from evalgate.stats.draws import case_keys
from evalgate.stats.interface import MetricColumns, PairedBlock, StatOptions
from evalgate.stats.power import MeanPlan

TRIALS = 120


def ratio(sums):
    with np.errstate(all="ignore"):
        return sums[:, 0] / sums[:, 1]


def squared(sums):
    return 100 * ratio(sums) ** 2


def metric(scale=Scale.MEAN, direction=Direction.HIGHER, high=1.0, score=ratio) -> MetricColumns:
    return MetricColumns(MetricSpec("m", direction, "0-1", 0.0, high, "1", 2, scale, ""), score, 0, 2)


def rule(bound: Bound, value: float, relative: bool = False) -> Threshold:
    return Threshold(TargetKind.METRIC, "m", bound, value, relative, f"{value:.0%}" if relative else f"{value}")


def rows(scores) -> np.ndarray:
    return np.stack([scores, np.ones(len(scores))], axis=1)


def waits(factor: float) -> Callable:
    def draw(random, n):
        own = random.normal(6, 0.5, n)
        return np.exp(own + random.normal(0, 0.3, n)), factor * np.exp(own + random.normal(0, 0.3, n))

    return draw


def grades(random, n):
    own = random.beta(2, 2, n)
    return [np.clip(own + random.normal(0, 0.15, n), 0, 1) for _ in ARMS]


def hardly_changed(random, n):
    before = random.random(n)
    after, changed = before.copy(), random.random(n) < 0.03
    after[changed] = random.random(int(changed.sum()))
    return before, after


def passing(random, n):
    own = random.random(n)
    return (own < 0.6) * 1.0, ((own < 0.525) | ((own >= 0.6) & (own < 0.675))) * 1.0


@dataclass(frozen=True)
class Story:
    """One threshold, and how its scores come about."""

    column: MetricColumns
    threshold: Threshold
    draw: Callable
    n: int
    expected: Expected | None = None


STORIES = {
    "slower by less than 10 %": Story(
        metric(direction=Direction.LOWER, high=None), rule(Bound.MAX_REGRESSION, 0.1, True), waits(1.0), 200
    ),
    "faster by 17 %, 10 % asked": Story(
        metric(direction=Direction.LOWER, high=None), rule(Bound.MIN_IMPROVEMENT, 0.1, True), waits(0.83), 200,
        Expected(0.17, percent=True),
    ),
    "a share of a corpus score": Story(
        metric(Scale.CORPUS, high=100.0, score=squared), rule(Bound.MAX_REGRESSION, 0.1, True), grades, 150
    ),
    "a share, where lower is better": Story(
        metric(Scale.CORPUS, Direction.LOWER, 100.0, squared), rule(Bound.MAX_REGRESSION, 0.1, True), grades, 150
    ),
    "few cases under the guard": Story(metric(), rule(Bound.MAX_REGRESSION, 0.2), grades, 20),
    "hardly any change": Story(metric(), rule(Bound.MAX_REGRESSION, 0.04), hardly_changed, 100),
    "a rate of its own": Story(metric(Scale.PROPORTION), rule(Bound.MIN, 0.5), passing, 150, Expected(0.0, percent=False)),
    "paired rates": Story(metric(Scale.PROPORTION), rule(Bound.MAX_REGRESSION, 0.08), passing, 150),
}  # fmt: skip


def recorded(before, after) -> RecordedAnswers:
    n = len(before)
    sides = dict(zip(ARMS, (rows(before), rows(after)), strict=True))
    return RecordedAnswers(
        place=np.arange(n), rows={arm: side[:, None, :] for arm, side in sides.items()},
        violations={arm: np.zeros((n, 1, 0), np.int64) for arm in ARMS},
        texts={arm: np.full((n, 1), number, np.uint64) for number, arm in enumerate(ARMS)}, paired=np.ones(n, bool),
        keys=case_keys([f"c{i}" for i in range(n)]), groups=None, slices={}, usage={}, candidates=n,
    )  # fmt: skip


def forecast(story: Story, answers: RecordedAnswers):
    variant = VariantChoice("p", "m")
    settings = GateSettings("g", "d", variant, variant, {}, ProxyChoice("replay", "r"), (), (), (), (story.threshold,), seed=1)
    expected = {"m": story.expected} if story.expected else {}
    return forecasts(Planned(settings, {"m": story.column}, (), answers, True, expected))[0][0]


def decision(story: Story, before, after, seed: int) -> Decision:
    n = len(before)
    flags = np.zeros(n, dtype=bool)
    block = PairedBlock(rows(before), rows(after), None, flags, case_keys([f"c{i}" for i in range(n)]))
    found = compare_metrics([story.column], lambda: [block], StatOptions(0.95, seed, 500))
    return decide((story.threshold,), Results(found, {}, RunFigures(n, 0, 0)), {}, confidence=0.95)[0].decision


@pytest.mark.parametrize("name", STORIES)
def test_power_is_what_the_gate_then_passes(name) -> None:
    story, random = STORIES[name], np.random.default_rng(5)
    passed, powers = 0, []
    for trial in range(TRIALS):
        before, after = story.draw(random, story.n)
        passed += decision(story, before, after, trial) is Decision.PASS
        if trial < 20:
            powers.append(forecast(story, recorded(before, after)).power)
    share = passed / TRIALS
    noise = 3 * np.sqrt(max(share * (1 - share), 0.02) / TRIALS) + 3 * np.std(powers) / np.sqrt(len(powers))
    assert 0.2 < np.mean(powers) < 1
    # the guard and the second opinion make the gate a little stricter than the formula
    assert np.mean(powers) == pytest.approx(share, abs=noise + 0.03)


@pytest.mark.parametrize(
    ("power", "n", "runs"),
    [
        (0.8, 223, 1000),
        pytest.param(0.8, 223, 6000, marks=pytest.mark.slow),
        pytest.param(0.9, 309, 6000, marks=pytest.mark.slow),
    ],
)
def test_means_keep_the_planned_power(power, n, runs) -> None:
    """Normal differences with a standard deviation of 0.3, a margin of 0.05: within two points of the plan."""
    assert MeanPlan(0.3, 0.05).cases(0.05, power) == n
    story = Story(metric(), rule(Bound.MAX_REGRESSION, 0.05), grades, n)
    random, side_by_side, passed = np.random.default_rng(11), 50, 0
    specs = [MetricSpec(f"m{i}", Direction.HIGHER, "0-1", 0.0, 1.0, "1", 2, Scale.MEAN, "") for i in range(side_by_side)]
    columns = [MetricColumns(spec, ratio, 2 * i, 2 * i + 2) for i, spec in enumerate(specs)]
    keys = case_keys([f"c{i}" for i in range(n)])
    for _ in range(runs // side_by_side):
        change = np.clip(random.normal(0, 0.3, (n, side_by_side)), -1, 1)
        sides = [np.stack([(1 + sign * change) / 2, np.ones_like(change)], axis=2).reshape(n, -1) for sign in (-1, 1)]
        block = PairedBlock(sides[0], sides[1], None, np.zeros(n, dtype=bool), keys)
        found = compare_metrics(columns, lambda block=block: [block], StatOptions(0.95, 1, 500, frozenset()))
        passed += sum(result.delta.deciding.low >= -story.threshold.value for result in found.values())
    assert passed / runs == pytest.approx(power, abs=0.02)


def test_linearised_spread_is_that_of_the_gate() -> None:
    """The plan's own linearisation against the interval the gate makes of the same rows."""
    random = np.random.default_rng(3)
    before, after = grades(random, 200)
    story = Story(metric(Scale.CORPUS, high=100.0, score=squared), rule(Bound.MAX_REGRESSION, 3.0), grades, 200)
    planned = forecast(story, recorded(before, after))
    block = PairedBlock(rows(before), rows(after), None, np.zeros(200, bool), case_keys([f"c{i}" for i in range(200)]))
    found = compare_metrics([story.column], lambda: [block], StatOptions(0.95, 1, 500))["m"]
    half = (found.delta.deciding.high - found.delta.deciding.low) / 2
    assert planned.spread.value * 1.6525 / np.sqrt(200) == pytest.approx(half, rel=0.02)


def test_groups_are_averaged_first() -> None:
    before, after = np.array([0.0, 1.0, 0.5, 0.5]), np.array([0.2, 0.8, 0.7, 0.9])
    answers = recorded(before, after)
    grouped = RecordedAnswers(**{**{f: getattr(answers, f) for f in answers.__slots__}, "groups": np.array([0, 0, 1, 1])})
    units = units_of(grouped, np.ones(4, bool), (metric(),), pairs=True)
    assert units.baseline.tolist() == [[0.5, 1.0], [0.5, 1.0]]
    assert units.candidate is not None
    assert units.candidate[:, 0].tolist() == pytest.approx([0.5, 0.8])
    assert units.index.tolist() == [0, 1]
    assert Arm.BASELINE in grouped.rows
