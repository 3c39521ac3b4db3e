"""Ranking metrics against NIST's own test data, and against plain formulas."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.core.errors import BadInput
from evalgate.core.settings import PluginChoice
from evalgate.core.values import Case, Expectation, Output
from evalgate.metrics.catalog import make_metric

NAMES = {"ndcg_cut_{}": "ndcg", "recall_{}": "recall", "P_{}": "precision", "map_cut_{}": "average_precision"}


def expect(grades: Any, case: str = "q") -> Expectation:
    return Expectation((grades,), Case(case, {}, {}, (), {}, place=f"data.jsonl:{case}"))


def score(name: str, ranked: Any, grades: Any, **parameters: Any) -> float:
    metric = make_metric(PluginChoice(name, parameters))
    output = ranked if isinstance(ranked, Output) else Output(json.dumps(ranked), value=ranked)
    return float(metric.score(metric.rows([output], [expect(grades)]))[0])


def _topics(folder: Path) -> dict[str, dict[str, int]]:
    grades: dict[str, dict[str, int]] = {}
    for line in (folder / "raw" / "qrels.test").read_text(encoding="utf-8").split("\n"):
        if line.strip():
            topic, _, document, grade = line.split()
            grades.setdefault(topic, {})[document] = int(grade)
    return grades


def _runs(folder: Path) -> dict[str, list[list[Any]]]:
    runs: dict[str, list[list[Any]]] = {}
    for line in (folder / "raw" / "results.test").read_text(encoding="utf-8").split("\n"):
        if line.strip():
            topic, _, document, _, similarity, _ = line.split()
            runs.setdefault(topic, []).append([document, float(similarity)])
    return runs


def test_every_measure_equals_trec_eval_on_its_own_data(shared_data: Path) -> None:
    folder = shared_data / "trec_eval_test"
    expected = json.loads((folder / "expected_all_trec.json").read_text(encoding="utf-8"))["values"]
    grades, runs = _topics(folder), _runs(folder)
    topics = sorted(grades)
    outputs = [
        Output("", value=random.Random(7).sample(runs[t], len(runs[t]))) for t in topics
    ]  # the order given must not matter
    expectations = [expect(grades[t], t) for t in topics]
    checked = 0
    for pattern, name in NAMES.items():
        for k in (5, 10, 20, 100, 1000):
            metric = make_metric(PluginChoice(name, {"k": k}))
            rows = metric.rows(outputs, expectations)
            for topic, value in zip(topics, metric.score(rows), strict=True):
                assert f"{value:.4f}" == f"{float(expected[topic][pattern.format(k)]):.4f}", (name, k, topic)
                checked += 1
            assert f"{metric.score(rows.sum(axis=0, keepdims=True))[0]:.4f}" == f"{float(expected['all'][pattern.format(k)]):.4f}"
    for name, measure in (("mrr", "recip_rank"), ("average_precision", "map"), ("ndcg", "ndcg")):
        metric = make_metric(PluginChoice(name))
        rows = metric.rows(outputs, expectations)
        for topic, value in zip(topics, metric.score(rows), strict=True):
            assert f"{value:.4f}" == f"{float(expected[topic][measure]):.4f}", (name, topic)
            checked += 1
    assert checked == 3 * (4 * 5 + 3)


def test_ties_are_broken_by_id_downwards() -> None:
    tied = [["a", 1.0], ["c", 1.0], ["b", 1.0], ["z", 0.5]]
    assert score("mrr", tied, ["c"]) == 1.0
    assert score("mrr", tied, ["b"]) == 0.5
    assert score("mrr", [{"id": "a", "score": 2}, {"id": "b", "score": 3}], ["b"]) == 1.0


def test_known_values() -> None:
    grades = {"a": 3, "b": 2, "c": 1}
    ideal = 3 + 2 / math.log2(3) + 1 / 2
    assert score("ndcg", ["a", "b", "c"], grades) == pytest.approx(1.0)
    assert score("ndcg", ["c", "x", "a"], grades) == pytest.approx((1 + 3 / 2) / ideal)
    assert score("ndcg", ["x", "a"], grades, k=1) == 0.0
    assert score("precision", ["a", "x"], grades, k=5) == pytest.approx(1 / 5)
    assert score("recall", ["a", "x"], grades, k=5) == pytest.approx(1 / 3)
    assert score("average_precision", ["x", "a", "b"], grades) == pytest.approx((1 / 2 + 2 / 3) / 3)
    assert score("mrr", [], grades) == 0.0


@pytest.mark.parametrize(
    ("text", "rank"),
    [
        ("b\na", 2),
        ("1. b\n2. a", 2),
        ("- a\n- b", 1),
        ('["b", "a"]', 2),
        ("* b\n\n* c\n* a", 3),
        ("b\nb\na", 2),
        ("", 0),
        ("A", 0),
    ],
)
def test_lists_in_free_text(text: str, rank: int) -> None:
    assert score("mrr", Output(text), ["a"]) == (1 / rank if rank else 0.0)


def test_items_are_found_by_pattern_in_order_of_mention() -> None:
    text = Output("I would take Ridge Tent, or else Haven Tent. Ridge Tent is lighter.")
    assert score("mrr", text, ["Haven Tent"], items="[A-Z][a-z]+ Tent") == 0.5
    assert score("mrr", Output("haven tent"), ["Haven Tent"], casefold=True) == 1.0


@pytest.mark.parametrize("grades", [{}, [], {"a": 0}, None, {"a": "high"}, {"a": -1.5}])
def test_cases_that_cannot_be_judged_are_refused(grades: Any) -> None:
    with pytest.raises(BadInput, match=r"data\.jsonl:q"):
        score("ndcg", ["a"], grades)


def test_without_relevant_items_on_request() -> None:
    assert math.isnan(score("ndcg", ["a"], {"a": 0}, no_relevant="skip"))
    assert score("ndcg", ["a"], {"a": 0}, no_relevant="zero") == 0.0


@pytest.mark.parametrize("parameters", [{"k": 0}, {"k": "5"}, {"k": 2.5}, {"K": 5}, {"items": "("}, {"no_relevant": "drop"}])
def test_bad_parameters(parameters: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        make_metric(PluginChoice("ndcg", parameters))


@given(st.permutations(list("abcdef")), st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 4), min_size=1))
def test_no_order_beats_the_ideal_one(order: list[str], grades: dict[str, int]) -> None:
    best = sorted(grades, key=lambda item: -grades[item])
    for name in ("ndcg", "average_precision", "mrr"):
        assert 0.0 <= score(name, order, grades) <= score(name, best, grades) + 1e-12
        assert score(name, best, grades) == pytest.approx(1.0)
