"""ROUGE counts many pairs at once: nothing but the pair itself may decide its row, and what is kept has a bound."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.metrics import pair_overlap, porter_stemmer, rouge_words
from evalgate.metrics.rouge import make_rouge1, make_rouge2, make_rouge_l, make_rouge_lsum
from evalgate.metrics.rouge_words import numbered_texts

Texts = tuple[list[str], list[str]]
MAKERS = (make_rouge1, make_rouge2, make_rouge_l, make_rouge_lsum)
TOKENS = st.lists(st.sampled_from([0, 1, 2, 3, 255, 256, 70_000, (1 << 31) - 1]), max_size=12)


def counted(first: list[int], second: list[int], order: int) -> int:
    grams = [Counter(pairwise(tokens) if order == 2 else tokens) for tokens in (first, second)]
    return sum((grams[0] & grams[1]).values())


@given(st.lists(st.tuples(TOKENS, TOKENS), max_size=9), st.sampled_from([1, 2]), st.sampled_from([1, 2, 4096]))
def test_overlaps_equal_counters(pairs: list[Any], order: int, block: int) -> None:
    # The largest numbers leave room for one pair at a time only, so blocks are halved.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pair_overlap, "_PAIRS", block)
        found = pair_overlap.overlaps([a for a, _ in pairs], [b for _, b in pairs], order)
    assert found.tolist() == [counted(a, b, order) for a, b in pairs]


TEXT = st.text(alphabet="abAZ09 \n.İKſßé\ud800😀", max_size=20)


@given(st.lists(st.tuples(TEXT, st.lists(TEXT, min_size=1, max_size=3)), min_size=1, max_size=7), st.booleans(), st.data())
def test_equal_to_rouge_score_and_independent_of_the_batch(measured: Any, drawn: list[Any], stem: bool, data: Any) -> None:
    from rouge_score.rouge_scorer import RougeScorer

    outputs, references = [text for text, _ in drawn], [texts for _, texts in drawn]
    scorer = RougeScorer(["rouge1", "rouge2", "rougeL", "rougeLsum"], use_stemmer=stem)
    expected = [scorer.score_multi(r, text) for text, r in zip(outputs, references, strict=True)]
    order = data.draw(st.permutations(range(len(drawn))))
    for make in MAKERS:
        metric = make({"use_stemmer": stem})
        rows = measured(metric, outputs, references)
        assert rows[:, 0].tolist() == [score[metric.variant].fmeasure for score in expected]
        other = measured(metric, [outputs[i] for i in order], [references[i] for i in order])
        assert np.array_equal(other, rows[order])
        assert np.array_equal(measured(metric, outputs[:1], references[:1]), rows[:1])


def test_a_shard_is_read_once(pairs: Texts, measured: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    outputs, references = pairs[0][:50], [[text] for text in pairs[1][:50]]
    rows = [measured(make({}), outputs, references) for make in MAKERS[:3]]
    reader = numbered_texts([*outputs, *pairs[1][:50]], stemmed=False)
    assert not reader.missing(outputs)

    def again(*_: Any) -> None:
        raise AssertionError("a text was read twice")

    monkeypatch.setattr(rouge_words, "NumberedTexts", again)
    assert all(np.array_equal(measured(make({}), outputs, references), row) for make, row in zip(MAKERS[:3], rows, strict=True))


def test_the_texts_of_another_shard_are_not_kept() -> None:
    first = numbered_texts(["a b", "c d", "e f"], stemmed=False)
    _ = [first[text] for text in ("a b", "c d", "e f")]
    assert numbered_texts(["a b", "c d", "new"], stemmed=False) is first
    assert numbered_texts(["a b", "c d", "e f"], stemmed=True) is not first
    second = numbered_texts(["a b", "g", "h"], stemmed=False)
    assert second is not first
    assert second.missing(["a b"]) == {"a b"}


def test_what_is_kept_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rouge_words, "_KEPT_CHARACTERS", 10)
    many = ["seven letters and more"]
    assert numbered_texts(many, stemmed=False) is not numbered_texts(many, stemmed=False)
    few = numbered_texts(["a", "b"], stemmed=False)
    for text in ("a", "b", "c" * 9):
        _ = few[text]
    assert numbered_texts(["a", "b"], stemmed=False) is not few


ENDINGS = [ending for ending, _ in porter_stemmer._STEP_2 + porter_stemmer._STEP_3]
ENDINGS += [
    *porter_stemmer._STEP_4,
    *["s", "ies", "ied", "ed", "ing", "eed", "y", "e", "ll", "sses", "ss", "at", "bl", "iz", "d"],
    "",
]


@pytest.fixture(scope="session")
def nltk_stem() -> Any:
    """NLTK's stemmer, which rouge-score uses."""
    from nltk.stem.porter import PorterStemmer

    return PorterStemmer().stem


@given(st.text("aeiouybtlszwx9", max_size=5), st.sampled_from(ENDINGS), st.sampled_from(ENDINGS))
def test_stems_are_those_of_nltk(nltk_stem: Any, start: str, middle: str, end: str) -> None:
    assert porter_stemmer.stem(start + middle + end) == nltk_stem(start + middle + end)


def test_stems_of_real_and_irregular_words_are_those_of_nltk(nltk_stem: Any, real_pairs: Texts) -> None:
    words = {word for text in real_pairs[1] for word in re.findall("[a-z0-9]+", text.lower())} | set(porter_stemmer._IRREGULAR)
    assert len(words) > 1000
    assert [word for word in words if porter_stemmer.stem(word) != nltk_stem(word)] == []


@pytest.mark.parametrize("stemmed", [False, True])
@pytest.mark.parametrize("name", ["rouge1", "rouge2", "rougeL", "rougeLsum"])
def test_no_reference_library_is_loaded(name: str, stemmed: bool) -> None:
    program = (
        "import sys; from evalgate.metrics import rouge; from evalgate.core.values import Case, Expectation, Output\n"
        f"metric = rouge._make({name!r}, {{'use_stemmer': {stemmed}}}); expectation = Expectation(('a b c',), Case('1', {{}}, {{}}, (), {{}}))\n"
        "assert metric.rows([Output('a c')], [expectation])[0, 0] > 0 or metric.variant == 'rouge2'\n"
        "assert metric.spec.signature.endswith('|path:batch')\n"
        "print(sorted({'sacrebleu', 'nltk', 'rouge_score', 'absl', 'scipy'} & set(sys.modules)))"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout == "[]\n"
