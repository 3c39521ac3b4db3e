"""The entry `proxy`: its limits, budget and mock, and what they need from the rest of the file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from evalgate.config.faults import Faults, clipped, key_text
from evalgate.config.mock_rules import check_mock, mock_choice
from evalgate.core.settings import Budget, CallLimits, ProxyChoice

if TYPE_CHECKING:
    from evalgate.config.answer_models import ProxyEntry

LONGEST_S = 30 * 86_400
_DEFAULTS = CallLimits()


def check_proxy(raw: Mapping[str, Any], faults: Faults) -> None:
    """Note what is wrong with the proxy of a configuration beyond its shape; `raw` is the whole configuration."""
    proxy = raw.get("proxy")
    if not isinstance(proxy, dict):
        return
    _check_deadlines(proxy, faults)
    _check_budget(raw, proxy.get("budget"), faults)
    check_mock(proxy.get("mock"), ("proxy", "mock"), faults)


def proxy_choice(entry: ProxyEntry, place: str) -> ProxyChoice:
    """Where answers come from."""
    limits = CallLimits(
        concurrency=entry.concurrency,
        attempts=entry.attempts,
        timeout_s=float(entry.timeout_s),
        deadline_s=float(entry.deadline_s),
        run_deadline_s=float(entry.run_deadline_s),
        requests_per_minute=entry.requests_per_minute,
        tokens_per_minute=entry.tokens_per_minute,
    )
    return ProxyChoice(entry.mode, entry.recording, place, limits, _budget(entry), mock_choice(entry.mock))


def _budget(entry: ProxyEntry) -> Budget:
    found = entry.budget if "budget" in entry.model_fields_set else None
    return Budget() if found is None else Budget(found.usd, found.calls, found.tokens)


def _check_deadlines(proxy: Mapping[str, Any], faults: Faults) -> None:
    timeout, deadline = (_seconds(proxy.get(key, default)) for key, default in _limits().items())
    if timeout is None or deadline is None or deadline >= timeout:
        return
    key = "deadline_s" if "deadline_s" in proxy else "timeout_s"
    where = ("proxy", key)
    default = ", the default," if "deadline_s" not in proxy else ""
    message = f"{key_text(where)}: a call has {deadline:.10g} s{default} for all its attempts, one attempt {timeout:.10g} s"
    faults.add(where, message, f"write deadline_s: {timeout:.10g} or more, or a smaller timeout_s; both are seconds")


def _limits() -> dict[str, float]:
    return {"timeout_s": _DEFAULTS.timeout_s, "deadline_s": _DEFAULTS.deadline_s}


def _seconds(value: Any) -> float | None:
    """A number of seconds; None where the shape is wrong already."""
    right = isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value <= LONGEST_S
    return value if right else None


def _check_budget(raw: Mapping[str, Any], budget: Any, faults: Faults) -> None:
    if not isinstance(budget, dict):
        return
    where = ("proxy", "budget")
    if not budget:
        hint = "write usd, calls or tokens, such as budget: {usd: 5}; without a limit leave budget out"
        faults.add(where, f"{key_text(where)} is empty", hint)
    if "usd" in budget:
        for alias in _unpriced(raw):
            hint = f"add price: {{input: …, output: …}} to models.{clipped(alias)}, or limit calls or tokens"
            message = f"{key_text((*where, 'usd'))} cannot be kept: the model {clipped(alias)!r} has no price"
            faults.add((*where, "usd"), message, hint)


def _unpriced(raw: Mapping[str, Any]) -> list[str]:
    """Aliases without a price that a variant uses."""
    models, variants = raw.get("models"), raw.get("variants")
    if not isinstance(models, dict) or not isinstance(variants, dict):
        return []
    entries = [variants.get(side) for side in ("baseline", "candidate")]
    used = dict.fromkeys(str(entry.get("model")) for entry in entries if isinstance(entry, dict))
    return [name for name in used if isinstance(models.get(name), dict) and models[name].get("price") is None]
