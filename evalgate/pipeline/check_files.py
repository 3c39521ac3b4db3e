"""What `evalgate check` looks at: files and folders under a path, each with its kind; whatever cannot be looked at is named."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from evalgate.config.strict_yaml import read_document
from evalgate.core.errors import BadInput
from evalgate.core.files import read_text
from evalgate.golden.locate import CARD
from evalgate.pipeline.faults import Faults
from evalgate.pipeline.prompt_releases import is_list_of_releases
from evalgate.pipeline.waiving import is_allow_file
from evalgate.prompts.locate import NAMED_ENDINGS, version_of
from evalgate.prompts.template_tests import TEST_ENDINGS

YAML = (".yaml", ".yml")
KEY_LIST = "keys.yaml"
_OF_A_GATE = ("gate", "variants", "thresholds")
"""Keys of which a file of any other purpose has none."""
_ALSO_OF_A_GATE = ("dataset", "models", "proxy", "metrics", "safety", "slices", "confidence", "reports")
_KEY_LINE = re.compile(r"^['\"]?([A-Za-z_][\w-]*)['\"]?[ \t]*:", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Found:
    """A file or a recording's folder, and what it is."""

    path: Path
    kind: str | None
    """recording, dataset, prompt, releases, waivers, policy, trusted keys, prompt tests or configuration; None: nothing that
    evalgate knows."""
    named: bool
    """Whether the user named it, instead of a folder above it."""


def files_under(argument: Path, faults: Faults) -> Iterator[Found]:
    """What a path given to `check` stands for, in order.

    Links to files are read as files. A link to a folder is not followed: where the folder lies under the path too it is looked
    at there, else it is a fault. So is a link that leads nowhere, and what is neither a file nor a folder.
    """
    if argument.is_file() or _is_recording(argument):
        yield Found(argument, _kind(argument, in_a_folder=False), named=True)
    elif argument.is_dir():
        yield from _walk(argument, faults)
    elif os.path.lexists(argument):
        _note_odd(argument, faults)
    else:
        faults.add("does not exist", str(argument))


def _walk(top: Path, faults: Faults) -> Iterator[Found]:
    """Depth first, in the order of names; a stack, because folders may be nested deeper than calls."""
    waiting = [iter(_children(top, faults))]
    while waiting:
        path = next(waiting[-1], None)
        if path is None:
            waiting.pop()
            continue
        hidden = any(part.startswith(".") for part in path.relative_to(top).parts)
        if _is_recording(path):
            yield Found(path, "recording", named=False)
        elif path.is_symlink() and path.is_dir():
            if not hidden and not _visited(path, top):
                hint = f"name the folder itself too, or copy it: {path.resolve()}"
                faults.add("a link to a folder outside is not followed", str(path), hint)
        elif path.is_dir():
            waiting.append(iter(_children(path, faults)))
        elif path.is_file():
            kind = _kind(path, in_a_folder=True)
            # Hidden folders hold what other programs write (.git, .venv, .github): none of their YAML is a gate.
            if kind is not None and not (kind == "configuration" and hidden):
                yield Found(path, kind, named=False)
        elif not hidden:
            _note_odd(path, faults)


def _children(folder: Path, faults: Faults) -> list[Path]:
    try:
        return sorted(folder.iterdir(), key=lambda path: path.name)
    except OSError as error:
        faults.add(f"the folder cannot be read: {error.strerror}", str(folder))
        return []


def _visited(link: Path, top: Path) -> bool:
    """Whether the folder behind a link lies where it is looked at without the link."""
    target, real = link.resolve(), top.resolve()
    if not target.is_relative_to(real):
        return False
    parts = target.relative_to(real).parts
    inside_recording = any(_is_recording(parent) for parent in target.parents if parent.is_relative_to(real))
    return not any(part.startswith(".") for part in parts) and not inside_recording


def _note_odd(path: Path, faults: Faults) -> None:
    if path.is_symlink():
        faults.add("a link that leads nowhere", str(path), "correct it, or remove it")
    else:
        faults.add("is neither a file nor a folder", str(path), "a pipe, a socket or a device cannot be checked")


def _is_recording(path: Path) -> bool:
    return path.parent.name == "recordings" and path.is_dir()


def _kind(path: Path, *, in_a_folder: bool) -> str | None:
    if path.is_dir():
        return "recording"
    if path.name == CARD:
        return "dataset"
    if path.name.endswith(NAMED_ENDINGS) or (path.absolute().parent.parent.name == "prompts" and version_of(path) is not None):
        return "prompt"
    if is_list_of_releases(path):
        return "releases"
    if path.name.endswith(TEST_ENDINGS):
        return "prompt tests"
    if path.suffix not in YAML:
        # As a file that was named, these can only be meant as prompts.
        return "prompt" if not in_a_folder and path.suffix in (".txt", ".md", ".json") else None
    if is_allow_file(path):
        return "waivers"
    if (of_deployment := _of_a_deployment(path, in_a_folder=in_a_folder)) is not None:
        return of_deployment
    return "configuration" if not in_a_folder or _may_be_a_gate(path) else None


def _may_be_a_gate(path: Path) -> bool:
    """Whether a YAML file of a folder is a gate, or was meant to be one.

    Under `configs/` and `datasets/` everything is, but for configurations of promptfoo: a card called dataset.yml, or releases in
    versions.yml, must not be passed over. Elsewhere a key that only gates have says so, a misspelt one too, or several that they
    share with others.
    """
    keys = _keys(path)
    own = [key for key in keys if get_close_matches(key, _OF_A_GATE, n=1, cutoff=0.8)]
    if own or len(set(keys) & set(_ALSO_OF_A_GATE)) >= 3:
        return True
    of_promptfoo = "prompts" in keys and bool({"providers", "targets", "tests"} & set(keys))
    placed = {"configs", "datasets"} & {parent.name for parent in list(path.absolute().parents)[:3]}
    return bool(placed) and not of_promptfoo


def _of_a_deployment(path: Path, *, in_a_folder: bool) -> str | None:
    """Whether a YAML file is a policy or a list of trusted keys; in a folder only what can be nothing else."""
    try:
        own = set(_KEY_LINE.findall(read_text(path, str(path)))) & {"policy", "tiers", "keys"}
    except BadInput:
        return None
    if own == {"policy", "tiers"} or (own and not in_a_folder and "keys" not in own):
        return "policy"
    return "trusted keys" if own == {"keys"} and path.name == KEY_LIST else None


def _keys(path: Path) -> list[str]:
    """The keys of a YAML file; of one that cannot be parsed, what looks like them."""
    try:
        value = read_document(path).value
    except BadInput:
        try:
            return _KEY_LINE.findall(read_text(path, str(path)))
        except BadInput:
            return list(_OF_A_GATE)  # what cannot be read at all is told by whoever reads it
    return [str(key) for key in value] if isinstance(value, dict) else []
