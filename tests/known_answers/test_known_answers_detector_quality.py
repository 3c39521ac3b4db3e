"""Wilson's interval and the interval of F1 equal R's values, and scipy's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from evalgate.core.detector_card import Tally
from evalgate.stats.detector_quality import quality
from evalgate.stats.wilson import wilson_interval

COUNTS = st.integers(0, 500)


def test_intervals_equal_those_of_r(known) -> None:
    rows = known("r_detector_quality")["values"]
    assert len(rows) == 44
    for row in rows:
        if row["name"] == "wilson":
            interval = wilson_interval(row["count"], row["total"], row["level"])
        else:
            found = quality(Tally(row["found"], row["false_alarms"], row["missed"]), row["level"]).f1
            assert found is not None and found.value == pytest.approx(row["value"], rel=1e-12)
            interval = found.interval
        assert interval is not None
        # uniroot stops about 1e-14 away from a root, and prop.test leaves 1e-17 where the end is 0
        assert (interval.low, interval.high) == pytest.approx(row["ends"], rel=1e-8, abs=1e-9), row


@given(count=COUNTS, rest=COUNTS, level=st.sampled_from([0.8, 0.95, 0.999]))
def test_wilson_equals_scipy(count: int, rest: int, level: float) -> None:
    if count + rest == 0:
        return
    ends = stats.binomtest(count, count + rest).proportion_ci(level, method="wilson")
    interval = wilson_interval(count, count + rest, level)
    assert interval is not None
    assert (interval.low, interval.high) == pytest.approx((ends.low, ends.high), abs=1e-12)


@given(found=COUNTS, false=COUNTS, missed=COUNTS, clean=st.none() | COUNTS)
def test_every_rate_lies_in_its_interval_and_f1_between_precision_and_recall(
    found: int, false: int, missed: int, clean: int | None
) -> None:
    seen = quality(Tally(found, false, missed, clean), 0.95)
    for rate in (seen.precision, seen.recall, seen.f1, seen.specificity):
        if rate is not None:
            assert 0 <= rate.interval.low <= rate.value + 1e-12 and rate.value <= rate.interval.high + 1e-12 <= 1 + 1e-11
    if seen.precision is not None and seen.recall is not None:
        assert seen.f1 is not None
        ends = sorted((seen.precision.value, seen.recall.value))
        assert ends[0] - 1e-12 <= seen.f1.value <= ends[1] + 1e-12
    assert (seen.precision is None) == (found + false == 0)
    assert (seen.recall is None) == (found + missed == 0)
    assert (seen.specificity is None) == (clean is None or clean + false == 0)


@pytest.mark.parametrize("counts", [(-1, 0, 0), (0, -1, 0), (0, 0, -1), (0, 0, 0, -1)])
def test_negative_counts_are_refused(counts: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="negative"):
        quality(Tally(*counts), 0.95)


@pytest.mark.parametrize(("count", "total", "level"), [(-1, 3, 0.9), (4, 3, 0.9), (1, 3, 0.0), (1, 3, 1.0)])
def test_wilson_refuses_what_is_no_count_or_level(count: int, total: int, level: float) -> None:
    with pytest.raises(ValueError, match=r"is not a count|level lies"):
        wilson_interval(count, total, level)
