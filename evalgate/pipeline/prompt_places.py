"""Where prompts are looked for: every file under a folder, nothing passed over in silence, and nothing outside the project."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from evalgate.config.load import project_root
from evalgate.core.errors import BadInput, Problem
from evalgate.core.files import real_path

_COPY = "copy the files into the project"


@dataclass(frozen=True, slots=True)
class FolderFiles:
    """What stands under a path."""

    files: tuple[Path, ...]
    problems: tuple[Problem, ...] = ()
    """Links that lead nowhere or are not followed, folders that cannot be read, and what is neither a file nor a folder."""


def files_of_path(path: Path, hint: str = "") -> FolderFiles:
    """A file itself, or every file under a folder, those in hidden folders left out.

    A link to a folder is not followed; it is named unless what it leads to is looked at anyway.
    Raises: BadInput when there is nothing at the path, or it leads out of the project.
    """
    if not os.path.lexists(path):
        raise BadInput("does not exist", where=str(path), hint=hint or None)
    require_inside(path)
    if path.is_file():
        return FolderFiles((path,))
    if not path.is_dir():
        raise BadInput(_odd(path))
    found = list(_walk(path, path))
    files = tuple(one for one in found if isinstance(one, Path))
    return FolderFiles(files, tuple(one for one in found if isinstance(one, Problem)))


def require_inside(path: Path) -> None:
    """Refuse a path that stands in a project and leads out of it, by a link of its own or of a folder above.

    Raises: BadInput.
    """
    if leads_out(path):
        raise BadInput("a symbolic link leads out of the project", where=str(path), hint=_COPY)


def leads_out(path: Path) -> bool:
    """Whether a path stands in a project, and what is read or written there lies elsewhere."""
    written = Path(os.path.normpath(path.absolute()))
    root = _root(written)
    try:
        return not real_path(path).is_relative_to(root.resolve())
    except (OSError, RuntimeError):
        return True  # links that go round in circles


def _root(path: Path) -> Path:
    """The project a path stands in: above `configs`, else this folder, else the path's own."""
    root = project_root(path)
    here = Path.cwd()
    return here if root == path.parent and path.is_relative_to(here) else root


def _walk(folder: Path, top: Path) -> Iterator[Path | Problem]:
    try:
        children = sorted(folder.iterdir(), key=lambda child: child.name)
    except OSError as error:
        yield Problem(f"the folder cannot be read: {error.strerror}", str(folder), "check its permissions")
        return
    for child in children:
        if child.name.startswith("."):
            continue
        if child.is_symlink() and child.is_dir():
            if not _is_visited(child, top):
                yield Problem("a link to a folder is not followed", str(child), f"name the folder itself, or {_COPY}")
        elif child.is_dir():
            yield from _walk(child, top)
        elif child.is_file():
            yield child
        else:
            yield _odd(child)


def _is_visited(link: Path, top: Path) -> bool:
    target, real = link.resolve(), top.resolve()
    return target.is_relative_to(real) and not any(part.startswith(".") for part in target.relative_to(real).parts)


def _odd(path: Path) -> Problem:
    if path.is_symlink():
        return Problem("a link that leads nowhere", str(path), "correct it, or remove it")
    return Problem("is neither a file nor a folder", str(path), "a pipe, a socket or a device cannot be looked at")
