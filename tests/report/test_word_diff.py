"""Word diffs: as few marks as possible, nothing lost, the same text on both sides once the marks are gone."""

from __future__ import annotations

import difflib
import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.core.record import TextMark
from evalgate.report.common_words import common_words
from evalgate.report.word_diff import LONGEST, word_diff

WORDS = st.lists(st.sampled_from(["the", "cat", "sat", ",", "on"]), max_size=14)
TEXTS = st.text(alphabet="ab .,\n\t", max_size=30)
MARKED = re.compile(r"<(del|ins)>(.*?)</\1>", re.DOTALL)


def longest(first: list[str], second: list[str]) -> int:
    """The textbook table."""
    table = [[0] * (len(second) + 1) for _ in range(len(first) + 1)]
    for i, one in enumerate(first):
        for j, other in enumerate(second):
            table[i + 1][j + 1] = table[i][j] + 1 if one == other else max(table[i][j + 1], table[i + 1][j])
    return table[-1][-1]


@given(WORDS, WORDS)
def test_common_words_are_a_longest_common_subsequence(first: list[str], second: list[str]) -> None:
    pairs = common_words(first, second)
    assert len(pairs) == longest(first, second)
    assert all(first[one] == second[other] for one, other in pairs)
    assert all(a < c and b < d for (a, b), (c, d) in pairwise(pairs))


@given(WORDS, WORDS)
def test_never_fewer_words_in_common_than_difflib_finds(first: list[str], second: list[str]) -> None:
    blocks = difflib.SequenceMatcher(None, first, second, autojunk=False).get_matching_blocks()
    assert len(common_words(first, second)) >= sum(block.size for block in blocks)


@given(TEXTS, TEXTS)
def test_what_is_not_marked_is_the_same_text_on_both_sides(before: str, after: str) -> None:
    old, new = word_diff(before, after)
    assert MARKED.sub("", old) == MARKED.sub("", new)
    assert MARKED.sub(r"\2", old) == before
    assert MARKED.sub(r"\2", new) == after


@given(TEXTS, TEXTS)
def test_marks_change_places_with_the_texts_where_one_is_empty(before: str, after: str) -> None:
    assert word_diff(before, "")[0] == (f"<del>{before}</del>" if before else "")
    assert word_diff("", after)[1] == (f"<ins>{after}</ins>" if after else "")


@pytest.mark.parametrize(
    ("before", "after", "old", "new"),
    [
        ("a cat sat", "a dog sat", "a <del>cat</del> sat", "a <ins>dog</ins> sat"),
        ("a b c", "a c", "a <del>b </del>c", "a c"),
        ("a c", "a b c", "a c", "a <ins>b </ins>c"),
        ("a b", "a  b", "a b", "a <ins> </ins>b"),
        ("a\nb", "a b", "a<del>\n</del>b", "a<ins> </ins>b"),
        ("end", "end.", "end", "end<ins>.</ins>"),
        ("the cat", "the big the cat", "the cat", "the <ins>big the </ins>cat"),
        ("same", "same", "same", "same"),
    ],
)
def test_examples(before: str, after: str, old: str, new: str) -> None:
    assert word_diff(before, after) == (old, new)


def test_a_masked_text_is_one_word() -> None:
    mark = TextMark(3, 12, "email", masked=True)
    old, new = word_diff("to [email 1] now", "to [email 2] now", [mark], [mark])
    assert old == 'to <del><mark class="masked" title="masked: email">[email 1]</mark></del> now'
    assert new == 'to <ins><mark class="masked" title="masked: email">[email 2]</mark></ins> now'


def test_texts_that_are_too_long_are_shown_without_marks() -> None:
    long = " ".join(["word"] * (LONGEST + 1))
    assert word_diff(long, f"{long} more") == (long, f"{long} more")
    fits = " ".join(["word"] * (LONGEST - 1))
    assert word_diff(fits, f"{fits} more")[1] == f"{fits}<ins> more</ins>"
