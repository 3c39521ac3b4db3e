"""The gate configuration: what is accepted, how it resolves, and every refusal with place and advice."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalgate.config.load import load_settings, settings_from, with_standing_thresholds
from evalgate.config.strict_yaml import parse_document
from evalgate.core.errors import BadInput
from evalgate.core.settings import Bound, Decide, GateSettings, Level, SliceChoice, TargetKind

DESIGN = """\
gate: product-recommendations
dataset: product-recommendations@1.0.0
variants:
  baseline:  {prompt: recommend@1, model: shop}
  candidate: {prompt: recommend@2, model: shop}
models:
  shop: {provider: openai, name: smollm2-135m-instruct, parameters: {temperature: 0, max_tokens: 96, seed: 7}}
proxy: {mode: replay, recording: product-recommendations}
samples: 1
metrics: [rouge, bleu, chrf, exact_match, {ndcg: {k: 5}}]
safety: [pii, secrets, toxicity, prompt_leak]
slices: [language]
thresholds:
  - {metric: rougeL, min_improvement: 5%}
  - {metric: bleu, max_regression: 0.5}
  - {metric: exact_match, min: 0.80}
  - {metric: exact_match, max_newly_failing: 3}
  - {safety: any, max_increase: 0}
  - {safety: pii, max: 0}
  - {metric: chrf, max_regression: 1.0, slice: {language: de}}
  - {metric: latency_ms.p95, max_regression: 10%}
  - {run: error_rate, max: 0.5%}
confidence: 0.95
seed: 20260901
reports: [html, junit, markdown]
"""
TOP = """\
gate: g
dataset: d@1
variants:
  baseline: {prompt: p@1, model: m}
  candidate: {prompt: p@2, model: m}
models:
  m: {provider: openai, name: x}
proxy: {mode: replay, recording: r}
metrics: [exact_match]
safety: [pii]
slices: [language]
"""
ONE = "thresholds: [{metric: exact_match, min: 0.5}]\n"


def load(text: str) -> GateSettings:
    return settings_from(parse_document(text, "g.yaml"), Path("configs/g.yaml"))


def problems(text: str) -> list[tuple[str | None, str, str | None]]:
    with pytest.raises(BadInput) as caught:
        load(text)
    return [(p.where, p.message, p.hint) for p in caught.value.problems]


def test_the_example_of_the_contract(tmp_path: Path) -> None:
    path = tmp_path / "configs" / "sub" / "gate.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(DESIGN)
    found = load_settings(path)
    assert (found.gate, found.seed, found.confidence, found.root) == ("product-recommendations", 20260901, 0.95, tmp_path)
    assert found.models["shop"].parameters == {"temperature": 0, "max_tokens": 96, "seed": 7}
    assert [m.name for m in found.metrics] == ["rouge", "bleu", "chrf", "exact_match", "ndcg"]
    assert found.metrics[4].parameters == {"k": 5}
    seen = [(t.target, t.bound, t.value, t.relative, t.text) for t in found.thresholds]
    assert seen == [
        ("metric:rougeL", Bound.MIN_IMPROVEMENT, 0.05, True, "5%"),
        ("metric:bleu", Bound.MAX_REGRESSION, 0.5, False, "0.5"),
        ("metric:exact_match", Bound.MIN, 0.8, False, "0.8"),
        ("metric:exact_match", Bound.MAX_NEWLY_FAILING, 3.0, False, "3"),
        ("safety:any", Bound.MAX_INCREASE, 0.0, False, "0"),
        ("safety:pii", Bound.MAX, 0.0, False, "0"),
        ("metric:chrf", Bound.MAX_REGRESSION, 1.0, False, "1.0"),
        ("metric:latency_ms.p95", Bound.MAX_REGRESSION, 0.1, True, "10%"),
        ("run:error_rate", Bound.MAX, 0.005, False, "0.5%"),
    ]
    assert found.thresholds[6].slice == SliceChoice("language", "de")
    assert found.thresholds[0].place == f"{path}:14"


def test_the_root_of_a_file_outside_configs_is_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "gate.yaml"
    path.write_text(TOP + ONE)
    assert load_settings(path).root == tmp_path


def test_several_bounds_in_one_mapping_are_several_thresholds() -> None:
    found = load(TOP + "thresholds: [{metric: bleu, max: 40, min: 30, level: warn, decide: estimate, slice: each}]\n")
    assert [(t.bound, t.value) for t in found.thresholds] == [(Bound.MIN, 30), (Bound.MAX, 40)]
    assert {(t.level, t.decide, t.slice) for t in found.thresholds} == {(Level.WARN, Decide.ESTIMATE, SliceChoice())}


def test_optional_keys() -> None:
    text = TOP.replace("name: x}", "name: x, price: {input: 0.15, output: 1}}") + ONE + "resamples: 500\ndescription: hi\n"
    found = load(text)
    assert (found.models["m"].price_input, found.models["m"].price_output) == (0.15, 1.0)
    assert found.resamples == 500
    assert load(TOP.replace("mode: replay, ", "") + ONE).proxy.mode == "replay"


PERCENT = [("0.5%", 0.005), ("5 %", 0.05), ("0.7%", 0.007), ("100%", 1.0), (".5%", 0.005)]


@pytest.mark.parametrize(("text", "value"), PERCENT)
def test_percentages_are_exact_shares(text: str, value: float) -> None:
    assert load(TOP + f"thresholds: [{{run: error_rate, max: {text}}}]\n").thresholds[0].value == value


@pytest.mark.parametrize("bound", ["max", "max_new", "max_increase"])
def test_violating_cases_may_be_limited_by_a_share(bound: str) -> None:
    (found,) = load(TOP + f"thresholds: [{{safety: any, {bound}: 0.5%}}]\n").thresholds
    assert (found.value, found.text, found.relative) == (0.005, "0.5%", bound == "max_increase")


def test_standing_thresholds_are_added_unless_set_for_the_whole() -> None:
    found = with_standing_thresholds(load(TOP + ONE).thresholds)
    assert [(t.target, t.bound, t.value, t.implicit) for t in found[1:]] == [
        ("run:error_rate", Bound.MAX, 0.0, True),
        ("run:cases", Bound.MIN, 1.0, True),
    ]
    own = with_standing_thresholds(load(TOP + "thresholds: [{run: error_rate, max: 1%}, {run: cases, min: 50}]\n").thresholds)
    assert [t.implicit for t in own] == [False, False]
    sliced = "thresholds: [{run: error_rate, max: 1%, slice: {language: de}}]\n"
    assert sum(t.implicit for t in with_standing_thresholds(load(TOP + sliced).thresholds)) == 2


T = "thresholds: "
THRESHOLDS = [
    ("[]", "thresholds is empty", "can never refuse"),
    ("5", "thresholds must be a list, not the number 5", "write a list"),
    ("", "thresholds must be a list, not nothing", "write a list"),
    ("[bleu]", 'thresholds[0] must be a mapping, not the text "bleu"', "{metric: NAME"),
    ("[{min: 1}]", "thresholds[0] does not say what it is about", "metric: NAME"),
    ("[{metrc: bleu, min: 1}]", "thresholds[0] does not say what it is about", "did you mean metric"),
    ("[{metric: a, safety: b, max: 1}]", "names metric and safety together", "one threshold of each"),
    ("[{metric: bleu}]", "thresholds[0] has no bound, so it could never fail", "min_improvement"),
    ("[{metric: 5, min: 1}]", "thresholds[0].metric must be a name, not the number 5", "such as exact_match"),
    ("[{metric: [a], min: 1}]", "thresholds[0].metric must be a name, not a list of 1", "exact_match"),
    ("[{metric: 'a b', min: 1}]", 'must be a name, not the text "a b"', "exact_match"),
    ("[{run: eror_rate, max: 0}]", "there is no run figure 'eror_rate'", "did you mean error_rate?"),
    ("[{metric: bleu, max_regresion: 1}]", "unknown key 'max_regresion'", "did you mean max_regression"),
    ("[{metric: bleu, min: 1, levle: warn}]", "unknown key 'levle'", "did you mean level?"),
    ("[{safety: any, min: 1}]", "thresholds[0].min cannot be asked of a safety category", "max, max_increase, max_new"),
    ("[{safety: any, max_regression: 1}]", "max_regression cannot be asked of a safety category", "safety: takes"),
    ("[{run: cases, max_new: 1}]", "max_new cannot be asked of a run figure", "run: takes min, max"),
    ("[{metric: bleu, max_new: 1}]", "max_new cannot be asked of a metric", "metric: takes"),
    ("[{metric: bleu, max_regression: -1}]", "must not be negative, not -1", "0 or more"),
    ("[{metric: bleu, max_regression: -5%}]", "must not be negative, not -5%", "0 or more"),
    ("[{metric: bleu, min_improvement: -2}]", "must not be negative, not -2", "max_regression: 2"),
    ("[{metric: bleu, max_newly_failing: -1}]", "must not be negative", "0 or more"),
    ("[{metric: bleu, max_newly_failing: 1.5}]", "must be a whole number, not 1.5", "cases are counted"),
    ("[{metric: bleu, max_newly_failing: 100%}]", "must be less than 100%, not 100%", "share of the stable cases"),
    ("[{metric: bleu, max_newly_failing: 1000%}]", "every case could newly fail", "share of the stable cases"),
    ("[{metric: bleu, max_newly_failing: -1%}]", "must not be negative, not -1%", "0 or more"),
    ("[{safety: any, max: 500%}]", "must be less than 100%, not 500%: every case could violate", "share of the cases"),
    ("[{safety: any, max_new: 100%}]", "must be less than 100%, not 100%", "a count such as 0"),
    ("[{safety: any, max_new: 0.5}]", "must be a whole number, not 0.5", "cases are counted"),
    ("[{safety: any, max_increase: -1}]", "must not be negative", "0 or more"),
    ("[{safety: any, max_increase: 1.5}]", "must be a whole number", "cases are counted"),
    ("[{metric: bleu, min: true}]", "must be a number or a percentage, not true", "a share (5%)"),
    ("[{metric: bleu, min: null}]", "must be a number or a percentage, not nothing", "a share (5%)"),
    ("[{metric: bleu, min: '1e-2'}]", 'not the text "1e-2"', "write 1e-2 without quotes, or 1e-2% if"),
    ("[{metric: bleu, min: '5'}]", 'not the text "5"', "write 5 without quotes"),
    ("[{metric: bleu, min: 5 percent}]", 'not the text "5 percent"', "a share (5%)"),
    ("[{metric: bleu, min: 5%%}]", 'not the text "5%%"', "a share (5%)"),
    ("[{metric: bleu, min: inf}]", 'not the text "inf"', "a number"),
    ("[{metric: bleu, min: 30%}]", "must be a number in the unit of bleu, not 30%", "without %"),
    ("[{metric: latency_ms.p95, max: 10%}]", "in the unit of latency_ms.p95", "without %"),
    ("[{run: error_rate, max: 5}]", "must be a share from 0 to 1, not 5", "did you mean 5%?"),
    ("[{run: error_rate, max: 1}]", "must be a share from 0 to 1, not 1", "did you mean 1%?"),
    ("[{run: error_rate, max: 101%}]", "must be a share from 0% to 100%", "0.5%"),
    ("[{run: error_rate, max: -1%}]", "must not be negative", "0 or more"),
    ("[{run: error_rate, min: 1%}]", "would demand that answers are lost", "write max"),
    ("[{run: cases, min: 0}]", "must be at least 1", "without cases"),
    ("[{run: cases, min: 50%}]", "must be a count", "how many cases"),
    ("[{metric: bleu, min: 1, level: soft}]", "must be block or warn", "block, warn"),
    ("[{metric: bleu, min: 1, level: true}]", "must be block or warn, not true", "block, warn"),
    ("[{metric: bleu, min: 1, decide: estimat}]", "must be interval or estimate", "did you mean estimate?"),
    ("[{metric: bleu, min: 1, slice: language}]", 'with one value, not the text "language"', "{language: de}"),
    ("[{metric: bleu, min: 1, slice: {}}]", "with one value, not 0 columns", "{language: each}"),
    ("[{metric: bleu, min: 1, slice: {a: b, c: d}}]", "with one value, not 2 columns", "{language: de}"),
    ("[{metric: bleu, min: 1, slice: {language: true}}]", "must be a text, not true", "quotes"),
    ("[{metric: bleu, min: 1, slice: {language: 1.0}}]", "must be a text, not the number 1.0", "quotes"),
    ("[{metric: bleu, min: 1, slice: {langage: de}}]", "'langage', which is not a declared slice column", "language"),
    ("[{metric: bleu, min: 2, max: 1}]", "metric:bleu can never hold: min 2 is above max 1", "change one"),
    ("[{metric: bleu, min: 1}, {metric: bleu, min: 2}]", "metric:bleu min is given twice: 1 and 2", "g.yaml:12"),
]


@pytest.mark.parametrize(("entry", "words", "advice"), THRESHOLDS)
def test_thresholds_that_are_refused(entry: str, words: str, advice: str) -> None:
    found = problems(TOP + T + entry + "\n")
    assert len(found) == 1, found
    where, message, hint = found[0]
    assert where == "g.yaml:12"
    assert words in message
    assert advice in (hint or "")


SHAPE = [
    ("gate: g\n", "gate: Greeting!\n", 1, "gate is not a name for a gate", "small letters"),
    ("gate: g\n", "gate: g/../x\n", 1, "gate is not a name for a gate", "small letters"),
    ("gate: g\n", "gate: 5\n", 1, "gate must be a text, not the number 5", "quotes"),
    ("gate: g\n", "", 1, "gate is missing", "gate: my-gate"),
    ("dataset: d@1\n", "", 1, "dataset is missing", "name@1.0.0"),
    ("d@1", "''", 2, "dataset is empty", "name@1.0.0"),
    ("d@1", '"a\\nb"', 2, "control character", "one line"),
    ("d@1", "[d]", 2, "dataset must be a text, not a list of 1", "write a text"),
    ("  baseline: {prompt: p@1, model: m}\n", "", 3, "variants.baseline is missing", "prompt: name@1"),
    ("  baseline:", "  control: {prompt: p, model: m}\n  baseline:", 4, "unknown key 'control'", "baseline, candidate"),
    ("p@1, model: m}", "p@1, model: n}", 4, "there is no model 'n'", "known: m"),
    ("p@1, model: m}", "p@1}", 4, "variants.baseline.model is missing", "alias"),
    ("p@1, model: m}", "p@1, model: m, parameters: {}}", 4, "unknown key 'parameters'", "models.ALIAS.parameters"),
    ("{prompt: p@1, model: m}", "p@1", 4, 'variants.baseline must be a mapping, not the text "p@1"', "indented"),
    ("  m: {provider: openai, name: x}", "  {}", 6, "models is empty", "alias: {provider"),
    ("name: x}", "name: x, temperature: 0}", 7, "unknown key 'temperature'", "known: provider, name, parameters"),
    ("name: x}", "name: x, api_key: s}", 7, "unknown key 'api_key'", "keys never stand in a file"),
    ("name: x}", "name: x, parameters: [1]}", 7, "models.m.parameters must be a mapping, not a list of 1", "indented"),
    ("name: x}", "name: x, price: {input: 1}}", 7, "models.m.price.output is missing", "output"),
    ("name: x}", "name: x, price: {input: -1, output: 1}}", 7, "must be at least 0", "range"),
    ("name: x}", "name: x, price: {input: '1', output: 1}}", 7, 'must be a number, not the text "1"', "without quotes"),
    ("mode: replay", "mode: rply", 8, "proxy.mode must be one of replay, record", "did you mean replay"),
    ("mode: replay", "mode: true", 8, "proxy.mode must be one of replay", "known: replay"),
    (", recording: r", "", 8, "proxy.recording is missing", "recording:"),
    ("[exact_match]", "exact_match", 9, 'metrics must be a list, not the text "exact_match"', "[exact_match]"),
    ("[exact_match]", "[exact_match, exact_match]", 9, "exact_match is listed twice", "remove one"),
    ("[exact_match]", "[{ndcg: 5}]", 9, "metrics[0].ndcg must be a mapping of parameters, not the number 5", "write ndcg alone"),
    ("[exact_match]", "[{ndcg: , k: 5}]", 9, "metrics[0] must have exactly one name, not 2", "indent parameters"),
    ("[exact_match]", "[5]", 9, "metrics[0] must be a name, not the number 5", "exact_match"),
    ("[exact_match]", "[]\nsafety_: 1", 10, "unknown key 'safety_'", "did you mean safety"),
    ("[pii]", "{pii: {}}", 10, "safety must be a list, not a mapping", "[blocklist]"),
    ("[language]", "[language, language]", 11, "'language' is listed twice", "remove one"),
    ("[language]", "language", 11, 'slices must be a list, not the text "language"', "write [a, b]"),
    ("[language]", "[5]", 11, "slices[0] must be a text, not the number 5", "quotes"),
]


@pytest.mark.parametrize(("old", "new", "line", "words", "advice"), SHAPE)
def test_shapes_that_are_refused(old: str, new: str, line: int, words: str, advice: str) -> None:
    found = problems((TOP + ONE).replace(old, new, 1))
    assert len(found) == 1, found
    where, message, hint = found[0]
    assert where == f"g.yaml:{line}"
    assert words in message
    assert advice in (hint or "")


EXTRA = [
    ("confidence: 95", "confidence must be less than 1", "did you mean 0.95?"),
    ("confidence: 0.05", "confidence must be more than 0.5", "did you mean 0.95?"),
    ("confidence: 1", "confidence must be less than 1", "0.95"),
    ("confidence: 0", "confidence must be more than 0.5", "0.95"),
    ("confidence: 0.5", "confidence must be more than 0.5", "0.95"),
    ("confidence: '0.95'", 'confidence must be a number, not the text "0.95"', "without quotes"),
    ("confidence: true", "confidence must be a number, not true", "without quotes"),
    ("seed: -1", "seed must be at least 0", "range"),
    ("seed: 1.5", "seed must be a whole number", "without a point"),
    ("seed: true", "seed must be a whole number, not true", "number"),
    ("samples: 0", "samples must be at least 1", "1 to 100"),
    ("samples: 101", "samples must be at most 100", "1 to 100"),
    ("resamples: 10", "resamples must be at least 100", "leave it out"),
    ("resamples: 2000000", "resamples must be at most 1,000,000", "leave it out"),
    ("reports: [pdf]", "reports[0] must be one of html, junit, markdown", "known: html"),
    ("reports: [htm]", "reports[0] must be one of", "did you mean html?"),
    ("reports: [html, html]", "'html' is listed twice", "remove one"),
    ("reports: html", 'reports must be a list, not the text "html"', "write [a, b]"),
    ("version: 2", "unknown key 'version'", "newer evalgate"),
    ("treshold: 2", "unknown key 'treshold'", "did you mean thresholds?"),
    ("description: [a]", "description must be a text", "write a text"),
    ("mode: live", "unknown key 'mode'", "belongs to the proxy"),
]


@pytest.mark.parametrize(("line", "words", "advice"), EXTRA)
def test_further_keys_that_are_refused(line: str, words: str, advice: str) -> None:
    found = problems(TOP + ONE + line + "\n")
    assert len(found) == 1, found
    assert found[0][0] == "g.yaml:13"
    assert words in found[0][1]
    assert advice in (found[0][2] or "")


def test_a_gate_needs_thresholds_and_something_to_measure() -> None:
    assert problems(TOP)[0][1] == "thresholds is missing"
    bare = TOP.replace("metrics: [exact_match]\n", "").replace("safety: [pii]\n", "") + ONE
    assert "measures nothing" in problems(bare)[0][1]
    unsafe = TOP.replace("safety: [pii]\n", "") + "thresholds: [{safety: any, max: 0}]\n"
    assert "no detector is named" in problems(unsafe)[0][1]
    assert "a mapping" in problems("- a\n")[0][1]


def test_a_slice_needs_declared_columns() -> None:
    text = TOP.replace("slices: [language]\n", "")
    assert "no slice column" in problems(text + "thresholds: [{metric: a, min: 1, slice: each}]\n")[0][1]
    assert "add slices: [x]" in (problems(text + "thresholds: [{metric: a, min: 1, slice: {x: y}}]\n")[0][2] or "")


def test_the_same_target_in_two_slices_is_not_given_twice() -> None:
    slices = ("{language: de}", "{language: en}", "{language: 5}", "each", "{language: each}")
    rows = "".join(f"  - {{metric: a, min: 1, slice: {one}}}\n" for one in slices)
    found = load(TOP + T + "\n" + rows).thresholds
    assert [str(t.slice) for t in found] == ["language=de", "language=en", "language=5", "each", "language=each"]
    assert all(t.kind is TargetKind.METRIC for t in found)


def test_all_faults_are_said_at_once_in_the_order_of_the_file() -> None:
    text = TOP.replace("gate: g", "gate: G").replace("mode: replay", "mode: x").replace("[pii]", "[5]")
    found = problems(text + "thresholds:\n  - {metric: a}\n  - {run: x, max: 1}\nconfidence: 95\nnew: 1\n")
    assert [where for where, _, _ in found] == [f"g.yaml:{n}" for n in (1, 8, 10, 13, 14, 15, 16)]
    for _, message, hint in found:
        assert hint
        assert "type=" not in message
        assert "Input should" not in message


LONG = {
    "slices": ("slices: [language]", "slices: [" + "".join(f"a{i}," for i in range(90_000)) + "]", "slices has 90,000 entries"),
    "metrics": ("[exact_match]", "[" + "".join(f"a{i}," for i in range(90_000)) + "]", "metrics has 90,000 entries"),
    "thresholds": (ONE, "thresholds: [" + "{metric: a, min: 1}," * 15_000 + "]\n", "thresholds has 15,000 entries"),
    "keys": ("gate: g", "gate: g\n" + "".join(f"k{i}: 1\n" for i in range(40_000)), "unknown key 'k0'"),
}


@pytest.mark.parametrize("name", sorted(LONG))
def test_endless_lists_are_refused_quickly(name: str) -> None:
    old, new, words = LONG[name]
    began = time.process_time()
    assert any(words in message for _, message, _ in problems((TOP + ONE).replace(old, new)))
    assert time.process_time() - began < 4.0


@given(st.data())
@settings(max_examples=250)
def test_a_damaged_configuration_is_loaded_or_refused(data: st.DataObject) -> None:
    lines = DESIGN.splitlines(keepends=True)
    for _ in range(data.draw(st.integers(1, 3))):
        index = data.draw(st.integers(0, len(lines) - 1))
        line = lines[index]
        cut = data.draw(st.integers(0, len(line)))
        junk = data.draw(st.sampled_from(["", "x", ": ", "- ", "[", "}", "5", "%", "null", "true", "{a: 1}", "\n", "'", "-1"]))
        lines[index] = line[:cut] + junk + line[cut + data.draw(st.integers(0, 8)) :]
    try:
        load("".join(lines))
    except BadInput as error:
        assert all(p.where and p.where.startswith("g.yaml") and p.hint for p in error.problems)
