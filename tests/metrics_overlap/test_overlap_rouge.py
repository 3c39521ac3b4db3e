"""ROUGE is rouge-score's, float for float."""

from __future__ import annotations

import pickle
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.core.errors import BadInput, Incomplete
from evalgate.core.values import Direction, Scale
from evalgate.metrics import rouge
from evalgate.metrics.interface import Metric
from evalgate.metrics.rouge import make_rouge1, make_rouge2, make_rouge_l, make_rouge_lsum
from evalgate.metrics.rouge_lcs import lcs_lengths, lcs_positions

Texts = tuple[list[str], list[str]]
MAKERS = {"rouge1": make_rouge1, "rouge2": make_rouge2, "rougeL": make_rouge_l, "rougeLsum": make_rouge_lsum}
PLAIN = {name: make({}) for name, make in MAKERS.items()}
STEMMED = {name: make({"use_stemmer": True}) for name, make in MAKERS.items()}


@pytest.fixture(scope="session")
def oracle() -> Any:
    """rouge-score: texts and references per text, with or without stemmer → F measures per measure."""
    from rouge_score.rouge_scorer import RougeScorer

    def ask(texts: list[str], references: list[list[str]], stem: bool) -> dict[str, Any]:
        scorer = RougeScorer(list(MAKERS), use_stemmer=stem)
        scores = [scorer.score_multi(r, text) for text, r in zip(texts, references, strict=True)]
        return {name: np.array([score[name].fmeasure for score in scores]) for name in MAKERS}

    return ask


@pytest.mark.parametrize("stem", [False, True])
def test_equal_on_10_000_generated_pairs(stem: bool, pairs: Texts, oracle: Any, measured: Any, corpus: Any) -> None:
    # The oracle stems in plain Python, so the stemmed half runs on every fourth pair.
    outputs, references = (side[:: 4 if stem else 1] for side in pairs)
    expected = oracle(outputs, [[r] for r in references], stem)
    for name, metric in (STEMMED if stem else PLAIN).items():
        rows = measured(metric, outputs, [[r] for r in references])
        assert np.array_equal(rows[:, 0], expected[name]), name
        assert (rows[:, 1] == 1).all()
        mean = float(metric.score(rows.sum(axis=0, keepdims=True))[0])
        assert mean == pytest.approx(float(expected[name].mean()), abs=1e-12)
        assert 0.05 < mean < 0.99


@pytest.mark.parametrize("stem", [False, True])
def test_equal_on_real_outputs(stem: bool, real_pairs: Texts, oracle: Any, measured: Any) -> None:
    outputs, references = real_pairs[0][::2], real_pairs[1][::2]
    expected = oracle(outputs, [[r] for r in references], stem)
    for name, metric in (STEMMED if stem else PLAIN).items():
        rows = measured(metric, outputs, [[r] for r in references])
        assert np.array_equal(rows[:, 0], expected[name]), name


def test_the_best_of_several_references_counts(pairs: Texts, oracle: Any, measured: Any) -> None:
    outputs = pairs[0][:400]
    references = [pairs[1][max(0, i - i % 3) : i + 1] for i in range(400)]
    expected = oracle(outputs, references, False)
    for name, metric in PLAIN.items():
        assert np.array_equal(measured(metric, outputs, references)[:, 0], expected[name]), name


LINES = st.lists(st.lists(st.sampled_from("abcde"), max_size=9).map(" ".join), max_size=5).map("\n".join)


@given(st.lists(st.tuples(LINES, LINES), min_size=1, max_size=8))
def test_equal_where_many_subsequences_are_equally_long(oracle: Any, measured: Any, drawn: list[Any]) -> None:
    outputs, references = [a for a, _ in drawn], [[b] for _, b in drawn]
    expected = oracle(outputs, references, False)
    for name, metric in PLAIN.items():
        assert np.array_equal(measured(metric, outputs, references)[:, 0], expected[name]), name


TOKENS = st.lists(st.integers(0, 4), max_size=70)


@given(TOKENS, TOKENS)
def test_subsequence_is_common_longest_and_the_one_of_rouge_score(first: list[int], second: list[int]) -> None:
    from rouge_score.rouge_scorer import lcs_ind

    positions = lcs_positions(first, second)
    assert positions[::-1] == lcs_ind(first, second)
    assert len(positions) == lcs_lengths([first], [second])[0] == lcs_lengths([second], [first])[0]


def test_known_answers(measured: Any) -> None:
    text, reference = "The quick brown dog jumps on the log.", "The quick brown fox jumps over the lazy dog"
    known = {"rouge1": 12 / 17, "rouge2": 4 / 15, "rougeL": 10 / 17, "rougeLsum": 10 / 17}
    for name, metric in PLAIN.items():
        assert measured(metric, [text], [[reference]])[0, 0] == pytest.approx(known[name], abs=1e-15), name


def test_lines_matter_to_lsum_only(measured: Any) -> None:
    text, reference = "c d\na b", "a b\nc d"
    assert measured(PLAIN["rougeLsum"], [text], [[reference]])[0, 0] == 1.0
    assert measured(PLAIN["rougeL"], [text], [[reference]])[0, 0] == 0.5


def test_the_stemmer_joins_word_forms(measured: Any) -> None:
    assert measured(STEMMED["rouge1"], ["running jumps"], [["run jumping"]])[0, 0] == 1.0
    assert measured(PLAIN["rouge1"], ["running jumps"], [["run jumping"]])[0, 0] == 0.0


@pytest.mark.parametrize(("text", "reference"), [("", ""), ("", "a b"), ("a b", ""), ("…!?", "。"), ("\n", "\n\n")])
def test_empty_is_defined_as_in_rouge_score(text: str, reference: str, oracle: Any, measured: Any) -> None:
    expected = oracle([text], [[reference]], False)
    for name, metric in PLAIN.items():
        assert measured(metric, [text], [[reference]]).tolist() == [[expected[name][0], 1.0]]


@pytest.mark.parametrize("name", list(MAKERS))
def test_spec(name: str) -> None:
    metric = MAKERS[name]({})
    assert isinstance(metric, Metric)
    assert metric.spec.name == name
    assert (metric.spec.direction, metric.spec.scale, metric.spec.unit) == (Direction.HIGHER, Scale.MEAN, "0-1")
    assert (metric.spec.low, metric.spec.high, metric.spec.columns) == (0.0, 1.0, 2)
    assert "stem:no" in metric.spec.signature
    assert "stem:porter-nltk|" in STEMMED[name].spec.signature
    assert pickle.loads(pickle.dumps(metric)) == metric
    assert metric.rows([], []).shape == (0, 2)
    assert np.isnan(metric.score(np.zeros((1, 2)))[0])


def test_heavy_libraries_wait_until_they_are_needed() -> None:
    program = (
        "import sys; from evalgate.metrics import bleu, chrf, ter, rouge, diversity, rouge_lcs\n"
        "[m.spec for m in (bleu.make_bleu({}), chrf.make_chrf({}), ter.make_ter({}), rouge.make_rouge_lsum({}))]\n"
        "print(sorted({'sacrebleu', 'rapidfuzz', 'nltk', 'rouge_score', 'absl', 'regex'} & set(sys.modules)))"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout == "[]\n"


@pytest.mark.parametrize(
    ("make", "parameters", "said"),
    [
        (make_rouge1, {"use_stemer": True}, "did you mean use_stemmer?"),
        (make_rouge1, {"use_stemmer": 1}, "must be true or false"),
        (make_rouge2, {"use_stemmer": "yes"}, "must be true or false"),
        (make_rouge_l, {"split_summaries": True}, "unknown parameter 'split_summaries'"),
        (make_rouge_l, {"beta": 1.2}, "unknown parameter 'beta'"),
        (make_rouge_lsum, {"split_summaries": 0}, "must be true or false"),
    ],
)
def test_wrong_parameters_are_refused(make: Any, parameters: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput) as refused:
        make(parameters)
    assert said in str(refused.value)


def test_sentences_without_nltk_data_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(text: str) -> list[str]:
        raise LookupError("punkt_tab")

    monkeypatch.setattr(rouge, "_nltk_sentences", missing)
    with pytest.raises(BadInput, match="sentence data, which is not installed"):
        make_rouge_lsum({"split_summaries": True})


def test_sentences_of_nltk_replace_lines(monkeypatch: pytest.MonkeyPatch, measured: Any) -> None:
    monkeypatch.setattr(rouge, "_nltk_sentences", lambda text: text.split(". "))
    metric = make_rouge_lsum({"split_summaries": True})
    assert "sentences:nltk-" in metric.spec.signature
    assert measured(metric, ["c d. a b"], [["a b. c d"]])[0, 0] == 1.0
    assert measured(metric, ["c d\na b"], [["a b\nc d"]])[0, 0] == 0.5


@pytest.mark.parametrize("references", [(), (None,), ({"a": 1},), ([],)])
@pytest.mark.parametrize("name", list(MAKERS))
def test_missing_references_name_the_case(name: str, references: Any, answer: Any, expecting: Any) -> None:
    with pytest.raises(BadInput, match=r"cases\.jsonl:7.*'c1'"):
        PLAIN[name].rows([answer("x")], [expecting(*references)])


def test_lost_rows_are_refused(answer: Any, expecting: Any) -> None:
    with pytest.raises(Incomplete, match="cannot be paired"):
        PLAIN["rouge1"].rows([answer("x")], [])
