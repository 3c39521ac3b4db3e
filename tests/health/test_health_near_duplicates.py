"""Near-duplicates: exactly the pairs over the threshold, by the library and without it."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.golden.health import near_duplicates as module
from evalgate.golden.health.shingles import WIDTH, shingle_hashes

LONG = "I ordered a blue lamp on Monday and it arrived with a broken shade, can you send me another one please?"


def jaccard(one: str, other: str) -> float:
    a, b = ({t[i : i + WIDTH] for i in range(len(t) - WIDTH + 1)} for t in (one, other))
    return len(a & b) / len(a | b) if a | b else 0.0


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (LONG, LONG.replace("Monday", "Sunday")),
        ("How do I return my order?", "How do I return my orders?"),
        ("Wo finde ich die Rechnung für meine letzte Bestellung?", "Wo finde ich die Rechnungen für meine letzte Bestellung?"),
        (
            "请问我昨天在网上买的蓝色台灯什么时候可以送到北京的家里呢谢谢你们的帮助",
            "请问我昨天在网上买的蓝色台灯什么时候可以送到北京的家里呢谢谢你们的帮忙",
        ),
    ],
)
def test_a_changed_word_is_a_near_duplicate(case, health, one: str, other: str) -> None:
    (finding,) = health([case("b", one, "x"), case("a", other, "y")])["near-duplicate"]
    assert finding.cases == (("a", "b"),)
    assert health([case("b", other, "x"), case("a", one, "y")])["near-duplicate"] == [finding]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("What is the capital of France?", "What is the capital of Spain?"),
        ("The weather in the north is cold and wet in autumn.", "The weather in the south is warm and dry in summer."),
        ("Où se trouve la gare la plus proche ?", "Où se trouve la pharmacie la plus proche ?"),
        ("我想退货请问怎么办理", "我想换货请问在哪里办理"),
        ("yes", "yes!"),
        ("1 + 2", "1 + 3"),
        ("", " "),
    ],
)
def test_other_questions_are_not(case, health, one: str, other: str) -> None:
    assert "near-duplicate" not in health([case("a", one), case("b", other)])


def test_a_shared_context_does_not_make_questions_alike(case, health) -> None:
    rows = [
        case(f"c{n}", {"context": LONG * 5, "question": q})
        for n, q in enumerate(("When did it come?", "What colour is the lamp?"))
    ]
    assert "near-duplicate" not in health(rows)
    rows.append(case("c3", {"context": LONG * 5 + " Thanks.", "question": "What colour is the lamps?"}))
    assert health(rows)["near-duplicate"][0].cases == (("c1", "c3"),)


def test_paraphrases_of_one_group_are_meant(case, health) -> None:
    other = LONG.replace("Monday", "Sunday")
    assert "near-duplicate" not in health([case("a", LONG, group="g"), case("b", other, group="g")])
    assert "near-duplicate" in health([case("a", LONG, group="g"), case("b", other, group="h")])


def sample(count: int, seed: int) -> list[str]:
    draw = random.Random(seed)
    words = ["".join(draw.choices("abcdefghijklmnop", k=draw.randint(2, 9))) for _ in range(400)]
    texts = set()
    while len(texts) < count:
        chosen = draw.choices(words, k=draw.randint(4, 20))
        for _ in range(draw.randint(1, 3)):
            texts.add(" ".join(chosen))
            chosen[draw.randrange(len(chosen))] = draw.choice(words)
    return sorted(texts)


@pytest.mark.parametrize("by_library", [False, True])
def test_as_many_as_comparing_each_with_each(monkeypatch: pytest.MonkeyPatch, by_library: bool) -> None:
    if by_library:
        pytest.importorskip("rensa")
        monkeypatch.setattr(module, "WITHOUT_LIBRARY", 0)
    texts = sample(400, 3)
    expected = {
        (a, b) for a in range(len(texts)) for b in range(a + 1, len(texts)) if jaccard(texts[a], texts[b]) >= module.THRESHOLD
    }
    found, whole = module.near_duplicates(texts, [None] * len(texts))
    assert whole
    assert set(found) <= expected
    assert len(expected) > 60
    assert len(found) >= 0.99 * len(expected)


def test_hashes_are_of_the_characters_alone() -> None:
    texts = ["", "abc", "abcde", "xabcdey", "日本語テキスト", "a" * 7, "😀😀😀😀😀", "\ud800abcd"]
    flat, offsets = shingle_hashes(texts)
    assert np.diff(offsets).tolist() == [max(0, len(t) - WIDTH + 1) for t in texts]
    assert flat[offsets[2]] == flat[offsets[3] + 1]
    assert len(set(flat[offsets[5] : offsets[6]].tolist())) == 1
    alone = [shingle_hashes([text])[0].tolist() for text in texts]
    assert flat.tolist() == [number for numbers in alone for number in numbers]
    assert shingle_hashes([])[0].tolist() == []


@given(st.lists(st.text(alphabet="abc ", min_size=0, max_size=14), max_size=8))
def test_shingles_of_any_texts_are_counted_right(texts: list[str]) -> None:
    flat, offsets = shingle_hashes(texts)
    assert len(flat) == offsets[-1]
    for place, text in enumerate(texts):
        windows = [text[i : i + WIDTH] for i in range(len(text) - WIDTH + 1)]
        numbers = flat[offsets[place] : offsets[place + 1]].tolist()
        assert len(numbers) == len(windows)
        assert len(dict(zip(windows, numbers, strict=True))) == len(set(numbers))


def test_without_the_library_a_large_dataset_says_what_was_not_looked_at(case, health, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WITHOUT_LIBRARY", 2)
    monkeypatch.setattr(module, "minhash_available", lambda: False)
    rows = [case(f"c{n}", f"{LONG} {n}") for n in range(3)]
    found = health(rows)
    assert "pip install 'evalgate-engine[health]'" in found["not-checked"][0].message
    assert "near-duplicate" not in found
    assert "near-duplicate" in health(rows[:2])


def test_more_text_than_fits_is_said(case, health, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_CHARACTERS", 150)
    found = health([case("a", LONG), case("b", LONG + " x"), case("c", LONG)])
    assert "were not looked for" in found["not-checked"][0].message
    assert "near-duplicate" not in found


def test_a_crowd_of_near_duplicates_stays_bounded_and_is_said(case, health) -> None:
    rows = [case(f"c{n:04}", f"{LONG} {n}") for n in range(600)]
    (finding,) = health(rows)["near-duplicate"]
    assert finding.message.endswith("there may be more")
    assert 600 <= finding.count <= 600 * module._NEIGHBOURS * module.PERMUTATIONS // module.ROWS
    assert health(rows[::-1])["near-duplicate"] == [finding]
