"""How often the gate errs, by simulation: `python benchmarks/error_rates.py [PART ...] [--runs N] [--jobs N]`.

Every cell draws data whose truth is known and asks the gate's own code for the decision. Parts:
boundary   candidates exactly on the forbidden line: how often a gate passes them (must stay near 5 %)
power      candidates that are equal: how often a gate passes them, against a size-exact oracle, n = 500 and 2,000
same       baseline against itself (A/A): how often an improvement is claimed, for means, BLEU and chrF
relative   a true gain of exactly 5 %, asked for 5 %
clusters   36 designs of grouped cases, no true difference: how often an improvement is claimed
worst      what the guard cannot know: losses that are total and all one way, and rare ones in wide noise
percentile a percentile that is exactly 10 % slower, allowed 10 %
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from error_shapes import SHAPES, Floats, Random, Shape, oracle_power, rare_catastrophe

from evalgate.core.settings import Bound, TargetKind, Threshold
from evalgate.core.values import Case, Direction, Expectation, MetricSpec, Output, Scale
from evalgate.core.verdict import Decision
from evalgate.gate.metric_rules import rule_metric
from evalgate.stats.compare import compare_metrics
from evalgate.stats.draws import case_keys
from evalgate.stats.interface import MetricColumns, PairedBlock, StatOptions

SIDE_BY_SIDE = 25
"""Simulated runs that are judged in one call, as so many metrics."""


@dataclass(frozen=True)
class Gate:
    """What is asked of a simulated metric."""

    bound: Bound
    value: float
    relative: bool = False
    scale: Scale = Scale.MEAN
    low: float | None = 0.0
    high: float | None = 1.0
    quantile: float | None = None
    higher: bool = True
    second: bool = True
    """Whether the second opinion is asked too, as the gate does."""


def passes(gate: Gate, before: Floats, after: Floats, groups: np.ndarray | None = None) -> int:
    """How many of the simulated runs pass. Shapes: (runs, n) scores."""
    passed = 0
    for first in range(0, len(before), SIDE_BY_SIDE):
        some = slice(first, first + SIDE_BY_SIDE)
        rows = [np.stack([part[some], np.ones_like(part[some])], axis=2).transpose(1, 0, 2) for part in (before, after)]
        passed += judged(gate, [part.reshape(part.shape[0], -1) for part in rows], 2, _ratio, groups, seed=first)
    return passed


def judged(
    gate: Gate, rows: Sequence[Floats], width: int, score: Callable, groups: np.ndarray | None = None, seed: int = 0
) -> int:
    """Passes among metrics that stand side by side in rows of baseline and candidate."""
    n, wide = rows[0].shape
    direction = Direction.HIGHER if gate.higher else Direction.LOWER
    columns = [
        MetricColumns(
            MetricSpec(f"m{i}", direction, "0-1", gate.low, gate.high, "1", width, gate.scale, ""),
            score,
            i * width,
            (i + 1) * width,
            gate.quantile,
        )
        for i in range(wide // width)
    ]
    same = np.zeros(n, dtype=bool)
    block = PairedBlock(rows[0], rows[1], groups, same, case_keys([f"case-{i}" for i in range(n)]))
    options = StatOptions(0.95, seed, 2000, None if gate.second else frozenset())
    results = compare_metrics(columns, lambda: [block], options)
    threshold = Threshold(TargetKind.METRIC, "m", gate.bound, gate.value, gate.relative, f"{gate.value:g}")
    return sum(rule_metric(threshold, metric, 0.95, who="m").decision is Decision.PASS for metric in results.values())


def _ratio(sums: Floats) -> Floats:
    with np.errstate(all="ignore"):
        return sums[:, 0] / sums[:, 1]


def shape_gate(shape: Shape, kind: str, second: bool) -> Gate:
    """Non-inferiority at the shape's margin, as a mean or as pass/fail."""
    scale = Scale.PROPORTION if kind == "pass/fail" else Scale.MEAN
    return Gate(Bound.MAX_REGRESSION, shape.margin, scale=scale, low=shape.low, high=shape.high, second=second)


def simulate(draw: Callable[[Random, int], tuple], gate: Gate, runs: int, seed: Sequence[int]) -> float:
    """Share of passes; `draw` gives (runs, n) scores and, where cases are grouped, their groups."""
    passed = 0
    for start in range(0, runs, 500):
        random = np.random.default_rng([*seed, start])
        passed += passes(gate, *draw(random, min(500, runs - start)))
    return passed / runs


def kinds(shape: Shape) -> tuple[str, ...]:
    """As what a shape can be measured."""
    return ("mean", "pass/fail") if shape.name.startswith("pass/fail") else ("mean",)


def boundary_cells(runs: int) -> list[tuple]:
    """Every shape and size at its boundary; the second opinion could only turn passes into undecided."""
    cells = []
    for (place, shape), n in itertools.product(enumerate(SHAPES), (10, 15, 20, 30, 100, 500, 2000)):
        for kind in kinds(shape):
            name = f"{shape.name} as {kind}, n={n}"
            cells.append((boundary, (place, n, kind, runs), name, 0.065))
    return cells


def boundary(place: int, n: int, kind: str, runs: int) -> tuple[float, None]:
    """False passes at the boundary."""
    shape = SHAPES[place]
    gate = shape_gate(shape, kind, second=False)
    return simulate(lambda random, r: shape.draw(random, (r, n), -shape.margin), gate, runs, [1, place, n]), None


def power_cells(runs: int) -> list[tuple]:
    """Every shape, equal variants, with the second opinion."""
    return [
        (power, (place, n, kind, runs), f"{shape.name} as {kind}, n={n}", None)
        for (place, shape), n in itertools.product(enumerate(SHAPES), (500, 2000))
        for kind in kinds(shape)
    ]


def power(place: int, n: int, kind: str, runs: int) -> tuple[float, float]:
    """Passes of equal variants, and the oracle's."""
    shape = SHAPES[place]
    gate = shape_gate(shape, kind, second=True)
    found = simulate(lambda random, r: shape.draw(random, (r, n), 0.0), gate, runs, [2, place, n])
    return found, oracle_power(shape, n, 40_000, 3)


def same_cells(runs: int) -> list[tuple]:
    """No difference, an improvement asked for."""
    limit = 0.05 + 3 * (0.05 * 0.95 / runs) ** 0.5
    cells: list[tuple] = []
    for (place, shape), n in itertools.product(enumerate(SHAPES), (30, 100, 500, 2000)):
        cells += [(same, (place, n, kind, runs), f"{shape.name} as {kind}, n={n}", limit) for kind in kinds(shape)]
    for metric, n, identical in itertools.product(("bleu", "chrf"), (30, 100, 500, 2000), (0.0, 0.97)):
        cells.append((same_text, (metric, n, identical, runs), f"{metric}, {identical:.0%} identical, n={n}", limit))
    return cells


def same(place: int, n: int, kind: str, runs: int) -> tuple[float, None]:
    """Claims of an improvement where the mean difference is 0."""
    shape = SHAPES[place]
    scale = Scale.PROPORTION if kind == "pass/fail" else Scale.MEAN
    gate = Gate(Bound.MIN_IMPROVEMENT, 0.0, scale=scale, low=shape.low, high=shape.high, second=False)
    return simulate(lambda random, r: shape.draw(random, (r, n), 0.0), gate, runs, [4, place, n]), None


def same_text(metric: str, n: int, identical: float, runs: int) -> tuple[float, None]:
    """Claims of an improvement for a corpus score: two outputs a case of the same quality, exchanged at random."""
    built, pool = text_rows(metric)
    random = np.random.default_rng([5, n, int(identical * 100)])
    passed = 0
    gate = Gate(Bound.MIN_IMPROVEMENT, 0.0, scale=Scale.CORPUS, low=0.0, high=100.0, second=False)
    for start in range(0, runs, SIDE_BY_SIDE):
        some = min(SIDE_BY_SIDE, runs - start)
        chosen = random.integers(0, pool.shape[1], (n, some))
        first, second = (pool[arm][chosen] for arm in (0, 1))
        swap, keep = random.random((n, some, 1)) < 0.5, random.random((n, some, 1)) < identical
        before, after = np.where(swap, second, first), np.where(swap, first, second)
        after = np.where(keep, before, after)
        rows = [part.reshape(n, -1) for part in (before, after)]
        passed += judged(gate, rows, pool.shape[2], built.score, seed=start)
    return passed / runs, None


def text_rows(name: str) -> tuple:
    """Rows of 3,000 made-up sentences, each answered twice with words left out, replaced and exchanged."""
    from evalgate.metrics.bleu import make_bleu
    from evalgate.metrics.chrf import make_chrf

    random = np.random.default_rng(6)
    words = ["".join(random.choice(list("abcdefghijklmnoprstuvw"), random.integers(2, 9))) for _ in range(600)]
    share = 1 / np.arange(1, 601)
    share /= share.sum()
    references = [random.choice(words, random.integers(5, 26), p=share).tolist() for _ in range(3000)]

    def answer(reference: list[str]) -> Output:
        wrong = random.beta(1, 3)
        kept = [w if random.random() > wrong else str(random.choice(words, p=share)) for w in reference]
        return Output(" ".join(w for w in kept if random.random() > wrong / 3))

    metric = make_bleu({}) if name == "bleu" else make_chrf({})
    case = Case("made up", {}, {}, (), {})
    wanted = [Expectation((" ".join(reference),), case) for reference in references]
    pool = np.stack([metric.rows([answer(reference) for reference in references], wanted) for _ in (0, 1)])
    return metric, pool


def relative_cells(runs: int) -> list[tuple]:
    """A relative claim that is exactly true."""
    return [(relative, (n, runs), f"true gain 5 %, asked for 5 %, n={n}", 0.06) for n in (30, 100, 500, 2000)]


def relative(n: int, runs: int) -> tuple[float, None]:
    """Passes of a gain of exactly the amount asked for."""

    def draw(random: Random, r: int) -> tuple[Floats, Floats]:
        before = random.beta(2, 4, (r, n))
        return before, before * 1.05 * random.uniform(0.5, 1.5, (r, n))

    gate = Gate(Bound.MIN_IMPROVEMENT, 0.05, relative=True, second=False)
    return simulate(draw, gate, runs, [7, n]), None


def cluster_cells(runs: int) -> list[tuple]:
    """The 36 designs."""
    designs = itertools.product((10, 30, 100), (False, True), (0.0, 0.3, 0.7), (False, True))
    words = {False: "equal", True: "unequal"}
    return [
        (clusters, (g, unequal, icc, binary, runs), f"{g} {words[unequal]} groups, ICC {icc}, binary={binary}", 0.065)
        for g, unequal, icc, binary in designs
    ]


def clusters(number: int, unequal: bool, icc: float, binary: bool, runs: int) -> tuple[float, None]:
    """Claims of an improvement among grouped cases of which none is true."""
    sizes = np.resize([1, 2, 3, 14] if unequal else [5], number)
    groups = np.repeat(np.arange(number), sizes)

    def side(random: Random, r: int) -> Floats:
        latent = icc**0.5 * random.normal(size=(r, number))[:, groups] + (1 - icc) ** 0.5 * random.normal(size=(r, len(groups)))
        return (latent > 0).astype(float) if binary else latent

    def draw(random: Random, r: int) -> tuple[Floats, Floats, np.ndarray]:
        return side(random, r), side(random, r), groups

    ends = (0.0, 1.0) if binary else (None, None)
    scale = Scale.PROPORTION if binary else Scale.MEAN
    gate = Gate(Bound.MIN_IMPROVEMENT, 0.0, scale=scale, low=ends[0], high=ends[1], second=False)
    return simulate(draw, gate, runs, [8, number, int(unequal), int(icc * 10), int(binary)]), None


def percentile_cells(runs: int) -> list[tuple]:
    """A percentile on its boundary."""
    return [
        (percentile, (share, n, runs), f"p{share * 100:g} 10 % slower, allowed 10 %, n={n}", 0.065)
        for share, n in itertools.product((0.5, 0.95), (100, 500, 2000))
    ]


def percentile(share: float, n: int, runs: int) -> tuple[float, None]:
    """Passes of a candidate whose percentile is exactly as much slower as is allowed."""

    def draw(random: Random, r: int) -> tuple[Floats, Floats]:
        hard = random.normal(0, 0.4, (r, n))
        before, after = (np.exp(6 + hard + random.normal(0, 0.3, (r, n))) for _ in (0, 1))
        return before, after * 1.1

    gate = Gate(Bound.MAX_REGRESSION, 0.1, relative=True, low=0.0, high=None, quantile=share, higher=False)
    return simulate(draw, gate, runs, [9, int(share * 100), n]), None


def worst_cells(runs: int) -> list[tuple]:
    """Cells chosen to be bad for the gate; no limit is promised here, the figures are printed."""
    cells: list[tuple] = []
    for n, kind in itertools.product((30, 100, 500, 2000), ("mean", "pass/fail")):
        for times in (2.4, 3.95, 5.4):
            margin = times / n
            cells.append(
                (total_losses, (margin, n, kind, runs), f"all changes total losses, margin {margin:.4f}, as {kind}, n={n}", None)
            )
    for noise, n in itertools.product((0.04, 0.08, 0.15), (30, 100, 200, 500)):
        cells.append((noisy_losses, (noise, n, runs), f"1 % total losses in noise of {noise:.0%}, n={n}", None))
    return cells


def total_losses(margin: float, n: int, kind: str, runs: int) -> tuple[float, None]:
    """False passes where every change is a loss from 1 to 0."""

    def draw(random: Random, r: int) -> tuple[Floats, Floats]:
        before = np.ones((r, n))
        return before, np.where(random.random((r, n)) < margin, 0.0, before)

    scale = Scale.PROPORTION if kind == "pass/fail" else Scale.MEAN
    gate = Gate(Bound.MAX_REGRESSION, margin, scale=scale, second=True)
    return simulate(draw, gate, runs, [10, n, int(margin * 1e6)]), None


def noisy_losses(noise: float, n: int, runs: int) -> tuple[float, None]:
    """False passes where one answer in a hundred is lost entirely and all others vary."""
    shape = Shape("", 0.009, rare_catastrophe(noise))
    gate = shape_gate(shape, "mean", second=True)
    return simulate(lambda random, r: shape.draw(random, (r, n), -shape.margin), gate, runs, [11, n, int(noise * 100)]), None


PARTS = {
    "boundary": boundary_cells,
    "power": power_cells,
    "same": same_cells,
    "relative": relative_cells,
    "clusters": cluster_cells,
    "percentile": percentile_cells,
    "worst": worst_cells,
}


def main() -> None:
    """Run the parts and print a table of each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=list(PARTS), metavar="PART")
    parser.add_argument("--runs", type=int, default=4000)
    parser.add_argument("--jobs", type=int, default=1)
    chosen = parser.parse_args()
    from joblib import Parallel, delayed

    over = 0
    for part in chosen.parts or PARTS:
        cells, started = PARTS[part](chosen.runs), time.monotonic()
        found = Parallel(n_jobs=chosen.jobs)(delayed(cell[0])(*cell[1]) for cell in cells)
        print(f"\n{part}, {chosen.runs:,} runs a cell, {time.monotonic() - started:.0f} s")
        for (_, _, name, limit), (share, best) in zip(cells, found, strict=True):
            beside = f"  oracle {best:.3f}  ratio {share / best:.2f}" if best is not None else ""
            high = limit is not None and share > limit
            over += high
            print(f"  {share:.4f}  {name}{beside}{'  OVER' if high else ''}")
    print(f"\n{over} cells over their limit")


if __name__ == "__main__":
    main()
