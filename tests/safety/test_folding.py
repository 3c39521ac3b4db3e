"""Folded texts compare as a reader would, and every folded span leads back into the original."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalgate.safety.folding import fold, occurrences, spell

ALPHABET = st.sampled_from("aZé7 -_ﬁﬀ\u0301\u0323\u0302\u200b\u200d\ufe0f\u00ad\n\t\u2028ＺßİΣ漢กि👍\ud800")
TEXTS = st.text(ALPHABET, max_size=40)


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Hello", "hello"),
        ("a \n\t b", "a b"),
        ("ＺＥ", "ze"),
        ("ﬁne", "fine"),
        ("STRASSE ß", "strasse ss"),
        ("a\u200bb\u200d\u00adc", "abc"),
        ("①②", "12"),
        ("x \u200b y", "x y"),
        ("", ""),
        ("\u200b\ufe0f", ""),
    ],
)
def test_folds_what_looks_the_same(text: str, folded: str) -> None:
    assert fold(text).text == folded


@pytest.mark.parametrize("word", ["café", "ệ", "ǭ", "Ǖ", "한글", "ñandú"])
def test_composed_and_decomposed_accents_are_the_same(word: str) -> None:
    forms = {fold(unicodedata.normalize(form, word)).text for form in ("NFC", "NFD", "NFKC", "NFKD")}
    assert len(forms) == 1


def test_accents_in_any_order_are_the_same() -> None:
    assert fold("a\u0301\u0323b").text == fold("a\u0323\u0301b").text
    assert fold("a\u0301b").text != fold("ab").text


@given(TEXTS)
@settings(max_examples=150)
def test_every_folded_character_has_a_place(text: str) -> None:
    folded = fold(text)
    assert len(folded.text) == len(folded.origin)
    assert all(0 <= place < len(text) for place in folded.origin)
    for i in range(len(folded.text)):
        start, end = folded.span(i, i + 1)
        assert 0 <= start < end <= len(text)


@given(TEXTS)
@settings(max_examples=150)
def test_folding_twice_changes_nothing(text: str) -> None:
    once = fold(text).text
    assert fold(once).text == once


@given(TEXTS, TEXTS)
@settings(max_examples=150)
def test_a_spelled_needle_stands_where_it_is_said_to(before: str, after: str) -> None:
    folded = fold(f"{before} z.e-7_4 {after}")
    spelled = spell(folded)
    assert len(spelled.fresh) == len(spelled.text) + 1
    assert len(spelled.origin) == len(spelled.text)
    spans = spelled.spans("ze74")
    assert any(folded.text[s:e] == "z.e-7_4" for s, e in spans)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("ze74", 1),
        ("z e 7 4", 1),
        ("size 74", 0),
        ("ze 745", 0),
        ("z......e74", 0),
        ("z.....e74", 1),
        ("z         e74", 1),
        ("ze74ze74", 0),
    ],
)
def test_spelled_needles_begin_and_end_at_a_separator(text: str, count: int) -> None:
    assert len(spell(fold(text)).spans("ze74")) == count


def test_occurrences_do_not_overlap() -> None:
    assert occurrences("aa", "aaaaa") == [(0, 2), (2, 4)]
    assert occurrences("b", "aaaaa") == []
