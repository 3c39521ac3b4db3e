"""Kappa and corrected rates equal what R gives by other routes, and what was printed."""

from __future__ import annotations

import pytest

from evalgate.stats.kappa import cohens_kappa
from evalgate.stats.rogan_gladen import Share, corrected_rate


def test_kappa_and_its_error(known) -> None:
    rows = [row for row in known("r_agreement")["values"] if "table" in row]
    assert len(rows) == 7
    for row in rows:
        found = cohens_kappa(row["table"])
        assert found is not None
        assert found.value == pytest.approx(row["kappa"], rel=1e-12), row
        assert found.error == pytest.approx(row["error"], rel=1e-7), row


def test_kappa_as_printed() -> None:
    """Fleiss, Levin and Paik, "Statistical methods for rates and proportions", 3rd edition, table 18.1: two raters, 100
    patients; kappa 0.68, standard error 0.087."""
    found = cohens_kappa([[75, 1, 4], [5, 4, 1], [0, 0, 10]])
    assert found is not None
    assert (round(found.value, 2), found.error) == (0.68, pytest.approx(0.087, abs=0.001))


def test_corrected_rates(known) -> None:
    rows = [row for row in known("r_agreement")["values"] if "x" in row]
    assert len(rows) == 7
    for row in rows:
        shares = Share(row["x"], row["n"]), Share(row["found"], row["violations"]), Share(row["spared"], row["clean"])
        found = corrected_rate(*shares, row["level"])
        if row["high"] < 0:
            assert found is None, "fewer alarms than the judge's false alarms alone would give"
            continue
        assert found is not None
        assert (found.value, found.interval.low, found.interval.high) == pytest.approx(
            (row["value"], row["low"], row["high"]), rel=1e-8, abs=1e-9
        ), row


def test_a_rate_as_printed() -> None:
    """The example of epiR's `epi.prev`: 23 of 150 cows, sensitivity 0.96, specificity 0.89: 5.1 cases per 100 cows."""
    found = corrected_rate(Share(23, 150), Share(96, 100), Share(89, 100), 0.95)
    assert found is not None
    assert round(100 * found.value, 1) == 5.1
