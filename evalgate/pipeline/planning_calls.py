"""What a run would ask for, how much of it is recorded, and what the rest would use and cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from evalgate.core.plan_report import CallForecast
from evalgate.core.settings import Budget, GateSettings
from evalgate.pipeline.planning_usage import Usage
from evalgate.proxy.replay import cost_usd
from evalgate.runner.job import ArmTask

_LIMITS = ("max_tokens", "max_completion_tokens", "max_output_tokens")


@dataclass(frozen=True, slots=True)
class _Rest:
    """What the requests of one variant that are still to be made would use."""

    prompt: int | None
    completion: int | None
    words: str


def forecast_calls(settings: GateSettings, arms: Mapping[str, ArmTask], usage: Mapping[str, Usage]) -> CallForecast:
    """Calls, tokens and cost of the whole gate: those who ask, variants and judges, by name."""
    rest = {arm: _rest(usage[arm], arms[arm]) for arm in usage}
    prompts, completions = _sum([r.prompt for r in rest.values()]), _sum([r.completion for r in rest.values()])
    usd = _sum([_cost(arms[arm], rest[arm].prompt, rest[arm].completion) for arm in usage])
    spent = _sum([_cost(arms[arm], usage[arm].prompt_tokens, usage[arm].completion_tokens) for arm in usage])
    to_call = sum(usage[arm].to_call for arm in usage)
    words = "; ".join(dict.fromkeys(r.words for r in rest.values() if r.words)) or "everything is recorded: nothing is called"
    return CallForecast(
        asked=sum(usage[arm].asked for arm in usage),
        recorded=sum(usage[arm].recorded for arm in usage),
        to_call=to_call,
        errors=sum(usage[arm].errors for arm in usage),
        prompt_tokens=_whole(prompts),
        completion_tokens=_whole(completions),
        usd=usd,
        recorded_tokens=sum(usage[arm].prompt_tokens + usage[arm].completion_tokens for arm in usage),
        recorded_usd=spent,
        words=words,
        over_budget=_over(settings.proxy.budget, to_call, _sum([prompts, completions]), usd),
    )


def _rest(used: Usage, arm: ArmTask) -> _Rest:
    if used.to_call == 0:
        return _Rest(0, 0, "")
    if used.counted:
        share = used.to_call / used.counted
        words = "tokens as the recorded answers of the same variant used them"
        return _Rest(round(used.prompt_tokens * share), round(used.completion_tokens * share), words)
    if used.unseen:
        return _Rest(None, None, "what a judge is asked depends on answers that are not there yet, so its tokens are not known")
    limit = next((arm.parameters[name] for name in _LIMITS if type(arm.parameters.get(name)) is int), None)
    answer = "the answer's own limit" if limit is not None else "answers have no limit, so their tokens are not known"
    return _Rest(used.bytes_to_call, None if limit is None else limit * used.to_call, f"at most one token a byte, and {answer}")


def _cost(arm: ArmTask, prompt: int | None, completion: int | None) -> float | None:
    return 0.0 if prompt == 0 and completion == 0 else cost_usd(arm.model, prompt, completion)


def _sum(parts: list[float | None] | list[int | None]) -> float | None:
    known = [part for part in parts if part is not None]
    return sum(known) if len(known) == len(parts) else None


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)


def _over(budget: Budget, calls: int, tokens: float | None, usd: float | None) -> tuple[str, ...]:
    found = []
    if budget.calls is not None and calls > budget.calls:
        found.append(f"calls: {calls:,} of {budget.calls:,}")
    if budget.tokens is not None and tokens is not None and tokens > budget.tokens:
        found.append(f"tokens: {tokens:,.0f} of {budget.tokens:,}")
    if budget.usd is not None and usd is not None and usd > budget.usd:
        found.append(f"US dollars: {usd:,.4f} of {budget.usd:g}")
    return tuple(found)
