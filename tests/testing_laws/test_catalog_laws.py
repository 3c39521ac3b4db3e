"""Every built-in metric and detector obeys the laws that extensions must obey."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from evalgate.core.settings import PluginChoice
from evalgate.core.values import Case, Expectation, Output
from evalgate.metrics.catalog import ALIASES, BUILTINS, make_metric
from evalgate.testing import check_metric

TEXTS = (
    "the cat sat on the mat",
    "a dog",
    "",
    "Übermut tut selten gut!",
    "1, 2 and 3",
    "one line\nanother line\nanother line",
    "日本語のテキスト",
)
OTHER = ("the cat sat on a mat", "a dog barks", "nothing", "", "1, 2 and 4", "one line\nno line", "日本語")
PARAMETERS: dict[str, dict[str, Any]] = {
    "regex": {"pattern": "[a-m]+"},
    "accuracy": {"labels": list(dict.fromkeys(t for t in (*TEXTS, *OTHER) if t.strip()))},
    "json_schema": {"schema": {"type": "object"}},
    "judge": {"prompt": "p@1", "model": "j", "range": [1, 5]},
}
RANKING = {"ndcg", "mrr", "recall", "precision", "average_precision"}
JSON = {"json_valid", "json_schema"}
NUMBERS = {"numeric_match"}
NO_BEST = {"length", "latency_ms", "tokens", "cost", "distinct", "self_bleu", "regex", "precision", "accuracy", "judge"}


def _case(i: int) -> Case:
    return Case(f"c{i}", {"id": f"c{i}"}, {}, (), {}, place=f"data.jsonl:{i + 1}")


def _material(name: str) -> tuple[list[Output], list[Expectation], list[Output]]:
    """Outputs, expectations, and outputs that are as good as can be."""
    if name in RANKING:
        ranked = [["a", "b", "c"], ["c", "x"], ["x"]]
        grades = [{"a": 2, "c": 1}, {"c": 1, "d": 3}, {"x": 1}]
        best = [sorted(g, key=lambda k: -g[k]) for g in grades]
        expected = [Expectation((g,), _case(i)) for i, g in enumerate(grades)]
        return [Output(json.dumps(r), value=r) for r in ranked], expected, [Output(json.dumps(r), value=r) for r in best]
    if name in JSON:
        texts = ['{"a": 1}', "[1, 2]", "no json", '{"a": 1, "a": 2}']
        expected = [Expectation((), _case(i)) for i in range(4)]
        return [Output(t) for t in texts], expected, [Output('{"a": 1}')] * 4
    if name in NUMBERS:
        expected = [Expectation((n,), _case(i)) for i, n in enumerate(("12", "1,000.5", "-3"))]
        return [Output("it is 12"), Output("999"), Output("no number")], expected, [Output("12"), Output("1000.5"), Output("-3")]
    figures = {"latency_ms": 5.0, "prompt_tokens": 7, "completion_tokens": 3, "cost_usd": 0.25}
    references = [t if name != "accuracy" or t.strip() else "nothing" for t in TEXTS]
    expected = [Expectation((r,), _case(i)) for i, r in enumerate(references)]
    return [Output(t, **figures) for t in OTHER], expected, [Output(t, **figures) for t in references]


@pytest.mark.parametrize("name", sorted(BUILTINS))
def test_metric_laws(name: str) -> None:
    metric = make_metric(PluginChoice(name, PARAMETERS.get(name, {})))
    outputs, expected, best = _material(name)
    identity = best if name not in NO_BEST else None
    if name in ("bleu", "token_f1", "rouge1", "rouge2", "rougeL", "rougeLsum", "chrf", "chrfpp", "ter", "contains"):
        kept = [i for i, e in enumerate(expected) if e.references[0].isascii() and len(e.references[0].split()) >= 4]
        outputs, expected, best = ([rows[i] for i in kept] for rows in (outputs, expected, best))
        identity = best
    check_metric(metric, outputs, expected, identity=identity)


@pytest.mark.parametrize("name", sorted(set(BUILTINS) - RANKING - JSON - NUMBERS - {"accuracy", "contains"}))
def test_empty_and_foreign_texts_are_defined(name: str) -> None:
    metric = make_metric(PluginChoice(name, PARAMETERS.get(name, {})))
    outputs, expected, _ = _material(name)
    check_metric(metric, outputs, expected)


def test_every_alias_stands_for_known_metrics() -> None:
    assert all(set(names) <= set(BUILTINS) for names in ALIASES.values())


@pytest.mark.parametrize("fault", ["order", "shape", "nan", "batch", "random"])
def test_the_laws_catch_a_broken_metric(fault: str) -> None:
    good = make_metric(PluginChoice("exact_match"))
    state = np.random.default_rng(1)

    class Broken:
        spec = good.spec
        score = staticmethod(good.score)

        @staticmethod
        def rows(outputs, expectations):
            rows = np.array(good.rows(outputs, expectations))
            if fault == "order" and len(rows):
                rows[0, 0] = 0.5
            if fault == "shape":
                return rows[:, :1]
            if fault == "nan" and len(rows):
                rows[0, 0] = np.nan
            if fault == "batch":
                rows[:, 0] = len(rows)
            if fault == "random" and len(rows):
                rows[:, 0] = state.random()
            return rows

    outputs, expected, _ = _material("exact_match")
    with pytest.raises(AssertionError):
        check_metric(Broken(), outputs, expected)
