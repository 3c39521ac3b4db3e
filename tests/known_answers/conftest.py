"""Known answers, and one metric measured over plain rows."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evalgate.core.values import Direction, MetricSpec, Scale
from evalgate.core.verdict import MetricResult
from evalgate.stats.compare import compare_metrics
from evalgate.stats.draws import case_keys
from evalgate.stats.interface import MetricColumns, PairedBlock, StatOptions

FOLDER = Path(__file__).parent


@pytest.fixture
def known() -> Callable[[str], Any]:
    """The content of one file of known answers; its header must say where they came from."""

    def read(name: str) -> Any:
        found = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
        assert found["tool"]
        assert (FOLDER / found["command"].rsplit("/", 1)[1]).is_file(), "what made these values is gone"
        return found

    return read


@pytest.fixture
def compare() -> Callable[..., MetricResult]:
    """One metric over scores, or over rows of sums, at confidence 0.95: deciding intervals are 90 % intervals."""

    def ratio(sums: np.ndarray) -> np.ndarray:
        return sums[:, 0] / sums[:, 1]

    def power(sums: np.ndarray) -> np.ndarray:
        return (sums[:, 0] / sums[:, 1]) ** 2

    def measure(before: Any, after: Any, scale: Scale = Scale.MEAN, groups: Any = None, resamples: int = 1000) -> MetricResult:
        rows = [np.asarray(side, dtype=float) for side in (before, after)]
        if rows[0].ndim == 1:
            rows = [np.column_stack([side, np.ones(len(side))]) for side in rows]
        n = len(rows[0])
        keys = case_keys([f"case-{number}" for number in range(n)])
        clusters = None if groups is None else np.asarray(groups, dtype=np.int64)
        block = PairedBlock(rows[0], rows[1], clusters, np.zeros(n, dtype=bool), keys)
        spec = MetricSpec("m", Direction.HIGHER, "0-1", 0.0, 1.0, "1", 2, scale, "sig")
        column = MetricColumns(spec, power if scale is Scale.CORPUS else ratio, 0, 2)
        return compare_metrics([column], lambda: [block], StatOptions(0.95, 7, resamples))["m"]

    return measure
