"""One attempt with harmless content, to be changed by tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from evalgate.core.settings import Bound, Decide, Level, SliceChoice, TargetKind, Threshold
from evalgate.core.verdict import Decision
from evalgate.evidence.attempt_entry import Entry, Side


def sha(digit: str) -> str:
    return "sha256:" + digit * 64


def make_threshold(**changes: Any) -> Threshold:
    asked = Threshold(TargetKind.METRIC, "rougeL", Bound.MIN_IMPROVEMENT, 0.05, relative=True, text="5%")
    return replace(asked, **changes)


def make_entry(**changes: Any) -> Entry:
    thresholds = (
        make_threshold(),
        make_threshold(bound=Bound.MAX_REGRESSION, slice=SliceChoice("language"), decide=Decide.ESTIMATE, level=Level.WARN),
        Threshold(TargetKind.RUN, "error_rate", Bound.MAX, 0.0, relative=False, text="0", implicit=True),
    )
    entry = Entry(
        number=1, run_id="0" * 12, at="2026-01-02T03:04:05+00:00", engine="0.1.0", gate="desk", dataset_name="calls", dataset_version="1.0.0",
        dataset_digest=sha("1"), mode="replay", recording=sha("2"), metrics={"rougeL": sha("3")}, safety={"pii": sha("4")}, group="topic", slices=("language",), samples=1,
        confidence=0.95, seed=7, resamples=None, thresholds=thresholds, verdict=Decision.FAIL,
        variants={"baseline": Side("p@1", sha("5"), "openai: m {}", sha("6")), "candidate": Side("p@2", sha("7"), "openai: m {}", sha("6"))},
    )  # fmt: skip
    return replace(entry, **changes)


@pytest.fixture(scope="session")
def entry() -> Callable[..., Entry]:
    """`entry(seed=8)`: an attempt that differs in its seed."""
    return make_entry


@pytest.fixture(scope="session")
def threshold() -> Callable[..., Threshold]:
    """`threshold(value=0.03)`: one that asks for less."""
    return make_threshold
