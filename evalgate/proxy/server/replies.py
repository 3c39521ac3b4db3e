"""From an answer or a refusal to the HTTP response, with the headers that clients of OpenAI's API know."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from evalgate.proxy.exchange import Exchange
from evalgate.proxy.redaction import Redactor
from evalgate.proxy.request import RESPONSES
from evalgate.proxy.server.bodies import complete_body
from evalgate.proxy.server.chat_stream import chat_events
from evalgate.proxy.server.interface import NOT_FOUND, Answered, Asked, Refusal
from evalgate.proxy.server.responses_stream import response_events

if TYPE_CHECKING:
    from aiohttp import web

JSON = "application/json"
EVENTS = "text/event-stream; charset=utf-8"
_NO_RETRY = {"x-should-retry": "false"}
"""The proxy has already tried as often as makes sense; the official clients obey this header."""


def encoded(value: Any) -> bytes:
    """JSON as it goes to a client."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode("utf-8")


def headers_of(answered: Answered) -> dict[str, str]:
    """Headers of an answer."""
    exchange = answered.exchange
    headers = {
        "x-request-id": f"req_{exchange.key[:32]}",
        "openai-version": "2020-10-01",
        "x-evalgate-key": exchange.key,
        "x-evalgate-source": answered.source,
    }
    if exchange.latency_ms is not None:
        headers["openai-processing-ms"] = str(round(exchange.latency_ms))
    return headers


def payload(asked: Asked, answered: Answered) -> bytes | Iterator[bytes] | Refusal:
    """The bytes of the answer, or the events of its stream."""
    exchange = answered.exchange
    body = complete_body(exchange)
    if body is None:
        return Refusal(404, "the recorded exchange holds no vectors", NOT_FOUND, noted=f"miss: {asked.key[:12]}: no vectors")
    return _events(asked, exchange, body) if asked.stream else encoded(body)


def error_response(refusal: Refusal, redactor: Redactor, headers: Mapping[str, str] | None = None) -> web.Response:
    """The response that refuses; whatever it quotes goes out without secrets."""
    from aiohttp import web

    said = redactor.message(refusal.message)
    error = {"message": said, "type": refusal.kind, "param": refusal.param, "code": refusal.code}
    data = encoded(redactor.value({"error": error}))
    response = web.Response(status=refusal.status, body=data, content_type=JSON)
    response.headers.update({**_NO_RETRY, **refusal.headers, **(headers or {})})
    if refusal.closes:
        response.force_close()
    return response


def _events(asked: Asked, exchange: Exchange, body: Mapping[str, Any]) -> Iterator[bytes]:
    if asked.endpoint == RESPONSES:
        return response_events(exchange, body)
    return chat_events(exchange, body, include_usage=asked.include_usage)
