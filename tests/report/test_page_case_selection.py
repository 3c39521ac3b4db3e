"""Which cases a record holds, and how it counts their moves: against plain computations over everything at once."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.core.record import ArmRecord, CaseRecord, TextMark
from evalgate.core.record_file import _cases
from evalgate.core.typed_json import plain_value, read_typed
from evalgate.core.values import Arm, Finding, Severity, Status
from evalgate.core.waivers import FoundFinding
from evalgate.pipeline.case_deltas import BINS, case_deltas
from evalgate.pipeline.select_cases import Kept, text_size


@given(st.lists(st.integers(1, 9), min_size=1, max_size=20), st.integers(1, 40), st.randoms(use_true_random=False))
def test_what_is_kept_is_the_longest_beginning_that_fits_in_any_order_of_arrival(
    sizes: list[int], limit: int, random: Any
) -> None:
    kept: Any = Kept(limit)
    places = list(range(len(sizes)))
    random.shuffle(places)
    for place in places:
        kept.add(place, f"case {place}", sizes[place])
    fitting = [place for place in range(len(sizes)) if sum(sizes[: place + 1]) <= limit]
    assert kept.in_order() == tuple(f"case {place}" for place in (fitting or [0]))


@dataclass
class Store:
    """Shards in memory."""

    shards: list[Any]

    def all_numbers(self) -> Any:
        return iter(self.shards)


def _shard(before: Any, after: Any) -> Any:
    return SimpleNamespace(scores={Arm.BASELINE: np.array(before, dtype=float), Arm.CANDIDATE: np.array(after, dtype=float)})


def _built(*names: str) -> Any:
    return SimpleNamespace(metrics=[SimpleNamespace(spec=SimpleNamespace(name=name)) for name in names])


@given(st.lists(st.tuples(st.floats(-1, 1), st.floats(-1, 1)), min_size=1, max_size=60), st.integers(1, 7))
def test_the_histogram_counts_every_case_once_however_they_are_cut(pairs: list[tuple[float, float]], size: int) -> None:
    def shards(length: int) -> Any:
        parts = [pairs[at : at + length] for at in range(0, len(pairs), length)]
        return Store([_shard([[b] for b, _ in part], [[a] for _, a in part]) for part in parts])

    [found] = case_deltas(shards(size), _built("m"))
    assert [found] == list(case_deltas(shards(len(pairs)), _built("m")))
    moves = [after - before for before, after in pairs]
    assert sum(found.counts) + found.unchanged == len(pairs)
    assert sum(found.counts[BINS // 2 :]) == sum(move > 1e-12 for move in moves)
    assert sum(found.counts[: BINS // 2]) == sum(move < -1e-12 for move in moves)
    assert found.widest == max(abs(move) for move in moves)


def test_cases_without_a_score_are_counted_apart() -> None:
    store: Any = Store([_shard([[0.0, np.nan], [0.5, 1.0]], [[1.0, 1.0], [0.5, np.inf]])])
    first, second = case_deltas(store, _built("a", "b"))
    assert (first.unchanged, first.undefined, first.counts[-1], first.widest) == (1, 0, 1, 1.0)
    assert (second.unchanged, second.undefined, sum(second.counts), second.widest) == (0, 2, 0, 0.0)
    assert case_deltas(store, _built()) == ()


def _case() -> CaseRecord:
    finding = Finding("leak", "rule", Severity.HIGH, 0, 3)
    arm = ArmRecord(
        (("user", "Grüße"),), "text", Status.OK, None, "ab", 1.5, {"m": None, "n": 0.5}, (finding,), (FoundFinding(finding, 1, "3f", None),),
        (), (TextMark(0, 2, "x", masked=True),),
    )  # fmt: skip
    lost = ArmRecord((), "", Status.ERROR, "gone", None, None, {}, ())
    return CaseRecord("a", "regressed", True, -0.5, {"s": "v"}, None, {"q": {"b": [1]}}, ("r", {"k": 2}), arm, lost, ("[x]",))


def test_cases_are_written_as_any_other_value_and_read_back() -> None:
    case = _case()
    assert json.dumps(_cases([case])) == json.dumps(plain_value([case]))
    assert read_typed(tuple[CaseRecord, ...], json.loads(json.dumps(_cases([case]))), "cases") == (case,)


@pytest.mark.parametrize("texts", [0, 10_000])
def test_the_size_of_a_case_is_that_of_its_texts(texts: int) -> None:
    case = _case()
    long = replace(case, baseline=replace(case.baseline, text="x" * texts), inputs={"q": "y" * texts})
    assert 2 * texts <= text_size(long) <= 2 * texts + 100
