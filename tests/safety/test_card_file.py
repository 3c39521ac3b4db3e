"""Detector cards on disk: what is written is read back; a card that cannot be true is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalgate.core.detector_card import DetectorCard, LabelledData, Tally
from evalgate.core.errors import BadInput
from evalgate.pipeline.detector_cards import card_digest, figures, load_card, save_card
from evalgate.safety.card_file import card_document, parse_card

COUNT = st.integers(0, 10_000)
TALLY = st.builds(Tally, COUNT, COUNT, COUNT)


def spans(**rules: Tally) -> DetectorCard:
    total = Tally(*(sum(getattr(t, name) for t in rules.values()) for name in ("found", "false_alarms", "missed")))
    return DetectorCard("pii", "pii", "2", "s|version:2", "spans", LabelledData("names v2", "sha256:00", 90), total, rules)


SPANS = spans(email=Tally(49, 0, 0), phone=Tally(54, 20, 38))
JUDGED = DetectorCard(
    "harm", "judge", "1", "s", "outputs", LabelledData("harm", "sha256:00", 50), Tally(20, 3, 4, 21), {}, undecided=2,
    binding={"prompt_digest": "sha256:11", "model_digest": "sha256:22"}, engine="0.1.0",
)  # fmt: skip


@pytest.mark.parametrize("card", [SPANS, JUDGED, replace(JUDGED, confidence=0.8)])
def test_a_card_is_read_as_it_was_written(tmp_path: Path, card: DetectorCard) -> None:
    path = tmp_path / "card.json"
    save_card(path, card)
    assert load_card(path) == replace(card, source=str(path))
    assert card_digest(load_card(path)) == card_digest(card)
    figure = json.loads(path.read_text())["total"]["precision"]
    assert figure["low"] < figure["value"] == pytest.approx(card.total.found / (card.total.found + card.total.false_alarms))


@given(rules=st.dictionaries(st.text(min_size=1, max_size=9), TALLY, max_size=4))
def test_every_card_survives_the_way_to_disk(rules: dict[str, Tally]) -> None:
    if any("\ud800" <= sign <= "\udfff" for rule in rules for sign in rule):
        return
    card = spans(**rules)
    text = json.dumps(card_document(card, figures))
    assert parse_card(text, "", figures) == card


@given(tally=TALLY, key=st.sampled_from(["found", "missed", "false_alarms"]), more=st.integers(1, 5))
def test_no_count_can_be_changed_alone(tally: Tally, key: str, more: int) -> None:
    document = card_document(spans(email=tally), figures)
    document["rules"]["email"][key] += more
    with pytest.raises(BadInput):
        parse_card(json.dumps(document), "card.json", figures)


def _set(*path: str) -> Callable[[Any], Callable[[dict[str, Any]], None]]:
    def to(value: Any) -> Callable[[dict[str, Any]], None]:
        def change(document: dict[str, Any]) -> None:
            place = document
            for key in path[:-1]:
                place = place[key]
            place[path[-1]] = value

        return change

    return to


REFUSED = {
    "another schema": _set("schema")("evalgate.detector-card/2"),
    "an unknown key": _set("note")("trust me"),
    "an unknown figure": _set("total", "accuracy")({"value": 1.0}),
    "a better precision": _set("total", "precision", "value")(0.99),
    "a narrower interval": _set("total", "recall", "low")(0.9),
    "no interval": _set("total", "recall")(None),
    "a negative count": _set("total", "found")(-1),
    "a count that is true": _set("undecided")(True),
    "a broken count": _set("total", "found")(49.5),
    "a count that is text": _set("total", "missed")("4"),
    "a count beyond JSON": _set("total", "found")(10**20),
    "clean without count": _set("total", "clean")(None),
    "clean that does not add up": _set("total", "clean")(22),
    "more undecided than outputs": _set("undecided")(51),
    "more outputs": _set("data", "outputs")(51),
    "no outputs": _set("data", "outputs")(0),
    "data without name": _set("data", "name")(""),
    "an unknown unit": _set("unit")("tokens"),
    "spans with clean ones": _set("unit")("spans"),
    "a level of 1": _set("confidence")(1.0),
    "another level": _set("confidence")(0.9),
    "no detector": _set("detector")(None),
    "an endless signature": _set("signature")("x" * 3000),
    "rules that are a list": _set("rules")([]),
    "a rule without counts": _set("rules")({"a": {"found": 1}}),
    "a binding that is no text": _set("binding")({"prompt_digest": 3}),
}


@pytest.mark.parametrize("fault", sorted(REFUSED))
def test_a_card_that_cannot_be_true_is_refused(fault: str) -> None:
    document = card_document(JUDGED, figures)
    REFUSED[fault](document)
    with pytest.raises(BadInput, match="detector card") as caught:
        parse_card(json.dumps(document), "cards/harm.json", figures)
    assert caught.value.problems[0].where == "cards/harm.json"


@pytest.mark.parametrize("key", ["found", "missed", "false_alarms"])
def test_the_total_of_spans_is_that_of_its_rules(key: str) -> None:
    wrong = replace(SPANS, total=replace(SPANS.total, **{key: getattr(SPANS.total, key) + 1}))
    with pytest.raises(BadInput, match="total"):
        parse_card(json.dumps(card_document(wrong, figures)), "card.json", figures)


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"schema": NaN}', '{"a": 1, "a": 2}', "[" * 500, "\x00"])
def test_what_is_no_card_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "card.json"
    path.write_text(text)
    with pytest.raises(BadInput, match="detector card"):
        load_card(path, "card.json")


def test_a_missing_and_an_endless_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="does not exist"):
        load_card(tmp_path / "card.json")
    (tmp_path / "card.json").write_text(" " * (1 << 20) + "{}")
    with pytest.raises(BadInput, match="larger"):
        load_card(tmp_path / "card.json")


def test_a_card_that_contradicts_itself_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="add up"):
        save_card(tmp_path / "card.json", replace(JUDGED, undecided=3))
    assert list(tmp_path.iterdir()) == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["found", "clean", "value", "a"]), inner, max_size=3)
    ),
    max_leaves=6,
)


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if not isinstance(value, dict):
        return [path]
    return [path, *(place for key, item in value.items() for place in _places(item, (*path, key)))]


@settings(max_examples=60)
@given(data=st.data(), card=st.sampled_from([SPANS, JUDGED]))
def test_whatever_is_written_into_a_card_it_is_refused_or_says_no_other_counts(data: st.DataObject, card: DetectorCard) -> None:
    document: Any = json.loads(json.dumps(card_document(card, figures)))
    path = data.draw(st.sampled_from([place for place in _places(document) if place]))
    place = document
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = data.draw(JSON)
    try:
        found = parse_card(json.dumps(document), "card.json", figures)
    except BadInput:
        return
    assert found.total == card.total and ({**found.rules} == {**card.rules} or not found.rules)
