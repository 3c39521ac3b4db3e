"""Lost answers over their budget: the candidate could not be evaluated, which is exit 3 and no verdict."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from evalgate.core.errors import Incomplete, Problem
from evalgate.core.settings import Level, TargetKind
from evalgate.core.values import ARMS, Arm
from evalgate.core.verdict import Decision, Verdict
from evalgate.pipeline.shards import ShardStore
from evalgate.runner.metric_errors import UNMEASURED
from evalgate.runner.shard_file import read_details, shard_path

SHOWN = 5
_FIGURES = ("error_rate", "errors_baseline", "errors_candidate")


def check_error_budget(verdict: Verdict, store: ShardStore) -> None:
    """Refuse a verdict that rests on too few answers.

    Raises: Incomplete naming the threshold and the first cases without an answer.
    """
    broken = [
        result
        for result in verdict.thresholds
        if result.threshold.kind is TargetKind.RUN
        and result.threshold.name in _FIGURES
        and result.threshold.level is Level.BLOCK
        and result.decision is not Decision.PASS
    ]
    if broken:
        hint = "get the missing answers, or declare a budget: {run: error_rate, max: 1%}"
        problems = [Problem(f"answers are missing: {r.reason}", r.threshold.place or r.threshold.target, hint) for r in broken]
        raise Incomplete([*problems, *_lost(store)])


def _lost(store: ShardStore) -> list[Problem]:
    found: list[Problem] = []
    for shard, numbers in enumerate(store.all_numbers()):
        rows = np.flatnonzero(numbers.lost[Arm.BASELINE] | numbers.lost[Arm.CANDIDATE])[:SHOWN].tolist()
        if not rows:
            continue
        ids, details = read_details(shard_path(store.folder, shard), rows)
        for case_id, detail, row in zip(ids, details, rows, strict=True):
            lost = [arm for arm in ARMS if numbers.lost[arm][row]]
            found += [Problem(_said(arm, detail[arm]), f"case {case_id}") for arm in lost]
        if len(found) >= SHOWN:
            return found[:SHOWN]
    return found


def _said(arm: str, side: Mapping[str, Any]) -> str:
    failed = side["error"] in side.get(UNMEASURED, {}).values()
    return f"{f'the answer of the {arm} is not measured' if failed else f'no answer of the {arm}'}: {side['error']}"
