"""Whether a candidate was compared with what a policy means: its baseline, models, what judges were told, and the draws.

A weak baseline, a model that is easier to beat or a seed that was tried until it suited makes any threshold easy to pass.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from evalgate.core.canonical import canonical_json, digest
from evalgate.core.policy import CHAT, Check, ModelPin, Tier, check
from evalgate.core.values import ARMS, Arm
from evalgate.evidence.statements import RunFacts


def demanded_comparison(tier: Tier, facts: RunFacts) -> Iterator[Check]:
    """What a tier asks of baseline, models, judges, seed and resamples; nothing that it does not name.

    Raises: KeyError or TypeError for a plan that evalgate did not write.
    """
    plan = facts.plan
    if tier.baselines:
        yield _baseline(tier, plan["variants"][Arm.BASELINE])
    if tier.models:
        asking = {str(arm): plan["variants"][arm] for arm in ARMS}
        asking |= {f"judge {name}": one for name, one in plan.get("judges", {}).items()}
        for name, planned in asking.items():
            yield _model(f"model of the {name}", tier.models, planned)
    if tier.judges:
        yield from (_judge(tier, str(name), one) for name, one in plan.get("judges", {}).items())
    if tier.seeds:
        accepted = ", ".join(map(str, tier.seeds))
        yield check("seed", plan["seed"] in tier.seeds, str(plan["seed"]), f"the seed is {plan['seed']}; accepted: {accepted}")
    if tier.resamples is not None:
        told = f"{facts.resamples} resamples, the policy asks at least {tier.resamples}"
        yield check("resamples", facts.resamples >= tier.resamples, f"{facts.resamples}", told)


def _baseline(tier: Tier, planned: Mapping[str, Any]) -> Check:
    found = planned.get("prompt_digest")
    named = f"{planned.get('prompt', 'outputs')}, {found or 'of which no prompt is known'}"
    return check("baseline", found in tier.baselines, named, f"compared with {named}; accepted: {', '.join(tier.baselines)}")


def _judge(tier: Tier, name: str, planned: Mapping[str, Any]) -> Check:
    """A judge of no name that the policy has is none that it means, whatever it is told."""
    found, accepted = planned["prompt_digest"], [one.prompt for one in tier.judges if one.judge == name]
    wanted = canonical_json({"judge": name, "prompt": found}).decode("utf-8")
    why = f"accepted: {', '.join(accepted)}" if accepted else "the policy names no such judge"
    told = f"it is asked with {planned['prompt']}, {found}; {why}; if it is meant, say so: judges: [{wanted}]"
    return check(f"prompt of the judge {name}", found in accepted, f"{planned['prompt']}, {found}", told)


def _model(name: str, accepted: tuple[ModelPin, ...], planned: Mapping[str, Any]) -> Check:
    model = planned.get("model")
    if model is None:
        return check(name, False, "", "the run compared outputs: no model is known")
    found = ModelPin(model["provider"], model["name"], planned["parameters"], model["endpoint"])
    told = f"{_told(found)} is none that the policy names; if it is meant, say so: models: [{_told(found)}]"
    return check(name, any(_identity(found) == _identity(one) for one in accepted), _told(found), told)


def _identity(one: ModelPin) -> str:
    """Equal for two that are asked the same: 1 is not true."""
    return digest([one.provider, one.name, dict(one.parameters), one.endpoint])


def _told(one: ModelPin) -> str:
    """As one writes it in a policy."""
    written: dict[str, Any] = {"provider": one.provider, "name": one.name}
    if one.parameters:
        written["parameters"] = dict(one.parameters)
    if one.endpoint != CHAT:
        written["endpoint"] = one.endpoint
    return canonical_json(written).decode("utf-8")
