"""The draws and the streamed bootstrap: exact sums, true Poisson numbers, bounded memory, and percentiles."""

from __future__ import annotations

import hashlib
import tracemalloc
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from evalgate.core.values import Scale
from evalgate.stats.bands import OrderStatistics, Resampled, two_sided
from evalgate.stats.bootstrap import replicate_sums
from evalgate.stats.chunks import fixed_chunks
from evalgate.stats.compare import compare_metrics
from evalgate.stats.crew import Crew
from evalgate.stats.draws import case_keys, default_resamples, exchanged_sums, fewest_resamples, weighted_sums, weights
from evalgate.stats.quantile import paired_values, point, ranks, replicate_quantiles
from evalgate.stats.survey import take_survey


@pytest.mark.parametrize(
    ("units", "resamples"), [(0, 10_000), (200, 10_000), (10_000, 10_000), (10_001, 9_900), (30_000, 3_300), (1_000_000, 1_000)]
)
def test_default_resamples(units: int, resamples: int) -> None:
    assert default_resamples(units, 0.95) == resamples


def test_a_high_confidence_asks_for_more_resamples() -> None:
    assert (fewest_resamples(0.95), fewest_resamples(0.99)) == (40, 200)
    assert default_resamples(10, 0.9999) == 20_000


def all_weights(keys: np.ndarray, resamples: int, seed: int = 1) -> np.ndarray:
    return np.concatenate([times for _, times in weights(keys, resamples, seed)], axis=1)


def test_draws_are_poisson_numbers(make) -> None:
    drawn = all_weights(make.keys(1000), 1001)
    assert drawn.shape == (1000, 1001)
    seen = np.bincount(drawn.ravel(), minlength=7)[:7]
    wanted = stats.poisson.pmf(np.arange(7), 1) * drawn.size
    assert stats.chisquare(seen[:6], wanted[:6] * seen[:6].sum() / wanted[:6].sum()).pvalue > 1e-4
    assert drawn.max() <= 8


def test_draws_of_units_and_resamples_do_not_hang_together(make) -> None:
    drawn = all_weights(make.keys(400), 400).astype(float)
    for table in (drawn, drawn.T):
        between = np.corrcoef(table)[np.triu_indices(400, 1)]
        # 79,800 pairs with a standard error of 1/20 each
        assert np.abs(between).max() < 0.27
        assert between.std() == pytest.approx(0.05, rel=0.03)


def test_a_draw_depends_on_case_resample_and_seed_only(make) -> None:
    keys = make.keys(50)
    drawn = all_weights(keys, 300)
    assert (all_weights(keys[::-1], 300) == drawn[::-1]).all()
    assert (all_weights(keys[:7], 1000)[:, :300] == drawn[:7]).all()
    assert (all_weights(keys, 300, seed=2) != drawn).any()


def splitmix(value: int) -> int:
    """The finaliser of SplitMix64 in plain integers."""
    value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    value = (value ^ value >> 27) * 0x94D049BB133111EB % 2**64
    return value ^ value >> 31


def test_draws_can_be_made_again_with_plain_integers(make) -> None:
    key = int.from_bytes(hashlib.sha256(b"case-0").digest()[:8], "little")
    salts = {
        purpose: int.from_bytes(hashlib.sha256(f"evalgate {purpose} 7".encode()).digest()[:8], "little")
        for purpose in ("resample", "exchange")
    }
    edges = np.cumsum([24109, 24109, 12055, 4018, 1005, 201, 33, 5])
    times, moved = [], []
    for block in range(1, 101):
        hashed = splitmix(key ^ splitmix((salts["resample"] + block * 0x9E3779B97F4A7C15) % 2**64))
        times += [int(np.searchsorted(edges, hashed >> 16 * lane & 0xFFFF, side="right")) for lane in range(4)]
    for block in range(1, 8):
        hashed = splitmix(key ^ splitmix((salts["exchange"] + block * 0x9E3779B97F4A7C15) % 2**64))
        moved += [hashed >> 8 * byte + 7 - bit & 1 for byte in range(8) for bit in range(8)]
    assert all_weights(make.keys(1), 400, 7)[0].tolist() == times
    assert exchanged_sums([(make.keys(1), np.ones((1, 1)))], 1, 400, 7)[:, 0].tolist() == moved[:400]


def test_sums_are_those_of_the_weights(make) -> None:
    keys, rows = make.keys(2500), np.arange(5000.0).reshape(2500, 2)
    parts = [(keys[:700], rows[:700]), (keys[700:], rows[700:])]
    assert (weighted_sums(parts, 2, 301, 1) == all_weights(keys, 301).T.astype(float) @ rows).all()


def test_half_of_the_units_change_places(make) -> None:
    moved = exchanged_sums([(make.keys(2500), np.ones((2500, 1)))], 1, 401, 1)[:, 0]
    assert moved.mean() == pytest.approx(1250, abs=4 * 25 / np.sqrt(401))
    assert moved.std() == pytest.approx(25, rel=0.15)


def test_replicate_sums_are_exact_for_whole_numbers(make) -> None:
    random = np.random.default_rng(1)
    before, after = (np.column_stack([random.integers(0, 99, 2500), np.ones(2500)]).astype(float) for _ in (0, 1))
    survey = take_survey([make.column()], make.blocks(before, after))
    sums = replicate_sums(survey, np.array([0, 1]), 60, make.options())
    for arm in sums:
        assert (arm == np.rint(arm)).all()
        assert arm[:, 1].mean() == pytest.approx(2500, abs=4 * 50 / np.sqrt(60))


def test_replicate_sums_keep_fractions(make) -> None:
    before = make.rows(np.full(100, 0.1))
    survey = take_survey([make.column()], make.blocks(before, before))
    sums, _ = replicate_sums(survey, np.array([0, 1]), 60, make.options())
    assert sums[:, 0] / sums[:, 1] == pytest.approx(0.1, rel=1e-12)
    assert len(set((sums[:, 0] / sums[:, 1]).tolist())) == 1


def test_a_resample_without_a_unit_is_left_out(make) -> None:
    before = make.rows(np.array([0.1, 0.3]))
    survey = take_survey([make.column()], make.blocks(before, before))
    sums, _ = replicate_sums(survey, np.array([0, 1]), 2000, make.options())
    # exp(-2) of the resamples are empty
    assert len(sums) == pytest.approx(2000 * (1 - np.exp(-2)), abs=4 * np.sqrt(2000 * 0.135 * 0.865))
    assert (sums[:, 1] > 0).all()


@pytest.mark.parametrize(("n", "share"), [(1, 0.5), (7, 0.5), (300, 0.95), (300, 0.99), (2000, 0.5), (20_000, 0.9)])
def test_percentiles_of_resamples_are_those_of_repeated_values(make, n: int, share: float) -> None:
    random = np.random.default_rng(n)
    values = random.integers(0, 50, n) / 7, random.lognormal(size=n)
    keys = make.keys(n)
    found = replicate_quantiles(values, keys, share, 40, 1)
    drawn = all_weights(keys, 40)
    kept = [r for r in range(40) if drawn[:, r].any()]
    for arm in (0, 1):
        wanted = [np.quantile(np.repeat(values[arm], drawn[:, r]), share) for r in kept]
        assert found[arm] == pytest.approx(wanted, rel=1e-12)


@given(st.lists(st.integers(0, 30), max_size=12), st.integers(1, 17))
def test_chunks_keep_every_case_in_order(sizes: list[int], size: int) -> None:
    from evalgate.stats.interface import PairedBlock

    numbers = np.arange(sum(sizes), dtype=float)
    cuts = np.split(numbers, np.cumsum(sizes)[:-1]) if sizes else []
    parts = [PairedBlock(c[:, None], -c[:, None], c.astype(np.int64), c % 2 == 0, c.astype(np.uint64)) for c in cuts]
    found = list(fixed_chunks(parts, size))
    assert all(len(chunk.baseline) == size for chunk in found[:-1])
    assert np.concatenate([np.zeros(0), *(chunk.baseline[:, 0] for chunk in found)]).tolist() == numbers.tolist()
    for chunk in found:
        assert (chunk.candidate == -chunk.baseline).all()
        assert (chunk.groups == chunk.baseline[:, 0]).all()
        assert (chunk.identical == (chunk.groups % 2 == 0)).all()
        assert (chunk.keys == chunk.groups).all()


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
    before, after, kept = paired_values(np.array([1.0, gap, 3.0, gap]), np.array([gap, 2.0, 4.0, gap]), False)
    assert before.tolist() == [1.0, -np.inf, 3.0]
    assert after.tolist() == [np.inf, 2.0, 4.0]
    assert kept.tolist() == [True, True, True, False]
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


@given(st.integers(1, 700), st.integers(2, 5), st.integers(1, 40))
def test_threads_change_no_bit(resamples: int, threads: int, units: int) -> None:
    keys = case_keys([str(number) for number in range(units)])
    rows = np.stack([np.arange(units) * 1.0, np.arange(units) / 3.0], axis=1)
    for summed in (weighted_sums, exchanged_sums):
        alone, together = (summed([(keys, rows), (keys, rows)], 2, resamples, 3, number) for number in (1, threads))
        assert alone.tobytes() == together.tobytes()


def test_an_error_in_a_thread_is_raised() -> None:
    def work(places: Sequence[int]) -> None:
        if 1 in places:
            raise ValueError("in a thread")

    with Crew(2) as crew, pytest.raises(ValueError, match="in a thread"):
        crew.run(work, range(4))
