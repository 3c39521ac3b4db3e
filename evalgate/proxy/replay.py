"""Replay: answers come from a recording or not at all. No socket, no key, no surprise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evalgate.core.settings import ModelChoice
from evalgate.core.values import Output, Status
from evalgate.proxy.exchange import Exchange
from evalgate.proxy.nearest import Miss
from evalgate.proxy.recording import Recording
from evalgate.proxy.request import CONTENT_FIELD, canonical_request, request_key


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

    def request(self) -> dict[str, Any]:
        """The canonical request."""
        return canonical_request(
            model=self.model.name,
            messages=self._messages(),
            parameters=self.parameters,
            sample=self.sample,
            endpoint=self.model.endpoint,
        )

    def body(self) -> dict[str, Any]:
        """The request as it goes over the wire, under the parameter names that the user chose."""
        field = CONTENT_FIELD[self.model.endpoint]
        kept = {name: value for name, value in self.parameters.items() if name not in ("stream", "stream_options")}
        return {"model": self.model.name, field: self._messages(), **kept}

    def _messages(self) -> list[dict[str, str]]:
        return [{"role": role, "content": content} for role, content in self.messages]


def replay(ask: Ask, recording: Recording) -> Output | Miss:
    """Answer from the recording, or say that it cannot.

    A request for which only an error is recorded has lost its answer: it comes back as an error, which the gate's own
    `error_rate` decides about, and never as an answer.
    """
    request = ask.request()
    exchange = recording.lookup(request_key(request))
    if exchange is None:
        return Miss(ask.case_id, ask.arm, ask.sample, request, "not recorded")
    if exchange.status != "ok":
        said = f"the recorded exchange is an error: {exchange.error}"
        return Output("", status=Status.ERROR, error=said, request_key=exchange.key)
    return _output(exchange, ask.model)


def cost_usd(model: ModelChoice, prompt_tokens: int | None, completion_tokens: int | None) -> float | None:
    """What a call cost in US dollars, from the declared price; None when price or usage is unknown."""
    if model.price_input is None or model.price_output is None or prompt_tokens is None or completion_tokens is None:
        return None
    return (prompt_tokens * model.price_input + completion_tokens * model.price_output) / 1_000_000


def _output(exchange: Exchange, model: ModelChoice) -> Output:
    return Output(
        text=exchange.text,
        finish=exchange.finish,
        latency_ms=exchange.latency_ms,
        prompt_tokens=exchange.prompt_tokens,
        completion_tokens=exchange.completion_tokens,
        cost_usd=cost_usd(model, exchange.prompt_tokens, exchange.completion_tokens),
        request_key=exchange.key,
        redacted=exchange.redacted,
    )
