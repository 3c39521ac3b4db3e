"""TER counted here has sacrebleu's edits to the last one, with and without its beam, for every option."""

from __future__ import annotations

import random
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sacrebleu.metrics import lib_ter
from sacrebleu.metrics.ter import TER

from evalgate.metrics import ter_alignment, ter_shifts
from evalgate.metrics.ter import make_ter
from evalgate.metrics.ter_alignment import Alignment, BeamTable, WholeTable, table
from evalgate.metrics.ter_shifts import fewest_edits
from evalgate.metrics.ter_words import ReferenceWords, reference_words

OPTIONS = ("normalized", "no_punct", "asian_support", "case_sensitive")
ENGLISH = ("The", "the", "it's", "1,000.5", "3-4", "e.g.", "&quot;", "&amp;lt;", "\n-x", "(b)")
TEXT = st.lists(
    st.sampled_from(
        [*"abc -·{！İ", *("。、", "漢字", "ｶﾅ", "かな", "\u3000", "\x85", "ΑΣ", "\ud800"), *ENGLISH],
    ),
    max_size=14,
)
WORDS = st.lists(st.sampled_from("abcd"), max_size=14)


def spelt(output: list[str], reference: list[str]) -> tuple[str, ReferenceWords]:
    ready = reference_words(reference)
    return ready.spelt(output), ready


def ours(output: list[str], reference: list[str]) -> int:
    return fewest_edits(*spelt(output, reference))


def moved(rng: random.Random, words: list[str], moves: int) -> list[str]:
    """The words with phrases shifted, and some replaced or lost."""
    for _ in range(moves):
        start = rng.randrange(max(1, len(words)))
        phrase = words[start : start + rng.randint(1, 8)]
        del words[start : start + len(phrase)]
        target = rng.randint(0, len(words))
        words[target:target] = phrase if rng.random() < 0.8 else phrase[1:]
    return words


@given(
    st.lists(st.tuples(TEXT, st.lists(TEXT, min_size=1, max_size=3)), min_size=1, max_size=4), st.sets(st.sampled_from(OPTIONS))
)
def test_statistics_are_sacrebleus(measured: Any, drawn: list[Any], chosen: set[str]) -> None:
    options = dict.fromkeys(chosen, True)
    outputs = [" ".join(pieces) for pieces, _ in drawn]
    references = [["".join(pieces[:2]) + " ".join(pieces[2:]) for pieces in texts] for _, texts in drawn]
    rows = measured(make_ter(options), outputs, references)
    library = TER(**options)
    for row, text, texts in zip(rows.tolist(), outputs, references, strict=True):
        # One pair at a time: no row may depend on the pairs beside it.
        assert row == library._extract_corpus_statistics([text], [[reference] for reference in texts])[0]


@given(WORDS, WORDS)
def test_edits_of_few_words_repeated_often(output: list[str], reference: list[str]) -> None:
    assert ours(output, reference) == lib_ter.translation_edit_rate(output, reference)[0]


@pytest.mark.parametrize(
    ("words", "vocabulary", "pairs"), [(30, 20, 5), (60, 200, 3), (110, 500, 1), (34, 3, 1)], ids=["30", "60", "110", "limit"]
)
def test_edits_where_phrases_move(words: int, vocabulary: int, pairs: int) -> None:
    rng = random.Random(words)
    for _ in range(pairs):
        reference = [str(rng.randrange(vocabulary)) for _ in range(words)]
        output = moved(rng, reference.copy(), 5)
        assert ours(output, reference) == lib_ter.translation_edit_rate(output, reference)[0]


@pytest.mark.parametrize(
    ("longer", "shorter", "alphabet"),
    [(54, 52, 40), (80, 20, 40), (60, 1, 5), (120, 2, 3)],
    ids=["equal", "ratio", "one", "wide"],
)
def test_edits_where_the_beam_cuts(longer: int, shorter: int, alphabet: int) -> None:
    rng = random.Random(longer)
    first, second = ([str(rng.randrange(alphabet)) for _ in range(length)] for length in (longer, shorter))
    for output, reference in ((first, second), (second, first)):
        assert ours(output, reference) == lib_ter.translation_edit_rate(output, reference)[0]


def test_the_beam_is_used_where_it_matters_only() -> None:
    words = [str(i) for i in range(100)]
    other = [f"x{i}" for i in range(100)]
    near, far, short = spelt(words[5:], words), spelt(other, words), spelt(other, words[:24])
    assert isinstance(table(near[1], near[0]), WholeTable)
    assert isinstance(table(short[1], short[0]), WholeTable)
    assert isinstance(table(far[1], far[0]), BeamTable)
    # The best path runs 30 cells beside the diagonal, outside the beam.
    lost = [*other[:30], *words[:70]]
    output, reference = spelt(lost, words)
    assert BeamTable(reference).distance(output) > WholeTable(reference).distance(output)
    assert BeamTable(reference).distance(output) == lib_ter.BeamEditDistance(words)(lost)[0]


@given(WORDS, WORDS.filter(bool))
def test_alignments_are_sacrebleus_in_both_tables(output: list[str], reference: list[str]) -> None:
    text, ready = spelt(output, reference)
    distance, trace = lib_ter.BeamEditDistance(reference)(output)
    places, wrong, wrong_output = lib_ter.trace_to_alignment(lib_ter._flip_trace(trace))
    expected = Alignment([places[i] for i in range(len(reference))], [*map(bool, wrong)], [*map(bool, wrong_output)])
    for counted in (WholeTable(ready), BeamTable(ready)):
        assert counted.distance(text) == distance
        assert counted.align(text) == expected


def test_long_references_are_counted_in_the_beam_with_the_same_result(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(3)
    reference = [str(rng.randrange(300)) for _ in range(60)]
    output = moved(rng, reference.copy(), 4)
    whole = ours(output, reference)
    monkeypatch.setattr(ter_alignment, "_LONGEST_WHOLE", 10)
    monkeypatch.setattr(ter_alignment, "_CELLS", 200)
    assert isinstance(table(*reversed(spelt(output, reference))), BeamTable)
    assert ours(output, reference) == whole == lib_ter.translation_edit_rate(output, reference)[0]


def test_the_search_gives_up_where_sacrebleu_does(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(11)
    reference = [str(rng.randrange(12)) for _ in range(20)]
    output = reference[12:] + reference[5:12] + reference[:5]
    full = ours(output, reference)
    told = []
    for most in (1, 5, 20, 60):
        monkeypatch.setattr(lib_ter, "_MAX_SHIFT_CANDIDATES", most)
        monkeypatch.setattr(ter_shifts, "_MOST_SHIFTS_TRIED", most)
        assert ours(output, reference) == lib_ter.translation_edit_rate(output, reference)[0]
        told.append(ours(output, reference))
    assert told[0] > full


def test_phrases_too_far_away_are_left() -> None:
    reference = [str(i) for i in range(120)]
    for distance in (49, 50, 51, 52):
        output = [*reference[:3], *reference[5 : 5 + distance], *reference[3:5], *reference[5 + distance :]]
        assert ours(output, reference) == lib_ter.translation_edit_rate(output, reference)[0]


def test_equal_on_real_outputs_row_by_row(real_pairs: Any, measured: Any) -> None:
    outputs, references = real_pairs[0][100:180], [[text] for text in real_pairs[1][100:180]]
    rows = measured(make_ter({}), outputs, references)
    assert rows.tolist() == TER()._extract_corpus_statistics(outputs, [[text for (text,) in references]])
    order = np.random.default_rng(1).permutation(80)
    assert np.array_equal(measured(make_ter({}), [outputs[i] for i in order], [references[i] for i in order]), rows[order])


def test_no_reference_library_is_loaded() -> None:
    program = (
        "import sys; from evalgate.metrics.ter import make_ter; from evalgate.core.values import Case, Expectation, Output\n"
        "metric = make_ter({'no_punct': True}); expectation = Expectation(('a b c d',), Case('1', {}, {}, (), {}))\n"
        "assert metric.rows([Output('c, d a. b')], [expectation]).tolist() == [[1, 4]]\n"
        "assert metric.spec.signature.endswith('|path:batch')\n"
        "print('sacrebleu' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout == "False\n"
