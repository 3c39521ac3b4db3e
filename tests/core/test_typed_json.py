"""Values survive the way through JSON, and nothing but the declared types is ever built."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.core.errors import BadInput
from evalgate.core.record_file import record_from
from evalgate.core.typed_json import plain_value, typed_value


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True)
class Inner:
    number: float
    day: date | None = None


@dataclass(frozen=True)
class Outer:
    name: str
    count: int
    sure: bool
    colours: Mapping[Colour, int]
    parts: tuple[Inner, ...]
    pair: tuple[str, int]
    anything: Any = None
    place: Path | None = None
    nested: Mapping[str, Outer] = field(default_factory=dict)
    secret: str = field(default="", metadata={"kept": False})


inners = st.builds(Inner, st.floats(allow_nan=False, allow_infinity=False), st.none() | st.dates())
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
outers = st.builds(
    Outer, st.text(), st.integers(), st.booleans(), st.dictionaries(st.sampled_from(Colour), st.integers()), st.lists(inners).map(tuple),
    st.tuples(st.text(), st.integers()), json_values, st.none() | st.sampled_from([Path("a/b"), Path("c")]),
)  # fmt: skip


@given(outers, outers)
def test_what_is_written_can_be_read(value: Outer, other: Outer) -> None:
    whole = Outer(**{**value.__dict__, "nested": {"one": other}, "secret": "hidden"})
    text = json.dumps(plain_value(whole))
    assert "hidden" not in json.loads(text)
    assert typed_value(Outer, json.loads(text)) == Outer(**{**whole.__dict__, "secret": ""})


GOOD = {"name": "n", "count": 1, "sure": True, "colours": {"red": 1}, "parts": [{"number": 1}], "pair": ["a", 1]}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": 1}, "Outer.name is not str"), ({"count": True}, "Outer.count is not int"), ({"count": 1.0}, "Outer.count is not int"),
        ({"sure": 1}, "Outer.sure is not bool"), ({"colours": {"green": 1}}, "green"), ({"colours": []}, "not an object"),
        ({"parts": [{"number": "1"}]}, "not float"), ({"parts": [{"number": 1, "day": "soon"}]}, "soon"), ({"parts": {}}, "not a list"),
        ({"pair": ["a"]}, "1 items, not 2"), ({"secret": "x"}, "unknown member 'secret'"), ({"other": 1}, "unknown member 'other'"),
        ({"nested": {"x": {}}}, "missing"), ({"place": 3}, "not Path"),
    ],
)  # fmt: skip
def test_what_was_not_declared_is_refused(change: dict[str, Any], said: str) -> None:
    assert typed_value(Outer, GOOD).count == 1
    with pytest.raises(ValueError, match=said):
        typed_value(Outer, GOOD | change)
    with pytest.raises(ValueError, match="missing"):
        typed_value(Outer, {k: v for k, v in GOOD.items() if k != "name"})


@pytest.mark.parametrize("value", [object(), b"bytes", {1, 2}, lambda: None])
def test_what_could_not_be_read_back_is_not_written(value: object) -> None:
    with pytest.raises(TypeError, match="no form in JSON"):
        plain_value(value)


@pytest.mark.parametrize(
    "value",
    [None, [], {}, {"schema": "evalgate.record/9"}, {"schema": "evalgate.record/1"}, {"schema": "evalgate.record/1", "x": 1}],
)
def test_a_record_that_is_none_is_refused(value: Any) -> None:
    with pytest.raises(BadInput, match="record of the run cannot be read") as caught:
        record_from(value, {"document": {}, "manifest": {}, "environment": {}}, "run")
    assert caught.value.problems[0].where == "run"
