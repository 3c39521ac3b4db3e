"""Replay: answers come from a recording or not at all. No socket, no key, no surprise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evalgate.core.errors import BadInput
from evalgate.core.settings import ModelChoice
from evalgate.core.values import Output
from evalgate.proxy.exchange import Exchange
from evalgate.proxy.nearest import Miss
from evalgate.proxy.recording import RecordingIndex
from evalgate.proxy.request import canonical_request, request_key

MODES = ("replay",)
"""The modes that this version can run."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One answer that is wanted."""

    case_id: str
    arm: str
    model: ModelChoice
    messages: tuple[tuple[str, str], ...]
    """(role, content), rendered."""
    parameters: Mapping[str, Any]
    sample: int = 0


def check_mode(mode: str, where: str | None = None) -> None:
    """Refuse a mode that this version cannot run.

    Raises: BadInput.
    """
    if mode not in MODES:
        raise BadInput(f"mode {mode!r} is not available in this version", where=where, hint=f"available: {', '.join(MODES)}")


def replay(ask: Ask, recording: RecordingIndex) -> Output | Miss:
    """Answer from the recording, or say that it cannot."""
    request = canonical_request(
        model=ask.model.name,
        messages=[{"role": role, "content": content} for role, content in ask.messages],
        parameters=ask.parameters,
        sample=ask.sample,
    )
    exchange = recording.lookup(request_key(request))
    if exchange is None:
        return Miss(ask.case_id, ask.arm, ask.sample, request, "not recorded")
    if exchange.status != "ok":
        return Miss(ask.case_id, ask.arm, ask.sample, request, f"the recorded exchange is an error: {exchange.error}")
    return _output(exchange, ask.model)


def _output(exchange: Exchange, model: ModelChoice) -> Output:
    return Output(
        text=exchange.text,
        finish=exchange.finish,
        latency_ms=exchange.latency_ms,
        prompt_tokens=exchange.prompt_tokens,
        completion_tokens=exchange.completion_tokens,
        cost_usd=_cost(exchange, model),
        request_key=exchange.key,
    )


def _cost(exchange: Exchange, model: ModelChoice) -> float | None:
    tokens = (exchange.prompt_tokens, exchange.completion_tokens)
    if model.price_input is None or model.price_output is None or tokens[0] is None or tokens[1] is None:
        return None
    return (tokens[0] * model.price_input + tokens[1] * model.price_output) / 1_000_000
