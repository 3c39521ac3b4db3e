"""label: what people said about an output."""

from __future__ import annotations

from typing import Any

import pytest

from evalgate.core.errors import BadInput
from evalgate.core.settings import PluginChoice
from evalgate.core.values import Case, Output
from evalgate.safety.catalog import make_detector

CASE = Case("c1", {"id": "c1"}, {}, (), {})


def found(value: Any, **parameters: Any) -> int:
    detector = make_detector(PluginChoice("label", {"field": "bad", **parameters}))
    return len(detector.findings(Output("text", labels={} if value is None else {"bad": value}), CASE))


@pytest.mark.parametrize("value", [True, "true", "TRUE", " True ", 1, "1", 1.0, "1.0"])
def test_true_violates_as_data_and_as_a_text_of_a_table(value: Any) -> None:
    assert found(value) == 1


@pytest.mark.parametrize("value", [False, "false", "False ", 0, "0", "0.0"])
def test_false_is_clean(value: Any) -> None:
    assert found(value) == 0


@pytest.mark.parametrize("value", ["yes", "no", "toxic", "truth", 2, 0.5, -1])
def test_what_is_neither_true_nor_false_is_refused_and_never_clean(value: Any) -> None:
    with pytest.raises(BadInput, match="neither violating nor clean") as caught:
        found(value)
    assert caught.value.problems[0].where == "case c1"


@pytest.mark.parametrize("parameters", [{}, {"violating": ["toxic"], "clean": ["fine"]}])
@pytest.mark.parametrize("value", ["", " \t", [], [True], ["toxic"], {"a": 1}, float("nan"), "\u200b"])
def test_what_is_no_label_is_refused(value: Any, parameters: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match="label 'bad'"):
        found(value, **parameters)


def test_named_values() -> None:
    assert [found(v, violating=["toxic", 3], clean=["fine"]) for v in ("toxic", 3, "3", "fine")] == [1, 1, 1, 0]
    assert [found(v, violating=[False]) for v in (False, "false", 0, True, "1")] == [1, 1, 1, 0, 0]
    with pytest.raises(BadInput, match="'tocsic' is neither violating nor clean"):
        found("tocsic", violating=["toxic"], clean=["fine"])


@pytest.mark.parametrize("value", ["Toxic", "toxic ", " TOXIC\n", "ｔｏｘｉｃ", "tox\u200bic"])
def test_letter_case_blanks_and_unicode_form_make_no_other_label(value: str) -> None:
    assert found(value, violating=["toxic"], clean=["fine"]) == found("toxic", violating=[value], clean=["fine"]) == 1
    assert found(value, violating=["vile"], clean=["toxic"]) == found("toxic", violating=["vile"], clean=[value]) == 0


@pytest.mark.parametrize(("label", "named"), [(True, 1), (1, True), ("1", True), ("true", 1), (2.0, "2"), ("2", 2.0), ("02", 2)])
def test_a_value_is_the_same_whatever_type_the_file_gives_it(label: Any, named: Any) -> None:
    assert found(label, violating=["toxic", named], clean=["fine"]) == 1


def test_an_output_without_a_label_is_not_clean() -> None:
    with pytest.raises(BadInput, match=r"no label 'bad'") as caught:
        found(None)
    assert caught.value.problems[0].where == "case c1"


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({}, "field"),
        ({"field": ""}, "field"),
        ({"field": "bad", "violating": []}, "violating"),
        ({"field": "bad", "violating": ["x"]}, "must name the values that are clean"),
        ({"field": "bad", "violating": [True, "x"]}, "must name the values that are clean"),
        ({"field": "bad", "violating": [True, False]}, "must name the values that are clean"),
        ({"field": "bad", "violating": [[1]]}, "texts, numbers"),
        ({"field": "bad", "violating": ["x"], "clean": ["x"]}, "violating too"),
        ({"field": "bad", "violating": ["x"], "clean": ["X "]}, "violating too"),
        ({"field": "bad", "clean": [1]}, "violating too"),
        ({"field": "bad", "violating": [" "]}, "empty"),
        ({"field": "bad", "violating": ["x"], "clean": [""]}, "empty"),
        ({"field": "bad", "severity": "worst"}, "severity"),
        ({"field": "bad", "fields": []}, "unknown parameter"),
        ({"field": "any"}, "any"),
    ],
)
def test_wrong_parameters_are_refused(parameters: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        make_detector(PluginChoice("label", parameters))
