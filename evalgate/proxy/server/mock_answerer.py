"""Made-up answers that depend on the request alone, with the bad days that were asked for."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from evalgate.core.settings import MockChoice
from evalgate.proxy.exchange import Exchange
from evalgate.proxy.mock.answers import mock_reply
from evalgate.proxy.mock.faults import FaultSchedule
from evalgate.proxy.request import CHAT
from evalgate.proxy.server.bodies import complete_body
from evalgate.proxy.server.interface import MOCK, NOT_FOUND, Answered, Asked, Refusal
from evalgate.proxy.upstream.interface import Failure, Reply

MOST_CHOICES = 128
"""Of an answer to `n` choices, all alike."""


class MockAnswerer:
    """Answers by rule or from the key; faults come on the schedule of the attempts that arrive."""

    mode = "mock"

    def __init__(self, choice: MockChoice) -> None:
        self._choice = choice
        self._faults = FaultSchedule(choice.faults)

    async def answer(self, asked: Asked) -> Answered | Refusal:
        """The made-up exchange, or a miss where no rule matches and the mock is to miss then."""
        fault = self._faults.next(asked.key)
        reply = mock_reply(self._choice, asked.request, asked.key)
        if isinstance(reply, Failure):
            noted = f"miss: {asked.endpoint} {asked.request['model']} {asked.key[:12]}: {reply.message}"
            return Refusal(404, reply.message, NOT_FOUND, noted=noted)
        if self._choice.paced:
            await asyncio.sleep(reply.latency_ms / 1000)
        return Answered(_exchange(asked, reply), MOCK, fault)

    def exchanges(self) -> int:
        """None are stored."""
        return 0

    async def models(self) -> tuple[str, ...]:
        """Models that rules name, and `mock`."""
        return tuple(sorted({"mock", *(rule.model for rule in self._choice.rules if rule.model is not None)}))

    async def close(self, grace_s: float) -> None:
        """Nothing is open."""


def _exchange(asked: Asked, reply: Reply) -> Exchange:
    exchange = Exchange(
        key=asked.key,
        request=asked.request,
        status="ok",
        text=reply.text,
        finish=reply.finish,
        prompt_tokens=reply.prompt_tokens,
        completion_tokens=reply.completion_tokens,
        latency_ms=reply.latency_ms,
        error=None,
        body=reply.body,
    )
    wanted = asked.request["parameters"].get("n")
    body: Any = complete_body(exchange)
    if asked.endpoint == CHAT and isinstance(wanted, int) and 1 < wanted <= MOST_CHOICES and len(body["choices"]) == 1:
        choices = [{**body["choices"][0], "index": number} for number in range(wanted)]
        return replace(exchange, body={**body, "choices": choices})
    return exchange
