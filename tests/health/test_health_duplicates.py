"""Duplicates and contradictions: found whatever the order, and nothing found where texts only look alike."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.core.health import LISTED, LISTED_OF_A_SET, HealthSeverity
from evalgate.core.values import Case
from evalgate.golden.health.folding import both_forms, folded
from evalgate.golden.health.survey import HealthSurvey


def test_equal_inputs_with_other_references_contradict(case, health) -> None:
    found = health([case("b", "What is 2 + 2?", "4"), case("a", "What is  2 + 2?\n", "5"), case("c", "What is 2 + 3?", "5")])
    (finding,) = found["contradiction"]
    assert finding.severity is HealthSeverity.ERROR and finding.refuses
    assert (finding.count, finding.cases) == (1, (("a", "b"),))
    assert "duplicate" not in found


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("4",), ("4",)),
        (("Paris",), ("  paris ",)),
        (("yes", "sure"), ("sure", "of course")),
        ((), ("4",)),
        ((), ()),
        (({"a": 1, "b": 2},), ({"b": 2, "a": 1},)),
    ],
)
def test_references_that_meet_do_not_contradict(case, health, one: tuple[object, ...], other: tuple[object, ...]) -> None:
    found = health([case("a", "What is it?", *one), case("b", "What is it?", *other)])
    assert "contradiction" not in found
    assert found["duplicate"][0].cases == (("a", "b"),)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Where is it?", "WHERE IS IT?"),
        ("caf\u00e9", "cafe\u0301"),
        ("ﬁne", "fine"),
        ("Straße", "STRASSE"),
        ("a\u00a0b", "a b"),
        ("１２３", "123"),
        ("  a\tb ", "a b"),
    ],
)
def test_equal_but_for_form_is_a_duplicate(case, health, one: str, other: str) -> None:
    assert health([case("a", one, "x"), case("b", other, "x")])["duplicate"][0].count == 1


@pytest.mark.parametrize(("one", "other"), [("2²", "22"), ("us", "US"), ("x", "X"), ("Ⅳ", "IV")])
def test_an_error_is_certain_so_case_and_compatibility_forms_are_warnings_alone(case, health, one: str, other: str) -> None:
    found = health([case("a", one, "x"), case("b", other, "y")])
    assert "contradiction" not in found
    assert found["duplicate"][0].severity is HealthSeverity.WARNING


@pytest.mark.parametrize(
    ("one", "other"),
    [("résumé", "resume"), ("What?", "What"), ("a b", "ab"), ("не", "нет"), ("1.5", "15"), ("お金", "金"), ("ı", "i")],
)
def test_other_letters_are_other_questions(case, health, one: str, other: str) -> None:
    found = health([case("a", one, "x"), case("b", other, "y")])
    assert not found.keys() & {"duplicate", "contradiction"}


def test_columns_do_not_run_into_each_other(case, health) -> None:
    assert "duplicate" not in health([case("a", {"p": "a b", "q": "c"}), case("b", {"p": "a", "q": "b c"})])
    assert "duplicate" not in health([case("a", {"p": "a\nb", "q": "c"}), case("b", {"p": "a", "q": "b\nc"})])


def test_numbers_and_objects_are_compared_as_json(case, health) -> None:
    assert "duplicate" in health([case("a", {"q": {"x": 1, "y": [2]}}), case("b", {"q": {"y": [2], "x": 1}})])
    assert "duplicate" not in health([case("a", {"q": 1}), case("b", {"q": 2})])


@pytest.mark.parametrize("inputs", [{}, {"q": ""}, {"q": " ", "context": "\n"}])
def test_cases_that_ask_nothing_ask_nothing_twice(case, health, inputs: dict[str, str]) -> None:
    found = health([case("a", inputs, "x"), case("b", inputs, "y")])
    assert not found.keys() & {"duplicate", "contradiction", "near-duplicate"}
    assert ("empty-input" in found) is bool(inputs)


def test_the_same_reference_twice(case, health) -> None:
    found = health([case("a", "one", "yes", "YES"), case("b", "two", "yes", "no"), case("c", "three")])
    assert found["repeated-reference"][0].cases == (("a",),)
    assert found["repeated-reference"][0].message.startswith("1 case gives")


def test_lists_are_bounded_and_counts_are_whole(case, health) -> None:
    many = [
        case(f"{question}-{n}", f"question {question}", "x") for question in range(LISTED + 5) for n in range(LISTED_OF_A_SET + 3)
    ]
    (finding,) = health(many)["duplicate"]
    assert finding.count == LISTED + 5
    assert len(finding.cases) == LISTED
    assert {len(ids) for ids in finding.cases} == {LISTED_OF_A_SET}


_QUESTIONS = st.lists(
    st.tuples(st.sampled_from(["A b", "a  b", "c", "C", "é", "e\u0301", "d"]), st.sampled_from("xyz")), max_size=12
)


@given(_QUESTIONS, st.randoms())
def test_the_order_of_cases_changes_nothing(rows: list[tuple[str, str]], shuffle) -> None:
    cases = [Case(f"c{i:02}", {}, {"q": q}, (r,), {"s": r}) for i, (q, r) in enumerate(rows)]
    shuffled = list(cases)
    shuffle.shuffle(shuffled)
    assert _report(cases) == _report(shuffled)


def _report(cases: list[Case]):
    survey = HealthSurvey(grouped=False)
    assert list(survey.watched(cases)) == cases
    return survey.report().findings


@given(st.text(max_size=30))
def test_folding_is_stable_and_knows_no_form(text: str) -> None:
    exact, alike = both_forms(text)
    assert both_forms(exact)[0] == exact
    assert folded(alike) == alike
    for form in ("NFC", "NFD"):
        assert both_forms(unicodedata.normalize(form, text)) == (exact, alike)
    assert "\n" not in alike
