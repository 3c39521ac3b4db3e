"""The complete response body of an exchange: the provider's own where it was kept, else one made from text and usage.

Source: OpenAI API reference (the chat completion, response and embedding objects).
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from evalgate.core.strict_json import parse_json
from evalgate.proxy.exchange import Exchange
from evalgate.proxy.request import CHAT, EMBEDDINGS, RESPONSES

_OBJECT = {CHAT: "chat.completion", RESPONSES: "response", EMBEDDINGS: "list"}
_ITEMS = {CHAT: "choices", RESPONSES: "output", EMBEDDINGS: "data"}
LARGEST = 3.4e38


def complete_body(exchange: Exchange) -> Mapping[str, Any] | None:
    """What answers the exchange's request when it is not streamed; None: embeddings whose vectors were not kept."""
    endpoint = str(exchange.request["endpoint"])
    if _is_kept(endpoint, exchange.body):
        kept: Mapping[str, Any] = exchange.body
        return kept
    if endpoint == EMBEDDINGS:
        return _embeddings(exchange)
    return _response(exchange) if endpoint == RESPONSES else _chat(exchange)


def embeddings_body(exchange: Exchange, vectors: list[list[float]]) -> dict[str, Any]:
    """A list of embeddings, in the encoding that was asked for."""
    in_base64 = exchange.request["parameters"].get("encoding_format") == "base64"
    data = [
        {"object": "embedding", "index": number, "embedding": _packed(vector) if in_base64 else vector}
        for number, vector in enumerate(vectors)
    ]
    tokens = exchange.prompt_tokens or 0
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "data": data, "model": exchange.request["model"], "usage": usage}


def created_at(exchange: Exchange) -> int:
    """Seconds since 1970 of the recording, 0 when it is not known: the same exchange always gives the same body."""
    try:
        return max(0, int(datetime.fromisoformat(exchange.recorded_at or "").timestamp()))
    except (ValueError, OverflowError, OSError):
        return 0


def _is_kept(endpoint: str, body: Any) -> bool:
    """Whether the kept body is one of this endpoint; some servers leave `object` out."""
    if not isinstance(body, Mapping) or body.get("object", _OBJECT[endpoint]) != _OBJECT[endpoint]:
        return False
    items = body.get(_ITEMS[endpoint])
    if not isinstance(items, list) or not items or not all(isinstance(item, Mapping) for item in items):
        return False
    return endpoint != CHAT or all(isinstance(item.get("message"), Mapping) for item in items)


def _chat(exchange: Exchange) -> dict[str, Any]:
    finish = exchange.finish or "stop"
    message: dict[str, Any] = {"role": "assistant", "content": exchange.text, "refusal": None}
    calls = _tool_calls(exchange.text) if finish == "tool_calls" else None
    if calls is not None:
        message.update(content=None, tool_calls=calls)
    body: dict[str, Any] = {
        "id": f"chatcmpl-{exchange.key[:29]}",
        "object": "chat.completion",
        "created": created_at(exchange),
        "model": exchange.request["model"],
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": finish}],
        "system_fingerprint": None,
    }
    usage = _usage(exchange)
    if usage is not None:
        prompt, completion = usage
        counts = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
        body["usage"] = counts
    return body


def _tool_calls(text: str) -> list[Any] | None:
    """The tool calls that an exchange without a body keeps as its text."""
    try:
        calls = parse_json(text)
    except ValueError:
        return None
    good = isinstance(calls, list) and calls and all(isinstance(call, dict) and "function" in call for call in calls)
    return calls if good else None


def _response(exchange: Exchange) -> dict[str, Any]:
    cut = {"length": "max_output_tokens", "content_filter": "content_filter"}.get(exchange.finish or "stop")
    status = "completed" if cut is None else "incomplete"
    part = {"type": "output_text", "text": exchange.text, "annotations": [], "logprobs": []}
    message = {
        "type": "message",
        "id": f"msg_{exchange.key[:48]}",
        "status": status,
        "role": "assistant",
        "content": [part],
    }
    body = {
        "id": f"resp_{exchange.key[:48]}",
        "object": "response",
        "created_at": created_at(exchange),
        "status": status,
        "error": None,
        "incomplete_details": None if cut is None else {"reason": cut},
        "model": exchange.request["model"],
        "output": [message],
    }
    usage = _usage(exchange)
    tokens = None if usage is None else _response_usage(*usage)
    return {**body, **_settings(exchange.request["parameters"]), "usage": tokens}


def _settings(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a response that only repeat what was asked."""
    defaults: dict[str, Any] = {
        "instructions": None,
        "metadata": {},
        "parallel_tool_calls": True,
        "temperature": None,
        "tool_choice": "auto",
        "tools": [],
        "top_p": None,
        "max_output_tokens": None,
        "previous_response_id": None,
        "text": {"format": {"type": "text"}},
        "truncation": "disabled",
    }
    return {name: parameters.get(name, value) for name, value in defaults.items()}


def _response_usage(prompt: int, completion: int) -> dict[str, Any]:
    return {
        "input_tokens": prompt,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": completion,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": prompt + completion,
    }


def _usage(exchange: Exchange) -> tuple[int, int] | None:
    """Prompt and completion tokens; None when neither is known, because a made-up count would be taken for a real one."""
    if exchange.prompt_tokens is None and exchange.completion_tokens is None:
        return None
    return exchange.prompt_tokens or 0, exchange.completion_tokens or 0


def _embeddings(exchange: Exchange) -> dict[str, Any] | None:
    """From vectors that are written down as the text of the exchange."""
    try:
        value = parse_json(exchange.text)
    except ValueError:
        return None
    vectors = value if isinstance(value, list) and value and isinstance(value[0], list) else [value]
    if not all(_is_vector(vector) for vector in vectors):
        return None
    return embeddings_body(exchange, vectors)


def _is_vector(value: Any) -> bool:
    """Numbers that fit into 32 bits, as clients unpack them."""
    numbers = isinstance(value, list) and value and all(isinstance(x, (int, float)) and not isinstance(x, bool) for x in value)
    return bool(numbers) and all(abs(x) <= LARGEST for x in value)


def _packed(vector: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode("ascii")
