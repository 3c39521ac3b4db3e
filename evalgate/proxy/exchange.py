"""One recorded exchange: a request with its response, as a line of a recording."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evalgate.core.canonical import MAX_SAFE_INTEGER
from evalgate.core.errors import BadInput, Problem
from evalgate.proxy.request import request_key

LINE_VERSION = 1


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request with its answer."""

    key: str
    request: Mapping[str, Any]
    status: str
    """`ok` or `error`; an error is never served as an answer."""
    text: str
    finish: str | None
    prompt_tokens: int | None
    completion_tokens: int | None
    latency_ms: float | None
    error: str | None


def parse_exchange(value: Any, where: str) -> Exchange:
    """Read one recording line.

    Raises: BadInput when the line is of another version, lacks a field, or its key is not the key of its request
        (the request was edited after it was recorded).
    """
    if not isinstance(value, Mapping) or value.get("v") != LINE_VERSION or isinstance(value["v"], bool):
        found = value.get("v") if isinstance(value, Mapping) else None
        raise BadInput(f"recording line of version {found!r}, this evalgate reads version 1", where=where)
    request, response = value.get("request"), value.get("response")
    if not isinstance(request, Mapping) or not isinstance(response, Mapping):
        raise BadInput("recording line without request or response", where=where)
    key = _key(request, where)
    if value.get("key") != key:
        hint = "the request was edited after it was recorded; record it again"
        raise BadInput("the key is not the key of the request", where=where, hint=hint)
    return _exchange(value, key, request, response, where)


def _key(request: Mapping[str, Any], where: str) -> str:
    messages, parameters = request.get("messages", []), request.get("parameters", {})
    if not isinstance(messages, list) or not all(isinstance(message, Mapping) for message in messages):
        raise BadInput("the messages of a request are a list of objects", where=where)
    if not isinstance(parameters, Mapping):
        raise BadInput("the parameters of a request are an object", where=where)
    try:
        return request_key(request)
    except BadInput as error:
        raise BadInput([Problem(p.message, where, p.hint) for p in error.problems]) from error


def _exchange(
    value: Mapping[str, Any], key: str, request: Mapping[str, Any], response: Mapping[str, Any], where: str
) -> Exchange:
    status, text = response.get("status"), response.get("text")
    if status not in ("ok", "error"):
        raise BadInput(f"response status {status!r} is neither ok nor error", where=where)
    if status == "ok" and not isinstance(text, str):
        raise BadInput("an ok response needs a text", where=where)
    finish = response.get("finish")
    if finish is not None and not isinstance(finish, str):
        raise BadInput(f"response finish must be text, not {str(finish)[:40]!r}", where=where)
    body = response.get("body")
    if status == "ok" and isinstance(body, Mapping) and body.get("error") is not None:
        status = "error"
    usage = response.get("usage")
    usage = usage if isinstance(usage, Mapping) else {}
    return Exchange(
        key=key,
        request=request,
        status=status,
        text=text if isinstance(text, str) else "",
        finish=finish,
        prompt_tokens=_count(usage.get("prompt_tokens"), "prompt_tokens", where),
        completion_tokens=_count(usage.get("completion_tokens"), "completion_tokens", where),
        latency_ms=_latency(value.get("latency_ms"), where),
        error=None if status == "ok" else str(response.get("error") or "recorded error response"),
    )


def _count(value: Any, name: str, where: str) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_SAFE_INTEGER:
        raise BadInput(f"usage {name} must be a whole number ≥ 0, not {str(value)[:40]}", where=where)
    return value


def _latency(value: Any, where: str) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= MAX_SAFE_INTEGER:
        raise BadInput(f"latency_ms must be a number ≥ 0, not {str(value)[:40]}", where=where)
    return float(value)
