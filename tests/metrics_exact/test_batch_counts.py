"""BLEU and chrF that are counted in batches: the integers of sacrebleu, whatever the texts, the options and the batches."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sacrebleu.metrics.bleu import BLEU, _get_tokenizer
from sacrebleu.metrics.chrf import CHRF

from evalgate.core.errors import Incomplete
from evalgate.core.values import Case, Expectation, Output
from evalgate.metrics import ngram_counts, text_pairs, text_symbols
from evalgate.metrics.bleu import make_bleu
from evalgate.metrics.bleu_tokens import TOKENIZERS, symboliser
from evalgate.metrics.chrf import make_chrf, make_chrfpp
from evalgate.metrics.ngram_counts import OUTPUTS, Placed, shared_ngrams

PIECES = (
    "a", "b", "ab", "The", "the", "cat", "...", ".5", "5.", "1,000.50", "3-4", "x-", "-\n", "<skipped>", "-<skipped>\n", "&amp;",
    "&amp;quot;", "&lt;a&gt;", "don't", "(hi)", "?!", "€5", "½.", "Ⅷ,", "٣.", "₂", "é", "e\u0301", "İ", "ß", "ﬁ", "K", "好", "好。",
    "，", "㐀", "\u2014", "\u2a6d", "\u2a6e", "\U00020000.", "😀", "👩‍💻", "\ud800", "\udfff", "\x00", "\x7f", "_", "`", "~",
)  # fmt: skip
SPACES = (" ", "", "", "  ", "\n", "\t", "\xa0", "\u2028", "\x85", "\x1c", "\u3000", "\u200b", "\u2001")
TEXT = st.one_of(
    st.text(st.characters(codec=None), max_size=14),
    st.text("ab", max_size=40),
    st.lists(st.tuples(st.sampled_from(PIECES), st.sampled_from(SPACES)), max_size=12).map(
        lambda drawn: "".join(piece + space for piece, space in drawn)
    ),
)
CASES = st.lists(st.tuples(TEXT, st.lists(TEXT, min_size=1, max_size=4)), min_size=1, max_size=5)
BLEU_OPTIONS = st.fixed_dictionaries(
    {"tokenize": st.sampled_from(TOKENIZERS), "lowercase": st.booleans(), "max_ngram_order": st.sampled_from((1, 2, 4, 7, 16))}
)
CHRF_OPTIONS = st.fixed_dictionaries(
    {
        "char_order": st.sampled_from((0, 1, 3, 6, 32)),
        "word_order": st.sampled_from((1, 2, 16)),
        "beta": st.integers(0, 3),
        "lowercase": st.booleans(),
        "whitespace": st.booleans(),
        "eps_smoothing": st.booleans(),
    }
)


def rows_of(metric: Any, texts: Sequence[str], references: Sequence[Sequence[str]]) -> Any:
    cases = [Expectation(tuple(some), Case(str(i), {}, {}, tuple(some), {}, place="x")) for i, some in enumerate(references)]
    return metric.rows([Output(text) for text in texts], cases)


def statistics(measure: Any, texts: Sequence[str], references: Sequence[Sequence[str]]) -> Any:
    return np.array(
        [
            measure._compute_segment_statistics(
                measure._preprocess_segment(text),
                measure._extract_reference_info([measure._preprocess_segment(reference) for reference in some]),
            )
            for text, some in zip(texts, references, strict=True)
        ],
        dtype=np.float64,
    )


def assert_equal(metric: Any, measure: Any, cases: Sequence[tuple[str, Sequence[str]]]) -> None:
    texts, references = [text for text, _ in cases], [some for _, some in cases]
    expected = statistics(measure, texts, references)
    rows = rows_of(metric, texts, references)
    assert rows.dtype == np.float64
    assert np.array_equal(rows, expected)
    scores = [min(measure._compute_score_from_stats(list(row)).score, 100.0) for row in expected]
    np.testing.assert_allclose(metric.score(rows), scores, rtol=0, atol=1e-9)


@settings(max_examples=80)
@given(options=BLEU_OPTIONS, cases=CASES)
@example({"tokenize": "13a", "lowercase": False, "max_ngram_order": 4}, [("a b a b a b", ["a b", "a b a b c d e f", "b a"])])
@example({"tokenize": "none", "lowercase": False, "max_ngram_order": 1}, [("", [""]), ("", ["", "x"]), ("x", ["x"])])
def test_bleu_counts_as_sacrebleu(options: dict[str, Any], cases: Any) -> None:
    assert_equal(make_bleu(options), BLEU(force=True, **options), cases)


@settings(max_examples=80)
@given(options=CHRF_OPTIONS, cases=CASES)
def test_chrf_counts_as_sacrebleu(options: dict[str, Any], cases: Any) -> None:
    assert_equal(make_chrf(options), CHRF(**options), cases)


@pytest.mark.parametrize("name", TOKENIZERS)
@settings(max_examples=40)
@given(text=TEXT)
@example("2019. x.")
@example(".5 (3)")
@example("\u3000.5，5.")
def test_tokens_are_those_of_sacrebleu(name: str, text: str) -> None:
    tokenizer = _get_tokenizer(name)()
    words = tokenizer(text.rstrip()).split()
    symbols, lengths = symboliser(name, False).read([text, " ".join(words)], 0)
    assert lengths[0] == len(words)
    # The same tokens once more, told apart by white space alone, have the same pattern of repetitions.
    first = {word: words.index(word) for word in words}
    numbers = symbols[: lengths[0]].tolist()
    assert [numbers.index(number) for number in numbers] == [first[word] for word in words]


@pytest.mark.parametrize("several", [["aaca", "c"], ["c", "aaca"]])
def test_of_equally_good_references_the_first_one_counts(several: list[str]) -> None:
    rows = rows_of(make_chrf({}), ["acaa"], [several])
    assert np.array_equal(rows, statistics(CHRF(), ["acaa"], [several]))
    assert make_chrf({}).score(rows) == 62.5
    assert np.array_equal(rows, rows_of(make_chrf({}), ["acaa"], [several[:1]]))


def test_of_two_equally_close_lengths_the_shorter_one_counts() -> None:
    rows = rows_of(make_bleu({}), ["a b c"] * 3, [["a b c d", "a b"], ["a", "a b c d e"], ["a b c d e f", "a b c d"]])
    assert rows[:, 1].tolist() == [2, 1, 4]


METRICS: list[tuple[Any, Any]] = [
    (make_bleu({}), BLEU(force=True)),
    (make_bleu({"tokenize": "char", "max_ngram_order": 16}), BLEU(force=True, tokenize="char", max_ngram_order=16)),
    (make_chrf({}), CHRF()),
    (make_chrfpp({"char_order": 32}), CHRF(word_order=2, char_order=32)),
]
IDS = ["bleu", "bleu-char-16", "chrf", "chrfpp-32"]


@pytest.mark.parametrize(("metric", "measure"), METRICS, ids=IDS)
@pytest.mark.parametrize(
    ("module", "name", "value"),
    [
        (text_pairs, "_BATCH", 1),
        (text_pairs, "_BATCH", 90),
        (text_symbols, "_REMEMBERED", 0),
        (ngram_counts, "_FIELD", 1),
        (ngram_counts, "_FIELD", 6),
    ],
    ids=["alone", "small", "forgetful", "by-many", "mixed"],
)
@settings(max_examples=8)
@given(cases=CASES)
def test_no_limit_changes_a_row(metric: Any, measure: Any, module: Any, name: str, value: int, cases: Any) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, name, value)
        assert_equal(metric, measure, cases)


@pytest.mark.parametrize(("metric", "measure"), METRICS, ids=IDS)
def test_equal_on_an_alphabet_that_no_number_holds(metric: Any, measure: Any) -> None:
    rng = np.random.default_rng(3)
    symbols = [chr(0x20000 + i) + " " for i in range(3000)]
    cases = []
    for _ in range(25):
        words = [symbols[i] for i in rng.integers(0, 3000, 60)]
        cases.append(("".join(words[:40] + words[25:30]), ["".join(words), "".join(words[20:])]))
    assert_equal(metric, measure, cases)
    assert rows_of(metric, ["".join(symbols)], [["".join(symbols)]]).sum() > 3000


@pytest.mark.parametrize(("metric", "measure"), METRICS, ids=IDS)
def test_outputs_of_both_variants_and_many_references_at_once(metric: Any, measure: Any) -> None:
    base = ["the cat sat on the mat", "a dog", "", "the cat"] * 5
    candidate = ["the cat sat", "a dog", "it", "on the mat the mat"] * 5
    references = [["the cat sat on a mat"], ["a dog", "the dog"], [""], [f"mat the {n} on the cat" for n in range(40)]] * 5
    assert_equal(metric, measure, list(zip(base + candidate, references + references, strict=True)))


@pytest.mark.parametrize(("metric", "measure"), METRICS, ids=IDS)
def test_equal_on_long_texts(metric: Any, measure: Any) -> None:
    long = "ab " * 3000
    assert_equal(metric, measure, [(long, [long + "a", "b"]), ("x" * 7_000, ["x" * 5_000]), (long, ["ab"])])


@pytest.mark.parametrize(
    ("metric", "measure"),
    [(make_bleu({"tokenize": name}), BLEU(force=True, tokenize=name)) for name in TOKENIZERS] + METRICS[2:3],
    ids=[*TOKENIZERS, "chrf"],
)
def test_equal_on_real_answers(metric: Any, measure: Any, shared_data: Path) -> None:
    def lines(path: Path) -> list[dict[str, Any]]:
        return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]

    golden = {row["id"]: row["reference_solution"] for row in lines(shared_data / "gsm8k" / "golden.jsonl")}
    answers = lines(shared_data / "gsm8k" / "outputs" / "6b_finetuning.jsonl")[:150]
    assert_equal(metric, measure, [(row["output"], [golden[row["id"]]]) for row in answers])


@settings(max_examples=30)
@given(
    drawn=st.lists(st.lists(st.lists(st.integers(0, 4), max_size=9), min_size=3, max_size=6), min_size=1), order=st.integers(1, 5)
)
def test_counts_are_those_of_counters(drawn: list[list[list[int]]], order: int) -> None:
    flat = [(group, slot, text) for group, texts in enumerate(drawn) for slot, text in enumerate(texts)]
    found = shared_ngrams(
        Placed(
            np.array([s for _, _, text in flat for s in [*text, *[0] * (order - 1)]], dtype=np.uint32),
            np.array([len(text) for _, _, text in flat]),
            np.array([group for group, _, _ in flat]),
            np.array([slot for _, slot, _ in flat]),
        ),
        order,
    )
    assert found.shape == (len(drawn), OUTPUTS, order)
    for group, texts in enumerate(drawn):
        for n in range(1, order + 1):
            counted = [Counter(tuple(text[i : i + n]) for i in range(len(text) - n + 1)) for text in texts]
            most: Counter[tuple[int, ...]] = Counter()
            for reference in counted[OUTPUTS:]:
                most |= reference
            for slot in range(OUTPUTS):
                assert found[group, slot, n - 1] == (counted[slot] & most).total()


def test_numbers_that_cannot_be_made_are_refused() -> None:
    placed = Placed(np.array([1, 0], dtype=np.uint32), np.array([1]), np.array([0]), np.array([1 << 40]))
    with pytest.raises(Incomplete, match="too large to be counted"):
        shared_ngrams(placed, 2)


def test_the_signature_says_who_counted() -> None:
    for metric in (make_bleu({}), make_bleu({"tokenize": "intl"}), make_chrf({}), make_chrfpp({"eps_smoothing": True})):
        assert metric.spec.signature.endswith("|path:batch")
    assert make_bleu({"force": False}).spec.signature.endswith("|path:library")


def test_what_goes_through_the_library_has_the_same_rows() -> None:
    texts, references = ["the cat .", "It's 1,000.50 &amp; more"], [["the cat.", "a cat ."], ["It's 1,000.50 & more."]]
    assert np.array_equal(rows_of(make_bleu({"force": False}), texts, references), rows_of(make_bleu({}), texts, references))


def test_sacrebleu_is_not_loaded() -> None:
    program = (
        "import sys; sys.modules['sacrebleu'] = None\n"
        "from evalgate.core.values import Case, Expectation, Output\n"
        "from evalgate.metrics import bleu, chrf\n"
        "case = Expectation(('a b c d.',), Case('1', {}, {}, (), {}))\n"
        "for m in (bleu.make_bleu({}), bleu.make_bleu({'tokenize': 'zh'}), chrf.make_chrf({}), chrf.make_chrfpp({})):\n"
        "    print(float(m.score(m.rows([Output('a b c d.')], [case]))[0]), 'regex' in sys.modules)\n"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout.split("\n") == ["100.0 False"] * 4 + [""]
