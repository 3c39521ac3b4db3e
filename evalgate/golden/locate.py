"""Find a golden dataset: `name@version` under datasets/, or a path."""

from __future__ import annotations

from pathlib import Path

from evalgate.core.errors import BadInput
from evalgate.core.files import NAME
from evalgate.core.plugins import suggestion

CARD = "dataset.yaml"


def card_path(reference: str, *, root: Path, base: Path, where: str | None = None) -> Path:
    """The card that a configuration's `dataset:` means.

    `name@version` is `<root>/datasets/<name>/<version>/dataset.yaml`; anything else is a path relative to `base` (the
    configuration's folder), of a card or of the folder that holds it.

    Raises: BadInput when there is none, with the versions that exist.
    """
    if reference.startswith("hf://"):
        hint = "save a pinned revision as .jsonl or .parquet under datasets/ and name that"
        raise BadInput("hf:// datasets are not read by this version", where=where, hint=hint)
    name, at, version = reference.partition("@")
    if at and "/" not in reference:
        return _versioned(name, version, root / "datasets", where)
    path = base / reference
    path = path / CARD if path.is_dir() else path
    if not path.is_file():
        raise BadInput(f"no dataset card at {path}", where=where, hint=f"name@version, or the path of a {CARD}")
    return path


def _versioned(name: str, version: str, datasets: Path, where: str | None) -> Path:
    if not NAME.fullmatch(name) or not NAME.fullmatch(version):
        raise BadInput(f"{name}@{version} is not a plain name@version", where=where)
    path = datasets / name / version / CARD
    if path.is_file():
        return path
    versions = sorted(p.parent.name for p in (datasets / name).glob(f"*/{CARD}"))
    if versions:
        raise BadInput(f"dataset {name!r} has no version {version!r}", where=where, hint=f"versions: {', '.join(versions)}")
    names = sorted({p.parent.parent.name for p in datasets.glob(f"*/*/{CARD}")})
    raise BadInput(f"no dataset {name!r} under {datasets}", where=where, hint=suggestion(name, names))
