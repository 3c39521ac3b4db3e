"""Sums without rounding: equal to math.fsum in any order and any chunks."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.stats.exact_sums import ExactSums

FLOATS = st.floats(allow_nan=False, allow_infinity=False)


def total(*chunks) -> list[float]:
    sums = ExactSums(len(chunks[0]))
    for chunk in chunks:
        sums.add(np.array(chunk, dtype=float))
    return sums.values()


def wanted(numbers: list[float]) -> float:
    """Python's own exact sum, in integers: math.fsum refuses sums that pass the largest float on their way."""
    exact = sum(over * (2**1074 // under) for over, under in (number.as_integer_ratio() for number in numbers))
    try:
        return exact / 2**1074
    except OverflowError:
        return math.inf if exact > 0 else -math.inf


@given(st.lists(FLOATS, min_size=1, max_size=40), st.randoms(use_true_random=False), st.integers(1, 40))
def test_every_sum_is_correctly_rounded_in_any_order(numbers: list[float], random, cut: int) -> None:
    moved = numbers.copy()
    random.shuffle(moved)
    found = total([numbers, moved])
    assert found == [wanted(numbers)] * 2
    assert total([moved[:cut]], [moved[cut:]]) == [wanted(numbers)]


@given(st.lists(st.lists(st.floats(-1e200, 1e200), min_size=3, max_size=3), min_size=1, max_size=5))
def test_lines_do_not_touch_each_other(lines: list[list[float]]) -> None:
    assert total(lines) == [math.fsum(line) for line in lines]


def test_many_numbers_of_very_different_size() -> None:
    draw = np.random.default_rng(3)
    numbers = draw.standard_normal((2, 20_000)) * 10.0 ** draw.integers(-200, 200, (2, 20_000))
    assert total(numbers) == [math.fsum(line) for line in numbers]


def test_what_cancels_leaves_the_rest() -> None:
    assert total([[1e300, 1.0, -1e300]]) == [1.0]
    assert total([[1.7e308, 1.7e308, -1.7e308]]) == [1.7e308]
    assert total([[5e-324, 1.0, -1.0]]) == [5e-324]


@pytest.mark.parametrize("broken", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_not_finite_spoils_its_own_line_only(broken: float) -> None:
    found = total([[1.0, broken], [1.0, 2.0]], [[1.0, 1.0], [1.0, 1.0]])
    assert math.isnan(found[0])
    assert found[1] == 5.0


def test_a_sum_beyond_all_floats_is_infinite() -> None:
    assert total([[1.7e308, 1.7e308], [-1.7e308, -1.7e308]]) == [math.inf, -math.inf]


def test_nothing_sums_to_nothing() -> None:
    assert ExactSums(2).values() == [0.0, 0.0]
    assert total([[], []]) == [0.0, 0.0]
    assert total([[0.0, -0.0]]) == [0.0]
