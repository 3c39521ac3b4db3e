"""Which cases a report shows: the same as sorting all of them, whatever the shards."""

from __future__ import annotations

import heapq
from collections.abc import Iterator

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from evalgate.pipeline.select_cases import ranks, worst_rows

CHANGES = st.sampled_from([-1.0, -0.5, -1e-12, -1e-13, -0.0, 0.0, 1e-13, 1e-12, 0.25, 1.0])
CASES = st.lists(st.tuples(CHANGES, st.booleans(), st.booleans()), min_size=1, max_size=6)
Shards = list[list[tuple[float, bool, bool]]]


def one_by_one(shards: Shards) -> Iterator[tuple[int, float, int, int]]:
    """Rank, size, shard and row of each case."""
    for shard, cases in enumerate(shards):
        for row, (size, new, lost) in enumerate(cases):
            rank = 0 if new else 1 if lost else 2 if size < -1e-12 else 3 if size > 1e-12 else 4
            yield rank, size if rank < 3 else -size, shard, row


@given(st.lists(CASES, max_size=6), st.integers(0, 40))
def test_the_same_cases_in_the_same_order_as_sorting_everything(shards: Shards, limit: int) -> None:
    columns = [[np.array(column) for column in zip(*cases, strict=True)] for cases in shards]
    found = worst_rows((ranks(change, new, lost) for change, new, lost in columns), limit)
    assert list(found) == [(shard, row) for *_, shard, row in heapq.nsmallest(limit, one_by_one(shards))]


def test_no_case_at_all() -> None:
    assert list(worst_rows(iter(()), 5)) == []
