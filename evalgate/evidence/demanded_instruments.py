"""Whether a gate measures with what a policy means.

A metric or category can carry any name, and parameters can switch off what a name promises: so names alone protect nothing.
Compared is what is written: a parameter that neither the policy nor the gate writes is the default in both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from evalgate.core.canonical import canonical_json, digest
from evalgate.core.policy import Check, Tier, check
from evalgate.core.settings import PluginChoice, TargetKind, Threshold

_CUTS: Mapping[str, tuple[str, int | None]] = {
    "distinct": ("n", 2),
    **dict.fromkeys(("ndcg", "mrr", "recall", "precision", "average_precision"), ("k", None)),
}
"""Metrics that append a parameter to their name, `ndcg@5`: which one, and its default; None: nothing is appended."""


@dataclass(frozen=True, slots=True)
class _Instrument:
    """A metric or detector, by what was written about it."""

    plugin: str
    name: str
    """Under which its results go: the name of a metric, the category of a detector."""
    written: Mapping[str, Any]

    @property
    def identity(self) -> str:
        """Equal for two that measure the same under the same name."""
        return digest([self.plugin, self.name, dict(self.written)])


def demanded_instruments(tier: Tier, plan: Mapping[str, Any]) -> Iterator[Check]:
    """The metrics and detectors that a tier asks for, each with exactly the parameters that it names.

    Raises: KeyError or TypeError for a plan that evalgate did not write.
    """
    for kind, choices, key in (("metric", tier.metrics, "metrics"), ("detector", tier.detectors, "safety")):
        running = [_planned(key, one) for one in plan[key]]
        for choice in choices:
            yield _demanded(key, f"{kind} {choice.name}", _asked(key, choice), running)


def disguise(asked: Threshold, tier: Tier, plan: Mapping[str, Any]) -> str | None:
    """What else a protected threshold would be held against than its name says; None when it is what it says.

    Whatever carries the name is what the tier's `metrics` or `detectors` say under this name; where they say nothing, the
    plugin of this name with its defaults.
    """
    if asked.kind is TargetKind.METRIC:
        percentiles = {one["name"]: one["metric"] for one in plan["percentiles"]}
        key, choices, name = "metrics", tier.metrics, str(percentiles.get(asked.name, asked.name))
    elif asked.kind is TargetKind.SAFETY and asked.name != "any":
        key, choices, name = "safety", tier.detectors, asked.name
    else:
        return None
    meant = [one for one in (_asked(key, choice) for choice in choices) if one.name == name]
    carrying = [one for one in (_planned(key, found) for found in plan[key]) if one.name == name]
    known = {one.identity for one in meant}
    for one in carrying:
        if one.identity not in known and (meant or not _is_plain(key, one)):
            return f"what the gate calls {name} is {one.plugin}; if that is meant, say so: {_WORD[key]}: [{_told(key, one)}]"
    return None


_WORD = {"metrics": "metrics", "safety": "detectors"}
_AS = {"metrics": "as", "safety": "category"}


def _asked(key: str, choice: PluginChoice) -> _Instrument:
    written = dict(choice.parameters)
    name = written.pop(_AS[key], None)
    return _Instrument(choice.name, _own_name(key, choice.name, written) if name is None else str(name), written)


def _planned(key: str, entry: Mapping[str, Any]) -> _Instrument:
    """An entry of plan.json; a plan keeps the reference of a metric beside its parameters."""
    written = dict(entry["parameters"])
    if key == "safety":
        written.pop(_AS[key], None)
        return _Instrument(str(entry["plugin"]), str(entry["category"]), written)
    if entry["reference"] is not None:
        written["reference"] = entry["reference"]
    return _Instrument(str(entry["plugin"]), str(entry["name"]), written)


def _own_name(key: str, plugin: str, written: Mapping[str, Any]) -> str:
    """What a metric or a detector's category is called where nobody renames it."""
    if key == "safety" or plugin not in _CUTS:
        return plugin
    parameter, default = _CUTS[plugin]
    cut = written.get(parameter, default)
    return plugin if cut is None else f"{plugin}@{cut}"


def _is_plain(key: str, one: _Instrument) -> bool:
    """Whether it is what its name says without a word of the policy: no parameter but the one in the name."""
    shown = _CUTS[one.plugin][0] if key == "metrics" and one.plugin in _CUTS else None
    return set(one.written) <= {shown} and one.name == _own_name(key, one.plugin, one.written)


def _told(key: str, one: _Instrument) -> str:
    """As one writes it under `metrics` or `detectors`."""
    renamed = {} if one.name == _own_name(key, one.plugin, one.written) else {_AS[key]: one.name}
    written = {**one.written, **renamed}
    return f"{{{one.plugin}: {canonical_json(written).decode()}}}" if written else one.plugin


def _demanded(key: str, name: str, asked: _Instrument, running: list[_Instrument]) -> Check:
    found = [one for one in running if one.plugin == asked.plugin]
    if not found:
        return check(name, False, "", "the gate does not run it")
    carrying = [one for one in found if one.name == asked.name]
    if not carrying:
        told = ", ".join(sorted({one.name for one in found}))
        return check(name, False, "", f"the gate runs it only as {told}, the policy means {asked.name}")
    same = any(one.identity == asked.identity for one in carrying)
    told = "; ".join(_told(key, one) for one in carrying)
    return check(
        name, same, "runs", f"the gate runs it with other parameters than the policy names: {told}, not {_told(key, asked)}"
    )
