"""`evalgate prompt release`, and the check that no released prompt was edited."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from evalgate.config.strict_yaml import parse_document, read_document
from evalgate.core.errors import BadInput
from evalgate.core.files import read_text, write_whole
from evalgate.core.patterns import encodable
from evalgate.pipeline.faults import Faults
from evalgate.pipeline.prompt_places import require_inside
from evalgate.pipeline.prompt_reading import read_prompt
from evalgate.prompts.locate import files_of, prompt_path, version_of
from evalgate.prompts.releases import (
    FILE,
    Release,
    edited,
    entry_text,
    parse_releases,
    release_of,
    releases_text,
)
from evalgate.prompts.values import Prompt


@dataclass(frozen=True, slots=True)
class Released:
    """What `evalgate prompt release` did."""

    reference: str
    release: Release
    path: Path
    """The list of releases."""
    written: bool
    """False: it was listed already, with the same digest."""


def release_prompt(reference: str, root: Path, *, released: str, owner: str = "", note: str = "") -> Released:
    """List `name@version` as released; from then on its meaning may not change.

    Raises: BadInput when the reference is no `name@version`, the prompt is faulty, the list is faulty, or the version is
        listed with another digest.
    Side effects: writes `versions.yaml` beside the prompt, whole or not at all. Comments in it stay.
    """
    if "/" in reference or "@" not in reference:
        hint = "a release is NAME@VERSION, under configs/prompts/NAME/"
        raise BadInput(f"{reference!r} is not a version of a prompt", hint=hint)
    for option, text in (("--owner", owner), ("--note", note)):
        if encodable(text) != text:
            raise BadInput("is not UTF-8", where=option, hint="write it in the encoding of this terminal")
    found = prompt_path(reference, root=root, base=root)
    prompt = read_prompt(found, reference, root=root)
    require_release(prompt)
    version = reference.partition("@")[2]
    path = found.parent / FILE
    # A broken link is not "no list".
    listed = read_releases(path) if os.path.lexists(path) else {}
    if version in listed:
        problem = edited(listed[version], prompt)
        if problem is not None:
            raise BadInput(problem)
        return Released(reference, listed[version], path, False)
    release = release_of(prompt, version, released=released, owner=owner, note=note)
    write_whole(path, _with(path, listed, release))
    return Released(reference, read_releases(path)[version], path, True)


def _with(path: Path, listed: Mapping[str, Release], release: Release) -> str:
    """The list with one more entry: added at the end where that gives the same entries, else written anew."""
    wanted = {**listed, release.version: release}
    if listed:
        text = read_text(path, str(path)).replace("\r\n", "\n")
        text += "" if text.endswith("\n") else "\n"
        for indent in (2, 4):
            longer = text + entry_text(release, indent)
            if _says(longer, path, wanted):
                return longer
    whole = releases_text(wanted)
    if not _says(whole, path, wanted):
        raise BadInput("owner or note cannot be written into the list", where=str(path), hint="use plain text on one line")
    return whole


def _says(text: str, path: Path, wanted: Mapping[str, Release]) -> bool:
    try:
        found = parse_releases(parse_document(text, str(path)))
    except BadInput:
        return False
    return [_plain(release) for release in found.values()] == [_plain(release) for release in wanted.values()]


def _plain(release: Release) -> tuple[object, ...]:
    return release.version, release.digest, release.released, release.owner.strip(), release.note.strip(), release.parts


def read_releases(path: Path) -> Mapping[str, Release]:
    """The releases that a `versions.yaml` lists.

    Raises: BadInput with everything that is wrong with it, or when it is a link that leads out of the project.
    """
    require_inside(path)
    return parse_releases(read_document(path))


def check_releases(path: Path) -> Mapping[str, Release]:
    """Hold every released prompt against its list.

    Raises: BadInput for each version that was edited, is missing, stands in two files or cannot be read.
    """
    releases = read_releases(path)
    faults = Faults()
    for version, release in releases.items():
        faults.attempt(lambda version=version, release=release: _hold(path.parent, version, release))  # type: ignore[misc]
    faults.raise_if_any()
    return releases


def _hold(folder: Path, version: str, release: Release) -> None:
    files = files_of(folder, version)
    if not files:
        hint = "put the file back: a released version stays, so that an old verdict can be derived again"
        raise BadInput(f"version {version} is listed as released, and there is no such prompt", where=release.place, hint=hint)
    if len(files) > 1:
        names = ", ".join(file.name for file in files)
        raise BadInput(f"version {version} stands in several files: {names}", where=release.place, hint="keep one of them")
    problem = edited(release, read_prompt(files[0], str(files[0])))
    if problem is not None:
        raise BadInput(problem)


def require_release(prompt: Prompt) -> None:
    """Refuse a prompt whose version is listed beside it with another digest.

    Raises: BadInput for an edited prompt, or a faulty list of releases beside it.
    """
    for path, version in places_of_release(prompt.path):
        release = read_releases(from_here(path)).get(version)
        problem = None if release is None else edited(release, replace(prompt, path=from_here(prompt.path)))
        if problem is not None:
            raise BadInput(problem)


def places_of_release(prompt: Path) -> Iterator[tuple[Path, str]]:
    """The lists that may name a prompt file, each with its version there: beside it, and beside the file that a link means."""
    real = prompt.resolve()
    for file in (prompt,) if real == prompt.absolute() else (prompt, real):
        path, version = file.parent / FILE, version_of(file)
        # What is there and is no file (a broken link, a folder) is read, and refused there.
        if version is not None and is_list_of_releases(path) and os.path.lexists(path):
            yield path, version


def from_here(path: Path) -> Path:
    """The path as a user in this folder would write it, so that one edit is told once, however it was found."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def is_list_of_releases(path: Path) -> bool:
    """Whether a path is `prompts/<name>/versions.yaml`."""
    return path.name == FILE and path.absolute().parent.parent.name == "prompts"
