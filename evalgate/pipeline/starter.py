"""`evalgate init`: a small working project to start from, with a dataset, prompts, a gate and a real recording."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from evalgate.core.errors import BadInput, Problem
from evalgate.core.files import write_whole

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable


def write_starter(folder: Path) -> tuple[Path, ...]:
    """Write the starter project into a folder; returns the files written.

    Raises: BadInput when a file of it exists already; nothing is written then.
    Side effects: creates the folder and the files.
    """
    files = tuple(_files(resources.files("evalgate").joinpath("starter"), Path()))
    present = (folder / path for path, _ in files if (folder / path).exists())
    taken = [Problem("exists already", str(path), "choose an empty folder") for path in present]
    if folder.exists() and not folder.is_dir():
        taken.append(Problem("is a file, not a folder", str(folder)))
    if taken:
        raise BadInput(taken)
    for path, content in files:
        write_whole(folder / path, content)
    return tuple(folder / path for path, _ in files)


def _files(place: Traversable, at: Path) -> Iterator[tuple[Path, bytes]]:
    for entry in sorted(place.iterdir(), key=lambda e: e.name):
        if entry.is_dir():
            yield from _files(entry, at / entry.name)
        else:
            yield at / entry.name, entry.read_bytes()
