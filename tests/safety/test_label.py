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


@pytest.mark.parametrize("value", [True, "true", "TRUE", " True "])
def test_true_violates_as_data_and_as_a_text_of_a_table(value: Any) -> None:
    assert found(value) == 1


@pytest.mark.parametrize("value", [False, "false", 0, 1, "yes", "", [True]])
def test_nothing_else_does(value: Any) -> None:
    assert found(value) == 0


def test_named_values() -> None:
    assert [found(v, violating=["toxic", 3], clean=["fine"]) for v in ("toxic", 3, "fine")] == [1, 1, 0]
    with pytest.raises(BadInput, match="unexpected value 'Toxic'"):
        found("Toxic", violating=["toxic"], clean=["fine"])


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
        ({"field": "bad", "violating": [[1]]}, "texts, numbers"),
        ({"field": "bad", "violating": ["x"], "clean": ["x"]}, "violating too"),
        ({"field": "bad", "severity": "worst"}, "severity"),
        ({"field": "bad", "fields": []}, "unknown parameter"),
        ({"field": "any"}, "any"),
    ],
)
def test_wrong_parameters_are_refused(parameters: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        make_detector(PluginChoice("label", parameters))
