"""Paired rates: corners of the table, swapped variants, the ends of the interval, and what is refused."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.stats.paired_rates import Tango, newcombe_interval

LEVELS = (0.5, 0.8, 0.9, 0.95, 0.999)


@st.composite
def tables(draw, most: int = 5000) -> tuple[int, int, int, int]:
    """Counts of pairs: both, gained, dropped, neither."""
    n = draw(st.integers(1, most))
    cuts = sorted(draw(st.lists(st.integers(0, n), min_size=3, max_size=3)))
    return cuts[0], cuts[1] - cuts[0], cuts[2] - cuts[1], n - cuts[2]


def test_no_pairs_say_nothing() -> None:
    nothing = Tango(0, 0, 0)
    assert (nothing.interval(0.9), nothing.p_above(0.0), nothing.p_below(0.0)) == (None, None, None)
    assert newcombe_interval(0, 0, 0, 0, 0.9) is None


@pytest.mark.parametrize("counts", [(5, -1, 0), (5, 0, -1), (5, 3, 3), (0, 1, 0), (-1, 0, 0)])
def test_counts_that_are_not_of_n_pairs_are_refused(counts: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="are not counts of"):
        Tango(*counts)


@pytest.mark.parametrize("place", range(4))
def test_negative_counts_are_refused(place: int) -> None:
    counts = [3, 3, 3, 3]
    counts[place] = -1
    with pytest.raises(ValueError, match="cannot be negative"):
        newcombe_interval(*counts, 0.9)


@pytest.mark.parametrize("n", [1, 2, 30, 2000])
@pytest.mark.parametrize(
    ("bound", "gained_all", "dropped_all", "none", "one_each"),
    [
        # p_above and p_below of each table; 1 where the data cannot speak against it, 0 where the bound is impossible
        (-1.5, (0.0, 1.0), (0.0, 1.0), (0.0, 1.0), (0.0, 1.0)),
        (-1.0, (0.0, 1.0), (1.0, 1.0), (0.0, 1.0), (0.0, 1.0)),
        (0.0, (None, None), (None, None), (0.5, 0.5), (0.5, 0.5)),
        (-0.0, (None, None), (None, None), (0.5, 0.5), (0.5, 0.5)),
        (1.0, (1.0, 1.0), (1.0, 0.0), (1.0, 0.0), (1.0, 0.0)),
        (1.5, (1.0, 0.0), (1.0, 0.0), (1.0, 0.0), (1.0, 0.0)),
        (math.inf, (1.0, 0.0), (1.0, 0.0), (1.0, 0.0), (1.0, 0.0)),
        (-math.inf, (0.0, 1.0), (0.0, 1.0), (0.0, 1.0), (0.0, 1.0)),
    ],
)
def test_corners_of_table_and_bound(n: int, bound: float, gained_all, dropped_all, none, one_each) -> None:
    corners = [(Tango(n, n, 0), gained_all), (Tango(n, 0, n), dropped_all), (Tango(n, 0, 0), none)]
    corners += [(Tango(n, 1, 1), one_each)] if n >= 2 else []
    for tango, wanted in corners:
        for found, exact in zip((tango.p_above(bound), tango.p_below(bound)), wanted, strict=True):
            assert found == exact or (exact is None and 0 <= found <= 1)


def test_a_bound_that_is_no_number_has_no_p_value() -> None:
    assert Tango(30, 3, 1).p_above(math.nan) is None
    assert Tango(30, 3, 1).p_below(math.nan) is None


@pytest.mark.parametrize("n", [1, 5, 30, 2000])
def test_everything_moved_one_way_reaches_the_end_of_the_range(n: int) -> None:
    assert Tango(n, n, 0).interval(0.9).high == 1.0
    assert Tango(n, 0, n).interval(0.9).low == -1.0
    assert -1 < Tango(n, n, 0).interval(0.9).low < 1
    for level in LEVELS:
        ends = newcombe_interval(0, n, 0, 0, level)
        assert -1 <= ends.low < ends.high <= 1


def test_nothing_moved_is_not_certainty() -> None:
    for ends in (Tango(50, 0, 0).interval(0.9), newcombe_interval(25, 0, 0, 25, 0.9)):
        assert -0.1 < ends.low < 0 < ends.high < 0.1
        assert ends.low == -ends.high


def test_the_score_without_a_margin_is_that_of_mcnemar() -> None:
    for gained, dropped in [(5, 2), (40, 61), (1, 0), (7, 7)]:
        z = (gained - dropped) / math.sqrt(gained + dropped)
        assert Tango(200, gained, dropped).p_above(0.0) == pytest.approx(0.5 * math.erfc(z / math.sqrt(2)), rel=1e-13)


@pytest.mark.parametrize(
    ("table", "correlation"),
    [
        # covariances of 6, 294 and -40: less than half the pairs, more, and negative
        ((5, 3, 3, 3), 0.0),
        ((20, 3, 2, 15), (294 - 20) / math.sqrt(23 * 17 * 22 * 18)),
        ((2, 6, 8, 4), -40 / math.sqrt(8 * 12 * 10 * 10)),
    ],
)
def test_only_a_positive_covariance_is_corrected(table: tuple[int, int, int, int], correlation: float) -> None:
    both, gained, dropped, _ = table
    n, z = sum(table), 1.6448536269514722

    def wilson(count: int, sign: int) -> float:
        return (2 * count + z * z + sign * z * math.sqrt(z * z + 4 * count * (1 - count / n))) / (2 * (n + z * z))

    after, before = both + gained, both + dropped
    a, b = after / n - wilson(after, -1), wilson(before, 1) - before / n
    wanted = (gained - dropped) / n - math.sqrt(a * a - 2 * correlation * a * b + b * b)
    assert newcombe_interval(*table, 0.9).low == pytest.approx(wanted, rel=1e-12)


@given(tables(), st.sampled_from(LEVELS), st.floats(-1.2, 1.2))
def test_swapping_the_variants_flips_everything_to_the_last_bit(table, level: float, bound: float) -> None:
    both, gained, dropped, neither = table
    n = sum(table)
    one, other = Tango(n, gained, dropped), Tango(n, dropped, gained)
    ends, mirrored = one.interval(level), other.interval(level)
    assert (ends.low, ends.high) == (-mirrored.high, -mirrored.low)
    assert one.p_above(bound) == other.p_below(-bound)
    assert one.p_below(bound) == other.p_above(-bound)
    ends, mirrored = newcombe_interval(*table, level), newcombe_interval(both, dropped, gained, neither, level)
    assert (ends.low, ends.high) == (-mirrored.high, -mirrored.low)


@given(tables(), st.sampled_from(LEVELS))
def test_intervals_hold_the_difference_and_stay_in_range(table, level: float) -> None:
    _, gained, dropped, _ = table
    n = sum(table)
    for ends in (Tango(n, gained, dropped).interval(level), newcombe_interval(*table, level)):
        assert -1 <= ends.low <= (gained - dropped) / n <= ends.high <= 1
        assert ends.low < ends.high
        assert math.copysign(1, ends.low) == 1 or ends.low < 0


@given(tables(100_000), st.sampled_from((0.8, 0.9, 0.95)))
def test_the_p_value_at_an_end_is_what_the_level_leaves(table, level: float) -> None:
    _, gained, dropped, _ = table
    tango = Tango(sum(table), gained, dropped)
    ends = tango.interval(level)
    if ends.low > -1:
        assert tango.p_above(ends.low) == pytest.approx((1 - level) / 2, abs=1e-10)
    if ends.high < 1:
        assert tango.p_below(ends.high) == pytest.approx((1 - level) / 2, abs=1e-10)


@given(tables(), st.lists(st.floats(-0.999, 0.999), min_size=2, max_size=2))
def test_a_stricter_bound_is_harder_to_show(table, bounds: list[float]) -> None:
    _, gained, dropped, _ = table
    tango = Tango(sum(table), gained, dropped)
    low, high = sorted(bounds)
    assert tango.p_above(low) <= tango.p_above(high) + 1e-12
    assert tango.p_below(high) <= tango.p_below(low) + 1e-12


@given(tables(), st.sampled_from(((0.8, 0.9), (0.9, 0.95), (0.5, 0.999))))
def test_more_confidence_is_never_narrower(table, levels: tuple[float, float]) -> None:
    _, gained, dropped, _ = table
    tango = Tango(sum(table), gained, dropped)
    for narrow, wide in [
        tuple(tango.interval(level) for level in levels),
        tuple(newcombe_interval(*table, level) for level in levels),
    ]:
        assert wide.low <= narrow.low
        assert narrow.high <= wide.high
