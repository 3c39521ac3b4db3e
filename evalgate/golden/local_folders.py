"""A dataset that is a folder: saved by `datasets` (`save_to_disk`), or data files of one kind; never code."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from evalgate.core.errors import BadInput
from evalgate.core.files import NAME, read_text, real_path
from evalgate.core.strict_json import parse_json
from evalgate.golden.tables import DATA_ENDINGS, Row, read_rows

STATE, INFO, SPLITS = "state.json", "dataset_info.json", "dataset_dict.json"
CODE_ENDINGS = frozenset((".py", ".pyc", ".pyd", ".so", ".pkl", ".pickle", ".sh", ".ipynb", ".joblib", ".pt"))
_NOTES = frozenset((".md", ".txt", ".yaml", ".yml", ".lock"))
_NOTED = frozenset((INFO, "dataset_infos.json", "license", "notice", "citation.cff"))
MAX_FILES = 10_000


def folder_rows(folder: Path, shown: str) -> Iterator[Row]:
    """The rows of a dataset folder: of its data files, by name, one after the other.

    Raises: BadInput for a folder with code, links out of it, several splits, files of several kinds, or no data at all.
    """
    for path in data_files(folder, shown):
        yield from read_rows(path, f"{shown.rstrip('/')}/{path.name}")


def data_files(folder: Path, shown: str) -> list[Path]:
    """The data files of a dataset folder in the order in which they are read.

    A folder saved by `datasets` lists them in state.json; anywhere else they are sorted by name.

    Raises: BadInput as `folder_rows`.
    """
    children = _children(folder, shown)
    names = {path.name for path in children}
    if SPLITS in names:
        hint = f"name one of them: {_some(sorted(p.name for p in children if p.is_dir()), 'data: folder/')}"
        raise BadInput("this folder holds several splits", where=shown, hint=hint)
    found = _data_among(children, shown)
    if STATE in names:
        return _as_saved(folder, found, shown)
    folders = sorted(path.name for path in children if path.is_dir() and not path.name.startswith("."))
    if folders:
        hint = f"name one folder of data files: {_some(folders, 'data: folder/')}"
        raise BadInput("this folder holds folders", where=shown, hint=hint)
    endings = sorted({path.suffix.lower() for path in found})
    if len(endings) > 1:
        hint = "keep one kind: nothing says in which order they belong together, or whether they say the same twice"
        raise BadInput(f"data files of several kinds: {', '.join(endings)}", where=shown, hint=hint)
    if not found:
        raise BadInput("no data file in this folder", where=shown, hint=f"files that are read: {', '.join(DATA_ENDINGS)}")
    return found


def _children(folder: Path, shown: str) -> list[Path]:
    try:
        children = sorted(folder.iterdir(), key=lambda path: path.name)
        inside = folder.resolve()
        for path in children:
            if path.is_symlink() and not real_path(path).is_relative_to(inside):
                raise BadInput("a link leads out of the dataset's folder", where=f"{shown}/{path.name}", hint="copy the file")
    except (OSError, RuntimeError) as error:  # RuntimeError: a loop of links
        raise BadInput("the folder cannot be read", where=shown, hint=str(error)[:200]) from error
    if len(children) > MAX_FILES:
        raise BadInput(f"more than {MAX_FILES} files in one folder", where=shown)
    return children


def _data_among(children: list[Path], shown: str) -> list[Path]:
    found = []
    for path in children:
        ending, name = path.suffix.lower(), path.name
        if ending in CODE_ENDINGS:
            hint = "a dataset is data alone: keep scripts elsewhere, and save what they make as Parquet or JSON lines"
            raise BadInput("there is code in this folder", where=f"{shown}/{name}", hint=hint)
        if ending in DATA_ENDINGS and not name.startswith("."):
            found.append(path)
        elif not (path.is_dir() or name.startswith(".") or ending in _NOTES or name.lower() in _NOTED or name == STATE):
            hint = f"files that are read: {', '.join(DATA_ENDINGS)}; notes are .md or .txt"
            raise BadInput("neither a data file nor a note", where=f"{shown}/{name}", hint=hint)
    return found


def _as_saved(folder: Path, found: list[Path], shown: str) -> list[Path]:
    """The files that state.json lists, in its order."""
    where = f"{shown}/{STATE}"
    try:
        state: Any = parse_json(read_text(folder / STATE, where))
        names = [entry["filename"] for entry in state["_data_files"]]
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput("not the state of a saved dataset: _data_files is missing", where=where) from error
    if state.get("_indices_data_files"):
        hint = "save it again with datasets ≥ 2.0: newer versions write the rows in their order"
        raise BadInput("saved with an order of rows beside it", where=where, hint=hint)
    for name in names:
        if not isinstance(name, str) or not NAME.fullmatch(name) or folder / name not in found:
            raise BadInput(f"lists {str(name)[:80]!r}, which is no data file of this folder", where=where)
    extra = sorted({path.name for path in found} - set(names))
    if extra or not names or len(set(names)) != len(names):
        said = f"does not list {extra[0]!r}" if extra else "lists no data file, or one of them twice"
        raise BadInput(said, where=where, hint="save the dataset again")
    return [folder / name for name in names]


def _some(names: list[str], before: str) -> str:
    return ", ".join(before + name for name in names[:5]) + (" …" if len(names) > 5 else "")
