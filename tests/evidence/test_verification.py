"""What a verification means, and the laws of comparing two documents."""

from __future__ import annotations

import copy
import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.core.canonical import pretty_json
from evalgate.evidence.manifest import (
    manifest,
    materials_document,
    results_document,
    root_digest,
    verdict_digest,
    with_products,
    without_products,
)
from evalgate.evidence.verification import SHOWN, Assurance, Checked, Difference, Verification, differing, limited

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-9, 9) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=8,
)
GOOD = Checked(Assurance.INTEGRITY, ("files",))
BAD = Checked(Assurance.DECISION, (), differences=(Difference("x", "differs"),))
UNKNOWN = Checked(Assurance.SCORES, (), undecided=("no plugin",))


def verification(*levels: Checked) -> Verification:
    return Verification("run", "0123456789ab", "sha256:0", "pass", levels)


@pytest.mark.parametrize(
    ("levels", "code"),
    [((GOOD,), 0), ((GOOD, BAD), 5), ((GOOD, UNKNOWN), 3), ((UNKNOWN, BAD), 5), ((BAD, UNKNOWN), 5), ((), 3)],
)
def test_only_what_was_looked_at_and_matched_exits_0(levels: tuple[Checked, ...], code: int) -> None:
    found = verification(*levels)
    assert found.exit_code == code
    document = found.document()
    assert (document["matches"], document["exit_code"]) == (code == 0, code)
    assert json.loads(json.dumps(document)) == document


@given(VALUES)
def test_a_value_does_not_differ_from_itself(value: Any) -> None:
    assert list(differing(value, copy.deepcopy(value))) == []


@given(VALUES, VALUES)
def test_two_values_differ_exactly_when_their_json_does(one: Any, other: Any) -> None:
    text = [json.dumps(_numbers(value), sort_keys=True) for value in (one, other)]
    assert bool(list(differing(one, other))) is (text[0] != text[1])


def _numbers(value: Any) -> Any:
    """1 and 1.0, 0.0 and -0.0 are one number."""
    if isinstance(value, dict):
        return {key: _numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_numbers(item) for item in value]
    return float(value) + 0.0 if isinstance(value, (int, float)) and not isinstance(value, bool) else value


@pytest.mark.parametrize(
    ("one", "other", "place"),
    [
        ({"a": {"b": [1, 2]}}, {"a": {"b": [1, 3]}}, "a.b.1"),
        ({"a": 1}, {}, "a"),
        ({}, {"a": None}, "a"),
        ([1], [1, 2], ""),
        ({"a": True}, {"a": 1}, "a"),
        ({"a": 0}, {"a": False}, "a"),
        ({"a": None}, {"a": 0}, "a"),
        ({"a": "1"}, {"a": 1}, "a"),
    ],
)
def test_the_place_of_a_difference_is_named(one: Any, other: Any, place: str) -> None:
    assert [found[0] for found in differing(one, other)] == [place]


def test_many_differences_are_counted() -> None:
    found = limited([Difference(str(n), "x") for n in range(SHOWN + 7)])
    assert len(found) == SHOWN + 1
    assert found[-1].message == "7 more differences"
    assert limited(found[:3]) == found[:3]


def sealed() -> dict[str, Any]:
    used = materials_document({"evalgate": "1", "code": "c"}, "sha256:1", {"config:x": "sha256:2"}, [])
    return manifest(used, results_document([{"shard": 0, "rows": 1, "content": "c"}], {"verdict": "pass", "evidence": {}}))


@pytest.mark.parametrize(
    "path",
    [
        ("materials", "engine", "code"), ("materials", "plan"), ("materials", "inputs", "config:x"), ("materials", "extensions"),
        ("results", "shards"), ("results", "verdict"),
    ],
)  # fmt: skip
def test_the_root_is_over_everything_that_counts(path: tuple[str, ...]) -> None:
    value = sealed()
    place = value
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = "another"
    assert root_digest(value["materials"], value["results"]) != value["root"]


def test_products_are_not_under_the_root() -> None:
    value = sealed()
    whole = with_products(value, {"b": "sha256:1", "a": "sha256:2"})
    assert list(whole["products"]) == ["a", "b"]
    assert root_digest(whole["materials"], whole["results"]) == value["root"]
    assert without_products(whole) == value


def test_the_digest_of_a_verdict_is_that_of_its_file_without_the_root() -> None:
    root = "sha256:" + "1" * 64
    document = {"verdict": "pass", "metrics": {"bleu": 1e-07, "zero": 0.0}, "evidence": {"manifest_digest": root}}
    text = pretty_json(document).replace(root, "")
    assert verdict_digest(document) == "sha256:" + hashlib.sha256(text.encode()).hexdigest()
    assert verdict_digest({**document, "verdict": "fail"}) != verdict_digest(document)
    assert verdict_digest({**document, "evidence": {"manifest_digest": "another"}}) == verdict_digest(document)
