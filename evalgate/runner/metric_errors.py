"""A case that a metric could not measure is an error of its variant, beside the answers that were lost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from evalgate.core.values import ARMS, Arm, Status
from evalgate.runner.shard_file import ShardRows

UNMEASURED = "unmeasured"
"""Where the details of an answer say which metrics failed on it, and how; absent where none did."""

MetricErrors = Mapping[Arm, Mapping[int, str]]
"""Variant → case of the shard → what the metric did in place of measuring it."""


def with_metric_errors(shard: ShardRows, errors: Mapping[str, MetricErrors]) -> ShardRows:
    """The same shard in which the cases that a metric failed on count as lost.

    `errors`: name of a metric → its errors.
    """
    if not any(found.get(arm) for found in errors.values() for arm in ARMS):
        return shard
    lost = {arm: shard.numbers.lost[arm].copy() for arm in ARMS}
    identical = shard.numbers.identical.copy()
    details: list[dict[str, Any]] = [dict(detail) for detail in shard.details]
    for name, found in errors.items():
        for arm in ARMS:
            for case, said in found.get(arm, {}).items():
                lost[arm][case], identical[case] = True, False
                details[case][str(arm)] = _failed(details[case][str(arm)], name, said)
    return replace(shard, numbers=replace(shard.numbers, lost=lost, identical=identical), details=details)


def _failed(side: Mapping[str, Any], name: str, said: str) -> dict[str, Any]:
    told = {**side.get(UNMEASURED, {}), name: said}
    return {**side, "status": str(Status.ERROR), "error": side["error"] or said, UNMEASURED: told}
