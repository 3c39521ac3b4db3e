"""Swapping the variants mirrors every figure to the last bit; rescaling a metric rescales its figures."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evalgate.core.values import Scale
from evalgate.stats.guard import GuardedRatio
from evalgate.stats.moments import PairSums

KINDS = ("smooth", "skewed", "few", "ties", "twenty")


def law(examples: int) -> settings:
    """That many examples; the fixture `make` keeps nothing from one to the next."""
    return settings(max_examples=examples, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


def scores(kind: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Baseline and candidate scores in [0, 1]."""
    random = np.random.default_rng(seed)
    n = 20 if kind == "twenty" else int(random.integers(40, 140))
    before = random.random(n)
    if kind == "ties":
        before = np.rint(before * 4) / 4
        after = np.clip(before + random.choice([-0.25, 0.0, 0.25], n), 0, 1)
    elif kind == "few":
        after = before.copy()
        after[:4] = random.random(4)
    else:
        after = np.clip(before + 0.2 * random.standard_normal(n), 0, 1)
    if kind == "skewed":
        after[:11] *= 0.05
    return before, after


def mirrored(one, other) -> None:
    """Bit for bit: same width, ends and signs changed places."""
    for ends, swapped in ((one.delta.deciding, other.delta.deciding), (one.delta.reading, other.delta.reading)):
        assert ends is not None
        assert (ends.low, ends.high) == (-swapped.high, -swapped.low)
    assert one.delta.value == -other.delta.value
    assert one.p_value == other.p_value
    assert (one.baseline, one.candidate) == (other.candidate, other.baseline)
    assert (one.method, one.n, one.informative) == (other.method, other.n, other.informative)
    for bound in (-0.07, 0.0, 0.05):
        assert one.delta.inference.p_above(bound) == other.delta.inference.p_below(-bound)


@law(25)
@given(st.sampled_from(KINDS), st.integers(0, 10**6))
def test_means(make, kind: str, seed: int) -> None:
    before, after = scores(kind, seed)
    mirrored(make.compare(before, after), make.compare(after, before))


@law(15)
@given(st.integers(0, 10**6))
def test_corpus_scores(make, seed: int) -> None:
    before, after = scores("smooth", seed)
    mirrored(make.compare(before, after, Scale.CORPUS), make.compare(after, before, Scale.CORPUS))


@law(15)
@given(st.sampled_from(("smooth", "skewed", "few")), st.integers(0, 10**6))
def test_groups(make, kind: str, seed: int) -> None:
    before, after = scores(kind, seed)
    groups = np.random.default_rng(seed).integers(0, 35, len(before))
    mirrored(make.compare(before, after, groups=groups), make.compare(after, before, groups=groups))


@law(15)
@given(st.integers(0, 10**6))
def test_pass_and_fail(make, seed: int) -> None:
    before, after = (np.rint(side) for side in scores("smooth", seed))
    one, other = make.compare(before, after, Scale.PROPORTION), make.compare(after, before, Scale.PROPORTION)
    mirrored(one, other)
    assert (one.second.delta.low, one.second.delta.high) == (-other.second.delta.high, -other.second.delta.low)
    assert (one.second.p_higher, one.second.p_lower) == (other.second.p_lower, other.second.p_higher)
    assert (one.newly_failing, one.newly_passing) == (other.newly_passing, other.newly_failing)


@law(10)
@given(st.integers(0, 10**6))
def test_percentiles(make, seed: int) -> None:
    before, after = scores("smooth", seed)
    one, other = (make.compare(*pair, Scale.QUANTILE, quantile=0.5) for pair in ((before, after), (after, before)))
    mirrored(one, other)


@law(10)
@given(st.sampled_from(("smooth", "ties")), st.sampled_from((Scale.MEAN, Scale.CORPUS)), st.integers(0, 10**6))
def test_the_second_opinion(make, kind: str, scale: Scale, seed: int) -> None:
    before, after = scores(kind, seed)
    one, other = make.compare(before, after, scale).second, make.compare(after, before, scale).second
    assert (one.delta.low, one.delta.high) == (-other.delta.high, -other.delta.low)
    assert (one.p_higher, one.p_lower) == (other.p_lower, other.p_higher)


@law(40)
@given(st.sampled_from(KINDS), st.integers(0, 10**6), st.sampled_from((0.8, 0.9, 0.99)))
def test_a_swapped_ratio_is_the_reciprocal(kind: str, seed: int, level: float) -> None:
    before, after = (0.2 + side for side in scores(kind, seed))
    sums, swapped = PairSums((0.5, 0.5)), PairSums((0.5, 0.5))
    sums.add(before, after)
    swapped.add(after, before)
    one, other = (GuardedRatio(pairs, "Fieller").interval(level) for pairs in (sums.moments(), swapped.moments()))
    assert one is not None
    assert (1 + one.low, 1 + one.high) == pytest.approx((1 / (1 + other.high), 1 / (1 + other.low)), rel=1e-9)


@law(20)
@given(st.sampled_from(KINDS), st.integers(0, 10**6), st.sampled_from((100.0, 0.01, 1000.0)))
def test_rescaling_a_metric_with_its_range_rescales_its_figures(make, kind: str, seed: int, factor: float) -> None:
    before, after = scores(kind, seed)
    one = make.compare(before, after)
    other = make.compare(before * factor, after * factor, high=factor)
    assert one.method == other.method
    for name in ("delta", "candidate"):
        ends, scaled = getattr(one, name).deciding, getattr(other, name).deciding
        assert (scaled.low, scaled.high) == pytest.approx((ends.low * factor, ends.high * factor), rel=1e-9, abs=1e-12 * factor)
    assert other.p_value == pytest.approx(one.p_value, rel=1e-9)
    assert (one.relative.deciding is None) == (other.relative.deciding is None)
    if one.relative.deciding is not None:
        wanted = one.relative.deciding.low, one.relative.deciding.high
        assert (other.relative.deciding.low, other.relative.deciding.high) == pytest.approx(wanted, rel=1e-9, abs=1e-12)


@law(10)
@given(st.sampled_from(KINDS), st.integers(0, 10**6))
def test_a_power_of_two_rescales_to_the_last_bit(make, kind: str, seed: int) -> None:
    before, after = scores(kind, seed)
    one, other = make.compare(before, after), make.compare(before * 128, after * 128, high=128.0)
    assert (one.delta.deciding.low * 128, one.delta.deciding.high * 128) == (other.delta.deciding.low, other.delta.deciding.high)
    assert one.p_value == other.p_value
