"""Cases that would violate but for a waiver are counted beside those that do, never among them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from evalgate.core.values import ARMS, Arm, Severity
from evalgate.stats.safety_counts import FoundRanks, count_table, safety_results

Ranks = Mapping[Arm, NDArray[np.int64]]


@st.composite
def ranks(draw: st.DrawFn) -> tuple[Ranks, Ranks, Ranks]:
    shape = (draw(st.integers(1, 12)), 2)
    table = arrays(np.int64, shape, elements=st.integers(0, 4))
    violating, undecided, waived = ({arm: draw(table) for arm in ARMS} for _ in range(3))
    return violating, undecided, waived


@given(ranks())
def test_waived_cases_are_those_with_nothing_else_of_that_severity(found: tuple[Ranks, Ranks, Ranks]) -> None:
    violating, undecided, waived = found
    results = safety_results(("a", "b"), count_table(FoundRanks(violating, undecided, waived)), 0.95)
    for column, name in enumerate(("a", "b")):
        for severity, part in results[name].severities.items():
            for arm in ARMS:
                taken = waived[arm][:, column] >= severity.rank
                left = np.maximum(violating[arm][:, column], undecided[arm][:, column]) >= severity.rank
                assert part.waived[arm] == int((taken & ~left).sum())
    assert results["a"].waived == results["a"].severities[Severity.LOW].waived


@given(ranks())
def test_waivers_change_no_other_count_and_add_up_over_blocks(found: tuple[Ranks, Ranks, Ranks]) -> None:
    violating, undecided, waived = found
    whole = count_table(FoundRanks(violating, undecided, waived))
    without = count_table(FoundRanks(violating, undecided))
    assert np.array_equal(whole.counts, without.counts) and np.array_equal(whole.undecided, without.undecided)
    assert not without.waived.any()
    cut = len(violating[Arm.BASELINE]) // 2
    halves = [
        count_table(FoundRanks(*({arm: table[arm][piece] for arm in ARMS} for table in found)))
        for piece in (slice(None, cut), slice(cut, None))
    ]
    assert np.array_equal((halves[0] + halves[1]).waived, whole.waived)
