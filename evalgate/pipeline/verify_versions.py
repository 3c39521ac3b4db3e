"""Versions that a run states: those of its documents, and those of what measured and judged.

Another version of evalgate may have written a folder; then it cannot be read here. What the very program that is installed here
can never have written, and what the folder itself contradicts, was edited.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from evalgate.core.errors import EvalgateError
from evalgate.core.health import HEALTH
from evalgate.core.health import SCHEMA as HEALTH_SCHEMA
from evalgate.core.record_file import RECORD
from evalgate.core.record_file import SCHEMA as RECORD_SCHEMA
from evalgate.evidence.manifest import ENVIRONMENT, MANIFEST, VERDICT
from evalgate.evidence.verdict_document import SCHEMA as VERDICT_SCHEMA
from evalgate.evidence.verification import Difference, short
from evalgate.pipeline.attempts import SCHEMA as ATTEMPTS_SCHEMA
from evalgate.pipeline.attempts import STANDING
from evalgate.pipeline.plan_document import SCHEMA as PLAN_SCHEMA
from evalgate.pipeline.rederived import Stated
from evalgate.pipeline.sealing import engine_here
from evalgate.pipeline.verify_folder import RunFolder, is_written_here
from evalgate.pipeline.workspace import PLAN
from evalgate.runner.receipt import SCHEMA as RECEIPT_SCHEMA

_SCHEMAS = {
    PLAN: PLAN_SCHEMA,
    VERDICT: VERDICT_SCHEMA,
    RECORD: RECORD_SCHEMA,
    "run.json": ENVIRONMENT,
    STANDING: ATTEMPTS_SCHEMA,
    HEALTH: HEALTH_SCHEMA,
}
_RECEIPT = re.compile(r"shards/[0-9]{5,}\.json")
_CODE = re.compile(r"sha256:[0-9a-f]{64}")


def documents_of_other_versions(run: RunFolder) -> tuple[list[Difference], list[str]]:
    """Documents whose schema nobody wrote so, and those that another version of evalgate may have written."""
    edited, foreign = [], []
    for name in run.products:
        expected = RECEIPT_SCHEMA if _RECEIPT.fullmatch(name) else _SCHEMAS.get(name)
        path = run.folder / name
        if expected is None or path.is_symlink() or not path.is_file():
            continue
        try:
            value = run.document(name)
        except EvalgateError:
            continue  # told where it is read
        found = value.get("schema") if isinstance(value, dict) else None
        if found == expected:
            continue
        said = f"its schema is {short(found)}, not {expected}"
        numbered = re.fullmatch(rf"{re.escape(expected.rpartition('/')[0])}/[1-9][0-9]*", str(found)) is not None
        if not numbered or is_written_here(run.sealed):
            edited.append(Difference(name, f"{said}: it was edited"))
        else:
            foreign.append(f"{name}: {said}; verify it with the version of evalgate that wrote it")
    return edited, foreign


def impossible_versions(said: Stated) -> Iterator[Difference]:
    """Versions in the manifest that contradict run.json, or that the program installed here cannot have written."""
    engine: Mapping[str, Any] = said.run.materials["engine"]
    where = f"{MANIFEST}: materials.engine"
    for name, version in engine.items():
        if not isinstance(version, str) or not version.strip() or (name == "code" and not _CODE.fullmatch(version)):
            yield Difference(f"{where}.{name}", f"is {short(version)}, which is no version")
    python = said.record.environment.get("python")
    if str(python).rpartition(".")[0] != engine.get("python"):
        told = f"says {short(engine.get('python'))}, and run.json {short(python)}"
        yield Difference(f"{where}.python", told)
    yield from _packages(said)
    if not is_written_here(said.run.sealed):
        return
    here = engine_here(said.gate.built)
    if engine.get("evalgate") != here["evalgate"]:
        told = f"is {short(engine.get('evalgate'))}, and its own files are those of {here['evalgate']}"
        yield Difference(f"{where}.evalgate", told)
    for name in sorted(here.keys() ^ engine.keys()):
        told = "is missing" if name in here else "is nothing whose version a run states"
        yield Difference(f"{where}.{name}", told)


def _packages(said: Stated) -> Iterator[Difference]:
    """Versions that run.json, and with it every report, names; those under the root are the ones that count."""
    told: Mapping[str, Any] = said.record.environment["packages"]
    engine = {**said.run.materials["engine"], "evalgate-engine": said.run.materials["engine"]["evalgate"]}
    for name in sorted(told.keys() & engine.keys()):
        if told[name] != engine[name] and (told[name], engine[name]) != ("not installed", "absent"):
            yield Difference(f"run.json: {name}", f"says {short(told[name])}, the manifest {short(engine[name])}")
