"""Rows that an extension measured are not used again once somebody has edited it, though its version says the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from evalgate.cli.main import main

PLUGIN = """
import numpy as np
from evalgate.core.values import Direction, MetricSpec, Scale

class Odd:
    spec = MetricSpec("odd", Direction.HIGHER, "0-1", 0.0, 1.0, "1", 2, Scale.MEAN, "s", needs_reference=False)
    def rows(self, outputs, expectations):
        return np.array([[VALUE, 1.0] for _ in outputs])
    def score(self, totals):
        return totals[:, 0] / totals[:, 1]

def make(parameters):
    return Odd()
"""


def test_an_edited_metric_measures_anew(tmp_path: Path, install_plugin: Callable[..., None]) -> None:
    for name, column in (("ref", "reference"), ("base", "output"), ("cand", "output")):
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps({"id": i, column: f"text {i}"}) + "\n" for i in range(70)))
    files = [str(tmp_path / f"{name}.jsonl") for name in ("base", "cand")]
    command = ["compare", *files, "--references", str(tmp_path / "ref.jsonl"), "--metric", "odd"]
    command += ["--threshold", "odd:min=0.9", "--jobs", "1", "--quiet", "--out", str(tmp_path / "out")]
    seen = []
    for value in ("1.0", "1.0", "0.0"):
        install_plugin("odd", f"VALUE = {value}\n{PLUGIN}", group="evalgate.metrics")
        seen.append((main(command), json.loads((tmp_path / "out" / "run.json").read_text())["work"]["kept"]))
    assert seen == [(0, 0), (0, 2), (1, 0)]
