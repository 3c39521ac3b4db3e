"""Stable and flaky cases from repeats, what newly fails among them, and the figures without lost answers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalgate.core.settings import Bound, TargetKind, Threshold
from evalgate.core.values import Direction, MetricSpec, Scale
from evalgate.core.verdict import Decision
from evalgate.gate.newly_failing import rule_newly_failing
from evalgate.stats.compare import compare_metrics
from evalgate.stats.draws import case_keys
from evalgate.stats.interface import MetricColumns, PairedBlock, StatOptions


def found_in(before, after, *, higher=True, groups=None, lost=None, short=None, scale=Scale.PROPORTION, size=3):
    """The result of one metric; each case is a list of answers: 1, 0, or None for one that the metric leaves out.

    `short`: cases whose baseline lost an answer.
    """
    direction = Direction.HIGHER if higher else Direction.LOWER
    spec = MetricSpec("m", direction, "0-1", 0.0, 1.0, "1", 2, scale, "sig")
    column = MetricColumns(spec, lambda sums: sums[:, 0] / np.where(sums[:, 1] == 0, np.nan, sums[:, 1]), 0, 2)
    sides = [np.array([summed(case) for case in arm], dtype=float).reshape(-1, 2) for arm in (before, after)]
    n = len(before)
    keys = case_keys([f"c{i}" for i in range(n)])
    gone, missing = (None if flags is None else np.asarray(flags, dtype=bool) for flags in (lost, short))
    numbers = None if groups is None else np.asarray(groups, dtype=np.int64)

    def blocks():
        for start in range(0, n, size):
            own = slice(start, start + size)
            yield PairedBlock(
                sides[0][own], sides[1][own], None if numbers is None else numbers[own],
                np.zeros(len(keys[own]), dtype=bool), keys[own], None if gone is None else gone[own],
                None if missing is None else missing[own],
            )  # fmt: skip

    return compare_metrics([column], blocks, StatOptions(0.95, 7, 200))["m"]


def summed(case):
    values = [value for value in case if value is not None]
    return sum(values), len(values)


def counts(found):
    return found.stable, found.flaky, found.newly_failing, found.newly_passing


def test_a_case_is_stable_when_its_baseline_answers_agree() -> None:
    before = [[1, 1, 1], [1, 1, 0], [0, 0, 0], [1, 0, 0], [1, 1, 1]]
    after = [[0, 0, 0], [0, 0, 0], [1, 1, 1], [1, 1, 1], [1, 1, 0]]
    found = found_in(before, after)
    assert counts(found) == (3, 2, 1, 1)
    assert found.repeats == 3


@pytest.mark.parametrize(("passes", "fails"), [(0, True), (1, True), (2, True), (3, False), (4, False)])
def test_a_candidate_fails_a_case_with_half_of_its_answers(passes: int, fails: bool) -> None:
    after = [[1] * passes + [0] * (4 - passes)]
    assert found_in([[1] * 4], after).newly_failing == int(fails)
    assert found_in([[0] * 4], after).newly_passing == int(not fails)
    mirrored = [[1 - value for value in after[0]]]
    assert found_in([[0] * 4], mirrored, higher=False).newly_failing == int(fails)
    assert found_in([[1] * 4], mirrored, higher=False).newly_passing == int(not fails)


def test_asked_once_nothing_is_flaky_and_nothing_is_known_of_it() -> None:
    found = found_in([[1], [0], [1]], [[0], [1], [1]])
    assert counts(found) == (3, 0, 1, 1)
    assert found.repeats == 1


def test_a_case_without_a_score_in_the_baseline_is_neither_stable_nor_flaky() -> None:
    found = found_in([[None], [1], [None]], [[1], [None], [None]])
    assert counts(found) == (1, 0, 1, 0)
    assert counts(found_in([[None, None]] * 4, [[0, 0]] * 4)) == (0, 0, 0, 0)


def test_left_out_answers_do_not_make_a_case_flaky() -> None:
    assert counts(found_in([[1, None, 1]], [[None, 0, 0]])) == (1, 0, 1, 0)


def test_a_case_whose_baseline_lost_an_answer_counts_only_where_it_newly_fails() -> None:
    """Lost answers of the baseline stand as passing ones."""
    before = [[1, 1], [1, 1], [0, 1], [0, 1], [1, 1]]
    after = [[1, 1], [0, 0], [0, 0], [1, 1], [1, 1]]
    short = [True, True, True, True, False]
    assert counts(found_in(before, after, short=short)) == (2, 0, 1, 0)
    assert counts(found_in(before, after, short=[False] * 5)) == counts(found_in(before, after)) == (3, 2, 1, 0)
    assert counts(found_in([[1]] * 9, [[1]] * 9, short=[True] * 9, size=2)) == (0, 0, 0, 0)


def test_groups_change_no_count_of_cases() -> None:
    before = [[1, 1], [1, 0], [1, 1], [0, 0]]
    after = [[0, 0], [0, 0], [1, 1], [1, 1]]
    found = found_in(before, after, groups=[0, 0, 1, 1])
    assert counts(found) == counts(found_in(before, after)) == (3, 1, 1, 1)
    assert (found.n, found.rows) == (2, 4)


def test_metrics_that_are_not_pass_or_fail_have_no_flaky_cases() -> None:
    found = found_in([[1, 0]] * 5, [[1, 1]] * 5, scale=Scale.MEAN)
    assert (*counts(found), found.repeats) == (None,) * 5


ANSWERS = st.lists(st.integers(0, 1), min_size=3, max_size=3)


@given(st.lists(st.tuples(ANSWERS, ANSWERS), min_size=1, max_size=12), st.booleans(), st.integers(0, 11), st.integers(0, 2))
def test_one_more_passing_answer_of_the_candidate_never_makes_more_cases_fail(pairs, higher, which, answer) -> None:
    before, after = [b for b, _ in pairs], [list(a) for _, a in pairs]
    first = found_in(before, after, higher=higher)
    after[which % len(after)][answer] = 1 if higher else 0
    second = found_in(before, after, higher=higher)
    assert second.newly_failing <= first.newly_failing
    assert second.newly_passing >= first.newly_passing
    assert (second.stable, second.flaky) == (first.stable, first.flaky)
    assert first.stable + first.flaky == len(pairs)
    assert 0 <= first.newly_failing + first.newly_passing <= first.stable


def test_the_figures_without_lost_answers_leave_whole_cases_out() -> None:
    before = [[1, 1], [1, 0], [0, 0], [1, 1]]
    after = [[1, 0], [0, 0], [1, 1], [0, 0]]
    found = found_in(before, after, lost=[False, False, False, True]).answered
    assert (found.cases, found.baseline, found.candidate) == (3, 0.5, 0.5)
    assert found_in(before, after, lost=[False] * 4).answered is None
    assert found_in(before, after).answered is None


def test_the_figures_without_lost_answers_weigh_groups_as_the_metric_does() -> None:
    before, after = [[1], [1], [0], [0], [1]], [[0], [1], [1], [1], [0]]
    groups = [4, 9, 9, 9, 4]
    found = found_in(before, after, groups=groups, lost=[False, False, True, False, False]).answered
    # group 4 keeps both cases (1 → 0), group 9 keeps two of three: 0.5 → 1
    assert (found.cases, found.baseline, found.candidate) == (4, 0.75, 0.5)
    alone = found_in(before[:2], after[:2], groups=[4, 9])
    gone = found_in(before, after, groups=groups, lost=[False, False, True, True, True]).answered
    assert (gone.baseline, gone.candidate) == (alone.baseline.value, alone.candidate.value)


@given(
    st.lists(st.tuples(ANSWERS, ANSWERS, st.integers(0, 3), st.booleans()), min_size=2, max_size=14),
    st.booleans(),
    st.sampled_from([Scale.PROPORTION, Scale.MEAN, Scale.CORPUS]),
)
def test_the_figures_without_lost_answers_are_those_of_a_run_without_these_cases(cases, grouped, scale) -> None:
    kept = [case for case in cases if not case[3]]
    groups, lost = [case[2] for case in cases] if grouped else None, [case[3] for case in cases]
    found = found_in([c[0] for c in cases], [c[1] for c in cases], groups=groups, lost=lost, scale=scale).answered
    if len(kept) == len(cases):
        assert found is None
    elif not kept:
        assert (found.cases, found.baseline, found.candidate) == (0, None, None)
    else:
        left = [c[2] for c in kept] if grouped else None
        alone = found_in([c[0] for c in kept], [c[1] for c in kept], groups=left, scale=scale)
        assert found.cases == len(kept)
        assert found.baseline == pytest.approx(alone.baseline.value, abs=1e-12)
        assert found.candidate == pytest.approx(alone.candidate.value, abs=1e-12)


LOST = 2


def rank(table, text: str) -> int:
    """0 for FAIL to 2 for PASS, with lost answers standing for what is worst for the candidate."""
    before = [[1 if answer == LOST else answer for answer in case] for case, _ in table]
    after = [[0 if answer == LOST else answer for answer in case] for _, case in table]
    found = found_in(before, after, short=[LOST in case for case, _ in table], size=256)
    value = float(text.rstrip("%")) / (100 if text.endswith("%") else 1)
    asked = Threshold(TargetKind.METRIC, "m", Bound.MAX_NEWLY_FAILING, value, False, text)
    decision = rule_newly_failing(asked, found)[2]
    return (Decision.FAIL, Decision.INCONCLUSIVE, Decision.PASS).index(decision)


SIDES = st.integers(1, 3).flatmap(
    lambda samples: st.lists(
        st.tuples(*(st.lists(st.sampled_from([0, 1, 1, LOST]), min_size=samples, max_size=samples) for _ in range(2))),
        min_size=1,
        max_size=9,
    )
)


@settings(max_examples=150)
@given(SIDES, st.sampled_from(["0", "1", "2", "12%", "25%", "34%", "99%"]), st.integers(0, 8), st.integers(0, 2))
def test_a_better_answer_never_does_worse_and_a_lost_one_never_helps(table, text: str, which: int, place: int) -> None:
    first, case = rank(table, text), which % len(table)

    def changed(arm: int, answer: int) -> int:
        sides = [list(side) for side in table[case]]
        sides[arm][place % len(sides[arm])] = answer
        return rank([*table[:case], tuple(sides), *table[case + 1 :]], text)

    assert changed(1, 1) >= first
    assert changed(1, LOST) <= first
    assert changed(0, LOST) <= first


@pytest.mark.parametrize(("repeats", "rate"), [(1, 1 / 6), (3, 1 / 28), (5, 1 / 99)])
def test_how_often_a_flaky_case_is_a_false_alarm(repeats: int, rate: float) -> None:
    """The rates in docs/flaky.md: the same chance to pass on both sides, evenly spread between 0 and 1."""
    dice, cases = np.random.default_rng(11), 20_000
    chance = dice.random((cases, 1))
    before, after = ((dice.random((cases, repeats)) < chance).astype(int).tolist() for _ in range(2))
    found = found_in(before, after, size=4096)
    assert found.newly_failing / cases == pytest.approx(rate, abs=3 * (rate * (1 - rate) / cases) ** 0.5)
