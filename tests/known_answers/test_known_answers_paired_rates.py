"""Tango's and Newcombe's intervals equal those of R, of two R packages, and of published examples."""

from __future__ import annotations

import math

import pytest

from evalgate.core.values import Scale
from evalgate.stats.exact_counts import mcnemar_mid_p, mcnemar_two_sided
from evalgate.stats.paired_rates import Tango, newcombe_interval


def ends(found) -> tuple[float, float]:
    return found.low, found.high


def test_intervals_and_p_values_equal_roots_of_the_likelihood(known) -> None:
    for row in known("r_paired_rates")["values"]:
        both, gained, dropped, neither = row["table"]
        tango = Tango(sum(row["table"]), gained, dropped)
        if "level" in row:
            assert ends(tango.interval(row["level"])) == pytest.approx(row["tango"], rel=1e-8, abs=1e-10), row
            newcombe = newcombe_interval(both, gained, dropped, neither, row["level"])
            assert ends(newcombe) == pytest.approx(row["newcombe"], rel=1e-8, abs=1e-10), row
        else:
            found = [tango.p_above(bound) for bound in row["bounds"]]
            assert found == pytest.approx(row["p_above"], rel=1e-8), row


def test_intervals_equal_those_of_published_packages(known) -> None:
    for row in known("r_packages")["values"]:
        both, gained, dropped, neither = row["table"]
        found = ends(Tango(sum(row["table"]), gained, dropped).interval(row["level"]))
        assert found == pytest.approx(row["tango"], abs=1e-6), row
        assert found == pytest.approx(row["tango_propcis"], abs=1e-6), row
        assert ends(newcombe_interval(both, gained, dropped, neither, row["level"])) == pytest.approx(row["newcombe"], abs=1e-9)
        assert mcnemar_two_sided(gained, dropped) == pytest.approx(row["exact"], rel=1e-9)
        assert mcnemar_mid_p(gained, dropped) == pytest.approx(row["mid_p"], rel=1e-9)


def test_published_examples(known) -> None:
    published = known("published")["values"]
    assert {row["method"] for row in published if "table" in row} == {
        "Tango",
        "Newcombe",
        "McNemar exact",
        "McNemar mid-p",
        "McNemar",
    }
    for row in published:
        if "table" not in row:
            continue
        both, gained, dropped, neither = row["table"]
        tango = Tango(sum(row["table"]), gained, dropped)
        found = {
            "Tango": lambda level, t=tango: ends(t.interval(level)),
            "Newcombe": lambda level, b=both, g=gained, d=dropped, n=neither: ends(newcombe_interval(b, g, d, n, level)),
            "McNemar exact": lambda _, g=gained, d=dropped: (mcnemar_two_sided(g, d),),
            "McNemar mid-p": lambda _, g=gained, d=dropped: (mcnemar_mid_p(g, d),),
            # without a margin the score is that of McNemar's asymptotic test, so its square is chi-squared
            "McNemar": lambda _, t=tango: (2 * min(t.p_above(0.0), t.p_below(0.0)),),
        }[row["method"]](row.get("level"))
        assert found == pytest.approx(row["value"], abs=row["digits"]), row


def test_a_pass_fail_metric_publishes_these_figures(compare, known) -> None:
    row = next(row for row in known("r_packages")["values"] if row["table"] == [20, 3, 2, 15] and row["level"] == 0.9)
    pairs = [(1, 1)] * 20 + [(0, 1)] * 3 + [(1, 0)] * 2 + [(0, 0)] * 15
    before, after = zip(*pairs, strict=True)
    found = compare(before, after, Scale.PROPORTION)
    assert ends(found.delta.deciding) == pytest.approx(row["tango"], abs=1e-6)
    assert found.p_value == pytest.approx(row["mid_p"], rel=1e-9)
    assert ends(found.second.delta) == pytest.approx(row["newcombe"], abs=1e-9)
    assert 2 * min(found.second.p_higher, found.second.p_lower) == pytest.approx(row["exact"], rel=1e-9)
    assert math.isclose(found.delta.value, 1 / 40)
