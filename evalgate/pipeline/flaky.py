"""Which cases are flaky: the baseline's own answers pass at one time and fail at another."""

from __future__ import annotations

import numpy as np

from evalgate.core.values import Arm, Scale
from evalgate.core.verdict import CaseList
from evalgate.pipeline.instruments import Instruments
from evalgate.pipeline.shards import ShardStore
from evalgate.runner.shard_file import read_ids, shard_path

LISTED = 50
"""Ids that a verdict lists per metric; the total is always said."""


def flaky_cases(store: ShardStore, built: Instruments, samples: int) -> dict[str, CaseList]:
    """The flaky cases of every pass/fail metric, in the order of the dataset; none of them lost an answer of the baseline.

    Returns: metric → cases; empty when each case is asked once, where nothing can be known of it.
    Raises: Incomplete when a shard cannot be read.
    """
    if samples < 2:
        return {}
    metrics = {i.spec.name: place for place, i in enumerate(built.metrics) if i.spec.scale is Scale.PROPORTION}
    totals = dict.fromkeys(metrics, 0)
    listed: dict[str, list[str]] = {name: [] for name in metrics}
    for shard, numbers in enumerate(store.all_numbers()):
        ids: list[str] | None = None
        for name, place in metrics.items():
            share = numbers.scores[Arm.BASELINE][:, place]
            rows = np.flatnonzero((share > 0) & (share < 1) & ~numbers.lost[Arm.BASELINE])
            totals[name] += len(rows)
            room = LISTED - len(listed[name])
            if len(rows) and room > 0:
                ids = read_ids(shard_path(store.folder, shard)) if ids is None else ids
                listed[name] += [ids[row] for row in rows[:room].tolist()]
    return {name: CaseList(totals[name], tuple(listed[name])) for name in metrics}
