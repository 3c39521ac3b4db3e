"""Statistics call the score function of somebody's metric: one that hangs, fails or leaves ends the run with exit 3, by name."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from evalgate.pipeline import scorers
from evalgate.runner import cell
from evalgate.runner.cells import cells_of

SOURCE = """
import ctypes, os, signal, sys, time
import numpy as np
from evalgate.core.values import Direction, MetricSpec, Scale


class Odd:
    spec = MetricSpec("odd", Direction.HIGHER, "0-1", 0.0, 1.0, "1", 2, Scale.MEAN, "version:1", needs_reference=False)

    def rows(self, outputs, expectations):
        return np.array([[1 / (1 + len(output.text)), 1.0] for output in outputs])

    def score(self, totals):
        if (totals[:, 1] > 1).any():  # a sum of more than one case
            {body}
        return totals[:, 0] / totals[:, 1]


def make(parameters):
    return Odd()
"""
BODIES = {
    "loops": ("while True: pass", "metric odd took longer than 0.5 s when it was to score sums of rows"),
    "sleeps": ("time.sleep(99)", "metric odd took longer than 0.5 s when it was to score sums of rows"),
    "swallows": ("\n            try:\n                time.sleep(99)\n            except BaseException:\n                pass", "metric odd took longer than 0.5 s"),
    "leaves by C": ("ctypes.CDLL(None)._exit(0)", "metric odd ended the process (exit code 0)"),
    "is killed": ("os.kill(os.getpid(), 9)", "metric odd ended the process (SIGKILL)"),
    "hears nothing": ("signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65)); time.sleep(99)", "metric odd took longer than 0.5 s"),
    "leaves well": ("sys.exit(0)", "metric odd raised SystemExit: 0"),
    "raises": ("raise ValueError('no')", "metric odd raised ValueError: no"),
    "gives too few": ("return totals[:0, 0]", "metric odd gave scores of shape (0,)"),
    "gives words": ("return np.array(['x'] * len(totals))", "metric odd raised ValueError"),
}  # fmt: skip


@pytest.mark.usefixtures("wall")
@pytest.mark.parametrize("kind", sorted(BODIES))
def test_a_score_that_fails_is_named(
    project: Callable[..., Any], install_plugin: Callable[..., None], monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    body, said = BODIES[kind]
    install_plugin("odd", SOURCE.replace("{body}", body), group="evalgate.metrics")
    monkeypatch.setattr(cell, "SECONDS", 0.5)
    made = project(metrics="[exact_match, odd]", thresholds=("{metric: odd, max_regression: 0.5}",))
    ran = made.run()
    assert ran.code == 3, ran.err
    assert said in ran.err
    assert not list(made.root.rglob("verdict.json"))


def test_a_score_that_does_its_work_counts(project: Callable[..., Any], install_plugin: Callable[..., None]) -> None:
    install_plugin("odd", SOURCE.replace("{body}", "pass"), group="evalgate.metrics")
    assert project(metrics="[exact_match, odd]", thresholds=("{metric: odd, max_regression: 0.5}",)).run().code == 0


def test_gates_in_two_threads_end_only_their_own_process() -> None:
    ended, kept, at = [], [], threading.Barrier(2, timeout=20)

    def gate(first: bool) -> None:
        with scorers.scoring():
            cells = cells_of(scorers._job())
            at.wait()
            if not first:
                at.wait()
                kept.append(cells.closed)
        ended.append(cells.closed)
        if first:
            at.wait()

    threads = [threading.Thread(target=gate, args=(first,)) for first in (True, False)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert (kept, ended) == ([False], [True, True])
