"""Find the file that a prompt reference means, without leaving the project by accident or by trick."""

from __future__ import annotations

import os
import re
from pathlib import Path

from evalgate.core.errors import BadInput
from evalgate.core.plugins import nearest_version, suggestion
from evalgate.prompts.promptfoo_file import FILE, SCHEME, split_reference

ENDINGS = (".prompt.yml", ".prompt.yaml", ".prompty", ".prompt", ".txt", ".md", ".json")
"""How the name of a prompt file ends; what stands before is its version."""
NAMED_ENDINGS = ENDINGS[:4]
"""Endings that no other file has: such a file is a prompt wherever it stands."""
FOLDER = Path("configs", "prompts")
_NOTES = ("readme", "changelog")
"""What people write beside the versions of a prompt, as .md or .txt."""
_PART = r"[A-Za-z0-9][A-Za-z0-9._-]*"
_VERSIONED = re.compile(f"({_PART})@({_PART})")


def prompt_path(reference: str, *, root: Path, base: Path, where: str | None = None) -> Path:
    """The file that a reference means: `name@version` under `configs/prompts/` of the project, else a path from `base`.

    `file://PATH` is a path, and `promptfoo://CONFIG#LABEL` means the file CONFIG.
    Raises:
        BadInput: no such file (with the versions or names that exist), not a regular file, a reference that is neither,
            or a symbolic link that leads out of the project; two files of one version.
    """
    try:
        if reference.startswith(SCHEME):
            return _path(split_reference(reference)[0], root, base, where)
        if reference.startswith(FILE):
            return _path(reference.removeprefix(FILE), root, base, where)
        versioned = _VERSIONED.fullmatch(reference)
        if versioned:
            return _version(versioned.group(1), versioned.group(2), root, where)
        return _path(reference, root, base, where)
    except (OSError, ValueError) as error:
        raise BadInput(f"prompt {reference!r} cannot be found: {error}", where=where) from error


def _version(name: str, version: str, root: Path, where: str | None) -> Path:
    folder = root / FOLDER / name
    found = files_of(folder, version)
    if len(found) > 1:
        names = " and ".join(path.name for path in found)
        raise BadInput(f"prompt {name}@{version} stands in {names}", where=where or str(folder), hint="keep one of them")
    if found:
        return _inside(found[0], root, where)
    if folder.is_dir():
        known = versions_of(name, root)
        said = f"prompt {name!r} has no version {version!r}"
        hint = f"versions: {', '.join(known)}" if known else f"there is none in {folder}"
        raise BadInput(said, where=where, hint=hint)
    raise BadInput(f"there is no prompt {name!r}", where=where, hint=suggestion(name, _names(root)))


def _path(reference: str, root: Path, base: Path, where: str | None) -> Path:
    if not reference.strip() or ("@" in reference and "/" not in reference):
        hint = "write name@version (letters, digits, '.', '_', '-'), or a path such as ./prompt.txt"
        raise BadInput(f"{reference!r} is not a prompt reference", where=where, hint=hint)
    written = base / reference
    path = Path(os.path.normpath(written))
    if where is not None and not any(_stands_in(path, folder) for folder in (root, base)):
        hint = "copy it into the project: a file that is checked in must not reach beyond it"
        raise BadInput(f"prompt {reference!r} lies outside the project", where=where, hint=hint)
    if path.is_file() and path.resolve() == written.resolve():
        return _inside(path, root, where)
    if path.exists():
        raise BadInput(f"prompt {reference!r} is not a regular file", where=where)
    raise BadInput(f"there is no prompt file {path}", where=where, hint=_near(reference, path, root))


def versions_of(name: str, root: Path) -> tuple[str, ...]:
    """Versions of a prompt that exist in a project, `2` before `10`."""
    found = {version_of(entry) for entry in _entries(root / FOLDER / name) if entry.is_file()}
    return tuple(sorted((version for version in found if version), key=_natural))


def files_of(folder: Path, version: str) -> tuple[Path, ...]:
    """Prompt files of a version in the folder of a prompt: one, unless something is wrong."""
    named = (folder / f"{version}{ending}" for ending in ENDINGS)
    return tuple(path for path in named if path.is_file() and version_of(path) == version)


def version_of(path: Path) -> str | None:
    """The version that the name of a prompt file says; None when it is no prompt file, or notes such as `README.md`."""
    version = next((path.name[: -len(end)] for end in ENDINGS if path.name.endswith(end) and path.name != end), None)
    return None if version is not None and version.lower() in _NOTES and path.suffix in (".md", ".txt") else version


def _near(reference: str, path: Path, root: Path) -> str:
    if "/" not in reference:
        near = nearest_version(reference, {name: versions_of(name, root) for name in _names(root)})
        if near is not None:
            return near
    return suggestion(path.name, sorted(entry.name for entry in _entries(path.parent) if entry.is_file())[:50])


def _inside(path: Path, root: Path, where: str | None) -> Path:
    """The path itself, unless it stands in the project and a symbolic link takes it elsewhere."""
    if _stands_in(path, root) and not path.resolve().is_relative_to(root.resolve()):
        hint = "copy the file into the project, or name its real path"
        raise BadInput(f"{path} is a symbolic link that leads out of the project", where=where, hint=hint)
    return path


def _stands_in(path: Path, folder: Path) -> bool:
    return Path(os.path.abspath(path)).is_relative_to(os.path.abspath(folder))  # noqa: PTH100 - lexical on purpose


def _names(root: Path) -> list[str]:
    return sorted(entry.name for entry in _entries(root / FOLDER) if entry.is_dir())


def _entries(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.is_dir() else []


def _natural(version: str) -> list[tuple[int, int, str]]:
    parts = re.split(r"(\d+)", version)
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts if part]
