"""Laws of kappa and of rates corrected for a judge's errors."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.core.detector_card import Tally
from evalgate.stats.detector_quality import quality
from evalgate.stats.kappa import cohens_kappa
from evalgate.stats.rogan_gladen import Share, corrected_rate

counts = st.integers(0, 300)
tables = st.lists(st.lists(counts, min_size=3, max_size=3), min_size=3, max_size=3)
cards = st.builds(Tally, counts, counts, counts, counts)


@given(tables)
def test_raters_may_change_places(table: list[list[int]]) -> None:
    one, other = cohens_kappa(table), cohens_kappa([list(column) for column in zip(*table, strict=True)])
    assert (one is None) == (other is None)
    if one is not None and other is not None:
        assert (one.value, one.error) == pytest.approx((other.value, other.error), abs=1e-12)
        assert -1 <= one.value <= 1 and one.error >= 0
        ends = one.interval(0.95)
        assert -1 <= ends.low <= one.value <= ends.high <= 1


@given(st.integers(1, 300), st.integers(1, 300))
def test_full_agreement_is_one(a: int, b: int) -> None:
    found = cohens_kappa([[a, 0], [0, b]])
    assert found is not None and found.value == 1 and found.error == pytest.approx(0, abs=1e-9)


@given(st.integers(1, 300), st.integers(1, 300))
def test_full_agreement_on_few_things_is_no_certainty(a: int, b: int) -> None:
    found, more = (cohens_kappa([[a * k, 0], [0, b * k]]) for k in (1, 2))
    assert found is not None and more is not None
    ends = found.interval(0.95)
    assert ends.low < more.interval(0.95).low < ends.high == 1
    if a == b == 1:
        # Wilson's lower end of 2 of 2 is 2 / (2 + 1.96 ** 2), and half of the agreement is chance
        assert ends.low == pytest.approx((2 / (2 + 1.959964**2) - 0.5) / 0.5, abs=1e-6) and ends.low < 0


@pytest.mark.parametrize(("count", "right", "least"), [(20, 0.99, 0.95), (50, 0.99, 0.95), (50, 0.9, 0.87), (150, 0.97, 0.92)])
def test_the_interval_of_kappa_holds_the_truth(count: int, right: float, least: float) -> None:
    """Near full agreement the normal interval holds less than it says; at full agreement Wilson's holds more."""
    draw = np.random.default_rng(20260902)
    share = [right / 2, (1 - right) / 2, (1 - right) / 2, right / 2]
    found = [cohens_kappa(table.reshape(2, 2).tolist()) for table in draw.multinomial(count, share, size=1000)]
    ends = [one.interval(0.95) for one in found if one is not None]
    assert sum(end.low <= 2 * right - 1 <= end.high for end in ends) >= least * len(ends)


@pytest.mark.parametrize("count", [2, 3, 4, 6, 10, 40])
def test_a_judge_who_guesses_is_rarely_taken_for_more(count: int) -> None:
    """Kappa's lower end alone is above 0 for up to 8 % of the judges who guess on 6 to 10 outputs; the lower ends of sensitivity
    and specificity, which a card needs too, stop them."""
    draw = np.random.default_rng(20260902)
    trusted = []
    for found, alarms, missed, clean in draw.multinomial(count, [0.25] * 4, size=1000).tolist():
        kappa = cohens_kappa(((found, alarms), (missed, clean)))
        shares = quality(Tally(found, alarms, missed, clean), 0.95)
        both = kappa is not None and shares.recall is not None and shares.specificity is not None
        trusted.append(both and kappa.interval(0.95).low > 0 and shares.recall.interval.low + shares.specificity.interval.low > 1)
    assert sum(trusted) <= 0.025 * len(trusted)


def test_full_disagreement_is_no_certainty_either() -> None:
    found = cohens_kappa([[0, 3], [3, 0]])
    assert found is not None and found.value == -1
    ends = found.interval(0.95)
    assert ends.low == -1 and -1 < ends.high < 1


@given(st.integers(1, 30), st.integers(1, 30), st.integers(1, 30), st.integers(1, 30))
def test_independent_raters_agree_by_chance(a: int, b: int, c: int, d: int) -> None:
    found = cohens_kappa([[a * c, a * d], [b * c, b * d]])
    assert found is not None and found.value == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("table", [[[0, 0], [0, 0]], [[7, 0], [0, 0]], [[0, 0], [0, 9]]])
def test_one_label_alone_says_nothing(table: list[list[int]]) -> None:
    assert cohens_kappa(table) is None


@pytest.mark.parametrize("table", [[], [[1, 2]], [[1, 2], [3]], [[1, -1], [0, 2]]])
def test_what_is_no_table_is_refused(table: list[list[int]]) -> None:
    with pytest.raises(ValueError, match="square"):
        cohens_kappa(table)


@given(st.integers(1, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.integers(1, 300), st.integers(1, 300))
def test_a_judge_that_never_errs_gives_back_the_rate(share: tuple[int, int], violations: int, clean: int) -> None:
    found = corrected_rate(Share(*share), Share(violations, violations), Share(clean, clean), 0.95)
    assert found is not None
    assert found.value == pytest.approx(share[0] / share[1], abs=1e-12)


@given(st.integers(0, 60), cards)
def test_rates_stay_between_0_and_1_and_grow_with_what_was_found(count: int, card: Tally) -> None:
    assert card.clean is not None
    sensitivity = Share(card.found, card.found + card.missed)
    specificity = Share(card.clean, card.clean + card.false_alarms)
    found = [corrected_rate(Share(x, 61), sensitivity, specificity, 0.9) for x in (count, count + 1)]
    blind = 0 in (sensitivity.total, specificity.total) or sensitivity.rate + specificity.rate <= 1
    assert not blind or found == [None, None]
    for one in found:
        assert one is None or 0 <= one.interval.low <= one.interval.high <= 1
    if found[0] is not None and found[1] is not None:
        assert 0 <= found[0].value <= found[1].value <= 1


@pytest.mark.parametrize("share", [(2, 1), (-1, 1), (1, 0)])
def test_what_is_no_share_is_refused(share: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="not a share"):
        Share(*share)


def test_of_nothing_nothing_is_said() -> None:
    some = Share(9, 10)
    assert corrected_rate(Share(0, 0), some, some, 0.95) is None
    assert corrected_rate(some, Share(0, 0), some, 0.95) is None
    assert corrected_rate(some, Share(5, 10), Share(5, 10), 0.95) is None


def test_counts_that_the_judges_errors_cannot_explain_are_not_corrected_to_a_certain_0() -> None:
    assert corrected_rate(Share(0, 200), Share(50, 50), Share(30, 50), 0.95) is None
    assert corrected_rate(Share(200, 200), Share(30, 50), Share(50, 50), 0.95) is None


@pytest.mark.parametrize(("rate", "sensitivity", "specificity"), [(0.1, 0.9, 0.9), (0.3, 0.8, 0.95), (0.6, 0.95, 0.7)])
def test_the_interval_holds_the_truth_as_often_as_it_says(rate: float, sensitivity: float, specificity: float) -> None:
    """By going through every outcome of small studies: 40 cases, 25 labelled violations, 25 labelled clean outputs."""
    cases, labelled = 40, 25
    apparent = rate * sensitivity + (1 - rate) * (1 - specificity)
    covered = 0.0
    for found in range(labelled + 1):
        for spared in range(labelled + 1):
            weight = _binomial(found, labelled, sensitivity) * _binomial(spared, labelled, specificity)
            if weight < 1e-5:
                continue
            for x in range(cases + 1):
                one = corrected_rate(Share(x, cases), Share(found, labelled), Share(spared, labelled), 0.95)
                if one is not None and one.interval.low <= rate <= one.interval.high:
                    covered += weight * _binomial(x, cases, apparent)
    assert covered >= 0.94


def _binomial(count: int, total: int, rate: float) -> float:
    return math.comb(total, count) * rate**count * (1 - rate) ** (total - count)
