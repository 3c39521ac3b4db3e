"""The streamed bootstrap: exact sums, a true multinomial, bounded memory, and percentiles."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from evalgate.core.values import Scale
from evalgate.stats.bands import OrderStatistics, Resampled, two_sided
from evalgate.stats.bootstrap import replicate_sums
from evalgate.stats.chunks import CHUNK, fixed_chunks
from evalgate.stats.compare import compare_metrics
from evalgate.stats.draws import ChunkShares, default_resamples, fewest_resamples, generator, unit_weights
from evalgate.stats.quantile import paired_values, point, ranks
from evalgate.stats.survey import take_survey


@pytest.mark.parametrize(
    ("units", "resamples"), [(0, 10_000), (200, 10_000), (10_000, 10_000), (10_001, 9_900), (30_000, 3_300), (1_000_000, 1_000)]
)
def test_default_resamples(units: int, resamples: int) -> None:
    assert default_resamples(units, 0.95) == resamples


def test_a_high_confidence_asks_for_more_resamples() -> None:
    assert (fewest_resamples(0.95), fewest_resamples(0.99)) == (40, 200)
    assert default_resamples(10, 0.9999) == 20_000


def test_every_resample_draws_every_unit_once_on_average() -> None:
    shares = ChunkShares(2500, 400)
    total = np.zeros(400, dtype=np.int64)
    for number, size in enumerate((CHUNK, CHUNK, 2500 - 2 * CHUNK)):
        random = generator(1, (number,))
        share = shares.take(size, random)
        total += share
        for part, weights in unit_weights(share, size, random):
            assert (weights.sum(axis=1) == share[part]).all()
        # a binomial share: mean and spread within four standard errors
        p = size / 2500
        assert share.mean() == pytest.approx(2500 * p, abs=4 * np.sqrt(2500 * p * (1 - p) / 400))
        assert share.std() == pytest.approx(np.sqrt(2500 * p * (1 - p)), rel=0.15)
    assert shares.finished
    assert (total == 2500).all()


def test_units_are_drawn_evenly() -> None:
    weights = np.zeros(40)
    for _, some in unit_weights(np.full(2000, 40), 40, generator(3, (0,))):
        weights += some.sum(axis=0)
    assert stats.chisquare(weights).pvalue > 1e-4


def test_replicate_sums_are_exact_for_whole_numbers(make) -> None:
    random = np.random.default_rng(1)
    before, after = (np.column_stack([random.integers(0, 99, 2500), np.ones(2500)]).astype(float) for _ in (0, 1))
    survey = take_survey([make.column()], make.blocks(before, after))
    sums = replicate_sums(survey, np.array([0, 1]), 60, make.options())
    for arm in sums:
        assert (arm == np.rint(arm)).all()
        assert (arm[:, 1] == 2500).all()


def test_replicate_sums_keep_fractions(make) -> None:
    before = make.rows(np.full(100, 0.1))
    survey = take_survey([make.column()], make.blocks(before, before))
    sums, _ = replicate_sums(survey, np.array([0, 1]), 60, make.options())
    assert sums[:, 0] == pytest.approx(10.0, rel=1e-12)
    assert len(set(sums[:, 0].tolist())) == 1


@given(st.lists(st.integers(0, 30), max_size=12), st.integers(1, 17))
def test_chunks_keep_every_case_in_order(sizes: list[int], size: int) -> None:
    from evalgate.stats.interface import PairedBlock

    numbers = np.arange(sum(sizes), dtype=float)
    cuts = np.split(numbers, np.cumsum(sizes)[:-1]) if sizes else []
    parts = [PairedBlock(c[:, None], -c[:, None], c.astype(np.int64), c % 2 == 0) for c in cuts]
    found = list(fixed_chunks(parts, size))
    assert all(len(chunk.baseline) == size for chunk in found[:-1])
    assert np.concatenate([np.zeros(0), *(chunk.baseline[:, 0] for chunk in found)]).tolist() == numbers.tolist()
    for chunk in found:
        assert (chunk.candidate == -chunk.baseline).all()
        assert (chunk.groups == chunk.baseline[:, 0]).all()
        assert (chunk.identical == (chunk.groups % 2 == 0)).all()


def test_ties_count_on_both_sides_of_the_p_value() -> None:
    def p(deltas: np.ndarray) -> float | None:
        return two_sided(Resampled(deltas, deltas, "resampled"))

    assert p(np.zeros(999)) == 1.0
    assert p(np.ones(999)) == 0.002
    assert p(np.array([0.0] * 300 + [1.0] * 699)) == pytest.approx(0.602)


@pytest.mark.parametrize(("n", "enough"), [(58, False), (59, True)])
def test_a_95th_percentile_needs_59_units(n: int, enough: bool) -> None:
    assert (ranks(n, 0.95, 0.05) is not None) == enough


@pytest.mark.parametrize(("n", "share", "error"), [(59, 0.95, 0.05), (100, 0.5, 0.025), (200, 0.9, 0.05), (1000, 0.99, 0.025)])
def test_ranks_are_the_tightest_that_hold(n: int, share: float, error: float) -> None:
    low, high = ranks(n, share, error)
    assert stats.binom.cdf(low - 1, n, share) <= error < stats.binom.cdf(low, n, share)
    assert stats.binom.sf(high - 1, n, share) <= error < stats.binom.sf(high - 2, n, share)


def test_a_median_interval_known_from_tables() -> None:
    # n = 20: the 6th and 15th values enclose the median with 95.9 %
    assert ranks(20, 0.5, 0.025) == (6, 15)
    values = np.arange(1.0, 21.0)
    ends = OrderStatistics(np.sort(values), 0.5).interval(0.95)
    assert (ends.low, ends.high) == (6.0, 15.0)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=50), st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_the_point_is_numpys(values: list[float], share: float) -> None:
    assert point(np.array(values), share) == float(np.quantile(values, share))


def test_percentiles_of_a_comparison(make) -> None:
    random = np.random.default_rng(4)
    before = random.lognormal(5, 0.5, 400)
    after = before * random.lognormal(0.2, 0.1, 400)
    found = make.compare(before, after, Scale.QUANTILE, quantile=0.9, low=0.0, high=None, higher=False)
    wanted = np.quantile(after, 0.9) - np.quantile(before, 0.9)
    assert found.delta.value == pytest.approx(wanted)
    assert 0 < found.delta.deciding.low < wanted < found.delta.deciding.high
    assert found.relative.deciding.low > 0
    assert "order-statistic ranks" in found.method


def test_too_few_cases_for_a_percentile(make) -> None:
    random = np.random.default_rng(4)
    found = make.compare(random.random(40), random.random(40), Scale.QUANTILE, quantile=0.95)
    assert found.delta.value is not None
    assert (found.delta.deciding, found.candidate.deciding) == (None, None)
    assert "40 cases are too few to bound this percentile" in found.reason


def test_a_value_missing_on_one_side_counts_against_the_candidate() -> None:
    gap = np.nan
    before, after = paired_values(np.array([1.0, gap, 3.0, gap]), np.array([gap, 2.0, 4.0, gap]), False)
    assert before.tolist() == [1.0, -np.inf, 3.0]
    assert after.tolist() == [np.inf, 2.0, 4.0]
    higher = paired_values(np.array([gap, 1.0]), np.array([1.0, gap]), True)
    assert (higher[0].tolist(), higher[1].tolist()) == ([np.inf, 1.0], [1.0, -np.inf])


def test_lost_answers_that_reach_the_percentile_leave_no_value(make) -> None:
    random = np.random.default_rng(4)
    before, after = make.rows(random.random(100)), make.rows(random.random(100))
    after[:20] = 0
    column = make.column(scale=Scale.QUANTILE, quantile=0.95, higher=False)
    found = compare_metrics([column], make.blocks(before, after), make.options(200))["m"]
    assert found.candidate.value is None
    assert "the score of the candidate is not defined" in found.reason
    assert found.delta.deciding is None


@pytest.mark.slow
def test_memory_stays_bounded(make) -> None:
    random = np.random.default_rng(1)
    before = make.rows(random.random(200_000), random.random(200_000))
    after = before + 0.001 * random.random(before.shape) * [1, 0, 1, 0]
    columns = [make.column("a"), make.column("b", Scale.CORPUS, 2)]
    read = make.blocks(before, after, 4096)
    tracemalloc.start()
    try:
        found = compare_metrics(columns, read, make.options(200))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found["a"].delta.deciding is not None
    assert peak < 64e6
