"""BLEU, chrF and TER are sacrebleu's, to the last digit that is shown and nine more."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from sacrebleu.metrics.ter import TER

from evalgate.core.errors import BadInput, Incomplete
from evalgate.core.values import Direction, Expectation, Scale
from evalgate.metrics import bleu, segment_statistics
from evalgate.metrics.bleu import make_bleu
from evalgate.metrics.chrf import make_chrf, make_chrfpp
from evalgate.metrics.interface import Metric
from evalgate.metrics.reference_texts import with_references
from evalgate.metrics.ter import make_ter

Texts = tuple[list[str], list[str]]
Corpus = Callable[..., float]
EXACT = 1e-9

BLEU_OPTIONS: list[dict[str, Any]] = [
    {},
    {"lowercase": True},
    {"tokenize": "intl"},
    {"tokenize": "zh"},
    {"tokenize": "char"},
    {"tokenize": "none"},
    {"smooth_method": "floor"},
    {"smooth_method": "floor", "smooth_value": 0.01},
    {"smooth_method": "floor", "smooth_value": 0.0},
    {"smooth_method": "add-k"},
    {"smooth_method": "add-k", "smooth_value": 0.5},
    {"smooth_method": "add-k", "smooth_value": 0.0},
    {"smooth_method": "none"},
    {"max_ngram_order": 1},
    {"max_ngram_order": 7},
    {"effective_order": True},
    {"effective_order": True, "smooth_method": "add-k"},
]
CHRF_OPTIONS: list[dict[str, Any]] = [
    {},
    {"lowercase": True},
    {"whitespace": True},
    {"eps_smoothing": True},
    {"word_order": 1},
    {"word_order": 2, "eps_smoothing": True},
    {"char_order": 0, "word_order": 3},
    {"char_order": 3},
    {"beta": 1},
    {"beta": 0},
    {"beta": 3, "eps_smoothing": True},
]
TER_OPTIONS: list[dict[str, Any]] = [
    {},
    {"normalized": True},
    {"no_punct": True},
    {"case_sensitive": True},
    {"normalized": True, "no_punct": True, "asian_support": True},
]
ALL = (
    [(make_bleu, BLEU, o) for o in BLEU_OPTIONS]
    + [(make_chrf, CHRF, o) for o in CHRF_OPTIONS]
    + [(make_ter, TER, o) for o in TER_OPTIONS]
)
ALL_NAMES = [f"{library.__name__}-{options}" for _, library, options in ALL]


def ask_sacrebleu(measure: Any, texts: list[str], references: list[list[str]]) -> float:
    """The public answer of the library, for any number of references per text."""
    most = max(map(len, references))
    streams = [[r[i] if i < len(r) else None for r in references] for i in range(most)]
    return float(measure.corpus_score(texts, streams).score)


@pytest.mark.parametrize(
    ("make", "measure"),
    [
        (make_bleu, BLEU()),
        (make_chrf, CHRF()),
        (make_chrfpp, CHRF(word_order=2)),
        (make_ter, TER()),
    ],
    ids=["bleu", "chrf", "chrfpp", "ter"],
)
def test_equal_on_10_000_generated_pairs(make: Any, measure: Any, pairs: Texts, measured: Any) -> None:
    outputs, references = pairs
    metric = make({})
    rows = measured(metric, outputs, [[r] for r in references])
    measure._force = True
    stats = np.array(measure._extract_corpus_statistics(outputs, [references]), dtype=np.float64)
    assert rows.shape == (10_000, metric.spec.columns)
    assert np.array_equal(rows, stats)
    whole = measure._compute_score_from_stats(list(stats.sum(axis=0))).score
    assert metric.score(rows.sum(axis=0, keepdims=True))[0] == pytest.approx(whole, abs=EXACT)
    singles = [measure._compute_score_from_stats(list(row)).score for row in stats]
    np.testing.assert_allclose(metric.score(rows), singles, rtol=0, atol=EXACT)
    assert np.isfinite(rows).all()
    assert 0 < whole < 120


@pytest.mark.parametrize(
    ("make", "measure"),
    [(make_bleu, BLEU(force=True)), (make_chrf, CHRF()), (make_chrfpp, CHRF(word_order=2))],
    ids=["bleu", "chrf", "chrfpp"],
)
def test_equal_on_real_outputs(make: Any, measure: Any, real_pairs: Texts, corpus: Corpus) -> None:
    outputs, references = real_pairs
    expected = measure.corpus_score(outputs, [references]).score
    assert corpus(make({}), outputs, [[r] for r in references]) == pytest.approx(expected, abs=EXACT)


def test_ter_is_equal_on_real_outputs(real_pairs: Texts, corpus: Corpus) -> None:
    outputs, references = real_pairs[0][:60] + real_pairs[0][-6:], real_pairs[1][:60] + real_pairs[1][-6:]
    expected = TER().corpus_score(outputs, [references]).score
    assert corpus(make_ter({}), outputs, [[r] for r in references]) == pytest.approx(expected, abs=EXACT)


@pytest.mark.parametrize(("make", "library", "options"), ALL, ids=ALL_NAMES)
def test_every_option_with_a_varying_number_of_references(
    make: Any, library: Any, options: dict[str, Any], pairs: Texts, corpus: Corpus
) -> None:
    outputs = pairs[0][:300]
    references = [pairs[1][i : i + 1 + i % 3] for i in range(300)]
    expected = ask_sacrebleu(library(**options), outputs, references)
    assert corpus(make(options), outputs, references) == pytest.approx(expected, abs=EXACT)


@pytest.mark.parametrize(("make", "library", "options"), ALL, ids=ALL_NAMES)
def test_every_option_scores_many_sums_at_once(
    make: Any, library: Any, options: dict[str, Any], pairs: Texts, measured: Any
) -> None:
    metric, measure = make(options), library(**options)
    rows = measured(metric, pairs[0][:120], [[r] for r in pairs[1][:120]])
    rng = np.random.default_rng(5)
    sums = np.vstack([rows, rng.multinomial(6, np.full(120, 1 / 120), size=60) @ rows, np.zeros((1, rows.shape[1]))])
    expected = [measure._compute_score_from_stats([float(x) for x in total]).score for total in sums]
    np.testing.assert_allclose(metric.score(sums), expected, rtol=0, atol=EXACT)


@pytest.mark.parametrize(("make", "library", "options"), ALL, ids=ALL_NAMES)
def test_signature_is_sacrebleus(make: Any, library: Any, options: dict[str, Any]) -> None:
    measure = library(**options)
    signature = make(options).spec.signature
    silent = [f"order:{options.get('max_ngram_order')}", f"beta:{options.get('beta')}", "path:batch", "path:library"]
    shared = "|".join(part for part in signature.split("|") if part not in silent and not part.startswith("path:"))
    for number, text in ((1, "nrefs:1"), (4, "nrefs:4"), (-1, "nrefs:var")):
        measure.num_refs = number
        completed = with_references(shared, 1 if number == -1 else number, 2 if number == -1 else number)
        assert completed == str(measure.get_signature())
        assert completed.startswith(text)


def test_what_sacrebleu_leaves_unsaid_is_said() -> None:
    assert "|order:7|" in make_bleu({"max_ngram_order": 7}).spec.signature
    assert "|beta:1|" in make_chrf({"beta": 1}).spec.signature


def test_known_answers(corpus: Corpus) -> None:
    outputs = ["The dog bit the man.", "It wasn't surprising.", "The man had just bitten him."]
    references = [
        ["The dog bit the man.", "The dog had bit the man."],
        ["It was not unexpected.", "No one was surprised."],
        ["The man bit him first.", "The man had bitten the dog."],
    ]
    assert corpus(make_bleu({}), outputs, references) == pytest.approx(48.530827, abs=1e-6)
    assert corpus(make_chrf({}), outputs, references) == pytest.approx(59.7275178, abs=1e-6)
    assert corpus(make_ter({}), outputs, references) == pytest.approx(40.0, abs=1e-9)


@pytest.mark.parametrize("make", [make_bleu, make_chrf, make_chrfpp, make_ter])
@pytest.mark.parametrize(("text", "reference"), [("", ""), ("", "a b c"), ("a b c", ""), (" \n", "\u2028"), ("x", "x")])
def test_empty_is_defined_as_in_sacrebleu(make: Any, text: str, reference: str, corpus: Corpus, measured: Any) -> None:
    library = {"bleu": BLEU(force=True), "chrf": CHRF(), "chrfpp": CHRF(word_order=2), "ter": TER()}[make({}).spec.name]
    assert np.isfinite(measured(make({}), [text], [[reference]])).all()
    assert corpus(make({}), [text], [[reference]]) == library.corpus_score([text], [[reference]]).score


@pytest.mark.parametrize("make", [make_bleu, make_chrf, make_chrfpp, make_ter])
def test_no_outputs_give_no_rows(make: Any) -> None:
    metric = make({})
    assert metric.rows([], []).shape == (0, metric.spec.columns)


@pytest.mark.parametrize(
    ("make", "direction", "high"),
    [
        (make_bleu, Direction.HIGHER, 100.0),
        (make_chrf, Direction.HIGHER, 100.0),
        (make_chrfpp, Direction.HIGHER, 100.0),
        (make_ter, Direction.LOWER, None),
    ],
)
def test_spec(make: Any, direction: Direction, high: float | None) -> None:
    metric = make({})
    assert isinstance(metric, Metric)
    assert (metric.spec.direction, metric.spec.low, metric.spec.high) == (direction, 0.0, high)
    assert (metric.spec.scale, metric.spec.unit) == (Scale.CORPUS, "0-100")
    assert f"make_{metric.spec.name}" == make.__name__
    assert pickle.loads(pickle.dumps(metric)) == metric


def test_a_perfect_corpus_is_exactly_100(pairs: Texts, corpus: Corpus) -> None:
    references = [r for r in pairs[1] if len(r.split()) > 3][:50]
    for make in (make_bleu, make_chrf, make_chrfpp):
        assert corpus(make({}), references, [[r] for r in references]) == pytest.approx(100.0, abs=1e-9)
        assert corpus(make({}), references, [[r] for r in references]) <= 100.0
    assert corpus(make_ter({}), references, [[r] for r in references]) == 0.0


@pytest.mark.parametrize(
    ("make", "parameters", "said"),
    [
        (make_bleu, {"tokeniser": "13a"}, "did you mean tokenize?"),
        (make_bleu, {"tokenize": "13b"}, "did you mean 13a?"),
        (make_bleu, {"tokenize": 13}, "must be text"),
        (make_bleu, {"lowercase": 1}, "must be true or false"),
        (make_bleu, {"max_ngram_order": 0}, "at least 1"),
        (make_bleu, {"max_ngram_order": True}, "whole number"),
        (make_bleu, {"max_ngram_order": 4.0}, "whole number"),
        (make_bleu, {"smooth_method": "expo"}, "did you mean exp?"),
        (make_bleu, {"smooth_method": "floor", "smooth_value": -0.1}, "at least 0"),
        (make_bleu, {"smooth_method": "floor", "smooth_value": 2}, "at most 1"),
        (make_bleu, {"smooth_method": "floor", "smooth_value": float("nan")}, "must be a number"),
        (make_bleu, {"smooth_method": "exp", "smooth_value": 0.1}, "has no effect"),
        (make_chrf, {"beta": 2.0}, "whole number"),
        (make_chrf, {"char_order": -1}, "at least 0"),
        (make_chrf, {"char_order": 0}, "cannot both be 0"),
        (make_chrfpp, {"wordorder": 2}, "did you mean word_order"),
        (make_ter, {"normalised": True}, "did you mean normalized?"),
        (make_ter, {"no_punct": "yes"}, "must be true or false"),
    ],
)
def test_wrong_parameters_are_refused(make: Any, parameters: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput) as refused:
        make(parameters)
    assert said in str(refused.value)
    assert f"metric {make.__name__.removeprefix('make_')}: " in str(refused.value)


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("ja-mecab", "sacrebleu[ja]"),
        ("ko-mecab", "sacrebleu[ko]"),
        ("spm", "sentencepiece"),
        ("flores200", "sentencep"),
    ],
)
def test_tokenizers_that_need_more_are_refused(name: str, advice: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bleu, "find_spec", lambda module: None)
    with pytest.raises(BadInput, match="not installed") as refused:
        make_bleu({"tokenize": name})
    assert advice in str(refused.value)


def test_a_missing_model_file_is_refused_without_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setattr(bleu, "find_spec", lambda module: object())
    monkeypatch.setattr("sacrebleu.utils.SACREBLEU_DIR", str(tmp_path))
    with pytest.raises(BadInput, match="needs the model file"):
        make_bleu({"tokenize": "flores101"})


@pytest.mark.parametrize("make", [make_bleu, make_chrf, make_chrfpp, make_ter])
@pytest.mark.parametrize("references", [(), (None,), ({"a": 1},), ([],)])
def test_missing_references_name_the_case(make: Any, references: Any, answer: Any, expecting: Any) -> None:
    with pytest.raises(BadInput, match=r"cases\.jsonl:7.*'c1'"):
        make({}).rows([answer("x")], [expecting(*references)])


def test_lost_rows_are_refused(answer: Any, expecting: Callable[..., Expectation]) -> None:
    with pytest.raises(Incomplete, match="cannot be paired"):
        make_bleu({}).rows([answer("x"), answer("y")], [expecting("x")])


class Drifted:
    """A sacrebleu of the future whose statistics mean something else."""

    def __init__(self, rows: list[list[float]], score: float) -> None:
        self.rows, self.score = rows, score

    def _extract_corpus_statistics(self, texts: Any, references: Any) -> list[list[float]]:
        return self.rows

    def corpus_score(self, texts: Any, references: Any) -> Any:
        return self


@pytest.mark.parametrize(
    ("rows", "score", "said"),
    [
        ([[2, 7], [2, 4], [3, 3]], 49.0, "does not count as expected"),
        ([[2, 7], [2, 3], [3, 4]], 50.0, "does not count as expected"),
        ([[2, 7], [2, 4]], 50.0, "statistics of shape"),
        ([[2, 7, 1], [2, 4, 1], [3, 3, 1]], 50.0, "statistics of shape"),
    ],
)
def test_a_sacrebleu_that_drifted_is_noticed(rows: list[list[float]], score: float, said: str) -> None:
    known = [(2, 7), (2, 4), (3, 3)]
    segment_statistics.prove(Drifted([list(map(float, r)) for r in known], 50.0), 2, make_ter({}).score, known)
    with pytest.raises(Incomplete, match=said):
        segment_statistics.prove(Drifted(rows, score), 2, make_ter({}).score, known)
