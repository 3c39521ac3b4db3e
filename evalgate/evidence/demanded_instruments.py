"""Whether a gate measures with what a policy means: a metric or category can carry any name, so names alone protect nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from evalgate.core.canonical import digest
from evalgate.core.policy import Check, Tier, check
from evalgate.core.settings import PluginChoice, TargetKind, Threshold

_APART = {"as": "name", "reference": "reference"}
"""Parameters that every metric has; a plan keeps them beside the others."""


def demanded_instruments(tier: Tier, plan: Mapping[str, Any]) -> Iterator[Check]:
    """The metrics and detectors that a tier asks for, with the parameters that it names.

    Raises: KeyError or TypeError for a plan that evalgate did not write.
    """
    for kind, choices, running in (("metric", tier.metrics, plan["metrics"]), ("detector", tier.detectors, plan["safety"])):
        for choice in choices:
            yield _demanded(f"{kind} {choice.name}", choice, running)


def disguise(asked: Threshold, tier: Tier, plan: Mapping[str, Any]) -> str | None:
    """What else a protected threshold would be held against than its name says; None when it is what it says.

    A metric or category of another name than its plugin's is what the tier's `metrics` or `detectors` say under this name.
    """
    if asked.kind is TargetKind.METRIC:
        percentiles = {one["name"]: one["metric"] for one in plan["percentiles"]}
        name = str(percentiles.get(asked.name, asked.name))
        found = [str(one["plugin"]) for one in plan["metrics"] if one["name"] == name and name.partition("@")[0] != one["plugin"]]
        known, key, word = tier.metrics, "as", "metrics"
    elif asked.kind is TargetKind.SAFETY and asked.name != "any":
        name = asked.name
        found = [str(one["plugin"]) for one in plan["safety"] if one["category"] == name != one["plugin"]]
        known, key, word = tier.detectors, "category", "detectors"
    else:
        return None
    said = {choice.name for choice in known if choice.parameters.get(key) == name}
    hidden = [plugin for plugin in found if plugin not in said]
    if not hidden:
        return None
    return f"what the gate calls {name} is {hidden[0]}; if that is meant, say so: {word}: [{{{hidden[0]}: {{{key}: {name}}}}}]"


def _demanded(name: str, choice: PluginChoice, running: list[Mapping[str, Any]]) -> Check:
    found = [one for one in running if one["plugin"] == choice.name]
    if not found:
        return check(name, False, "", "the gate does not run it")
    same = any(_has(one, choice.parameters) for one in found)
    return check(name, same, "runs", "the gate runs it with other parameters than the policy names")


def _has(entry: Mapping[str, Any], asked: Mapping[str, Any]) -> bool:
    """Whether a metric or detector of a plan has every parameter that is asked; others are not looked at."""
    apart = {key: entry[place] for key, place in _APART.items() if place in entry}
    found = {**entry["parameters"], **apart}
    return all(key in found and digest(value) == digest(found[key]) for key, value in asked.items())
