"""Find a golden dataset: `name@version` under datasets/, a path, or the hub reference that a card has as its data."""

from __future__ import annotations

import os
import re
from pathlib import Path

from evalgate.core.errors import BadInput
from evalgate.core.files import NAME, read_text, real_path
from evalgate.core.plugins import nearest_version, suggestion
from evalgate.golden.hugging_face import SCHEME, parse_reference, require_pinned

CARD = "dataset.yaml"
_DATA_LINE = re.compile(r"^data:[ \t]*(?P<quote>['\"]?)(?P<data>hf://[^\s'\"]+)(?P=quote)[ \t]*(?: #.*)?\r?$", re.MULTILINE)


def card_path(reference: str, *, root: Path, base: Path, where: str | None = None) -> Path:
    """The card that a configuration's `dataset:` means.

    `name@version` is `<root>/datasets/<name>/<version>/dataset.yaml`; anything else is a path relative to `base` (the
    configuration's folder), of a card or of the folder that holds it. `hf://…` is the card under datasets/ with that data.

    Raises: BadInput when there is none, with the versions that exist; or when a link leads out of the project.
    """
    name, at, version = reference.partition("@")
    if reference.startswith(SCHEME):
        path = _card_of_hub_data(reference, root / "datasets", where)
    elif at and "/" not in reference:
        path = _versioned(name, version, root / "datasets", where)
    else:
        path = base / reference
        path = path / CARD if path.is_dir() else path
        if not path.is_file():
            near = None if "/" in reference else nearest_version(reference, _versions(root / "datasets"))
            raise BadInput(f"no dataset card at {path}", where=where, hint=near or f"name@version, or the path of a {CARD}")
    require_no_way_out(path, root)
    return path


def require_no_way_out(path: Path, root: Path) -> None:
    """Refuse a path that stands in a project and leads out of it by a link; one that is written as outside is left alone.

    Raises: BadInput.
    """
    try:
        written, real = Path(os.path.normpath(path.absolute())), real_path(path)
        led_out = written.is_relative_to(Path(os.path.normpath(root.absolute()))) and not real.is_relative_to(root.resolve())
    except (OSError, RuntimeError, ValueError) as error:  # a loop of links, a NUL character
        raise BadInput(f"cannot be found: {str(error)[:200]}", where=str(path)) from error
    if led_out:
        hint = "copy the files: what is checked in must not reach beyond the project"
        raise BadInput(f"a link leads out of the project, to {real}", where=str(path), hint=hint)


def _card_of_hub_data(reference: str, datasets: Path, where: str | None) -> Path:
    """The card under datasets/ whose `data` is this reference: it says what the columns are for, and locks the content."""
    require_pinned(parse_reference(reference, where), where)
    found = [path for path in sorted(datasets.glob(f"*/*/{CARD}")) if _data_of(path) == reference]
    if len(found) > 1:
        said = f"several cards have this data: {', '.join(str(path) for path in found)[:300]}"
        raise BadInput(said, where=where, hint="name one of them as name@version")
    if not found:
        hint = f"write datasets/<name>/<version>/{CARD} with data: {reference}, inputs, reference and version, and lock it"
        raise BadInput("no card has this hub dataset as its data", where=where, hint=hint)
    return found[0]


def _data_of(path: Path) -> str | None:
    """The `data` of a card, by its line alone: the card itself is checked when it is read."""
    try:
        found = _DATA_LINE.search(read_text(path, str(path)))
    except BadInput:
        return None
    return found["data"] if found else None


def _versioned(name: str, version: str, datasets: Path, where: str | None) -> Path:
    if not NAME.fullmatch(name) or not NAME.fullmatch(version):
        raise BadInput(f"{name}@{version} is not a plain name@version", where=where)
    path = datasets / name / version / CARD
    if path.is_file():
        return path
    known = _versions(datasets)
    if name in known:
        raise BadInput(f"dataset {name!r} has no version {version!r}", where=where, hint=f"versions: {', '.join(known[name])}")
    raise BadInput(f"no dataset {name!r} under {datasets}", where=where, hint=suggestion(name, list(known)))


def _versions(datasets: Path) -> dict[str, list[str]]:
    """Name → versions of the datasets of a project."""
    found: dict[str, list[str]] = {}
    for path in sorted(datasets.glob(f"*/*/{CARD}")):
        found.setdefault(path.parent.parent.name, []).append(path.parent.name)
    return found
