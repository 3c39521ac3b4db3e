"""Diversity inside one output: repeated n-grams, and parts that resemble each other."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sacrebleu.metrics.bleu import BLEU

from evalgate.core.errors import BadInput
from evalgate.core.values import Direction, Output, Scale
from evalgate.metrics import diversity
from evalgate.metrics.diversity import make_distinct, make_self_bleu
from evalgate.metrics.interface import Metric

Texts = tuple[list[str], list[str]]


def rows_of(metric: Any, *outputs: Output | str) -> Any:
    taken = [output if isinstance(output, Output) else Output(output) for output in outputs]
    return metric.rows(taken, [None] * len(taken))


@pytest.mark.parametrize(
    ("parameters", "text", "different", "total"),
    [
        ({}, "a b a b a", 2, 4),
        ({"n": 1}, "a b a b a", 2, 5),
        ({"n": 3}, "a b a b a", 2, 3),
        ({}, "one", 0, 0),
        ({}, "", 0, 0),
        ({"n": 1}, "The the", 1, 2),
        ({"n": 1, "lowercase": False}, "The the", 2, 2),
        ({"unit": "characters"}, "好好\u3000好", 1, 2),
        ({"n": 1}, "a\xa0b\u2028a", 2, 3),
    ],
)
def test_distinct_counts(parameters: dict[str, Any], text: str, different: int, total: int) -> None:
    assert rows_of(make_distinct(parameters), text).tolist() == [[different, total]]


def test_distinct_is_the_ratio_of_the_sums() -> None:
    metric = make_distinct({})
    rows = rows_of(metric, "a b a b a", "c d e", "x")
    assert metric.score(rows.sum(axis=0, keepdims=True))[0] == 4 / 6
    assert np.isnan(metric.score(rows)[2])


def by_sacrebleu(parts: list[str], **options: Any) -> float:
    measure = BLEU(effective_order=True, **options)
    scores = [measure.sentence_score(p, parts[:i] + parts[i + 1 :]).score for i, p in enumerate(parts)]
    return sum(scores) / len(scores)


@pytest.mark.parametrize(
    "options", [{}, {"lowercase": True}, {"tokenize": "char"}, {"max_ngram_order": 2}], ids=["plain", "lc", "char", "2"]
)
def test_self_bleu_equals_sacrebleu_sentence_scores(options: dict[str, Any], pairs: Texts) -> None:
    metric = make_self_bleu(options)
    texts = [part.strip().replace("\n", " ") for part in pairs[0][:600]]
    texts = [text for text in texts if text]
    for size in (2, 3, 5, 8):
        for start in range(0, 120, size):
            # Every second block holds a part twice, which must then count as its own reference.
            parts = texts[start : start + size] + texts[start : start + start % 2]
            value, count = rows_of(metric, "\n".join(parts))[0]
            assert count == 1
            assert value == pytest.approx(by_sacrebleu(parts, **options), abs=1e-9)


@pytest.mark.parametrize(
    ("split", "text", "parts"),
    [
        ("lines", "a b c\n\n  a b d \r\n", ["a b c", "a b d"]),
        ("sentences", "A b c. A b d! Is 3.5 e?\nf g", ["A b c.", "A b d!", "Is 3.5 e?", "f g"]),
        ("sentences", "你好。世界。", ["你好。", "世界。"]),
        ("json", '["a b c", "a b d", {"k": 1}]', ["a b c", "a b d", '{"k": 1}']),
    ],
)
def test_parts(split: str, text: str, parts: list[str]) -> None:
    value, count = rows_of(make_self_bleu({"split": split}), text)[0]
    assert (value, count) == (pytest.approx(by_sacrebleu(parts), abs=1e-9), 1)


def test_parts_given_as_data() -> None:
    output = Output(text="ignored", value=["a b c", "a b c"])
    assert rows_of(make_self_bleu({"split": "json"}), output).tolist() == [[pytest.approx(100.0), 1]]


@pytest.mark.parametrize(
    ("split", "text"),
    [
        ("lines", ""),
        ("lines", "one part"),
        ("lines", "one\u2028part"),
        ("json", "[1"),
        ("json", '{"a": 1}'),
        pytest.param("json", "[" * 100_000, id="json-deep"),
        ("json", '["one"]'),
        ("sentences", "One."),
    ],
)
def test_fewer_than_two_parts_count_nothing(split: str, text: str) -> None:
    metric = make_self_bleu({"split": split})
    rows = rows_of(metric, text)
    assert rows.tolist() == [[0, 0]]
    assert np.isnan(metric.score(rows)[0])


def test_alike_is_worse() -> None:
    metric = make_self_bleu({})
    alike, different = metric.score(rows_of(metric, "red shoes on sale\nred shoes on sale", "red shoes\nblue sky at dawn"))
    assert metric.spec.direction is Direction.LOWER
    assert different < 20 < 99.999 < alike <= 100


@pytest.mark.parametrize(
    ("metric", "name", "scale"),
    [
        (make_distinct({}), "distinct@2", Scale.CORPUS),
        (make_distinct({"n": 1}), "distinct@1", Scale.CORPUS),
        (make_self_bleu({}), "self_bleu", Scale.MEAN),
    ],
)
def test_spec(metric: Any, name: str, scale: Scale) -> None:
    assert isinstance(metric, Metric)
    assert (metric.spec.name, metric.spec.scale, metric.spec.needs_reference) == (name, scale, False)
    assert "within:output" in metric.spec.signature
    assert pickle.loads(pickle.dumps(metric)) == metric
    assert metric.rows([], []).shape == (0, 2)


@pytest.mark.parametrize(
    ("make", "parameters", "said"),
    [
        (make_distinct, {"n": 0}, "at least 1"),
        (make_distinct, {"n": 11}, "at most 10"),
        (make_distinct, {"n": "2"}, "whole number"),
        (make_distinct, {"unit": "word"}, "did you mean words?"),
        (make_distinct, {"k": 2}, "unknown parameter 'k'"),
        (make_self_bleu, {"split": "line"}, "did you mean lines?"),
        (make_self_bleu, {"tokenize": "14a"}, "did you mean 13a?"),
        (make_self_bleu, {"smooth_method": "exp"}, "unknown parameter 'smooth_method'"),
    ],
)
def test_wrong_parameters_are_refused(make: Any, parameters: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput) as refused:
        make(parameters)
    assert said in str(refused.value)


PARTS = st.lists(
    st.lists(st.sampled_from(("a", "b", "c.", "1,5", "&amp;", "é", "<skipped>")), min_size=1, max_size=7), max_size=5
)


@given(st.lists(PARTS, min_size=1, max_size=6), st.sampled_from([1, 4, 5]), st.sampled_from([1, 1024]))
def test_self_bleu_of_many_outputs_is_that_of_each(drawn: list[list[list[str]]], order: int, block: int) -> None:
    lists = [[" ".join(words) for words in parts] for parts in drawn]
    metric = make_self_bleu({"max_ngram_order": order})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(diversity, "_OUTPUTS", block)
        rows = rows_of(metric, *("\n".join(parts) for parts in lists))
    for row, parts in zip(rows.tolist(), lists, strict=True):
        expected = by_sacrebleu(parts, max_ngram_order=order) if len(parts) > 1 else 0.0
        assert row == [pytest.approx(expected, abs=1e-9), float(len(parts) > 1)]
        assert rows_of(metric, "\n".join(parts)).tolist() == [row]


def test_self_bleu_with_a_tokenizer_of_the_library(monkeypatch: pytest.MonkeyPatch, pairs: Texts) -> None:
    texts = ["\n".join(pairs[1][i : i + 3]) for i in range(0, 30, 3)]
    rows = rows_of(make_self_bleu({}), *texts)
    monkeypatch.setattr(diversity, "BATCH_TOKENIZERS", ())
    assert np.array_equal(rows_of(make_self_bleu({}), *texts), rows)
