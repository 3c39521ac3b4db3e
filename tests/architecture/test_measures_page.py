"""docs/measures.md names every metric and detector, and nothing that does not exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from evalgate.core.errors import BadInput
from evalgate.core.settings import Bound, PluginChoice
from evalgate.metrics.catalog import ALIASES, make_metric
from evalgate.metrics.catalog import BUILTINS as METRICS
from evalgate.safety.catalog import BUILTINS as DETECTORS
from evalgate.safety.catalog import make_detector

NEEDED = {
    "regex": {"pattern": "x"},
    "accuracy": {"labels": ["a", "b"]},
    "json_schema": {"schema": {"type": "object"}},
    "judge": {"prompt": "p@1", "model": "j", "scores": {"a": 1, "b": 0}},
}
NEEDED_BY_DETECTORS = {
    "label": {"field": "a"},
    "prompt_leak": {"canaries": ["abcd"]},
    "blocklist": {"terms": ["a"]},
    "regex": {"patterns": ["a"]},
}


def _rows(repository: Path, section: str) -> list[list[str]]:
    page = (repository / "docs" / "measures.md").read_text(encoding="utf-8").split(f"\n## {section}\n")[1].split("\n## ")[0]
    return [line.strip("|").split("|") for line in page.splitlines() if line.startswith("| `")]


def test_every_metric_is_there(repository: Path) -> None:
    named = {name for row in _rows(repository, "Metrics") for name in re.findall(r"`(\w+)`", row[0])}
    assert named == {*METRICS, *ALIASES}


def test_every_parameter_of_the_page_exists(repository: Path) -> None:
    for row in _rows(repository, "Metrics"):
        for metric in set(re.findall(r"`(\w+)`", row[0])) & set(METRICS):
            for parameter in re.findall(r"`([a-z_]+)` ?(?:\(|,|$|\))", row[3].split("`cost`")[0]):
                if parameter in ("tokens", "split_summaries") or (parameter == "kind" and metric != "tokens"):
                    continue
                with pytest.raises(BadInput) as caught:
                    make_metric(PluginChoice(metric, {**NEEDED.get(metric, {}), parameter: object()}))
                assert "unknown parameter" not in str(caught.value), (metric, parameter)


def test_every_detector_and_its_parameters_are_there(repository: Path) -> None:
    rows = _rows(repository, "Detectors")
    assert {re.findall(r"`(\w+)`", row[0])[0] for row in rows} == set(DETECTORS)
    for row in rows:
        name = re.findall(r"`(\w+)`", row[0])[0]
        for parameter in [*re.findall(r"`([a-z_]+)[:`]", row[2]), "category", "severity"]:
            with pytest.raises(BadInput) as caught:
                make_detector(PluginChoice(name, {**NEEDED_BY_DETECTORS.get(name, {}), parameter: object()}))
            assert "unknown parameter" not in str(caught.value), (name, parameter)


def test_every_bound_is_there(repository: Path) -> None:
    page = (repository / "docs" / "measures.md").read_text(encoding="utf-8").split("\n## Thresholds\n")[1]
    assert all(f"`{bound}`" in page for bound in Bound)
