"""Datasets of the Hugging Face hub: `hf://org/name@revision#split`, always pinned; data files alone are read, never code.

The `datasets` library says which files of the repository belong to a split; they are downloaded at the pinned commit into
the library's cache and read by the readers of this package, so that the same data has the same cases and the same digest
wherever it lies. Only this module loads the library: importing it takes half a second and 100 MB.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from evalgate.core.errors import BadInput
from evalgate.golden.tables import DATA_ENDINGS, Row, read_rows

SCHEME = "hf://"
FORM = "hf://org/name@revision#split"
COMMIT = re.compile(r"[0-9a-f]{40}")
_PART = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,95}"
_DESCRIPTIONS = ("README.md", ".huggingface.yaml")
_FRONT_MATTER = re.compile(r"\s*---[ \t]*\r?\n(.*?\n)---[ \t]*(?:\r?\n|$)", re.DOTALL)
_REFERENCE = re.compile(
    rf"hf://(?P<name>{_PART}/{_PART})(?:@(?P<revision>[^#@\s]{{1,200}}))?(?:#(?:(?P<config>{_PART})/)?(?P<split>\w[\w.-]{{0,95}}))?"
)


@dataclass(frozen=True, slots=True)
class HubReference:
    """One split of one revision of one dataset."""

    name: str
    """`org/name`"""
    revision: str | None
    config: str | None
    split: str | None

    def text(self, revision: str) -> str:
        """The reference at a revision."""
        config = f"{self.config}/" if self.config else ""
        return f"{SCHEME}{self.name}@{revision}#{config}{self.split or 'split'}"


def parse_reference(text: str, where: str | None = None) -> HubReference:
    """Read `hf://org/name@revision#split` or `hf://org/name@revision#config/split`; revision and split may still miss.

    Raises: BadInput for anything else.
    """
    found = _REFERENCE.fullmatch(text)
    if found is None or ".." in text:
        raise BadInput(f"{text[:120]!r} is no reference to a dataset of the hub", where=where, hint=f"write {FORM}")
    return HubReference(found["name"], found["revision"], found["config"], found["split"])


def require_pinned(reference: HubReference, where: str | None = None) -> str:
    """The commit of a pinned reference.

    Branches and tags can be moved, so only the 40 hexadecimal digits of a commit are a pin.

    Raises: BadInput that names the commit which the reference means now, when the hub can be asked.
    """
    if reference.split is None:
        raise BadInput("the reference names no split", where=where, hint=f"write {FORM}")
    if reference.revision is not None and COMMIT.fullmatch(reference.revision):
        return reference.revision
    given = "no revision" if reference.revision is None else f"{reference.revision!r}, which can move"
    said = f"the reference is not pinned to a commit: it has {given}"
    try:
        commit = _current(reference, where)
    except BadInput as error:
        hint = f"write @ and the 40 digits of a commit; the hub could not be asked for it ({error.problems[0].message[:200]})"
    else:
        hint = f"now that is {reference.text(commit)}"
    raise BadInput(said, where=where, hint=hint)


def hub_rows(text: str, where: str) -> Iterator[Row]:
    """The rows of a pinned split, file by file; each file is downloaded before its first row, and kept in the cache.

    Raises: BadInput for an unpinned reference, a repository with a loading script, files that are no plain data, or a hub
        that cannot be reached.
    Side effects: writes into the cache of the Hugging Face libraries (`HF_HOME`).
    """
    reference = parse_reference(text, where)
    commit = require_pinned(reference, where)
    for name in _split_files(reference, commit, where):
        yield from read_rows(_download(reference, commit, name, where), f"{reference.name}/{name}")


def _split_files(reference: HubReference, commit: str, where: str) -> list[str]:
    """Paths inside the repository, in the order of the split."""
    if Path(reference.name).exists():
        # The library would take the folder for the dataset.
        said = f"a folder {reference.name} here hides the hub's dataset of that name"
        raise BadInput(said, where=where, hint="run elsewhere, or name the folder in the card")
    _require_data_alone(reference, commit, where)
    with _library_errors(reference, where):
        datasets, _ = _libraries()
        builder = datasets.load_dataset_builder(reference.name, name=reference.config, revision=commit)
        splits = {str(split): [str(file) for file in files] for split, files in (builder.config.data_files or {}).items()}
    if reference.split not in splits:
        hint = f"splits: {', '.join(sorted(splits))[:200]}" if splits else "it has no data files"
        raise BadInput(f"{reference.name} has no split {reference.split!r}", where=where, hint=hint)
    return [_inside(file, reference, commit, where) for file in splits[reference.split]]


def _require_data_alone(reference: HubReference, commit: str, where: str) -> None:
    """Refuse a repository with a loading script, or whose description would make the library ask other hosts."""
    with _library_errors(reference, where):
        _, hub = _libraries()
        info = hub.HfApi().dataset_info(reference.name, revision=commit, timeout=10)
        names = {str(one.rfilename) for one in info.siblings or ()}
        described = [name for name in _DESCRIPTIONS if name in names]
        texts = [text for name in described for text in _configured(_download(reference, commit, name, where))]
    if f"{reference.name.rpartition('/')[2]}.py" in names:
        hint = "use a revision with data files (many have one under refs/convert/parquet, pinned to its commit)"
        raise BadInput(f"{reference.name} comes with a loading script, which is code and never run", where=where, hint=hint)
    for text in texts:
        if "://" in text or "::" in text or ".." in text.split("/"):
            raise BadInput(f"the repository describes data outside the pinned revision: {text[:120]}", where=where)


def _configured(path: Path) -> list[str]:
    """Every text under `configs` in a description of a repository: names, splits, paths."""
    text = path.read_text(encoding="utf-8", errors="replace")
    found = _FRONT_MATTER.match(text)
    if path.suffix == ".md":
        text = found[1] if found else ""
    value = import_module("yaml").safe_load(text)
    return list(_texts(value.get("configs"))) if isinstance(value, dict) else []


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, dict)):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _texts(part)


def _inside(file: str, reference: HubReference, commit: str, where: str) -> str:
    """The path of a data file in the repository: its description may also point elsewhere."""
    before = f"{SCHEME}datasets/{reference.name}@{commit}/"
    path = file.removeprefix(before)
    if not file.startswith(before) or ".." in path.split("/") or "::" in path:
        raise BadInput(f"the split has a file outside the pinned revision: {file[:120]}", where=where)
    if Path(path).suffix.lower() not in DATA_ENDINGS:
        hint = f"files that are read: {', '.join(DATA_ENDINGS)}; save the split as one of them under datasets/"
        raise BadInput(f"the split has a file of another kind: {path[:120]}", where=where, hint=hint)
    return path


def _download(reference: HubReference, commit: str, name: str, where: str) -> Path:
    with _library_errors(reference, where):
        _, hub = _libraries()
        return Path(hub.hf_hub_download(reference.name, name, repo_type="dataset", revision=commit))


def _current(reference: HubReference, where: str | None) -> str:
    with _library_errors(reference, where):
        _, hub = _libraries()
        info = hub.HfApi().dataset_info(reference.name, revision=reference.revision, timeout=10)
        commit = str(info.sha)
    if not COMMIT.fullmatch(commit):
        raise BadInput(f"the hub names no commit of {reference.name}", where=where)
    return commit


def _libraries() -> tuple[Any, Any]:
    """`datasets` and `huggingface_hub`, told to print nothing: by name, for a folder of this repository is called datasets."""
    datasets, hub = import_module("datasets"), import_module("huggingface_hub")
    datasets.disable_progress_bars()
    datasets.logging.set_verbosity_error()
    hub.utils.disable_progress_bars()
    hub.utils.logging.set_verbosity_error()
    return datasets, hub


@contextmanager
def _library_errors(reference: HubReference, where: str | None) -> Iterator[None]:
    """Turn what the libraries raise into one sentence."""
    try:
        yield
    except _expected() as error:
        hint = "to judge without a network, save the split as Parquet or JSON lines under datasets/ and name that"
        raise BadInput(_said(error, reference), where=where, hint=hint) from error


def _expected() -> tuple[type[BaseException], ...]:
    datasets, hub = _libraries()
    yaml = import_module("yaml")
    # The HTTP library under the hub's client has changed before: its base class is taken from the client's own.
    http = [kind for kind in hub.errors.HfHubHTTPError.__mro__ if issubclass(kind, Exception) and kind is not Exception]
    known: list[Any] = [*http, datasets.exceptions.DatasetsError, yaml.YAMLError]
    return (*known, OSError, ValueError, RuntimeError, KeyError, TypeError, AttributeError)


def _said(error: BaseException, reference: HubReference) -> str:
    name, text = type(error).__name__, " ".join(str(error).split())[:300]
    if name == "OfflineModeIsEnabled" or "offline" in text.lower():
        return "offline: the Hugging Face libraries were told not to use the network (HF_HUB_OFFLINE)"
    if isinstance(error, ConnectionError) or "Connect" in name or "Timeout" in name:
        return f"the hub cannot be reached: {text}"
    return f"{reference.name} cannot be read from the hub: {text or name}"
