"""Digests of cases: the same for equal rows, of another value for any other."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.core.canonical import canonical_json
from evalgate.golden.case_digests import DIGEST_BYTES, case_digest, row_bytes

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
ROWS = st.dictionaries(st.text(max_size=4), VALUES, max_size=4)


@given(ROWS)
def test_the_quick_bytes_are_the_canonical_ones(fields: dict[str, Any]) -> None:
    try:
        expected = canonical_json(fields)
    except ValueError:
        with pytest.raises(ValueError):
            row_bytes(fields)
    else:
        assert row_bytes(fields) == expected
        assert case_digest(fields) == hashlib.sha256(expected).digest()


@given(ROWS, st.sets(st.text(max_size=4), max_size=2))
def test_columns_left_out_do_not_count(fields: dict[str, Any], without: set[str]) -> None:
    rest = {name: value for name, value in fields.items() if name not in without}
    assert case_digest(fields, without) == case_digest(rest)
    assert len(case_digest(fields)) == DIGEST_BYTES


def test_a_known_digest() -> None:
    fields = {"b": 1.0, "a": ["é", None]}
    assert case_digest(fields) == hashlib.sha256('{"a":["é",null],"b":1}'.encode()).digest()
    assert case_digest(json.loads(json.dumps(fields))) == case_digest(dict(reversed(fields.items())))


def deep(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), b"x", dt.date(2024, 1, 1), 2**53, "\ud800", {"a": dt.datetime(2024, 1, 1)}, {1, 2}, deep(100_000)]
)  # fmt: skip
def test_what_json_does_not_have_has_no_digest(value: Any) -> None:
    with pytest.raises(ValueError):
        case_digest({"id": "a", "v": value})
