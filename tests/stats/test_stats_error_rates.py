"""How often the gate errs where usual tests go wrong; `benchmarks/error_rates.py` measures many more cells."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

RUNS = 200
NOISE = 3 * (0.05 * 0.95 / RUNS) ** 0.5
BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def simulation(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import error_rates

    return error_rates


@pytest.mark.parametrize(("place", "n"), [*((place, 30) for place in range(9)), (0, 100), (2, 100), (6, 100), (8, 100)])
def test_a_candidate_on_the_forbidden_line_hardly_ever_passes(simulation: ModuleType, place: int, n: int) -> None:
    for kind in simulation.kinds(simulation.SHAPES[place]):
        share, _ = simulation.boundary(place, n, kind, RUNS)
        assert share <= 0.05 + NOISE, kind


@pytest.mark.parametrize("place", [1, 2, 6, 7, 8])
def test_a_plain_t_would_let_it_pass(simulation: ModuleType, place: int) -> None:
    shape = simulation.SHAPES[place]
    before, after = shape.draw(np.random.default_rng(1), (RUNS, 30), -shape.margin)
    d = after - before
    error = d.std(axis=1, ddof=1) / 30**0.5
    passed = (d.mean(axis=1) - 1.699 * error >= -shape.margin).mean()
    assert passed > 0.05 + NOISE


@pytest.mark.parametrize("place", [0, 3, 4, 5, 6])
def test_equal_variants_pass_nearly_as_often_as_under_an_oracle(simulation: ModuleType, place: int) -> None:
    shape = simulation.SHAPES[place]
    gate = simulation.shape_gate(shape, "mean", second=False)
    share = simulation.simulate(lambda random, r: shape.draw(random, (r, 500), 0.0), gate, RUNS, [1])
    best = simulation.oracle_power(shape, 500, 4000, 1)
    assert share >= 0.9 * best - 3 * (best * (1 - best) / RUNS) ** 0.5


@pytest.mark.parametrize("metric", ["bleu", "chrf"])
@pytest.mark.parametrize("identical", [0.0, 0.97])
def test_a_prompt_against_itself_hardly_ever_improves_a_corpus_score(
    simulation: ModuleType, metric: str, identical: float
) -> None:
    share, _ = simulation.same_text(metric, 100, identical, 100)
    assert share <= 0.05 + 3 * (0.05 * 0.95 / 100) ** 0.5


@pytest.mark.parametrize(
    ("number", "unequal", "icc", "binary"), [(10, True, 0.7, True), (30, True, 0.7, False), (30, False, 0.3, True)]
)
def test_grouped_cases_hardly_ever_improve_by_chance(
    simulation: ModuleType, number: int, unequal: bool, icc: float, binary: bool
) -> None:
    share, _ = simulation.clusters(number, unequal, icc, binary, RUNS)
    assert share <= 0.05 + NOISE


def test_a_gain_of_exactly_the_amount_asked_for_hardly_ever_passes(simulation: ModuleType) -> None:
    share, _ = simulation.relative(100, RUNS)
    assert share <= 0.05 + NOISE
