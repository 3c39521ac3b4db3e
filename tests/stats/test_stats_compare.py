"""Estimates and intervals of whole comparisons: totals, invariances, and what has no interval."""

from __future__ import annotations

import json
import math
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from evalgate.core.errors import BadInput, Incomplete
from evalgate.core.values import Scale
from evalgate.stats.compare import compare_metrics
from evalgate.stats.exact_counts import clopper_pearson
from evalgate.stats.interface import MetricColumns, PairedBlock, StatOptions


def noisy(n: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    before = random.random(n)
    return before, np.clip(before + random.normal(0.02, 0.1, n), 0, 1)


def coins(n: int, seed: int = 1, flips: float = 0.2) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    before = (random.random(n) < 0.6).astype(float)
    return before, np.where(random.random(n) < flips, 1 - before, before)


def words(result) -> str:
    return json.dumps(asdict(result), sort_keys=True, allow_nan=False, default=np.ndarray.tolist)


def test_estimates_equal_numpy(make) -> None:
    before, after = noisy(700)
    found = make.compare(before, after)
    assert found.baseline.value == pytest.approx(before.mean(), rel=1e-13)
    assert found.candidate.value == pytest.approx(after.mean(), rel=1e-13)
    assert found.delta.value == pytest.approx(after.mean() - before.mean(), rel=1e-11)
    assert found.relative.value == pytest.approx(after.mean() / before.mean() - 1, rel=1e-11)
    assert (found.n, found.rows, found.method.split(";")[0]) == (700, 700, "guarded t")


def test_the_bootstrap_interval_agrees_with_scipy(make) -> None:
    before, after = noisy(300)
    wanted = stats.bootstrap(
        (after - before,), np.mean, n_resamples=9999, confidence_level=0.9, method="percentile", rng=np.random.default_rng(3)
    ).confidence_interval
    found = make.compare(before, after, resamples=10_000).delta.deciding
    width = wanted.high - wanted.low
    assert found.low == pytest.approx(wanted.low, abs=0.04 * width)
    assert found.high == pytest.approx(wanted.high, abs=0.04 * width)


def test_intervals_are_nested_and_hold_the_estimate(make) -> None:
    for scale in (Scale.MEAN, Scale.PROPORTION, Scale.CORPUS):
        before, after = coins(300) if scale is Scale.PROPORTION else noisy(300)
        found = make.compare(before, after, scale)
        for part in (found.baseline, found.candidate, found.delta, found.relative):
            assert part.reading.low <= part.deciding.low <= part.value <= part.deciding.high <= part.reading.high
            assert part.deciding.low < part.deciding.high


def test_own_rates_are_exact(make) -> None:
    before, after = coins(200)
    found = make.compare(before, after, Scale.PROPORTION)
    assert found.baseline.reading == clopper_pearson(int(before.sum()), 200, 0.95)
    assert found.candidate.deciding == clopper_pearson(int(after.sum()), 200, 0.9)
    assert found.newly_failing == int(((before == 1) & (after == 0)).sum())
    assert found.newly_passing == int(((before == 0) & (after == 1)).sum())
    assert "Clopper-Pearson" in found.method


def test_a_lower_is_better_rate_counts_failures_the_other_way(make) -> None:
    found = make.compare([0, 0, 1, 1, 0], [1, 0, 0, 1, 1], Scale.PROPORTION, higher=False)
    assert (found.newly_failing, found.newly_passing) == (2, 1)


def test_only_pass_fail_metrics_count_newly_failing_cases(make) -> None:
    assert make.compare(*noisy(50)).newly_failing is None


def test_a_candidate_without_a_score_has_lost_the_case(make) -> None:
    before, after = make.rows([1, 1, 0]), make.rows([1, 0, 1])
    after[1] = (0, 0)
    found = compare_metrics([make.column(scale=Scale.PROPORTION)], make.blocks(before, after), make.options(1000))["m"]
    assert (found.newly_failing, found.newly_passing) == (1, 1)


@pytest.mark.parametrize("size", [1, 7, 100, 1024, 5000])
def test_the_shard_layout_changes_no_byte(make, size: int) -> None:
    before, after = noisy(1500)
    columns = [make.column(), make.column("c", Scale.CORPUS)]
    wanted = compare_metrics(columns, make.blocks(make.rows(before), make.rows(after)), make.options(200))
    found = compare_metrics(columns, make.blocks(make.rows(before), make.rows(after), size), make.options(200))
    assert {k: words(v) for k, v in found.items()} == {k: words(v) for k, v in wanted.items()}


def test_a_metric_does_not_depend_on_its_neighbours(make) -> None:
    one, two, three = noisy(1300), coins(1300), noisy(1300, 9)
    before, after = (make.rows(*(pair[arm] for pair in (one, two, three))) for arm in (0, 1))
    every = [
        make.column("a"),
        make.column("b", Scale.PROPORTION, 2),
        make.column("c", Scale.CORPUS, 4),
        make.column("a.p50", Scale.QUANTILE, 0, quantile=0.5),
    ]
    joint = compare_metrics(every, make.blocks(before, after), make.options(300))
    for alone in every:
        assert words(compare_metrics([alone], make.blocks(before, after), make.options(300))[alone.spec.name]) == words(
            joint[alone.spec.name]
        )
    narrow = compare_metrics([make.column("a")], make.blocks(before[:, :2], after[:, :2]), make.options(300))
    assert words(narrow["a"]) == words(joint["a"])


def test_the_seed_chooses_the_draws(make) -> None:
    before, after = noisy(100)
    read = make.blocks(make.rows(before), make.rows(after))

    def ends(**how):
        return compare_metrics([make.column()], read, make.options(500, **how))["m"].second.delta

    assert ends() == ends()
    assert ends() != ends(seed=8)


def test_renaming_the_variants_flips_the_sign_exactly(make) -> None:
    before, after = noisy(200)
    there, back = make.compare(before, after), make.compare(after, before)
    assert there.delta.value == -back.delta.value
    assert there.delta.deciding.low == pytest.approx(-back.delta.deciding.high, rel=1e-12)
    assert there.p_value == back.p_value


def test_groups_are_the_units(make) -> None:
    before, after = noisy(40)
    groups = np.repeat(np.arange(40), 5)
    spread = np.random.default_rng(2).permutation(200)
    copies = make.compare(np.repeat(before, 5)[spread], np.repeat(after, 5)[spread], groups=groups[spread])
    alone = make.compare(before, after)
    assert (copies.n, copies.rows, copies.informative) == (40, 200, 40)
    assert copies.delta.value == pytest.approx(alone.delta.value, rel=1e-12)
    # five copies of a case are one case: the interval must not shrink
    width = copies.delta.reading.high - copies.delta.reading.low
    assert width == pytest.approx(alone.delta.reading.high - alone.delta.reading.low, rel=0.15)
    assert "40 groups of 200 cases" in copies.method


def test_more_groups_than_a_chunk(make) -> None:
    before, after = noisy(3000)
    found = make.compare(before, after, groups=np.arange(3000) // 2 + 10_000_000, resamples=100)
    assert (found.n, found.rows) == (1500, 3000)
    assert found.candidate.value == pytest.approx(after.mean(), rel=1e-12)


def test_a_whole_corpus_is_scored_from_its_sums(make) -> None:
    before, after = noisy(300)
    found = make.compare(before, after, Scale.CORPUS)
    assert found.candidate.value == pytest.approx(after.mean() ** 2, rel=1e-12)
    assert found.method.startswith("linearised t")
    assert found.relative.method == "linearised t on the log ratio"


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), max_size=40), st.sampled_from(list(Scale)))
@settings(max_examples=60)
def test_nothing_is_ever_nan(pairs: list[tuple[float, float]], scale: Scale) -> None:
    def score(sums):
        return sums[:, 0] / sums[:, 1]

    from evalgate.core.values import Direction, MetricSpec

    spec = MetricSpec("m", Direction.HIGHER, "0-1", 0.0, 1.0, "1", 2, scale, "")
    column = MetricColumns(spec, score, 0, 2, 0.5 if scale is Scale.QUANTILE else None)
    before, after = (np.array([[p[arm], 1.0] for p in pairs]).reshape(-1, 2) for arm in (0, 1))
    read = [PairedBlock(before, after, None, np.zeros(len(pairs), bool), np.arange(len(pairs), dtype=np.uint64))]
    found = compare_metrics([column], lambda: read, StatOptions(0.95, 1, 50))["m"]
    assert "nan" not in words(found).lower()
    assert found.reason is not None or found.delta.deciding is not None
    if found.delta.deciding is not None and scale is not Scale.QUANTILE:
        assert found.delta.deciding.low < found.delta.deciding.high


def test_no_case_has_no_value(make) -> None:
    found = make.compare([], [])
    assert (found.n, found.delta.value, found.p_value, found.reason) == (0, None, None, "no case was measured")
    assert not found.identical_outputs


def test_one_case_has_no_interval(make) -> None:
    for scale in (Scale.MEAN, Scale.PROPORTION, Scale.CORPUS):
        found = make.compare([1.0], [0.0], scale)
        assert found.delta.value == -1.0
        assert all(e.deciding is None and e.reading is None for e in (found.baseline, found.delta, found.relative))
        assert "1 case carries no interval" in found.reason


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 1e308])
def test_a_row_that_is_no_number_leaves_its_metric_without_interval(make, bad: float) -> None:
    before, after = noisy(50)
    rows = make.rows(after, after)
    rows[3, 0] = bad
    columns = [make.column("bad"), make.column("good", start=2)]
    found = compare_metrics(columns, make.blocks(make.rows(before, before), rows), make.options(1000))
    assert found["bad"].delta.deciding is None
    assert found["bad"].delta.value is None or bad == 1e308
    assert found["bad"].reason
    assert found["good"].delta.deciding is not None


def test_a_baseline_of_zero_has_no_relative_change(make) -> None:
    found = make.compare(np.zeros(50), noisy(50)[1])
    assert (found.relative.value, found.relative.deciding) == (None, None)
    assert "baseline is 0" in found.reason


def test_a_baseline_near_zero_has_no_relative_interval(make) -> None:
    random = np.random.default_rng(5)
    before = random.normal(0, 1, 100)
    found = make.compare(before - before.mean() + 0.01, random.normal(1, 1, 100), low=None, high=None)
    assert found.relative.value is not None
    assert found.relative.deciding is None
    assert "not distinguishable" in found.reason
    assert found.delta.deciding is not None


def test_the_relative_interval_is_taken_resample_by_resample(make) -> None:
    before = noisy(200)[0] + 1.0
    found = make.compare(before, before * 1.05, low=None, high=None)
    assert found.relative.value == pytest.approx(0.05)
    assert found.relative.deciding is None  # every resample says exactly 5 %: zero width never means certainty


def test_identical_outputs_are_noticed(make) -> None:
    before, after = noisy(30)
    assert make.compare(before, before, identical=np.ones(30, bool)).identical_outputs
    assert not make.compare(before, after, identical=np.arange(30) > 0).identical_outputs


def test_a_block_that_does_not_pair_is_refused(make) -> None:
    good = make.rows(np.zeros(3))
    flags, keys = np.zeros(3, bool), make.keys(3)
    wrong = [
        PairedBlock(good, good[:2], None, flags, keys),
        PairedBlock(good, good, None, flags[:2], keys),
        PairedBlock(good, good, np.zeros(2, np.int64), flags, keys),
        PairedBlock(good[0], good[0], None, flags, keys),
        PairedBlock(good, good, None, flags, keys[:2]),
    ]
    for block in wrong:
        with pytest.raises(Incomplete, match="pair"):
            compare_metrics([make.column()], lambda block=block: [block], make.options(1000))
    mixed = [PairedBlock(good, good, None, flags, keys), PairedBlock(good, good, np.zeros(3, np.int64), flags, keys)]
    with pytest.raises(Incomplete, match="pair"):
        compare_metrics([make.column()], lambda: mixed, make.options(1000))


def test_columns_that_are_not_there_are_refused(make) -> None:
    with pytest.raises(Incomplete, match="2 columns where the metrics need 4"):
        compare_metrics([make.column(start=2)], make.blocks(make.rows([0.1]), make.rows([0.2])), make.options(1000))


@pytest.mark.parametrize("kept", [20, 60])
def test_rows_that_change_between_passes_are_refused(make, kept: int) -> None:
    before, after = (make.rows(part) for part in noisy(60))
    passes = iter([40 if kept == 60 else 60, kept, kept])

    def read():
        n = next(passes)
        return [PairedBlock(before[:n], after[:n], None, np.zeros(n, bool), make.keys(n))]

    with pytest.raises(Incomplete, match="while they were read"):
        compare_metrics([make.column()], read, make.options(1000))


def test_a_metric_that_returns_the_wrong_shape_is_refused(make) -> None:
    wrong = make.column(score=lambda sums: np.zeros(3))
    with pytest.raises(Incomplete, match="shape"):
        compare_metrics([wrong], make.blocks(*(make.rows(part) for part in noisy(20))), make.options(1000))


@pytest.mark.parametrize(
    ("confidence", "seed", "resamples", "place"),
    [
        (0.5, 1, None, "confidence"),
        (1.0, 1, None, "confidence"),
        (math.nan, 1, None, "confidence"),
        (0.95, -1, None, "seed"),
        (0.95, 1, 39, "resamples"),
        (0.99, 1, 199, "resamples"),
        (0.95, 1, -5, "resamples"),
    ],
)
def test_options_without_an_interval_are_refused(make, confidence: float, seed: int, resamples: int | None, place: str) -> None:
    with pytest.raises(BadInput) as caught:
        compare_metrics([], make.blocks(make.rows([0.1]), make.rows([0.2])), StatOptions(confidence, seed, resamples))
    assert caught.value.problems[0].where == place


def test_two_metrics_of_one_name_are_refused(make) -> None:
    with pytest.raises(BadInput, match="twice"):
        compare_metrics([make.column(), make.column()], make.blocks(make.rows([0.1]), make.rows([0.2])), make.options())


def test_a_score_in_one_variant_only_decides_nothing(make) -> None:
    before, after = (make.rows(part) for part in noisy(60))
    after[:20] = 0.0
    found = compare_metrics([make.column()], make.blocks(before, after), make.options(1000))["m"]
    assert (found.delta.value, found.relative.value) == (None, None)
    assert (found.baseline.deciding, found.candidate.deciding) == (None, None)
    assert "20 cases have a score in one variant only" in found.reason


def test_fifty_nine_cases_bound_a_95th_percentile_to_decide_on(make) -> None:
    before, after = np.arange(59.0), np.arange(59.0)[::-1] + 1.0
    found = make.compare(before, after, Scale.QUANTILE, quantile=0.95, low=0.0, high=None, higher=False)
    assert found.candidate.deciding is not None
    assert found.candidate.reading is None
    assert make.compare(before[:58], after[:58], Scale.QUANTILE, quantile=0.95, low=0.0, high=None).candidate.deciding is None


def test_percentiles_of_answered_cases_stand_beside_those_with_losses(make) -> None:
    from dataclasses import replace

    before, after = make.rows(np.arange(200.0)), make.rows(np.arange(200.0) + 1)
    lost = np.zeros(200, dtype=bool)
    lost[:10], after[:10] = True, 0.0
    read = [replace(block, lost=lost) for block in make.blocks(before, after)()] if len(before) <= 256 else []
    column = make.column(scale=Scale.QUANTILE, quantile=0.5, low=0.0, high=None, higher=False)
    found = compare_metrics([column], lambda: read, make.options(1000))["m"]
    assert (found.answered.cases, found.answered.baseline, found.answered.candidate) == (190, 104.5, 105.5)
