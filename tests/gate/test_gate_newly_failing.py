"""max_newly_failing: stable cases decide, flaky ones are named, shares are exact, and the sentence says it all."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import comb, floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.core.settings import Bound, Decide, TargetKind, Threshold
from evalgate.core.verdict import Decision, Estimate, Interval, MetricResult, Results, RunFigures
from evalgate.gate.decide import decide
from evalgate.gate.newly_failing import mcnemar_worse
from evalgate.gate.rate_bound import rate_upper_bound

PASS, FAIL, OPEN = Decision.PASS, Decision.FAIL, Decision.INCONCLUSIVE
SURE = Estimate(0.5, Interval(0.4, 0.6), Interval(0.4, 0.6))
METRIC = MetricResult(
    name="m", baseline=SURE, candidate=SURE, delta=SURE, relative=SURE, p_value=0.5, confidence=0.95, method="x",
    n=125, rows=125, informative=9, identical_outputs=False, higher_is_better=True, unit="0-1", low=0.0, high=1.0,
    signature="s", newly_failing=2, newly_passing=1, stable=118, flaky=7, repeats=3,
)  # fmt: skip


def ruled(text: str = "0", **changes):
    value = float(Fraction(text.rstrip("%")) / 100) if text.endswith("%") else float(text)
    asked = Threshold(TargetKind.METRIC, "m", Bound.MAX_NEWLY_FAILING, value, False, text)
    results = Results({"m": replace(METRIC, **changes)}, {}, RunFigures(125, 0, 0))
    return decide([asked], results, {}, confidence=0.95)[0]


def test_the_sentence_says_what_decided_and_how_sure_it_is() -> None:
    assert ruled().reason == (
        "m: 2 of 118 stable cases newly fail (1 newly passes; 7 flaky cases left out); the gate allows none: fail. "
        "With no real change as many or more would newly fail with p = 0.5 (exact one-sided McNemar); "
        "the true rate is at most 5.239 % (95 % confidence)."
    )


@pytest.mark.parametrize(
    ("text", "changes", "says"),
    [
        ("1", {"newly_failing": 1, "newly_passing": 2, "flaky": 0, "rows": 118}, "1 of 118 stable cases newly fails (2 newly pass); "),
        ("1", {"newly_failing": 1}, "the gate allows at most 1: pass"),
        ("0", {"flaky": 1, "rows": 119}, "1 flaky case left out"),
        ("0", {"rows": 126}, "7 flaky cases and 1 case with an incomplete baseline left out"),
        ("2%", {}, "the gate allows at most 2 % of them (2 cases): pass"),
        ("0", {"newly_failing": 20, "newly_passing": 0}, "p < 0.001"),
        ("0", {"newly_failing": 5, "newly_passing": 0}, "p = 0.031"),
        ("0", {"newly_failing": 0, "newly_passing": 0}, "p = 1 "),
    ],
)  # fmt: skip
def test_parts_of_the_sentence(text: str, changes: dict[str, int], says: str) -> None:
    assert says in ruled(text, **changes).reason


def test_asked_once_the_sentence_says_that_flakiness_is_unknown() -> None:
    once = ruled("2", repeats=1, stable=125, flaky=0)
    assert once.decision is PASS
    assert "2 of 125 cases newly fail" in once.reason
    assert once.reason.endswith(" Each case was asked once, so flaky cases cannot be told from stable ones.")
    assert "asked once" not in ruled().reason


@pytest.mark.parametrize(
    "changes",
    [
        {"stable": 0, "flaky": 125, "newly_failing": 0, "newly_passing": 0},
        {"stable": 0, "flaky": 0, "newly_failing": 0, "newly_passing": 0},
        {"newly_failing": None},
        {"newly_passing": None},
        {"stable": None},
        {"flaky": None},
        {"newly_failing": -1},
        {"newly_failing": True},
        {"newly_failing": 0.0},
        {"newly_failing": float("nan")},
        {"newly_passing": -1},
        {"stable": -3},
        {"flaky": "7"},
        {"newly_failing": 118},
        {"stable": 119},
        {"newly_failing": 118, "newly_passing": 0},
        {"rows": 0},
        {"n": 0},
    ],
)
@pytest.mark.parametrize("text", ["1000", "100%"])
def test_without_sound_counts_nothing_is_decided(changes: dict[str, object], text: str) -> None:
    assert ruled(text, **changes).decision is OPEN


def test_without_a_stable_case_the_sentence_names_the_flaky_ones() -> None:
    found = ruled(stable=0, flaky=125, newly_failing=0, newly_passing=0)
    assert found.observed is None
    assert ruled().observed == 2.0
    assert found.reason.startswith(
        "m: inconclusive, since none of 125 cases is stable in the baseline (125 flaky cases left out)"
    )


@pytest.mark.parametrize(
    ("text", "stable", "allowed"),
    [("2%", 150, 3), ("2%", 149, 2), ("0.7%", 1000, 7), ("29%", 100, 29), ("0.1%", 3000, 3), ("7%", 100, 7), ("0.57%", 10000, 57),
     ("0%", 50, 0), ("99.9%", 1000, 999)],
)  # fmt: skip
@pytest.mark.parametrize("how", list(Decide))
def test_a_share_of_the_stable_cases_is_exact(text: str, stable: int, allowed: int, how: Decide) -> None:
    sound = {"stable": stable, "newly_passing": 0, "rows": stable + 7}
    assert ruled(text, newly_failing=allowed, **sound).decision is PASS
    assert ruled(text, newly_failing=allowed, **sound).observed == allowed / stable
    if allowed < stable:
        assert ruled(text, newly_failing=allowed + 1, **sound).decision is FAIL


@given(st.integers(1, 3000), st.integers(0, 9_999), st.integers(0, 3000))
def test_shares_decide_like_exact_fractions(stable: int, hundredths: int, failing: int) -> None:
    failing = min(failing, stable)
    text = f"{hundredths / 100:.2f}%"
    found = ruled(text, stable=stable, flaky=0, rows=stable, newly_failing=failing, newly_passing=0)
    limit = Fraction(hundredths, 10_000) * stable
    assert found.decision is (PASS if failing <= limit else FAIL)
    assert f"({floor(limit)} case" in found.reason


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 9), st.sampled_from(["{}", "{}%"]))
def test_turning_a_failing_case_into_a_passing_one_never_turns_a_pass_into_anything_else(
    failing: int, passing: int, limit: int, text: str
) -> None:
    asked = text.format(limit)
    if ruled(asked, newly_failing=failing + 1, newly_passing=passing).decision is PASS:
        assert ruled(asked, newly_failing=failing, newly_passing=passing).decision is PASS
        assert ruled(asked, newly_failing=failing, newly_passing=passing + 1).decision is PASS


@pytest.mark.parametrize(
    ("worse", "better", "p"), [(5, 0, 0.03125), (7, 1, 9 / 256), (9, 2, 67 / 2048), (0, 0, 1.0), (0, 4, 1.0)]
)
def test_mcnemar_at_known_values(worse: int, better: int, p: float) -> None:
    assert mcnemar_worse(worse, better) == pytest.approx(p, rel=1e-12)


@given(st.integers(0, 300), st.integers(0, 300))
def test_mcnemar_is_the_exact_binomial_tail(worse: int, better: int) -> None:
    pairs = worse + better
    exact = Fraction(sum(comb(pairs, k) for k in range(worse, pairs + 1)), 2**pairs)
    assert mcnemar_worse(worse, better) == pytest.approx(float(exact), rel=1e-9, abs=1e-300)


def test_large_counts_are_no_trouble() -> None:
    from evalgate.stats.exact_counts import mcnemar_one_sided, upper_bound

    assert mcnemar_worse(50_200, 50_000) == pytest.approx(mcnemar_one_sided(50_200, 50_000), rel=1e-6)
    assert rate_upper_bound(400_000, 1_000_000, 0.95) == pytest.approx(upper_bound(400_000, 1_000_000, 0.95), rel=1e-9)
