"""The folder of a run that is to be verified: its manifest, and every file that lies in it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evalgate.core.errors import BadInput, EvidenceMismatch
from evalgate.core.files import open_for_reading
from evalgate.core.record_file import RECORD
from evalgate.core.strict_json import parse_json
from evalgate.evidence.manifest import MANIFEST, SCHEMA, VERDICT
from evalgate.evidence.verification import Assurance
from evalgate.pipeline.workspace import PLAN
from evalgate.runner.versions import source_digest

LIMIT = 1 << 30
SIGNED = re.compile(r"attestation\.dsse\.json|approvals/[^/]+\.dsse\.json")
"""Signatures are made after the run and speak of its root; they are no files of the run."""
APPROVALS = "approvals"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_VERSION = re.compile(r"evalgate\.manifest/[0-9]+")
_MEMBERS = {"schema", "root", "materials", "results", "products"}


class OtherVersion(BadInput):
    """A manifest that another version of evalgate wrote."""


@dataclass(frozen=True, slots=True)
class RunFolder:
    """A finished run as its manifest describes it; nothing of it is proven yet."""

    folder: Path
    sealed: Mapping[str, Any]
    """The content of manifest.json."""
    manifest_text: str
    verdict: Mapping[str, Any]
    """The content of verdict.json."""

    @property
    def products(self) -> Mapping[str, str]:
        """File → SHA-256 of its bytes."""
        found: Mapping[str, str] = self.sealed["products"]
        return found

    @property
    def materials(self) -> Mapping[str, Any]:
        """What the run used."""
        found: Mapping[str, Any] = self.sealed["materials"]
        return found

    @property
    def results(self) -> Mapping[str, Any]:
        """What it found."""
        found: Mapping[str, Any] = self.sealed["results"]
        return found

    def document(self, name: str) -> Any:
        """The content of another JSON file of the folder.

        Raises: BadInput naming it.
        """
        return document(self.folder / name)


@dataclass(frozen=True, slots=True)
class VerifyRequest:
    """Which run, how far, and where what it rests on is found."""

    run: Path
    level: Assurance = Assurance.INTEGRITY
    project: Path | None = None
    """For `replay`: the project with the configuration; None: the one around the run, else the present folder."""
    baseline: Path | None = None
    """For `replay` of a comparison: the outputs that were compared."""
    candidate: Path | None = None
    references: tuple[Path, ...] = field(default=())


def open_folder(folder: Path) -> RunFolder:
    """Read the manifest and the verdict of a run.

    Raises: BadInput when the folder holds no finished run, or one of the two cannot be understood.
    """
    hint = "name the folder of a finished run: reports/<gate>/<run-id>, or what --out named"
    if not folder.is_dir():
        raise BadInput("is not a folder", where=str(folder), hint=hint)
    for name in (VERDICT, MANIFEST):
        if not (folder / name).is_file():
            raise BadInput(f"no finished run: {name} is not there", where=str(folder), hint=hint)
        if (folder / name).is_symlink():
            raise BadInput("is a link, not a file of the run", where=str(folder / name), hint=hint)
    sealed, verdict = document(folder / MANIFEST), document(folder / VERDICT)
    if not isinstance(sealed, dict) or sealed.get("schema") != SCHEMA:
        found = sealed.get("schema") if isinstance(sealed, dict) else type(sealed).__name__
        said = f"its schema is {str(found)[:80]!r}, not {SCHEMA}"
        hint = "verify it with the version of evalgate that wrote it, or run the gate again"
        other = _VERSION.fullmatch(str(found)) is not None and not is_written_here(sealed)
        kind = OtherVersion if other else BadInput
        raise kind(said, where=str(folder / MANIFEST), hint=hint)
    _require_shape(sealed, folder / MANIFEST)
    if not isinstance(verdict, dict):
        raise BadInput("is not a JSON object", where=str(folder / VERDICT))
    return RunFolder(folder, sealed, _text(folder / MANIFEST), verdict)


def is_written_here(sealed: Any) -> bool:
    """Whether a manifest says that the very program which is installed here wrote it, file by file."""
    found = sealed
    for key in ("materials", "engine", "code"):
        found = found.get(key) if isinstance(found, dict) else None
    return bool(found == source_digest())


def open_finished(folder: Path) -> RunFolder:
    """`open_folder` of a run that is known to have ended wherever its other files say so.

    Raises: EvidenceMismatch when its manifest or verdict are gone or damaged then; else BadInput as `open_folder`.
    """
    try:
        return open_folder(folder)
    except OtherVersion:
        raise
    except BadInput as error:
        if was_finished(folder):
            raise EvidenceMismatch(error.problems) from error
        raise


def was_finished(folder: Path) -> bool:
    """Whether the other files say that a run ended here: then a document that is gone or damaged was taken or damaged later.

    A run that is under way, or was lost, has its work beside it.
    """
    return all((folder / name).is_file() for name in (PLAN, RECORD)) and not (folder / "work").exists()


def document(path: Path) -> Any:
    """Strict JSON of a file.

    Raises: BadInput naming it.
    """
    try:
        return parse_json(_text(path))
    except ValueError as error:
        raise BadInput(f"not valid JSON: {str(error)[:200]}", where=str(path)) from error


def files_in(folder: Path) -> Iterator[tuple[str, str]]:
    """(name, kind) of everything that lies in a folder: `file`, `folder`, `link` or `other`. Links are not followed."""
    for place, folders, files in os.walk(folder):
        here = Path(place)
        for name in sorted(folders):
            path = here / name
            yield path.relative_to(folder).as_posix(), "link" if path.is_symlink() else "folder"
        for name in sorted(files):
            path = here / name
            kind = "link" if path.is_symlink() else "file" if path.is_file() else "other"
            yield path.relative_to(folder).as_posix(), kind


def is_signature(name: str) -> bool:
    """Whether a file may stand beside what the run wrote."""
    return SIGNED.fullmatch(name) is not None


def _require_shape(sealed: Mapping[str, Any], path: Path) -> None:
    products, materials, results = (sealed.get(name) for name in ("products", "materials", "results"))
    sound = (
        set(sealed) == _MEMBERS
        and isinstance(products, dict)
        and all(_is_name(name) and isinstance(one, str) and _DIGEST.fullmatch(one) for name, one in products.items())
        and isinstance(materials, dict)
        and isinstance(results, dict)
        and isinstance(results.get("shards"), list)
        and all(isinstance(one, dict) and {"shard", "rows", "content"} <= set(one) for one in results["shards"])
    )
    if not sound:
        raise BadInput("is not what evalgate writes", where=str(path), hint="was it edited?")


def _is_name(name: str) -> bool:
    """Whether a name stays in the folder of the run."""
    parts = name.split("/")
    return name not in ("", MANIFEST) and "\\" not in name and all(part not in ("", ".", "..") for part in parts)


def _text(path: Path) -> str:
    with open_for_reading(path, str(path)) as handle:
        data: bytes = handle.read(LIMIT + 1)
    if len(data) > LIMIT:
        raise BadInput(f"larger than {LIMIT >> 30} GiB", where=str(path))
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadInput("not UTF-8", where=str(path)) from error
