"""Parameters and references: what is accepted, and above all what is not."""

from __future__ import annotations

import math
from typing import Any

import pytest

from evalgate.core.errors import BadInput
from evalgate.core.parameters import Parameters
from evalgate.metrics.reference_texts import reference_texts, with_references


def test_values_and_defaults() -> None:
    given = Parameters("m", {"a": 3, "b": 2, "c": "x", "d": [1], "e": {"k": 1}, "f": False})
    assert given.take("a", int, 1, low=3, high=3) == 3
    assert given.take("b", float, 1.0) == 2.0
    assert isinstance(given.take("b", float, 1.0), float)
    assert given.take("c", str, "y", choices=("x", "y")) == "x"
    assert given.need("d", list) == [1]
    assert given.need("e", dict) == {"k": 1}
    assert given.take("f", bool, True) is False
    assert given.take("g", float, None) is None
    given.finish()


@pytest.mark.parametrize(
    ("kind", "value", "limits", "said"),
    [
        (int, True, {}, "must be a whole number, not True"),
        (int, 2.0, {}, "must be a whole number, not 2.0"),
        (int, "2", {}, "must be a whole number, not '2'"),
        (int, None, {}, "must be a whole number, not None"),
        (float, True, {}, "must be a number, not True"),
        (float, math.nan, {}, "must be a number, not nan"),
        (float, math.inf, {}, "must be a number, not inf"),
        (float, 10**400, {}, "must be a number"),
        (bool, 0, {}, "must be true or false, not 0"),
        (bool, "true", {}, "must be true or false"),
        (str, 13, {}, "must be text, not 13"),
        (str, None, {}, "must be text"),
        (list, "ab", {}, "must be a list"),
        (dict, [], {}, "must be a mapping"),
        (int, 0, {"low": 1}, "must be at least 1, not 0"),
        (float, 1.5, {"high": 1}, "must be at most 1, not 1.5"),
        (str, "", {"low": 1}, "must have a length of at least 1"),
        (list, [1, 2], {"high": 1}, "must have a length of at most 1"),
        (str, "wrods", {"choices": ("words", "lines")}, "one of: words, lines (did you mean words?)"),
        (int, 3, {"choices": (1, 2)}, "cannot be 3; it is one of: 1, 2"),
    ],
)
def test_wrong_values_are_refused(kind: type[Any], value: Any, limits: dict[str, Any], said: str) -> None:
    given = Parameters("m", {"p": value})
    assert given.take("p", kind, None, **limits) is None
    with pytest.raises(BadInput) as refused:
        given.finish()
    assert str(refused.value).startswith("metric m: parameter 'p' ")
    assert said in str(refused.value)


def test_everything_wrong_is_said_at_once() -> None:
    given = Parameters("m", {"alpah": 1, "beta": "x", 7: 1})
    given.take("alpha", float, 1.0)
    given.take("beta", int, 2)
    assert given.need("gamma", str) == ""
    given.refuse("delta", "does not fit alpha", "leave it out")
    with pytest.raises(BadInput) as refused:
        given.finish()
    texts = [str(problem) for problem in refused.value.problems]
    assert len(texts) == 5
    assert any("unknown parameter 'alpah' (did you mean alpha" in text for text in texts)
    assert any("'gamma' is required" in text for text in texts)
    assert any("'delta' does not fit alpha (leave it out)" in text for text in texts)


def test_a_metric_without_parameters_says_so() -> None:
    with pytest.raises(BadInput, match="m takes no parameters"):
        Parameters("m", {"x": 1}).finish()


def test_long_values_are_cut_in_messages() -> None:
    given = Parameters("m", {"p": "x" * 10_000})
    given.take("p", int, 1)
    with pytest.raises(BadInput) as refused:
        given.finish()
    assert len(str(refused.value)) < 200


@pytest.mark.parametrize(
    ("references", "texts"),
    [
        (("a",), ("a",)),
        (("a", "b"), ("a", "b")),
        (("",), ("",)),
        ((["a", "b"],), ("a", "b")),
        ((["a", 2],), ("a", "2")),
        ((5,), ("5",)),
        ((5.50,), ("5.5",)),
        ((2.0,), ("2.0",)),
        (("U\u2028V",), ("U\u2028V",)),
    ],
)
def test_references_as_texts(references: Any, texts: tuple[str, ...], expecting: Any) -> None:
    assert reference_texts(expecting(*references)) == texts


@pytest.mark.parametrize(
    ("references", "said"),
    [
        ((), "has no reference"),
        (([],), "has no reference"),
        ((None,), "not a text: null"),
        (("a", None), "not a text: null"),
        (([None],), "not a text: null"),
        ((True,), "not a text: true"),
        (({"doc": 3},), "not a text: a JSON object"),
        ((["a", ["b"]],), "not a text: a list within a list"),
        ((math.nan,), "not a text: a float"),
    ],
)
def test_unusable_references_are_refused(references: Any, said: str, expecting: Any) -> None:
    with pytest.raises(BadInput) as refused:
        reference_texts(expecting(*references))
    assert str(refused.value).startswith("cases.jsonl:7: case 'c1' ")
    assert said in str(refused.value)
    assert refused.value.problems[0].hint


@pytest.mark.parametrize(
    ("smallest", "largest", "told"), [(1, 1, "nrefs:1|tok:13a"), (3, 3, "nrefs:3|tok:13a"), (1, 4, "nrefs:var|tok:13a")]
)
def test_the_number_of_references_completes_a_signature(smallest: int, largest: int, told: str) -> None:
    assert with_references("nrefs:?|tok:13a", smallest, largest) == told
    assert with_references("stem:no|refs:best", smallest, largest) == "stem:no|refs:best"
