"""What the statistics cost: `python benchmarks/statistics_speed.py [--cases 1000000]`.

On one core, each part in a process of its own: first 10 metrics of every kind over 2,000, 10,000 and 100,000 cases, all
intervals and second opinions, in CPU seconds after numpy is imported. Then 10 statistics over a million cases with 1,000
resamples and 1,000 exchanges each: seconds and peak memory. Rows are made block by block, as shards are read, and their
making is timed alone.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence

import numpy as np

from evalgate.core.values import Direction, MetricSpec, Scale
from evalgate.stats.compare import compare_metrics
from evalgate.stats.draws import case_keys, default_resamples
from evalgate.stats.interface import Floats, MetricColumns, PairedBlock, StatOptions

BLOCK = 4096


def ratio(sums: Floats) -> Floats:
    """Mean from (sum, count)."""
    with np.errstate(all="ignore"):
        return sums[:, 0] / sums[:, 1]


def mean_columns(number: int, scale: Scale = Scale.MEAN, start: int = 0, high: float | None = 1.0) -> list[MetricColumns]:
    """Metrics of two columns each, side by side."""
    found = []
    for place in range(number):
        spec = MetricSpec(f"{scale}{start + place}", Direction.HIGHER, "0-1", 0.0, high, "1", 2, scale, "")
        first = start + 2 * place
        found.append(MetricColumns(spec, ratio, first, first + 2))
    return found


def every_kind(cases: int) -> tuple[list[MetricColumns], PairedBlock]:
    """Four means, two pass/fail, BLEU, chrF, an unbounded mean and its 95th percentile."""
    from error_rates import text_rows

    random = np.random.default_rng(1)
    before = [random.random(cases) for _ in range(4)] + [(random.random(cases) < 0.7) * 1.0 for _ in range(2)]
    after = [np.clip(b + random.normal(0, 0.1, cases), 0, 1) for b in before[:4]]
    after += [np.where(random.random(cases) < 0.1, 1 - b, b) for b in before[4:]]
    slow = np.exp(random.normal(6, 0.5, cases))
    before, after = [*before, slow], [*after, slow * np.exp(random.normal(0, 0.1, cases))]
    sides = [
        np.stack([np.stack([s, np.ones(cases)], axis=1) for s in side], axis=1).reshape(cases, -1) for side in (before, after)
    ]
    columns = [*mean_columns(4), *mean_columns(2, Scale.PROPORTION, 8), *mean_columns(1, start=12, high=None)]
    quantile = MetricSpec("p95", Direction.LOWER, "ms", 0.0, None, "1", 2, Scale.QUANTILE, "")
    columns.append(MetricColumns(quantile, ratio, 12, 14, 0.95))
    for name in ("bleu", "chrf"):
        metric, pool = text_rows(name)
        chosen = random.integers(0, pool.shape[1], cases)
        start = sides[0].shape[1]
        columns.append(MetricColumns(metric.spec, metric.score, start, start + pool.shape[2]))
        sides = [np.hstack([side, pool[arm][chosen]]) for arm, side in enumerate(sides)]
    keys = case_keys([f"case-{number}" for number in range(cases)])
    return columns, PairedBlock(sides[0], sides[1], None, np.zeros(cases, dtype=bool), keys)


def small() -> None:
    """The first table."""
    for cases, limit in ((2_000, 0.3), (10_000, 1.0), (100_000, 1.5)):
        columns, block = every_kind(cases)
        taken = []
        for _ in range(3):
            started = time.process_time()
            compare_metrics(columns, lambda block=block: [block], StatOptions(0.95, 1, None))  # type: ignore[misc]
            taken.append(time.process_time() - started)
        resamples = default_resamples(cases, 0.95)
        said = f"{len(columns)} metrics x {cases:,} cases, {resamples:,} resamples"
        print(f"{said}: {min(taken):.3f} to {max(taken):.3f} s CPU (limit {limit})")


def stream(cases: int) -> Iterator[PairedBlock]:
    """Rows of 10 means, block by block, the same in every pass."""
    for start in range(0, cases, BLOCK):
        count = min(BLOCK, cases - start)
        random = np.random.default_rng([1, start])
        before, after = np.ones((count, 20)), np.ones((count, 20))
        before[:, ::2] = random.random((count, 10))
        after[:, ::2] = before[:, ::2] * random.random((count, 10)) ** 0.1
        keys = random.integers(0, 2**63, count).astype(np.uint64)
        yield PairedBlock(before, after, None, np.zeros(count, dtype=bool), keys)


def large(cases: int) -> None:
    """The second table, in this process."""
    started = time.process_time()
    for _ in stream(cases):
        pass
    making = time.process_time() - started
    started, wall = time.process_time(), time.perf_counter()
    compare_metrics(mean_columns(10), lambda: stream(cases), StatOptions(0.95, 1, 1000))
    spent, waited = time.process_time() - started, time.perf_counter() - wall
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"10 statistics x {cases:,} cases x 1,000 resamples: {spent:.1f} s CPU, {waited:.1f} s (limit 20), "
        f"peak {peak:.0f} MiB (limit 300); making the rows once takes {making:.1f} s, and it is done in four passes"
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=1_000_000)
    parser.add_argument("--inside", choices=["small", "large"], help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    if chosen.inside:
        small() if chosen.inside == "small" else large(chosen.cases)
        return
    one_core = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    for part in ("small", "large"):
        command = [sys.executable, __file__, "--inside", part, "--cases", str(chosen.cases)]
        subprocess.run(command, env=one_core, check=True)


if __name__ == "__main__":
    main()
