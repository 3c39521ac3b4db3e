"""The same answer to different inputs is counted over shards in any order; the same input asked twice is not."""

from __future__ import annotations

import json
import random
from functools import reduce
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.core.errors import BadInput
from evalgate.core.values import Case
from evalgate.safety.identical_outputs import (
    AnswerCounts,
    answer_key,
    count_answers,
    from_json,
    input_key,
    repeated_answers,
)

CANNED = "Thank you for asking, we will come back to you soon."
OTHER = "The shop on the main square opens at nine o'clock."


def case(question: Any, number: int = 0) -> Case:
    return Case(f"case-{number}", {"id": number}, {"question": question}, (), {})


def counts(*answers: tuple[Any, str]) -> AnswerCounts:
    return count_answers((case(question, number), text) for number, (question, text) in enumerate(answers))


@pytest.mark.parametrize(
    "same",
    [
        CANNED.upper(),
        f"  {CANNED}\n",
        CANNED.replace(" ", "\n"),
        CANNED.replace(",", " –").rstrip("."),
        CANNED.replace("o", "ｏ"),
        CANNED.replace("e", "e\u200b"),
        f"**{CANNED}**",
    ],
)
def test_what_reads_the_same_is_the_same(same: str) -> None:
    assert answer_key(same) == answer_key(CANNED) is not None


@pytest.mark.parametrize("other", [CANNED + " Bye.", CANNED[:-6], "soon " + CANNED, CANNED.replace("soon", "sōon")])
def test_other_words_are_another_answer(other: str) -> None:
    assert answer_key(other) != answer_key(CANNED)


@pytest.mark.parametrize("text", ["", " ", "yes", "positive", "42", "…", "one two three four", "!! ?? .. ,, ;;"])
def test_short_answers_may_be_the_same(text: str) -> None:
    assert answer_key(text) is None
    shared = counts(*[(number, text) for number in range(10)])
    assert shared == AnswerCounts(10)
    assert repeated_answers(shared, count=1) == ()


def test_inputs_are_compared_whatever_the_order_of_their_keys() -> None:
    one = Case("1", {}, {"a": 1, "b": "x"}, (), {})
    assert input_key(one) == input_key(Case("2", {"other": 1}, {"b": "x", "a": 1}, ("reference",), {}))
    assert input_key(one) != input_key(Case("1", {}, {"a": 1, "b": "y"}, (), {}))


def test_limits() -> None:
    given_counts = counts(*[(number, CANNED) for number in range(3)], *[(9, OTHER)] * 4, (10, OTHER), (11, "short"))
    assert given_counts.cases == 9
    assert [(r.answer, r.inputs) for r in repeated_answers(given_counts, count=1)] == [
        (answer_key(CANNED), 3),
        (answer_key(OTHER), 2),
    ]
    assert [r.inputs for r in repeated_answers(given_counts, count=2)] == [3]
    assert repeated_answers(given_counts, count=3) == ()
    assert [r.inputs for r in repeated_answers(given_counts, share=0.3)] == [3]
    assert repeated_answers(given_counts, share=1 / 3) == ()
    assert [r.inputs for r in repeated_answers(given_counts, share=1 / 3, count=1)] == [3, 2]
    assert [r.inputs for r in repeated_answers(given_counts, share=0.0)] == [3, 2]


def test_the_same_input_again_is_no_repetition() -> None:
    assert repeated_answers(counts(*[("same question", CANNED)] * 50), count=0) == ()
    assert repeated_answers(counts(("a", CANNED)), share=0.0) == ()


@pytest.mark.parametrize("limits", [{}, {"share": -0.1}, {"share": 1.1}, {"share": float("nan")}, {"count": -1}])
def test_bad_limits_are_refused(limits: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match="identical outputs"):
        repeated_answers(AnswerCounts(), **limits)


rows = st.lists(st.tuples(st.integers(0, 6), st.sampled_from([CANNED, OTHER, "no", ""])), max_size=30)


@given(rows, st.integers(1, 5), st.randoms(use_true_random=False))
def test_shards_add_up_in_any_order(answers: list[tuple[int, str]], size: int, order: random.Random) -> None:
    whole = counts(*answers)
    shards = [counts(*answers[start : start + size]) for start in range(0, len(answers), size)]
    order.shuffle(shards)
    assert reduce(AnswerCounts.merge, shards, AnswerCounts()) == whole
    for limit in range(4):
        wanted = {answer_key(text) for text in (CANNED, OTHER) if len({q for q, a in answers if a == text}) > max(limit, 1)}
        assert {r.answer for r in repeated_answers(whole, count=limit)} == wanted


@given(rows)
def test_there_and_back_as_json(answers: list[tuple[int, str]]) -> None:
    whole = counts(*answers)
    assert from_json(json.loads(json.dumps(whole.as_json()))) == whole


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {},
        {"cases": 1},
        {"cases": -1, "given": {}},
        {"cases": True, "given": {}},
        {"cases": 1.0, "given": {}},
        {"cases": 1, "given": []},
        {"cases": 1, "given": {"x": ["0" * 24]}},
        {"cases": 1, "given": {"0" * 24: []}},
        {"cases": 1, "given": {"0" * 24: "0" * 24}},
        {"cases": 1, "given": {"0" * 24: [7]}},
        {"cases": 1, "given": {"0" * 24: ["0" * 23]}},
        {"cases": 1, "given": {}, "more": 1},
    ],
)
def test_damaged_counts_are_refused(value: object) -> None:
    with pytest.raises(BadInput, match="damaged"):
        from_json(value)
