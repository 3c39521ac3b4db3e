"""Means, ratios, clusters, corpus scores and randomisation equal R's, scipy's and statsmodels' values."""

from __future__ import annotations

import numpy as np
import pytest

from evalgate.core.values import Scale
from evalgate.stats.guard import GuardedRatio
from evalgate.stats.moments import PairMoments

CLOSE = 1e-8


def ends(found) -> tuple[float, float]:
    return found.low, found.high


def named(content, name: str) -> dict:
    return next(row for row in content.get("means", content.get("values")) if row["name"] == name)


@pytest.mark.parametrize("file", ["r_means", "python_oracles"])
def test_without_skewness_it_is_students_t_and_fieller(compare, known, file: str) -> None:
    row = named(known(file), "plain")
    found = compare(row["baseline"], row["candidate"])
    assert found.method.startswith("guarded t")
    assert ends(found.delta.deciding) == pytest.approx(row["delta"], rel=CLOSE)
    assert found.p_value == pytest.approx(row["p_value"], rel=CLOSE)
    assert ends(found.relative.deciding) == pytest.approx(row["relative"], rel=CLOSE)
    if file == "r_means":
        assert ends(found.delta.reading) == pytest.approx(row["reading"], rel=CLOSE)
        assert ends(found.candidate.deciding) == pytest.approx(row["own"], rel=CLOSE)
        assert found.delta.inference.p_above(0.02) == pytest.approx(row["p_above_2_points"], rel=CLOSE)


@pytest.mark.parametrize(
    ("name", "method"),
    [
        ("skewed", "guarded t"),
        ("few", "guarded t on n + 2 cases, 4 informative"),
        ("short", "guarded t on n + 2 cases, 10 informative"),
    ],
)
def test_the_guard_equals_students_t_or_halls_transform(compare, known, name: str, method: str) -> None:
    row = named(known("r_means"), name)
    found = compare(row["baseline"], row["candidate"])
    assert found.delta.method == method
    assert ends(found.delta.deciding) == pytest.approx(row["delta"], rel=CLOSE)
    assert ends(found.delta.reading) == pytest.approx(row["reading"], rel=CLOSE)
    assert ends(found.relative.deciding) == pytest.approx(row["relative"], rel=CLOSE)
    assert ends(found.candidate.deciding) == pytest.approx(row["own"], rel=CLOSE)
    assert found.p_value == pytest.approx(row["p_value"], rel=CLOSE)
    assert found.delta.inference.p_above(0.02) == pytest.approx(row["p_above_2_points"], rel=CLOSE)


def test_the_skewed_example_is_one_where_the_guard_widens_one_end(known) -> None:
    row = named(known("r_means"), "skewed")
    assert row["delta"][0] < row["plain"][0] - 1e-4
    assert row["delta"][1] == pytest.approx(row["plain"][1], rel=1e-12)


def test_fiellers_worked_example(known) -> None:
    row = next(row for row in known("published")["values"] if row["method"] == "Fieller")
    n = row["df"] + 1
    second = row["errors"][0] ** 2 * n * (n - 1), 0.0, row["errors"][1] ** 2 * n * (n - 1)
    pairs = PairMoments(n, tuple(row["means"]), second, (0.0, 0.0, 0.0, 0.0))
    found = GuardedRatio(pairs, "Fieller").interval(row["level"])
    assert (found.low + 1, found.high + 1) == pytest.approx(row["value"], abs=row["digits"])


def test_clusters_of_one_size_have_the_cr1_error(compare, known) -> None:
    row = named(known("r_means"), "clusters")
    found = compare(row["baseline"], row["candidate"], groups=row["groups"])
    assert (found.n, found.rows) == (40, 120)
    for wanted in ("delta", "t_of_means", "cr1"):
        assert ends(found.delta.deciding) == pytest.approx(row[wanted], rel=CLOSE)


def test_clusters_equal_statsmodels(compare, known) -> None:
    row = named(known("python_oracles"), "clusters")
    found = compare(row["baseline"], row["candidate"], groups=row["groups"])
    assert ends(found.delta.deciding) == pytest.approx(row["delta"], rel=CLOSE)
    assert found.p_value == pytest.approx(row["p_value"], rel=CLOSE)


def test_clusters_of_unequal_size_weigh_the_same(compare, known) -> None:
    row = named(known("r_means"), "unequal_clusters")
    found = compare(row["baseline"], row["candidate"], groups=row["groups"])
    assert (found.n, found.rows) == (36, 108)
    assert found.delta.value == pytest.approx(row["mean"], rel=CLOSE)
    assert ends(found.delta.deciding) == pytest.approx(row["delta"], rel=CLOSE)


def test_a_corpus_score_is_linearised_by_the_jackknife(compare, known) -> None:
    row = known("r_corpus")["values"][0]
    found = compare(row["baseline"], row["candidate"], Scale.CORPUS)
    assert (found.baseline.value, found.candidate.value) == pytest.approx(row["scores"], rel=1e-12)
    assert ends(found.delta.deciding) == pytest.approx(row["delta"], rel=CLOSE)
    assert ends(found.relative.deciding) == pytest.approx(row["relative_of_score"], rel=CLOSE)


@pytest.mark.parametrize("file", ["r_randomisation", "python_oracles"])
def test_exact_randomisation_equals_full_enumeration(compare, known, file: str) -> None:
    content = known(file)
    for row in content.get("randomisation", content.get("values")):
        before = np.full(row["n"], 0.5)
        after = before.copy()
        k = len(row["differences"])
        after[:k] += row["differences"]
        found = compare(before, after).second
        if found is None:
            assert len(set(row["differences"])) == 1  # too few vary: nothing to resample
            continue
        assert found.randomisation == f"exact randomisation of {k} cases"
        assert (found.p_higher, found.p_lower) == pytest.approx((row["p_higher"], row["p_lower"]), rel=1e-12), row


def test_resampling_agrees_with_scipy_within_its_own_error(compare, known) -> None:
    row = known("python_oracles")["resampling"][0]
    found = compare(row["baseline"], row["candidate"], resamples=20_000).second
    assert found.method == "percentile paired bootstrap, 20,000 resamples"
    assert found.randomisation == "approximate randomisation, 20,000 shuffles"
    # an end at 5 % of 20,000 resamples has a standard deviation of 0.015 standard errors, a p-value of 0.05 one of 0.0015
    assert (found.delta.low, found.delta.high) == pytest.approx(row["delta"], abs=0.06 * row["error"])
    assert found.p_higher == pytest.approx(row["p_higher"], abs=0.006)
