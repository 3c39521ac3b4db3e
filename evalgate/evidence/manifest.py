"""manifest.json: digests of everything a verdict rests on."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from importlib import metadata
from typing import Any

SCHEMA = "evalgate.manifest/1"
PACKAGES = (
    "evalgate-engine",
    "numpy",
    "pyarrow",
    "pandas",
    "joblib",
    "sacrebleu",
    "rouge-score",
    "rapidfuzz",
    "google-re2",
    "aiohttp",
)


def manifest(
    engine: str,
    plan_digest: str,
    inputs: Mapping[str, str],
    shards: Sequence[Mapping[str, Any]],
    extensions: Sequence[Mapping[str, str]],
) -> dict[str, Any]:
    """The manifest of a run by one version of evalgate (`engine`).

    Nothing in it depends on time, machine, number of workers or interruptions.

    `inputs` maps what was used (configuration, prompts, dataset, recording) to its digest; `shards` lists rows and
    content digest of each shard; `extensions` the metrics and detectors with their versions and origins.
    """
    return {
        "schema": SCHEMA,
        "engine": engine,
        "plan": plan_digest,
        "inputs": dict(sorted(inputs.items())),
        "shards": list(shards),
        "extensions": list(extensions),
    }


def environment(extra: Mapping[str, Any]) -> dict[str, Any]:
    """What differs from run to run: versions, host, times. Kept in run.json, outside the manifest."""
    versions = {}
    for name in sorted(PACKAGES):
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = "not installed"
    return {
        "schema": "evalgate.environment/1",
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "packages": versions,
        **extra,
    }
