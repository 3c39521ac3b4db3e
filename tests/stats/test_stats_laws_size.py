"""How often the rules for rates err when the truth lies exactly on the bound: every table enumerated, no simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import special

from evalgate.stats.exact_counts import mcnemar_mid_p, mcnemar_one_sided, mcnemar_two_sided, upper_bound
from evalgate.stats.paired_rates import Tango

SIZES = (30, 50, 100)
DISCORDANT = (0.03, 0.06, 0.1, 0.2, 0.4, 0.7)
MARGINS = (0.0, 0.02, 0.05, 0.1)


def chances(n: int, up: float, down: float) -> np.ndarray:
    """Probability of every (gained, dropped). Shapes: (n + 1, n + 1)."""
    gained, dropped = np.meshgrid(np.arange(n + 1), np.arange(n + 1), indexing="ij")
    rest = n - gained - dropped
    with np.errstate(all="ignore"):
        log = special.gammaln(n + 1) - special.gammaln(gained + 1) - special.gammaln(dropped + 1) - special.gammaln(rest + 1)
        log = log + special.xlogy(gained, up) + special.xlogy(dropped, down) + special.xlogy(rest, 1 - up - down)
    return np.where(rest >= 0, np.exp(np.where(rest >= 0, log, -np.inf)), 0.0)


def rejected(n: int, rule) -> np.ndarray:
    """Where a rule of (gained, dropped) claims something."""
    found = np.zeros((n + 1, n + 1))
    for gained in range(n + 1):
        for dropped in range(n + 1 - gained):
            found[gained, dropped] = rule(gained, dropped)
    return found


def test_the_chances_are_those_of_all_tables() -> None:
    for n in SIZES:
        assert chances(n, 0.03, 0.05).sum() == pytest.approx(1, rel=1e-9)


@pytest.mark.parametrize("n", SIZES)
def test_tango_passes_at_the_margin_hardly_more_often_than_it_says(n: int) -> None:
    worst = 0.0
    for margin in MARGINS:
        passed = rejected(n, lambda gained, dropped, m=margin: Tango(n, gained, dropped).p_above(-m) <= 0.05)
        for share in DISCORDANT:
            if share > margin:
                worst = max(worst, float((chances(n, (share - margin) / 2, (share + margin) / 2) * passed).sum()))
    assert 0.02 < worst <= 0.056


@pytest.mark.parametrize("n", SIZES)
def test_mcnemar_keeps_its_level(n: int) -> None:
    one = rejected(n, lambda gained, dropped: mcnemar_one_sided(dropped, gained) <= 0.05)
    exact = rejected(n, lambda gained, dropped: mcnemar_two_sided(gained, dropped) <= 0.05)
    mid = rejected(n, lambda gained, dropped: mcnemar_mid_p(gained, dropped) <= 0.05)
    for share in DISCORDANT:
        weights = chances(n, share / 2, share / 2)
        assert (weights * one).sum() <= 0.05
        assert (weights * exact).sum() <= (weights * mid).sum() <= 0.0505


@pytest.mark.parametrize("n", [30, 200, 1000])
def test_the_bound_of_a_count_lies_below_the_truth_at_most_as_often_as_it_says(n: int) -> None:
    bounds = np.array([upper_bound(count, n, 0.95) for count in range(min(n, 120) + 1)])
    for rate in (0.001, 0.01, 0.03, 0.05):
        missed = np.flatnonzero(bounds < rate)
        assert sum(math.comb(n, int(k)) * rate ** int(k) * (1 - rate) ** (n - int(k)) for k in missed) <= 0.05
