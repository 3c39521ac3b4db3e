"""Numbers as people read them."""

from __future__ import annotations

import pytest

from evalgate.core.verdict import Interval
from evalgate.report import figures


@pytest.mark.parametrize(
    ("value", "unit", "signed", "written"),
    [
        (0.5234, "0-1", False, "0.5234"), (-0.1, "0-1", True, "−0.1000"), (0.1, "0-1", True, "+0.1000"), (0.0, "0-1", True, "0.0000"), (31.234, "0-100", False, "31.23"),
        (1234.5, "ms", False, "1,234\u00a0ms"), (0.05, "share", False, "5\u00a0%"), (-0.0431, "share", True, "−4.3\u00a0%"), (3, "count", False, "3"), (-4, "count", True, "−4"),
        (None, "0-1", False, "n/a"), (0.25, "USD", False, "$0.2500"), (-0.0, "0-1", False, "0.0000"),
    ],
)  # fmt: skip
def test_figures(value: float | None, unit: str, signed: bool, written: str) -> None:
    assert figures.figure(value, unit, signed=signed) == written


def test_a_number_is_told_apart_from_its_bound_and_not_from_rounding_noise() -> None:
    assert figures.figure_beside(0.49999, 0.5, "0-1") == "0.49999"
    assert figures.figure_beside(0.5, 0.5, "0-1") == "0.5000"
    assert figures.figure_beside(-0.020000000000000018, -0.02, "0-1", signed=True) == "−0.0200"


def test_intervals_and_p_values() -> None:
    assert figures.interval(Interval(-0.1, 0.2), "0-1", signed=True) == "−0.1000 to +0.2000"
    assert figures.interval(Interval(0.009, 0.149), "share") == "0.90 to 14.9\u00a0%", "the unit once"
    assert figures.interval(Interval(-5.0, 7.0), "characters", signed=True) == "−5.000 to +7.000\u00a0characters"
    assert figures.interval(Interval(-0.5, 0.5), "USD") == "−$0.5000 to $0.5000"
    assert figures.interval(None, "0-1") == "n/a"
    assert figures.p_value(0.0) == "<\u00a00.001"
    assert figures.p_value(0.04) == "0.040"
    assert figures.p_value(None) == "n/a"
    assert figures.counted(1, "case") == "1 case"
    assert figures.counted(1234, "case") == "1,234 cases"
