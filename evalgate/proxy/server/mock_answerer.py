"""Made-up answers that depend on the request alone, with the bad days that were asked for."""

from __future__ import annotations

import asyncio
import hashlib
import math
import struct
from dataclasses import replace
from typing import Any

from evalgate.core.settings import MockChoice
from evalgate.proxy.exchange import Exchange
from evalgate.proxy.mock.answers import mock_reply
from evalgate.proxy.mock.faults import FaultSchedule
from evalgate.proxy.request import CHAT, EMBEDDINGS
from evalgate.proxy.server.bodies import complete_body, embeddings_body
from evalgate.proxy.server.interface import MOCK, NOT_FOUND, Answered, Asked, Refusal
from evalgate.proxy.upstream.interface import Failure, Reply

DIMENSIONS = 64
MOST_DIMENSIONS = 4096
MOST_CHOICES = 128


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
    body: Any = complete_body(exchange)
    if asked.endpoint == EMBEDDINGS and body is None:
        return replace(exchange, body=embeddings_body(exchange, _vectors(asked)))
    wanted = asked.request["parameters"].get("n")
    if asked.endpoint == CHAT and isinstance(wanted, int) and 1 < wanted <= MOST_CHOICES and len(body["choices"]) == 1:
        choices = [{**body["choices"][0], "index": number} for number in range(wanted)]
        return replace(exchange, body={**body, "choices": choices})
    return exchange


def _vectors(asked: Asked) -> list[list[float]]:
    """One unit vector for each input: the same text has the same vector in every request."""
    content, parameters = asked.request["input"], asked.request["parameters"]
    wanted = parameters.get("dimensions")
    size = wanted if type(wanted) is int and 1 <= wanted <= MOST_DIMENSIONS else DIMENSIONS
    one = isinstance(content, str) or all(isinstance(item, int) for item in content)
    return [_vector(f"{asked.request['model']}\n{item}", size) for item in ([content] if one else content)]


def _vector(text: str, size: int) -> list[float]:
    data = hashlib.shake_256(text.encode("utf-8")).digest(2 * size)
    values = [(number - 32767.5) / 32767.5 for number in struct.unpack(f"<{size}H", data)]
    length = math.sqrt(sum(value * value for value in values))
    return [round(value / length, 6) for value in values]
