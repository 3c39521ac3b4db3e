"""Paired scores whose true difference is known exactly, for measuring how often a gate errs.

Eight shapes in which usual tests go wrong, and a ninth that is harder still. Each is drawn with a true difference of
-margin (the forbidden boundary) or of 0; `draw` gives (runs, n) scores of baseline and candidate.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Random = np.random.Generator
Size = tuple[int, int]
Draw = Callable[[Random, Size, float], tuple[Floats, Floats]]


@dataclass(frozen=True)
class Shape:
    """One kind of score."""

    name: str
    margin: float
    draw: Draw
    """random numbers, (runs, n), true difference (0 or -margin) → baseline, candidate."""
    low: float | None = 0.0
    high: float | None = 1.0


def pass_fail(discordance: float) -> Draw:
    """0 or 1; a share of the cases changes."""

    def draw(random: Random, size: Size, delta: float) -> tuple[Floats, Floats]:
        u, before = random.random(size), (random.random(size) < 0.5).astype(float)
        gain = (discordance + delta) / 2
        gained, dropped = u < gain, (u >= gain) & (u < discordance)
        before = np.where(gained, 0.0, np.where(dropped, 1.0, before))
        return before, np.where(gained, 1.0, np.where(dropped, 0.0, before))

    return draw


def zero_inflated(random: Random, size: Size, delta: float) -> tuple[Floats, Floats]:
    """92 % of the scores stay as they are."""
    before = random.uniform(0.45, 0.65, size)
    moved = random.uniform(-0.3, 0.3, size) + delta / 0.08
    return before, before + np.where(random.random(size) < 0.08, moved, 0.0)


def rubric(random: Random, size: Size, delta: float) -> tuple[Floats, Floats]:
    """Five levels, 70 % ties."""
    share = -2 * delta
    steps = random.choice([-0.5, -0.25, 0.0, 0.25, 0.5], size=size, p=[0.05, 0.10 + share, 0.70, 0.10 - share, 0.05])
    before = np.full(size, 0.5)
    return before, before + steps


def bimodal(random: Random, size: Size, delta: float) -> tuple[Floats, Floats]:
    """An F1 that is nearly all or nearly nothing, and changes sides in 20 % of the cases."""
    u = random.random(size)
    gain = (0.2 + delta / 0.9) / 2
    side = random.random(size) < 0.6
    before = np.where(u < gain, 0.0, np.where(u < 0.2, 1.0, side))
    after = np.where(u < gain, 1.0, np.where(u < 0.2, 0.0, side))
    return 0.9 * before + random.uniform(0, 0.1, size), 0.9 * after + random.uniform(0, 0.1, size)


def log_normal(random: Random, size: Size, delta: float) -> tuple[Floats, Floats]:
    """A figure without an upper end."""
    before = np.exp(random.normal(0, 0.5, size))
    mean = float(np.exp(0.125))
    ratio = np.exp(random.normal(-0.02, 0.2, size))
    return before, before * ratio * (1 + delta / mean)


def skewed_losses(random: Random, size: Size, delta: float) -> tuple[Floats, Floats]:
    """90 % tiny gains, 10 % losses."""
    before = random.uniform(0.4, 0.9, size)
    gain = 0.02 + delta / 0.9
    moved = np.where(random.random(size) < 0.1, -random.uniform(0.06, 0.30, size), random.uniform(0, 2 * gain, size))
    return before, before + moved


def rare_catastrophe(noise: float) -> Draw:
    """1 % of the answers are lost entirely; the others gain a little, or nothing, up to noise."""

    def draw(random: Random, size: Size, delta: float) -> tuple[Floats, Floats]:
        before = np.full(size, 0.98 if noise == 0 else 0.9)
        gain = (delta + before * 0.01) / 0.99
        return before, np.where(random.random(size) < 0.01, 0.0, before + gain + random.uniform(-noise, noise, size))

    return draw


SHAPES = (
    Shape("pass/fail, 10 % discordant", 0.02, pass_fail(0.10)),
    Shape("pass/fail, 3 % discordant", 0.01, pass_fail(0.03)),
    Shape("zero-inflated 92 %", 0.0035, zero_inflated),
    Shape("5-level rubric, 70 % ties", 0.015, rubric),
    Shape("bimodal F1", 0.03, bimodal),
    Shape("log-normal", 0.02, log_normal, 0.0, None),
    Shape("skewed losses", 0.0145, skewed_losses),
    Shape("rare catastrophe 1 %", 0.0098, rare_catastrophe(0.0)),
    Shape("rare catastrophe 1 % in noise of 4 %", 0.009, rare_catastrophe(0.04)),
)
"""Margins at which a size-exact test has a power of 0.3 to 0.8 at n = 500 (skewed losses: at n = 100)."""


def oracle_power(shape: Shape, n: int, runs: int, seed: int) -> float:
    """Power at no difference of the test on the mean whose critical value is exact, randomised at ties: nothing fair is
    stronger without knowing the shape."""
    random = np.random.default_rng([seed, n])

    def means(delta: float) -> Floats:
        found = []
        for _ in range(0, runs, 500):
            before, after = shape.draw(random, (500, n), delta)
            found.append((after - before).mean(axis=1))
        return np.round(np.concatenate(found), 12)

    boundary, equal = means(-shape.margin), means(0.0)
    critical = np.quantile(boundary, 0.95, method="higher")
    above, at = float((boundary > critical).mean()), float((boundary == critical).mean())
    share = (0.05 - above) / at if at else 0.0
    return float((equal > critical).mean() + share * (equal == critical).mean())
