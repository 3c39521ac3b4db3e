"""Which cases two runs share: the same as looking every id up in a table, whatever the order and the contents."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from evalgate.pipeline.run_rows import shared_places

Cases = dict[str, int]
"""id → content."""
CASES = st.dictionaries(st.text("ab", max_size=3), st.integers(0, 2), min_size=1, max_size=12)


class Rows:
    """What of a run is looked at."""

    def __init__(self, cases: Cases) -> None:
        self.keys, self.contents = (
            np.array([hashlib.blake2b(repr(one).encode(), digest_size=16).digest() for one in some], dtype="S16")
            for some in (list(cases), list(cases.values()))
        )

    def __len__(self) -> int:
        return len(self.keys)


@given(CASES, CASES, st.randoms(use_true_random=False))
def test_as_looking_up_every_id(first: Cases, second: Cases, random: Any) -> None:
    order = list(second)
    random.shuffle(order)
    second = {one: second[one] for one in order}
    found = shared_places(Rows(first), Rows(second))  # type: ignore[arg-type]
    one, other = list(first), list(second)
    kept = [name for name in second if first.get(name) == second[name]]
    assert [other[place] for place in found.second] == kept
    assert [one[place] for place in found.first] == kept
    for side, (own, others, names) in enumerate(((first, second, one), (second, first, other))):
        changed = [name for name in names if name in others and others[name] != own[name]]
        assert [names[place] for place in found.changed[side]] == changed
        assert [names[place] for place in found.missing[side]] == [name for name in names if name not in others]
