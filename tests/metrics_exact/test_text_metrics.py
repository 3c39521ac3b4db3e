"""Exact match, token F1, contains, regex, numbers, labels, JSON and run figures: known answers and refusals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.core.errors import BadInput, Incomplete
from evalgate.core.settings import PluginChoice
from evalgate.core.values import Case, Expectation, Output
from evalgate.golden.tables import read_rows
from evalgate.metrics.catalog import choose_metrics, make_metric


def expect(*references: Any) -> Expectation:
    return Expectation(references, Case("c", {}, {}, (), {}, place="data.jsonl:7"))


def score(name: str, text: str, *references: Any, **parameters: Any) -> float:
    metric = make_metric(PluginChoice(name, parameters))
    return float(metric.score(metric.rows([Output(text)], [expect(*references)]))[0])


SQUAD_F1 = [
    ("the cat", ("cat",), 1.0),
    ("a big, black cat!", ("black cat",), 0.8),
    ("Denver Broncos", ("Carolina Panthers", "Denver Broncos"), 1.0),
    ("in 1998", ("1998",), 2 / 3),
    ("yes", ("no",), 0.0),
    ("", ("cat",), 0.0),
    ("the", ("a",), 1.0),
    ("cat cat", ("cat",), 2 / 3),
]


@pytest.mark.parametrize(("text", "references", "expected"), SQUAD_F1)
def test_token_f1_as_squad(text: str, references: tuple[str, ...], expected: float) -> None:
    assert score("token_f1", text, *references) == pytest.approx(expected)


MATCHES = [
    ("yes", ("yes",), {}, 1), (" yes\n", ("yes",), {}, 1), ("Yes", ("yes",), {}, 0), ("Yes", ("yes",), {"normalize": "casefold"}, 1),
    ("The answer, yes!", ("answer yes",), {"normalize": "squad"}, 1), ("no", ("yes", "no"), {}, 1), ("", ("yes",), {}, 0),
    ("So the answer is 42.", ("42",), {"extract": r"answer is (.*)\."}, 1), ("42", ("42",), {"extract": r"answer is (.*)\."}, 1),
    ("answer is 1. answer is 2.", ("2",), {"extract": r"answer is (\d)\."}, 1), ("STRASSE", ("straße",), {"normalize": "casefold"}, 1),
    ('{"a": {"b": "x"}}', ("x",), {"field": "a.b"}, 1), ('{"a": "x"}', ({"a": "x"},), {"field": "a"}, 1), ("no json", ({"a": "x"},), {"field": "a"}, 0),
]  # fmt: skip


@pytest.mark.parametrize(("text", "references", "parameters", "expected"), MATCHES)
def test_exact_match(text: str, references: tuple[Any, ...], parameters: dict[str, Any], expected: int) -> None:
    assert score("exact_match", text, *references, **parameters) == expected


NUMBERS = [
    ("The total is 1,234.50 dollars.", "1234.5", {}, 1), ("$12", "12", {}, 1), ("-3", "−3", {}, 1), ("3", "-3", {}, 0), ("50%", "50", {}, 1),
    ("first 3, then 4", "4", {}, 1), ("no number", "4", {}, 0), ("0.1", "0.10", {}, 1), ("3.14", "3.14159", {"tolerance_abs": 0.01}, 1),
    ("101", "100", {"tolerance_rel": 0.01}, 1), ("102", "100", {"tolerance_rel": 0.01}, 0), ("A: 7\nB: 8", "7", {"extract": r"A: (\d+)"}, 1),
    ("0.30000000000000001", "0.3", {}, 0), ("12", 12, {}, 1),
]  # fmt: skip


@pytest.mark.parametrize(("text", "reference", "parameters", "expected"), NUMBERS)
def test_numeric_match(text: str, reference: Any, parameters: dict[str, Any], expected: int) -> None:
    assert score("numeric_match", text, reference, **parameters) == expected


CONTAINS = [("I like green tea", ("tea",), {}, 1), ("I like Tea", ("tea",), {}, 0), ("I like Tea", ("tea",), {"normalize": "casefold"}, 1),
            ("tea", ("tea", "milk"), {}, 1), ("tea", ("tea", "milk"), {"all": True}, 0), ("", ("tea",), {}, 0)]  # fmt: skip


@pytest.mark.parametrize(("text", "references", "parameters", "expected"), CONTAINS)
def test_contains(text: str, references: tuple[str, ...], parameters: dict[str, Any], expected: int) -> None:
    assert score("contains", text, *references, **parameters) == expected


LABELS = {"labels": ["positive", "negative"]}


@pytest.mark.parametrize(
    ("text", "parameters", "expected"),
    [("positive", {}, 1), ("Positive.", {}, 1), ("negative", {}, 0), ("It is positive", {}, 0), ("It is positive", {"search": True}, 1),
     ("positive or negative", {"search": True}, 0), ("", {}, 0)],
)  # fmt: skip
def test_accuracy(text: str, parameters: dict[str, Any], expected: int) -> None:
    assert score("accuracy", text, "positive", **LABELS, **parameters) == expected


SCHEMA = {
    "type": "object",
    "properties": {"n": {"type": "integer", "minimum": 0}},
    "required": ["n"],
    "additionalProperties": False,
}
JSON = [
    ('{"n": 1}', 1, 1), ('{"n": -1}', 1, 0), ('{"n": "1"}', 1, 0), ("[]", 1, 0), ('{"n": 1, "n": 2}', 0, 0), ('{"n": NaN}', 0, 0),
    ("not json", 0, 0), ("", 0, 0), ('{"n": 1} trailing', 0, 0), ("[" * 500 + "]" * 500, 0, 0), ('{"n": 1e999}', 0, 0),
]  # fmt: skip


@pytest.mark.parametrize(("text", "valid", "conforms"), JSON)
def test_json(text: str, valid: int, conforms: int) -> None:
    assert score("json_valid", text) == valid
    assert score("json_schema", text, schema=SCHEMA) == conforms


def test_a_fence_is_accepted_on_request_only() -> None:
    fenced = '```json\n{"n": 1}\n```'
    assert score("json_valid", fenced) == 0
    assert score("json_valid", fenced, fenced=True) == 1
    assert score("json_schema", fenced, schema=SCHEMA, fenced=True) == 1


def test_regex() -> None:
    assert score("regex", "ticket T-12", pattern=r"T-\d+") == 1
    assert score("regex", "ticket", pattern=r"T-\d+") == 0


def test_run_figures_need_their_figures() -> None:
    for name, output in (
        ("latency_ms", Output("x", latency_ms=5.0)),
        ("tokens", Output("x", prompt_tokens=3, completion_tokens=4)),
        ("cost", Output("x", cost_usd=0.5)),
    ):
        metric = make_metric(PluginChoice(name))
        assert not metric.spec.higher_is_better
        assert metric.score(metric.rows([output], [expect()]))[0] in (5.0, 7.0, 0.5)
        with pytest.raises(Incomplete, match=r"data\.jsonl:7|case c"):
            metric.rows([Output("x")], [expect()])


REFUSED = [
    ("exact_match", {"normalize": "lower"}), ("exact_match", {"extract": "(?=x)"}), ("exact_match", {"extract": 5}), ("regex", {}),
    ("regex", {"pattern": "("}), ("accuracy", {}), ("accuracy", {"labels": []}), ("json_schema", {}), ("json_schema", {"schema": {"type": "objekt"}}),
    ("json_schema", {"schema": {"$ref": "https://example.com/s.json"}}), ("numeric_match", {"tolerance_abs": -1}), ("length", {"unit": "pages"}),
    ("contains", {"all": "yes"}), ("token_f1", {"feild": "a"}), ("tokens", {"kind": "most"}), ("bleu", {"tokenize": "14a"}), ("nothing", {}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "parameters"), REFUSED)
def test_bad_parameters_are_refused(name: str, parameters: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        make_metric(PluginChoice(name, parameters))


@pytest.mark.parametrize("name", ["exact_match", "token_f1", "contains", "numeric_match", "bleu", "rougeL"])
@pytest.mark.parametrize("references", [(), (None,), (True,), ({"a": 1},), ([["x"]],)])
def test_missing_and_foreign_references_are_refused(name: str, references: tuple[Any, ...]) -> None:
    with pytest.raises(BadInput, match=r"data\.jsonl:7"):
        score(name, "text", *references)


def test_generic_parameters() -> None:
    chosen = choose_metrics(
        [PluginChoice("exact_match", {"as": "first", "reference": "label"}), PluginChoice("exact_match"), PluginChoice("rouge")]
    )
    assert [c.name for c in chosen] == ["first", "exact_match", "rouge1", "rouge2", "rougeL"]
    assert chosen[0].reference == "label"
    for wrong in (
        [PluginChoice("bleu"), PluginChoice("bleu")],
        [PluginChoice("rouge", {"as": "r"})],
        [PluginChoice("bleu", {"as": 3})],
    ):
        with pytest.raises(BadInput):
            choose_metrics(wrong)


@given(st.text(max_size=40))
def test_a_text_matches_itself(text: str) -> None:
    if text.strip():
        assert score("exact_match", text, text) == 1
        assert score("exact_match", text, text, normalize="casefold") == 1
    assert 0.0 <= score("token_f1", text, "a b c") <= 1.0


def test_gsm8k_published_correctness(shared_data: Path) -> None:
    folder = shared_data / "gsm8k"
    golden = {row.fields["id"]: row.fields["reference_answer"] for row in read_rows(folder / "golden.jsonl")}
    metric = make_metric(PluginChoice("numeric_match", {"extract": r"A: (.*)"}))
    for system in ("6b_verification", "175b_finetuning"):
        rows = [row.fields for row in read_rows(folder / "outputs" / f"{system}.jsonl")]
        values = metric.rows([Output(r["output"]) for r in rows], [expect(golden[r["id"]]) for r in rows])[:, 0]
        assert sum(bool(v) == r["rederived_is_correct"] for v, r in zip(values, rows, strict=True)) == len(rows)
