"""Sums over drawn rows: the same as adding fractions, in single precision and in double."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.stats import drawn_products
from evalgate.stats.drawn_products import RowProducts, single_is_exact
from evalgate.stats.interface import Floats
from evalgate.stats.survey import ENOUGH, Spread

WHOLE = st.integers(-3000, 3000).map(float)
SCALES = st.sampled_from([2.0**-950, 2.0**-400, 2.0**-30, 1.0, 2.0**40, 2.0**300])
FINE = st.integers(-(2**38), 2**38).map(float)


@st.composite
def tables(draw: st.DrawFn) -> tuple[Floats, Floats]:
    """Rows (m, width) on a grid of each column, and draws (m, r)."""
    m, width, drawn = draw(st.integers(1, 6)), draw(st.integers(1, 4)), draw(st.integers(1, 5))
    columns = [
        [value * scale for value in draw(st.lists(kind, min_size=m, max_size=m))]
        for scale, kind in ((draw(SCALES), draw(st.sampled_from([WHOLE, FINE]))) for _ in range(width))
    ]
    weights = draw(st.lists(st.lists(st.integers(0, 8), min_size=drawn, max_size=drawn), min_size=m, max_size=m))
    return np.array(columns).T.reshape(m, width), np.array(weights, dtype=np.float64).reshape(m, drawn)


@given(tables())
def test_sums_are_those_of_fractions(made: tuple[Floats, Floats]) -> None:
    rows, drawn = made
    sums = np.zeros((rows.shape[1], drawn.shape[1]))
    RowProducts(rows, 8).add_to(sums, drawn.astype(np.uint8))
    for column in range(rows.shape[1]):
        for resample in range(drawn.shape[1]):
            pairs = zip(rows[:, column].tolist(), drawn[:, resample].tolist(), strict=True)
            assert Fraction(float(sums[column, resample])) == sum(Fraction(a) * int(b) for a, b in pairs)


@pytest.mark.parametrize("value", [2047.0, 2048.0, 2049.0, 2.0**24 + 1, 0.1, -1.0])
def test_a_full_block_of_the_largest_draws(value: float) -> None:
    sums = np.zeros((1, 3))
    RowProducts(np.full((1024, 1), value), 8).add_to(sums, np.full((1024, 3), 8, dtype=np.uint8))
    exact = float(Fraction(value) * 8 * 1024)
    assert sums.tolist() == [[exact] * 3] if value != 0.1 else np.allclose(sums, exact, rtol=1e-12)


def test_columns_without_anything_add_nothing() -> None:
    sums = np.ones((2, 1))
    RowProducts(np.array([[0.0, 1.0]]), 1).add_to(sums, np.ones((1, 1), dtype=np.uint8))
    assert sums.tolist() == [[1.0], [2.0]]


def test_without_exact_single_precision_double_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawn_products, "single_is_exact", lambda: False)
    sums = np.zeros((1, 1))
    made = RowProducts(np.array([[3.0], [4.0]]), 8)
    made.add_to(sums, np.array([[2], [1]], dtype=np.uint8))
    assert sums.tolist() == [[10.0]]
    assert len(made._narrow) == 0


def test_single_precision_is_exact_here() -> None:
    assert single_is_exact()


def test_rows_that_are_no_numbers_are_not_passed_over() -> None:
    for value in (np.nan, np.inf):
        sums = np.zeros((1, 1))
        RowProducts(np.array([[value]]), 1).add_to(sums, np.ones((1, 1), dtype=np.uint8))
        assert not np.isfinite(sums).all()


@given(st.lists(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), max_size=30), max_size=6))
def test_units_that_vary_are_counted_as_far_as_it_matters(chunks: list[list[tuple[int, int]]]) -> None:
    spread = Spread()
    for chunk in chunks:
        spread.add(np.array(chunk, dtype=np.float64).reshape(-1, 2))
    rows = [row for chunk in chunks for row in chunk]
    expected = len(rows) - max((rows.count(row) for row in set(rows)), default=0)
    assert spread.varied == (ENOUGH if len(set(rows)) > ENOUGH else expected)
