"""When hardly any case changes: the guard, never a collapsed interval; and how often a gate errs at its boundary."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from evalgate.core.values import Scale
from evalgate.stats.bands import two_sided
from evalgate.stats.guard import GuardedT
from evalgate.stats.moments import Moments, PairMoments
from evalgate.stats.survey import ENOUGH, Spread


def changed(n: int, up: int, down: int = 0) -> tuple[np.ndarray, np.ndarray]:
    before = np.zeros(n)
    before[: n // 2] = 1
    after = before.copy()
    after[:down] = 0
    after[n - up :] = 1 if up else after[n - up :]
    return before, after


def test_fifty_zeros_are_not_certainty() -> None:
    pairs = PairMoments(50, (0.0, 0.0), (0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 0.0)).with_ends(0.0, 1.0)
    ends = GuardedT(pairs.of(-1.0, 1.0), "guarded t").interval(0.9)
    assert (ends.low, ends.high) == pytest.approx((-0.046, 0.046), abs=5e-5)


@pytest.mark.parametrize(("up", "down"), [(0, 0), (2, 2), (4, 4)])
def test_the_guard_is_a_t_interval_with_two_more_units(make, up: int, down: int) -> None:
    before, after = changed(60, up, down)
    d = np.concatenate([after - before, [-1.0, 1.0]])
    wanted = stats.t.interval(0.9, len(d) - 1, d.mean(), stats.sem(d))
    found = make.compare(before, after)
    assert (found.delta.deciding.low, found.delta.deciding.high) == pytest.approx(wanted, rel=1e-9)
    assert found.p_value == pytest.approx(stats.ttest_1samp(d, 0).pvalue, rel=1e-8)
    assert f"guarded t on n + 2 cases, {up + down} informative" in found.method


def test_rare_losses_widen_the_guard_on_their_side_only(make) -> None:
    random = np.random.default_rng(2)
    before = random.random(200)
    after = before + 0.01 * random.random(200)
    after[:12] = before[:12] * 0.1
    d = after - before
    plain = stats.t.interval(0.9, len(d) - 1, d.mean(), stats.sem(d))
    found = make.compare(before, after)
    assert found.delta.deciding.low < plain[0] - 1e-3
    assert found.delta.deciding.high == pytest.approx(plain[1], rel=1e-9)


def test_ten_informative_cases_are_enough_without_pseudo_units(make) -> None:
    assert "n + 2" in make.compare(*changed(60, 5, 4)).method
    assert "n + 2" not in make.compare(*changed(60, 5, 5)).method


@pytest.mark.parametrize("scale", [Scale.MEAN, Scale.PROPORTION])
@pytest.mark.parametrize("n", [2, 5, 9, 50, 2000])
def test_no_change_is_never_a_point(make, scale: Scale, n: int) -> None:
    before = np.arange(n) % 2.0
    found = make.compare(before, before, scale)
    assert found.delta.value == 0
    assert found.delta.deciding.low < 0 < found.delta.deciding.high
    assert (found.informative, found.p_value) == (0, 1.0)


def test_a_constant_gain_is_not_certainty(make) -> None:
    before = np.linspace(0.1, 0.8, 50)
    found = make.compare(before, before + 0.02)
    assert (found.informative, found.method.split(";")[0]) == (50, "guarded t on n + 2 cases, 0 informative")
    assert found.delta.deciding.low < 0.0 < found.delta.deciding.high
    assert found.p_value > 0.05


@pytest.mark.parametrize("scale", [Scale.CORPUS, Scale.QUANTILE])
@pytest.mark.parametrize("moved", [0, 9])
def test_what_has_no_guard_has_no_interval(make, scale: Scale, moved: int) -> None:
    before = np.random.default_rng(1).random(100)
    after = before.copy()
    after[:moved] /= 2
    found = make.compare(before, after, scale, quantile=0.5 if scale is Scale.QUANTILE else None)
    assert found.delta.value is not None
    assert (found.delta.deciding, found.relative.deciding, found.p_value) == (None, None, None)
    assert f"only {moved} of 100 cases differ; at least 10 are needed" in found.reason


def test_noise_on_every_case_is_no_information_about_rare_losses(make) -> None:
    random = np.random.default_rng(1)
    before = random.uniform(0.5, 0.6, 100)
    after = before + random.uniform(-0.04, 0.04, 100)
    calm = make.compare(before, after)
    assert "guarded t on n + 2 cases, 0 informative" in calm.method
    assert calm.delta.deciding.low < -0.02
    after[:9] -= 0.4
    assert "9 informative" in make.compare(before, after).delta.method
    after[9] -= 0.4
    assert "n + 2" not in make.compare(before, after).delta.method


def test_few_cases_keep_the_guard_however_much_they_differ(make) -> None:
    random = np.random.default_rng(1)
    before, after = random.random(30), random.random(30)
    assert "n + 2" in make.compare(before[:29], after[:29]).method
    assert "n + 2" not in make.compare(before, after).method
    free = make.compare(before[:29], after[:29], low=0.0, high=None)
    assert (free.delta.deciding, free.candidate.deciding) == (None, None)
    assert "29 cases are too few without a range of the metric; at least 30 are needed" in free.reason
    assert make.compare(before, after, low=0.0, high=None).delta.deciding is not None


def test_an_unbounded_mean_has_no_guard(make) -> None:
    before = np.random.default_rng(1).lognormal(size=100)
    found = make.compare(before, before, low=0.0, high=None, higher=False)
    assert found.delta.deciding is None
    assert found.baseline.deciding is not None


def test_a_perfect_score_is_not_certainty(make) -> None:
    mean = make.compare(np.full(40, 0.7), np.ones(40))
    assert mean.candidate.deciding.low < mean.candidate.deciding.high == 1.0
    rate = make.compare(np.ones(40), np.ones(40), Scale.PROPORTION)
    assert rate.candidate.deciding.low == pytest.approx(0.05 ** (1 / 40))


def test_a_score_that_never_moves_has_no_interval(make) -> None:
    random = np.random.default_rng(1)
    stuck = make.compare(random.random(50), random.random(50), Scale.CORPUS, score=lambda sums: np.zeros(len(sums)))
    assert stuck.delta.value == 0
    assert stuck.delta.deciding is None
    assert "do not vary" in stuck.reason


def test_a_score_that_is_undefined_without_some_case_has_no_interval(make) -> None:
    random = np.random.default_rng(1)
    gaps = make.compare(
        random.random(50), random.random(50), Scale.CORPUS, score=lambda sums: np.where(sums[:, 0] < 24.8, np.nan, sums[:, 0])
    )
    assert gaps.delta.deciding is None


def test_groups_are_averaged_first_and_weigh_the_same(make) -> None:
    random = np.random.default_rng(1)
    before, after = random.random(90), random.random(90)
    groups = np.minimum(np.arange(90), 39)
    found = make.compare(before, after, groups=groups)
    means = [np.array([values[groups == g].mean() for g in range(40)]) for values in (before, after)]
    assert (found.baseline.value, found.candidate.value) == pytest.approx((means[0].mean(), means[1].mean()), rel=1e-12)
    plain = stats.t.interval(0.9, 39, (means[1] - means[0]).mean(), stats.sem(means[1] - means[0]))
    ends = found.delta.deciding
    assert ends.low <= plain[0] + 1e-9 and ends.high >= plain[1] - 1e-9
    assert min(abs(ends.low - plain[0]), abs(ends.high - plain[1])) < 1e-9


@pytest.mark.parametrize("mean", [0.0, 0.02, 0.05])
@pytest.mark.parametrize("cubes", [-0.1, 0.0, 0.1])
def test_guarded_p_and_interval_agree(mean: float, cubes: float) -> None:
    guard = GuardedT(Moments(40, mean, 0.4, cubes), "guarded t")
    p = two_sided(guard)
    assert p is not None
    if p < 1:
        ends = guard.interval(1 - p)
        assert ends is not None
        assert min(abs(ends.low), abs(ends.high)) == pytest.approx(0, abs=1e-7)


@given(st.lists(st.integers(0, 14), max_size=80), st.integers(1, 80))
def test_spread_counts_what_differs_from_the_most_common(values: list[int], size: int) -> None:
    spread = Spread()
    for start in range(0, len(values), size):
        spread.add(np.array(values[start : start + size], dtype=float)[:, np.newaxis])
    true = len(values) - max((values.count(v) for v in values), default=0)
    assert (spread.varied < ENOUGH) == (true < ENOUGH)
    if true < ENOUGH:
        assert spread.varied == true


def false_passes(make, draw, margin: float, runs: int) -> float:
    """How often non-inferiority at `margin` passes a candidate that is exactly that much worse."""
    passed = 0
    for run in range(runs):
        before, after = draw(np.random.default_rng([11, run]))
        ends = make.compare(before, after, Scale.PROPORTION, resamples=400).delta.deciding
        passed += ends is not None and ends.low >= -margin
    return passed / runs


def drops(n: int, up: float, down: float):
    def draw(random):
        u = random.random(n)
        before = np.where(u < up, 0.0, 1.0)
        after = np.where(u < up, 1.0, np.where(u < up + down, 0.0, 1.0))
        return before, after

    return draw


@pytest.mark.parametrize(
    ("n", "up", "down"), [(100, 0.04, 0.06), (30, 0.0, 0.03), (30, 0.01, 0.02), (100, 0.0, 0.03), (100, 0.025, 0.075)]
)
def test_a_gate_at_its_boundary_rarely_passes(make, n: int, up: float, down: float) -> None:
    assert false_passes(make, drops(n, up, down), down - up, 200) <= 0.10


def test_a_clear_non_regression_does_pass(make) -> None:
    assert false_passes(make, drops(500, 0.05, 0.05), 0.1, 40) >= 0.95
