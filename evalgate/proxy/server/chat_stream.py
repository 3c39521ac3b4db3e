"""A chat completion as a stream: the same answer in chunks, made from the complete body.

Source: OpenAI API reference (the chat completion chunk object).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from evalgate.proxy.exchange import Exchange
from evalgate.proxy.server.bodies import created_at
from evalgate.proxy.server.pieces import event, pieces

DONE = b"data: [DONE]\n\n"
_ON_ITS_OWN = ("role", "content", "refusal", "tool_calls")
"""Fields of a message that have chunks of their own; all others go out whole, before the text."""


def chat_events(exchange: Exchange, body: Mapping[str, Any], *, include_usage: bool) -> Iterator[bytes]:
    """Chunks of every choice, the usage where it was asked for and is known, and `[DONE]`."""
    head = {
        "id": body.get("id") or f"chatcmpl-{exchange.key[:29]}",
        "object": "chat.completion.chunk",
        "created": body.get("created") or created_at(exchange),
        "model": body.get("model") or exchange.request["model"],
        **{name: body[name] for name in ("system_fingerprint", "service_tier") if body.get(name) is not None},
    }
    usage = {"usage": None} if include_usage else {}
    for number, choice in enumerate(body["choices"]):
        for delta, rest in _deltas(choice, exchange):
            index = choice.get("index", number)
            yield event({**head, "choices": [{"index": index, "delta": delta, "finish_reason": None, **rest}], **usage})
    if include_usage and body.get("usage") is not None:
        yield event({**head, "choices": [], "usage": body["usage"]})
    yield DONE


def _deltas(choice: Mapping[str, Any], exchange: Exchange) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """(delta, what else the chunk's choice holds)."""
    message = choice["message"]
    rest: dict[str, Any] = {"logprobs": None} if "logprobs" in choice else {}
    probabilities = choice.get("logprobs")
    yield {"role": message.get("role") or "assistant", "content": "", "refusal": None}, rest
    others = {name: value for name, value in message.items() if name not in _ON_ITS_OWN and value is not None}
    if others:
        yield others, rest
    for piece in pieces(_content(message)):
        # The tokens of a word are not known: their probabilities go out once, with the first piece.
        yield {"content": piece}, {**rest, "logprobs": probabilities} if probabilities is not None else rest
        probabilities = None
    for piece in pieces(str(message.get("refusal") or "")):
        yield {"refusal": piece}, rest
    calls = message.get("tool_calls")
    for number, call in enumerate(calls if isinstance(calls, list) else ()):
        for part in _tool_call(number, call):
            yield {"tool_calls": [part]}, rest
    ended = {**rest, "finish_reason": choice.get("finish_reason") or exchange.finish or "stop"}
    yield {}, {**ended, "logprobs": probabilities} if probabilities is not None else ended


def _content(message: Mapping[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content if isinstance(part, Mapping))
    return content if isinstance(content, str) else ""


def _tool_call(number: int, call: Any) -> Iterator[dict[str, Any]]:
    """The call with its name first, then its arguments in pieces."""
    if not isinstance(call, Mapping):
        return
    function = call.get("function")
    if not isinstance(function, Mapping) or not isinstance(function.get("arguments"), str):
        yield {**call, "index": number}
        return
    yield {**call, "index": number, "function": {**function, "arguments": ""}}
    for piece in pieces(function["arguments"]):
        yield {"index": number, "function": {"arguments": piece}}
