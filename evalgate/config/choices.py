"""The lists of metrics and detectors: each entry a name, or a name with its parameters."""

from __future__ import annotations

from typing import Any

from evalgate.config.faults import Faults, key_text, shown
from evalgate.config.thresholds import NAME
from evalgate.core.document import KeyPath
from evalgate.core.settings import PluginChoice


def read_choices(raw: Any, path: KeyPath, faults: Faults) -> tuple[PluginChoice, ...]:
    """All metrics (or detectors) of a configuration; what is wrong goes to `faults`."""
    if not isinstance(raw, list):
        faults.add(path, f"{key_text(path)} must be a list, not {shown(raw)}", f"write [{_example(path)}]")
        return ()
    if faults.too_many(path, raw):
        return ()
    found: list[PluginChoice] = []
    for index, entry in enumerate(raw):
        choice = _choice(entry, (*path, index), faults)
        if choice is None:
            continue
        if any(choice.name == other.name and choice.parameters == other.parameters for other in found):
            where = (*path, index)
            faults.add(where, f"{key_text(where)}: {choice.name} is listed twice", "remove one of them")
        found.append(choice)
    return tuple(found)


def _choice(entry: Any, path: KeyPath, faults: Faults) -> PluginChoice | None:
    name: Any = entry
    parameters: Any = {}
    if isinstance(entry, dict):
        if len(entry) != 1:
            hint = f"give each its own item, and indent parameters below the name: {{{_example(path)}: {{key: value}}}}"
            faults.add(path, f"{key_text(path)} must have exactly one name, not {len(entry)}", hint)
            return None
        ((name, parameters),) = entry.items()
    if not isinstance(name, str) or not NAME.match(name):
        hint = f"write a name such as {_example(path)}"
        faults.add(path, f"{key_text(path)} must be a name, not {shown(name)}", hint)
        return None
    if not isinstance(parameters, dict):
        where = (*path, name)
        hint = f"write {name} alone, or {{{name}: {{key: value}}}}"
        faults.add(where, f"{key_text(where)} must be a mapping of parameters, not {shown(parameters)}", hint)
        return None
    return PluginChoice(name, parameters, faults.document.place(*path))


def _example(path: KeyPath) -> str:
    return "blocklist" if path[:1] == ("safety",) else "exact_match"
