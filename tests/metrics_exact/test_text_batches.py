"""Text metrics measure many answers at once; every row is still what one pair alone gives."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.core.errors import BadInput, Incomplete
from evalgate.core.settings import PluginChoice
from evalgate.core.values import Case, Expectation, Output, Status
from evalgate.metrics.catalog import make_metric
from evalgate.metrics.mean_rows import MeanMetric, share_spec
from evalgate.metrics.normalise import squad

TEXT = st.lists(
    st.sampled_from(
        (
            "a",
            "the",
            "an",
            "The",
            "cat",
            "a.",
            "U.S.A",
            "–a–",
            "x\x00a",
            "_",
            "é",
            "e\u0301",
            "İ",
            "ΑΣ",
            "漢 字",
            "\ud800",
            "\x1c",
            "!",
        )
    )
    | st.text(max_size=3),
    max_size=9,
).map(" ".join)
PAIRS = st.lists(st.tuples(TEXT, st.lists(TEXT, min_size=1, max_size=3)), min_size=1, max_size=6)


def expect(*references: Any, id_: str = "c") -> Expectation:
    return Expectation(references, Case(id_, {}, {}, (), {}, place="data.jsonl:7"))


@given(TEXT)
def test_squad_is_the_normalisation_of_the_evaluation_script(text: str) -> None:
    bare = "".join(character for character in text.lower() if character not in string.punctuation)
    assert squad(text) == " ".join(re.sub(r"\b(a|an|the)\b", " ", bare).split())


def f1(answer: str, references: Sequence[str]) -> float:
    best = []
    for reference in references:
        mine, theirs = squad(answer).split(), squad(reference).split()
        shared = sum((Counter(mine) & Counter(theirs)).values())
        best.append(2 * shared / (len(mine) + len(theirs)) if mine and theirs else float(mine == theirs))
    return max(best)


def one_by_one(name: str, text: str, references: Sequence[str]) -> float:
    answers = {"exact_match": float(text.strip() in [r.strip() for r in references]), "token_f1": f1(text, references)}
    return answers.get(name, float(any(reference.strip() in text.strip() for reference in references)))


@pytest.mark.parametrize("name", ["exact_match", "token_f1", "contains"])
@given(PAIRS, st.data())
def test_rows_equal_pairs_measured_alone(name: str, drawn: list[Any], data: Any) -> None:
    metric = make_metric(PluginChoice(name))
    if name == "contains":
        drawn = [(text, [f"{reference}." for reference in references]) for text, references in drawn]
    outputs, cases = [Output(text) for text, _ in drawn], [expect(*references) for _, references in drawn]
    rows = metric.rows(outputs, cases)
    assert rows.tolist() == [[one_by_one(name, text, references), 1.0] for text, references in drawn]
    # Two variants of a shard: the same expectation twice, in any order.
    order = data.draw(st.permutations(range(2 * len(drawn))))
    both = [(outputs + outputs)[i] for i in order], [(cases + cases)[i] for i in order]
    assert np.array_equal(metric.rows(*both), np.concatenate([rows, rows])[order])


@given(st.lists(st.sampled_from("ab"), max_size=12), st.integers(1, 3), st.booleans())
def test_distinct_counts_every_gram(tokens: list[str], n: int, characters: bool) -> None:
    metric = make_metric(PluginChoice("distinct", {"n": n, "unit": "characters" if characters else "words"}))
    grams = [tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1)]
    assert metric.rows([Output(" ".join(tokens))], [expect()]).tolist() == [[len(set(grams)), len(grams)]]


def test_an_answer_without_the_field_shares_nothing() -> None:
    metric = make_metric(PluginChoice("token_f1", {"field": "a"}))
    rows = metric.rows([Output("no json"), Output('{"a": ""}'), Output('{"a": "x"}')], [expect(""), expect(""), expect("x")])
    assert rows.tolist() == [[0, 1], [1, 1], [1, 1]]


@pytest.mark.parametrize("name", ["exact_match", "token_f1", "contains"])
def test_a_lost_answer_is_the_worst_and_its_neighbours_are_measured(name: str) -> None:
    lost = Output("", status=Status.ERROR, error="timeout")
    rows = make_metric(PluginChoice(name)).rows([Output("x"), lost, Output("y")], [expect("x"), expect(), expect("x")])
    assert rows.tolist() == [[1, 1], [0, 1], [0, 1]]


@pytest.mark.parametrize("name", ["exact_match", "token_f1", "contains"])
@pytest.mark.parametrize("references", [(), (None,), ([],), ({"a": 1},)])
def test_the_case_without_a_text_is_named_among_many(name: str, references: Any) -> None:
    cases = [expect("x"), expect("x"), expect(*references, id_="bad"), expect("x")]
    with pytest.raises(BadInput, match="case 'bad'"):
        make_metric(PluginChoice(name)).rows([Output("x")] * 4, cases)


@pytest.mark.parametrize("name", ["exact_match", "token_f1", "contains", "regex", "length"])
def test_lost_rows_are_never_filled_up(name: str) -> None:
    metric = make_metric(PluginChoice(name, {"pattern": "x"} if name == "regex" else {}))
    for outputs, cases in ((1, 2), (2, 1), (0, 1), (1, 0)):
        with pytest.raises(Incomplete, match="cannot be paired"):
            metric.rows([Output("x")] * outputs, [expect("x")] * cases)
    assert metric.rows([], []).shape == (0, 2)


class Short:
    """A measure that loses answers."""

    def values(self, outputs: Sequence[Output], expectations: Sequence[Expectation]) -> list[float]:
        return [1.0]


def test_a_measure_that_loses_answers_is_noticed() -> None:
    metric = MeanMetric(share_spec("short", ""), Short())
    assert metric.rows([Output("x")], [expect("x")]).tolist() == [[1, 1]]
    with pytest.raises(Incomplete, match="short gave 1 values for 3 answers"):
        metric.rows([Output("x")] * 3, [expect("x")] * 3)
