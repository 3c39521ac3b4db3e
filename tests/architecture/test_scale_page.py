"""The page about clusters: its YAML is YAML, its group `execution` is accepted, its figures follow from each other."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from evalgate.cli.parser import build_parser
from evalgate.config.execution import CLUSTERS, LOCAL, check_execution
from evalgate.config.faults import Faults
from evalgate.core.document import Document
from evalgate.runner.backends import BUILTINS, OWN
from evalgate.runner.job import shard_count


@pytest.fixture(scope="module")
def page(repository: Path) -> str:
    return (repository / "docs" / "scale.md").read_text(encoding="utf-8")


def documents(page: str) -> list[Any]:
    return [part for block in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL) for part in yaml.safe_load_all(block)]


def test_every_object_of_a_cluster_is_whole(page: str) -> None:
    found = documents(page)
    kinds = [one["kind"] for one in found if "kind" in one]
    assert {"Service", "Deployment", "Job", "DaskCluster", "RayJob"} <= set(kinds)
    assert all(one["apiVersion"] and one["metadata"]["name"] for one in found if "kind" in one)


def test_the_group_of_the_page_is_accepted(page: str) -> None:
    (group,) = (one["execution"] for one in documents(page) if "execution" in one)
    faults = Faults(Document({"execution": group}, {}, "gate.yaml"))
    check_execution(group, faults)
    faults.raise_if_any()


def test_its_commands_can_be_given(page: str) -> None:
    lines = [line.partition("#")[0].split() for line in page.splitlines() if re.match(r"evalgate (run|compare) ", line)]
    assert len(lines) >= 5
    for line in lines:
        build_parser().parse_args(line[1:])


def test_the_number_of_shards(page: str) -> None:
    assert f"{shard_count(100_000_000):,}" in page


def test_every_backend_is_known_to_the_configuration() -> None:
    assert (*LOCAL, *CLUSTERS) == tuple(BUILTINS)
    assert LOCAL == OWN
