"""Arguments of `evalgate compare`, the schema for editors, and the starter project."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalgate.config.arguments import parse_metric_argument, parse_safety_argument, parse_threshold_argument
from evalgate.config.editor_schema import config_schema
from evalgate.config.load import load_settings
from evalgate.config.strict_yaml import parse_document
from evalgate.core.errors import BadInput
from evalgate.core.settings import Bound, Decide, Level, SliceChoice, TargetKind

METRICS: list[tuple[str, str, dict[str, Any]]] = [
    ("bleu", "bleu", {}),
    (
        "exact_match:extract=answer is (.*)\\.,normalize=none",
        "exact_match",
        {"extract": "answer is (.*)\\.", "normalize": "none"},
    ),
    ("exact_match:extract=a, (.*), b,normalize=none", "exact_match", {"extract": "a, (.*), b", "normalize": "none"}),
    ("exact_match:extract=5", "exact_match", {"extract": "5"}),
    ("regex:pattern=[a|b]", "regex", {"pattern": "[a|b]"}),
    ("regex:pattern=x:y=z", "regex", {"pattern": "x:y=z"}),
    ("ndcg:k=5", "ndcg", {"k": 5}),
    ("x:a=true,b=false,c=1e-2,d=-3", "x", {"a": True, "b": False, "c": 0.01, "d": -3}),
    ("x:e=no,f=null,g=1.0", "x", {"e": "no", "f": "null", "g": 1.0}),
    ("x:a=[p|q r|5]", "x", {"a": ["p", "q r", 5]}),
    ("x:a=[one]", "x", {"a": ["one"]}),
]


@pytest.mark.parametrize(("text", "name", "parameters"), METRICS)
def test_metric_and_safety_arguments(text: str, name: str, parameters: dict[str, Any]) -> None:
    for parse in (parse_metric_argument, parse_safety_argument):
        found = parse(text)
        assert found.name == name
        assert dict(found.parameters) == parameters
        assert [type(v) for v in found.parameters.values()] == [type(v) for v in parameters.values()]
        assert text[:10] in found.place


NO_METRICS = ["", ":", ":a=1", "a b", "x:", "x:a", "x:=1", "x:a=", "x:a=1,a=2", "x:a=.nan", "x:a=1e999", "x:1=2"]


@pytest.mark.parametrize("text", [*NO_METRICS, "x:a=\udcff", "\udcff"])
def test_metric_arguments_that_are_refused(text: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse_metric_argument(text)
    problem = caught.value.problems[0]
    assert problem.where is not None
    assert problem.where.startswith("--metric '")
    assert problem.hint
    str(problem).encode()


def test_threshold_arguments() -> None:
    found = parse_threshold_argument("safety.pii:max=0")
    assert (found.kind, found.name, found.bound, found.value, found.text) == (TargetKind.SAFETY, "pii", Bound.MAX, 0, "0")
    found = parse_threshold_argument("rougeL:min_improvement=5%,slice=each")
    assert (found.value, found.relative, found.text, found.slice) == (0.05, True, "5%", SliceChoice())
    found = parse_threshold_argument("run.error_rate:max=0.5%")
    assert (found.target, found.value, found.relative) == ("run:error_rate", 0.005, False)
    found = parse_threshold_argument("ndcg@5:min=0.50,slice=task:word_sorting,level=warn,decide=estimate")
    assert (found.name, found.text, found.slice) == ("ndcg@5", "0.50", SliceChoice("task", "word_sorting"))
    assert (found.level, found.decide) == (Level.WARN, Decide.ESTIMATE)
    assert parse_threshold_argument("latency_ms.p95:max_regression=10 %").name == "latency_ms.p95"
    assert parse_threshold_argument("bleu:min=-1").value == -1
    assert parse_threshold_argument("a:min=1,slice=x:each").slice == SliceChoice("x")


THRESHOLDS = [
    ("", "a name is missing", "NAME:BOUND=VALUE"),
    ("bleu", "no bound", "NAME:BOUND=VALUE"),
    ("bleu:slice=each", "the threshold has no bound", "min_improvement"),
    ("bleu:min=1,max=2", "more than one bound", "repeat --threshold"),
    ("bleu:min=1,min=2", "min is given twice", "keep one"),
    ("bleu:mim=1", "unknown key 'mim'", "did you mean min"),
    ("bleu:min=x", "must be a number or a percentage", "5%"),
    ("bleu:min=.nan", "must be a number or a percentage", "5%"),
    ("bleu:min=1e999", "must be a number or a percentage", ""),
    ("bleu:max_regression=-1", "must not be negative", "0 or more"),
    ("bleu:min=true", "not true", "number"),
    ("bleu:min=30%", "unit of bleu", "without %"),
    ("safety.pii:max=100%", "every case could violate", "share of the cases such as 2%"),
    ("safety.pii:max_new=-1%", "must not be negative", "0 or more"),
    ("safety.pii:min=1", "cannot be asked of a safety category", "max_increase"),
    ("safety.:max=1", "must be a name", "any, or a category"),
    ("run.error_rate:max=5", "a share from 0 to 1", "did you mean 5%?"),
    ("run.errors:max=5", "no run figure 'errors'", "error_rate"),
    ("bleu:min=1,level=soft", "block or warn", "block"),
    ("bleu:min=1,slice=language", "one column with one value", "{language: de}"),
]


@pytest.mark.parametrize(("text", "words", "advice"), THRESHOLDS)
def test_threshold_arguments_that_are_refused(text: str, words: str, advice: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse_threshold_argument(text)
    problem = next(p for p in caught.value.problems if words in p.message)
    assert problem.where == f"--threshold '{text}'"
    assert advice in (problem.hint or "")


@given(st.text(max_size=40) | st.from_regex(r"(safety\.|run\.)?[a-z]{1,5}:(min|max|slice|level)=[^a]{0,9}", fullmatch=True))
@settings(max_examples=300)
def test_any_argument_is_read_or_refused(text: str) -> None:
    for parse in (parse_metric_argument, parse_safety_argument, parse_threshold_argument):
        try:
            parse(text)
        except BadInput as error:
            assert all(problem.where for problem in error.problems)


def test_the_schema_is_valid_and_the_same_every_time() -> None:
    schema = config_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$schema"].endswith("2020-12/schema")
    assert json.dumps(schema) == json.dumps(config_schema())
    assert all(entry.get("description") or "$ref" in entry for entry in schema["properties"].values())


GOOD = """
gate: first-gate
dataset: greetings@1.0.0
variants:
  baseline: {prompt: greeting@1, model: writer}
  candidate: {prompt: greeting@2, model: writer}
models:
  writer: {provider: openai, name: small, parameters: {temperature: 0}}
proxy: {mode: replay, recording: first-gate}
metrics: [rougeL, chrf]
safety: [degenerate]
thresholds:
  - {metric: rougeL, min_improvement: 5%}
  - {metric: chrf, max_regression: 1.0}
  - {safety: any, max_increase: 0}
confidence: 0.95
seed: 1
reports: [html, junit, markdown]
"""
WRONG = [
    ("gate: first-gate", "gate: First"),
    ("{metric: chrf, max_regression: 1.0}", "{metric: chrf}"),
    ("{metric: chrf, max_regression: 1.0}", "{metric: chrf, max_regression: -1.0}"),
    ("{metric: chrf, max_regression: 1.0}", "{metric: chrf, max_regresion: 1.0}"),
    ("{metric: chrf, max_regression: 1.0}", "{metric: chrf, run: cases, max: 1}"),
    ("{safety: any, max_increase: 0}", "{safety: any, max_increase: 0.5}"),
    ("{safety: any, max_increase: 0}", "{safety: any, max: 1.5}"),
    ("min_improvement: 5%}", "min_improvement: 5 percent}"),
    ("confidence: 0.95", "confidence: 95"),
    ("metrics: [rougeL, chrf]", "metrics: [{rougeL: 1}]"),
    ("reports: [html", "reports: [pdf"),
    ("seed: 1\n", "seeds: 1\n"),
]


def test_schema_and_loader_accept_a_good_gate() -> None:
    jsonschema.validate(parse_document(GOOD, "g").value, config_schema())


@pytest.mark.parametrize(("old", "new"), WRONG)
def test_schema_and_loader_refuse_the_same(tmp_path: Path, old: str, new: str) -> None:
    assert old in GOOD
    text = GOOD.replace(old, new)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(parse_document(text, "g").value, config_schema())
    path = tmp_path / "g.yaml"
    path.write_text(text)
    with pytest.raises(BadInput):
        load_settings(path)
