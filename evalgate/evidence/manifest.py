"""manifest.json: digests of everything a verdict rests on, under one root, and of every file that the run left."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from importlib import metadata
from typing import Any

from evalgate.core.canonical import digest, digest_bytes, pretty_json

SCHEMA = "evalgate.manifest/2"
ENVIRONMENT = "evalgate.environment/1"
"""The schema of run.json."""
MANIFEST, VERDICT = "manifest.json", "verdict.json"
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


def manifest(materials: Mapping[str, Any], results: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest of a run, without its products.

    `materials`: what was used, from `materials_document`; `results`: what came of it, from `results_document`. The root over
    both depends neither on time and machine nor on the number of workers or interruptions.
    """
    return {
        "schema": SCHEMA,
        "root": root_digest(materials, results),
        "materials": dict(materials),
        "results": dict(results),
    }


def root_digest(materials: Any, results: Any) -> str:
    """The one digest that names a run with everything it rests on and everything it found.

    SHA-256 over RFC 8785 canonical JSON of `{"materials": …, "results": …}`.
    """
    return digest({"materials": materials, "results": results})


def materials_document(
    engine: Mapping[str, str], plan_digest: str, inputs: Mapping[str, str], extensions: Sequence[Mapping[str, str]]
) -> dict[str, Any]:
    """What a run used.

    `engine`: what measured and judged, by name (`evalgate`, `code`, interpreter, libraries, distributions of plugins) →
    version or digest; `inputs`: configuration, prompts, dataset and so on → digest; `extensions`: metrics and detectors with
    their versions and origins.
    """
    return {
        "engine": dict(sorted(engine.items())),
        "plan": plan_digest,
        "inputs": dict(sorted(inputs.items())),
        "extensions": list(extensions),
    }


def results_document(shards: Sequence[Mapping[str, Any]], verdict: Mapping[str, Any]) -> dict[str, Any]:
    """What a run found: rows and digest of the content of each shard, and the digest of verdict.json without the root."""
    return {"shards": list(shards), "verdict": verdict_digest(verdict)}


def verdict_digest(document: Mapping[str, Any]) -> str:
    """SHA-256 of verdict.json as it would be with an empty root: the root comes after it.

    Whoever has no evalgate takes the root out of the file with `sed` and gets the same.
    """
    return digest_bytes(pretty_json({**document, "evidence": {"manifest_digest": ""}}).encode("utf-8"))


def with_products(sealed: Mapping[str, Any], products: Mapping[str, str]) -> dict[str, Any]:
    """The content of manifest.json: `products` maps every other file of the run folder to the SHA-256 of its bytes.

    They are not under the root: reports carry times.
    """
    return {**sealed, "products": dict(sorted(products.items()))}


def without_products(sealed: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest as reports know it: they are products themselves."""
    return {key: value for key, value in sealed.items() if key != "products"}


def environment(extra: Mapping[str, Any]) -> dict[str, Any]:
    """What differs from run to run: versions, host, times. Kept in run.json, outside the manifest."""
    versions = {}
    for name in sorted(PACKAGES):
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = "not installed"
    return {
        "schema": ENVIRONMENT,
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "packages": versions,
        **extra,
    }
