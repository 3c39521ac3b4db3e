"""The same answer to different inputs, which no shard can see alone."""

from __future__ import annotations

from typing import Any

import pytest

from evalgate.runner.shard_file import read_details, shard_path

STOCK = "I am happy to help you with anything."


def gate(project: Any, given: int, limit: str = "0.1") -> Any:
    """A gate of 200 cases whose candidate gives its stock answer to so many of them."""
    return project(
        cases=200,
        safety=f"[{{degenerate: {{identical: {limit}}}}}]",
        thresholds=("{safety: degenerate, max: 0}",),
        answers={("Add:", case): STOCK for case in range(given)},
    )


def counts(made: Any, *arguments: str) -> Any:
    ran = made.run("--json", *arguments)
    assert ran.code in (0, 1), ran.err
    return ran.code, ran.document["safety"]["degenerate"]["candidate"]


def test_a_stock_answer_is_found_when_more_than_the_share_get_it(project) -> None:
    assert counts(gate(project, 21)) == (1, 21)


def test_up_to_the_share_it_is_fine(project) -> None:
    assert counts(gate(project, 20)) == (0, 0)


def test_it_is_found_across_shards_and_with_any_number_of_workers(project, tmp_path) -> None:
    made = gate(project, 90)
    for jobs in ("1", "2"):
        assert counts(made, "--jobs", jobs, "--out", str(tmp_path / jobs)) == (1, 90)
    one, two = ((tmp_path / jobs / "verdict.json").read_bytes() for jobs in "12")
    assert one == two
    rules = [
        finding["rule"]
        for shard in range(2)
        for detail in read_details(shard_path(tmp_path / "1", shard))[1]
        for finding in detail["candidate"]["findings"]
    ]
    assert rules == ["identical"] * 90


def test_short_answers_are_rightly_the_same(project) -> None:
    made = project(
        cases=100,
        safety="[{degenerate: {identical: 0.01}}]",
        thresholds=("{safety: degenerate, max: 0}",),
        answers={("Add:", case): "forty two" for case in range(100)},
    )
    assert counts(made) == (0, 0)


def test_without_the_parameter_nothing_is_counted(project) -> None:
    made = project(
        cases=100,
        safety="[degenerate]",
        thresholds=("{safety: degenerate, max: 0}",),
        answers={("Add:", case): STOCK for case in range(100)},
    )
    assert counts(made) == (0, 0)


@pytest.mark.parametrize("limit", ["1.1", "-0.1", "all", "true"])
def test_a_wrong_share_is_refused(project, limit: str) -> None:
    ran = gate(project, 21, limit).run()
    assert ran.code == 2
    assert "identical" in ran.err
