"""The canonical request and its key: the same request from any client has one key.

Source: the field lists follow the OpenAI Chat Completions API reference.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from evalgate.core.canonical import canonical_parsed
from evalgate.core.errors import BadInput

KEY_VERSION = 1
CHAT = "chat/completions"
RESPONSES = "responses"
EMBEDDINGS = "embeddings"
ENDPOINTS = (CHAT, RESPONSES, EMBEDDINGS)
CONTENT_FIELD = {CHAT: "messages", RESPONSES: "input", EMBEDDINGS: "input"}
"""Endpoint → the field of the body that holds what is asked."""

_SCHEMAS = frozenset({"schema", "parameters"})
_TEXT_PARTS = ("text", "input_text", "output_text")
_RENAMED = {"max_completion_tokens": "max_tokens"}
_NOT_IDENTITY = frozenset(
    {
        "stream",
        "stream_options",
        "user",
        "metadata",
        "store",
        "service_tier",
        "safety_identifier",
        "prompt_cache_key",
        "prompt_cache_retention",
        "model",
        "messages",
        "input",
    }
)


def canonical_request(
    *,
    model: str,
    messages: Sequence[Mapping[str, Any]],
    parameters: Mapping[str, Any],
    sample: int = 0,
    endpoint: str = CHAT,
) -> dict[str, Any]:
    """Normalise a chat request to the form that is keyed, recorded and compared.

    Nulls are dropped, `max_completion_tokens` becomes `max_tokens`, text parts are flattened; transport and
    bookkeeping fields (streaming flag, user, metadata …) do not belong to the identity of a request.

    Raises: BadInput for a value that JSON cannot hold or two names of one parameter that disagree.
    """
    return {
        "v": KEY_VERSION,
        "endpoint": endpoint,
        "model": model,
        CONTENT_FIELD[endpoint]: [_message(message) for message in messages],
        "parameters": _parameters(parameters),
        "sample": sample,
    }


def request_of_body(endpoint: str, body: Mapping[str, Any], sample: int = 0) -> dict[str, Any]:
    """The canonical request of a body as a client sends it.

    Raises: BadInput when the body lacks its model or its content, or holds them in another shape.
    """
    field = CONTENT_FIELD[endpoint]
    model, content = body.get("model"), body.get(field)
    if not isinstance(model, str) or not model:
        raise BadInput("model must be a text", where="model")
    if content is None or (endpoint == CHAT and not _is_messages(content)) or not isinstance(content, (str, list)):
        wanted = "a list of objects with a role" if endpoint == CHAT else "a text or a list"
        raise BadInput(f"{field} must be {wanted}", where=field)
    return {
        "v": KEY_VERSION,
        "endpoint": endpoint,
        "model": model,
        field: [_item(item) for item in content] if isinstance(content, list) else content,
        "parameters": _parameters(body),
        "sample": sample,
    }


def _is_messages(content: Any) -> bool:
    return isinstance(content, list) and all(isinstance(m, Mapping) and isinstance(m.get("role"), str) for m in content)


def _item(item: Any) -> Any:
    return _message(item) if isinstance(item, Mapping) else item


def request_key(request: Mapping[str, Any]) -> str:
    """The key of a canonical request: SHA-256, 64 hexadecimal digits.

    Raises: BadInput when the request holds something that is not JSON.
    """
    try:
        return hashlib.sha256(canonical_parsed(request)).hexdigest()
    except ValueError as error:
        raise BadInput(f"the request cannot be keyed: {error}") from error


def _parameters(parameters: Mapping[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for name, value in parameters.items():
        if value is None or name in _NOT_IDENTITY:
            continue
        renamed = _RENAMED.get(name, name)
        if renamed in kept and kept[renamed] != value:
            raise BadInput(f"{name} and {renamed} are the same parameter with different values", where=name)
        kept[renamed] = _without_nulls(value)
    return kept


def _message(message: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: _without_nulls(value) for name, value in message.items() if value is not None}
    content = kept.get("content")
    if isinstance(content, list) and all(_is_text_part(part) for part in content):
        kept["content"] = "".join(part["text"] for part in content)
    return kept


def _is_text_part(part: Any) -> bool:
    return isinstance(part, Mapping) and part.get("type") in _TEXT_PARTS and isinstance(part.get("text"), str)


def _without_nulls(value: Any) -> Any:
    if isinstance(value, Mapping):
        if not all(isinstance(name, str) for name in value):
            raise BadInput("the request cannot be keyed: a name in it is not a text")
        # In a JSON Schema null is a value like any other.
        return {n: item if n in _SCHEMAS else _without_nulls(item) for n, item in value.items() if item is not None}
    if isinstance(value, (list, tuple)):
        return [_without_nulls(item) for item in value]
    return value
