"""Find a metric, detector or other extension by name: built-ins from a static table, others by entry point.

Named in the configuration means it must load; not named means it is never imported.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalgate.core.errors import BadInput, Incomplete


@dataclass(frozen=True, slots=True)
class PluginOrigin:
    """Where an extension comes from."""

    name: str
    reference: str
    """`module:attribute`."""
    distribution: str
    version: str


def load_plugin(group: str, builtins: Mapping[str, str], name: str, *, where: str | None = None) -> Any:
    """Load the factory that `name` stands for.

    Raises:
        BadInput: the name is unknown (with suggestions), or claimed twice.
        Incomplete: it is installed and cannot be loaded.
    """
    reference = builtins.get(name)
    if reference is not None:
        return _attribute(reference)
    found = _entry_points(group).get(name, [])
    if not found:
        raise BadInput(f"unknown {_word(group)} {name!r}", where=where, hint=suggestion(name, known_names(group, builtins)))
    if len(found) > 1:
        owners = ", ".join(sorted(f"{e.value} ({e.dist.name if e.dist else '?'})" for e in found))
        raise BadInput(f"{_word(group)} {name!r} is provided more than once: {owners}", where=where, hint="uninstall one")
    try:
        return found[0].load()
    except (Exception, SystemExit) as error:
        said = f"{_word(group)} {name!r} ({found[0].value}) could not be loaded: {type(error).__name__}: {error}"
        raise Incomplete(said, where=where, hint="install what it needs, or another version of it") from error


def known_names(group: str, builtins: Mapping[str, str]) -> tuple[str, ...]:
    """All names of a group, sorted; loads nothing."""
    return tuple(sorted({*builtins, *_entry_points(group)}))


def origins(group: str, builtins: Mapping[str, str], version: str) -> tuple[PluginOrigin, ...]:
    """What is installed for a group, sorted by name; loads nothing. `version` is evalgate's own."""
    rows = [PluginOrigin(name, reference, "evalgate-engine", version) for name, reference in builtins.items()]
    for name, entries in _entry_points(group).items():
        for entry in entries:
            dist = entry.dist
            rows.append(PluginOrigin(name, entry.value, dist.name if dist else "?", dist.version if dist else "?"))
    return tuple(sorted(rows, key=lambda row: (row.name, row.reference)))


def suggestion(name: str, known: tuple[str, ...] | list[str]) -> str:
    """`did you mean …?`, or the list of what there is."""
    close = difflib.get_close_matches(name, known, n=3, cutoff=0.6)
    if close:
        return f"did you mean {' or '.join(close)}?"
    return f"known: {', '.join(known)}" if known else "there is none yet"


def nearest_version(name: str, versions: Mapping[str, Sequence[str]]) -> str | None:
    """`did you mean …?` for a name without its version; None where no name is near. `versions`: name → those there are."""
    for close in difflib.get_close_matches(name, [known for known, there in versions.items() if there], n=1, cutoff=0.6):
        return f"did you mean {' or '.join(f'{close}@{version}' for version in versions[close])}?"
    return None


def _entry_points(group: str) -> dict[str, list[Any]]:
    from importlib.metadata import entry_points

    found: dict[str, list[Any]] = {}
    for entry in entry_points(group=group):
        found.setdefault(entry.name, []).append(entry)
    return found


def _attribute(reference: str) -> Any:
    module, _, attribute = reference.partition(":")
    return getattr(importlib.import_module(module), attribute)


def _word(group: str) -> str:
    return group.removeprefix("evalgate.").removesuffix("s")
