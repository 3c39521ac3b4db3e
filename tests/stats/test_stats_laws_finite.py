"""Whatever the scores: every published number is finite or missing, ends hold their estimate, and nothing depends on order."""

from __future__ import annotations

import dataclasses
import math
import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evalgate.core.values import Scale
from evalgate.core.verdict import Interval, MetricResult

VALUES = st.sampled_from(
    [
        0.0,
        -0.0,
        1.0,
        0.5,
        1 / 3,
        0.1,
        0.7,
        1e-300,
        5e-324,
        1e-9,
        1e9,
        1e150,
        1e300,
        -1e300,
        1.7e308,
        -1.0,
        2.5,
        math.nan,
        math.inf,
    ]
)
TAME = st.sampled_from([0.0, 1.0, 0.5, 0.25, 1 / 3, 0.1, 0.7, 0.999999999, 1e-12])
SCALES = (Scale.MEAN, Scale.PROPORTION, Scale.CORPUS, Scale.QUANTILE)
LAW = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


def numbers(value: object) -> list[float]:
    """Every number in a result, at any depth."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return []
    if isinstance(value, (int, float)):
        return [value]
    if isinstance(value, (list, tuple)):
        return [number for part in value for number in numbers(part)]
    if dataclasses.is_dataclass(value):
        names = [field.name for field in dataclasses.fields(value) if field.name != "inference"]
        return [number for name in names for number in numbers(getattr(value, name))]
    raise AssertionError(f"{type(value)} holds no number that may be published")


def intervals(value: object) -> list[Interval]:
    if isinstance(value, Interval):
        return [value]
    if dataclasses.is_dataclass(value):
        return [one for field in dataclasses.fields(value) for one in intervals(getattr(value, field.name))]
    return []


def sound(found: MetricResult) -> None:
    assert all(math.isfinite(number) for number in numbers(found)), found
    assert all(ends.low <= ends.high for ends in intervals(found)), found
    assert found.p_value is None or 0 <= found.p_value <= 1
    for one in (found.baseline, found.candidate, found.delta, found.relative):
        assert (one.deciding is None) == (one.inference is None)
        # few units may bound a percentile at the one level and not at the wider one
        assert one.reading is not None or one.deciding is None or one.method == "order-statistic ranks"
        assert one.reading is None or one.deciding is not None
        if one.deciding is not None:
            assert one.deciding.low <= one.value <= one.deciding.high
            # equal order statistics are a proven interval; any other that has collapsed would be false certainty
            assert one.deciding.low < one.deciding.high or one.method == "order-statistic ranks"
        if one.inference is not None:
            for bound in (-1e300, -1.0, -0.02, -0.0, 0.0, 0.05, 1.0, 1e300):
                for p in (one.inference.p_above(bound), one.inference.p_below(bound)):
                    assert p is None or 0 <= p <= 1, (one.inference, bound, p)
            for level in (0.5, 0.8, 0.999):
                ends = one.inference.interval(level)
                assert ends is None or -math.inf < ends.low <= ends.high < math.inf, (one.inference, level, ends)
    if found.delta.value is None or found.delta.deciding is None:
        assert found.reason


def measured(make, before, after, scale: Scale, groups, ranged: bool) -> MetricResult:
    quantile = 0.5 if scale is Scale.QUANTILE else None
    ends = {"low": 0.0, "high": 1.0} if ranged else {"low": None, "high": None}
    clusters = None if groups is None else np.arange(len(before)) // groups
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return make.compare(before, after, scale, groups=clusters, resamples=40, quantile=quantile, **ends)


@settings(LAW, max_examples=150)
@given(
    st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=6),
    st.integers(1, 60),
    st.sampled_from(SCALES),
    st.sampled_from((None, 1, 2, 7)),
    st.booleans(),
)
def test_wild_scores(make, pairs, n: int, scale: Scale, groups, ranged: bool) -> None:
    before, after = np.resize(np.array(pairs), (n, 2)).T
    sound(measured(make, before.copy(), after.copy(), scale, groups, ranged))


@settings(LAW, max_examples=150)
@given(
    st.lists(st.tuples(TAME, TAME), min_size=1, max_size=60),
    st.sampled_from(SCALES),
    st.sampled_from((None, 1, 2, 7)),
    st.booleans(),
    st.sampled_from((1.0, 1e-300, 1e-5, 1e5, 1e100, 1e300)),
)
def test_scores_of_any_size(make, pairs, scale: Scale, groups, ranged: bool, factor: float) -> None:
    before, after = (np.array(pairs) * factor).T
    sound(measured(make, before.copy(), after.copy(), scale, groups, ranged and factor == 1))


@settings(LAW, max_examples=60)
@given(st.integers(0, 10**6), st.sampled_from(SCALES), st.sampled_from((1.0, 1e-300, 1e-100, 1e100, 1e300)), st.booleans())
def test_many_different_scores_of_any_size(make, seed: int, scale: Scale, factor: float, ranged: bool) -> None:
    draw = np.random.default_rng(seed)
    before = draw.random(50)
    after = before + draw.choice([0.0, 1e-9, 0.3]) * draw.standard_normal(50)
    sound(measured(make, before * factor, after * factor, scale, None, ranged and factor == 1))


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("n", [1, 2, 3, 9, 10, 11, 29, 30, 31])
@pytest.mark.parametrize(("before", "after"), [(0.0, 0.0), (1.0, 1.0), (0.0, 1.0), (1.0, 0.0), (0.3, 0.3), (0.3, 0.1 + 0.2)])
def test_constants(make, scale: Scale, n: int, before: float, after: float) -> None:
    found = measured(make, np.full(n, before), np.full(n, after), scale, None, True)
    sound(found)
    assert n > 1 or found.delta.deciding is None


@settings(LAW, max_examples=40)
@given(st.integers(0, 10**6), st.sampled_from(SCALES), st.sampled_from((4, 40, 150)), st.sampled_from((1.0, 1e-7, 1e9)))
def test_the_order_of_cases_changes_no_bit(make, seed: int, scale: Scale, n: int, size: float) -> None:
    draw = np.random.default_rng(seed)
    before = draw.random(n)
    after = np.clip(before + 0.2 * draw.standard_normal(n), 0.01, 1)
    if scale is Scale.PROPORTION:
        before, after = np.rint(before), np.rint(after)
    before, after = before * size, after * size
    how = {"resamples": 40, "high": size, "quantile": 0.5 if scale is Scale.QUANTILE else None}
    shuffled = draw.permutation(n)
    one, other = (make.compare(b, a, scale, **how) for b, a in ((before, after), (before[shuffled], after[shuffled])))
    # the second opinion draws by the id of a case, and ids have not moved with their rows
    second = (scale is Scale.QUANTILE and {"delta": other.delta, "relative": other.relative, "p_value": other.p_value}) or {}
    assert dataclasses.replace(one, second=other.second, **second) == other


def test_the_order_of_many_cases_changes_no_bit(make) -> None:
    draw = np.random.default_rng(1)
    before, after = draw.random((2, 5000)) ** 3
    shuffled = draw.permutation(5000)
    one, other = (make.compare(b, a, resamples=40) for b, a in ((before, after), (before[shuffled], after[shuffled])))
    assert dataclasses.replace(one, second=other.second) == other


@settings(LAW, max_examples=15)
@given(st.integers(0, 10**6))
def test_the_order_of_grouped_cases_changes_rounding_only(make, seed: int) -> None:
    draw = np.random.default_rng(seed)
    before, after = draw.random((2, 120))
    groups = draw.integers(0, 40, 120)
    order = draw.permutation(120)
    one = make.compare(before, after, groups=groups, resamples=40)
    other = make.compare(before[order], after[order], groups=groups[order], resamples=40)
    assert (one.method, one.n, one.informative) == (other.method, other.n, other.informative)
    ends, moved = one.delta.deciding, other.delta.deciding
    assert (moved.low, moved.high) == pytest.approx((ends.low, ends.high), rel=1e-12, abs=1e-12)
