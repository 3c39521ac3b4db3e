"""From what a provider gave to the line that is recorded."""

from __future__ import annotations

from typing import Any

from evalgate.core.errors import BadInput
from evalgate.core.strict_json import MAX_DEPTH
from evalgate.proxy.exchange import sealed_line
from evalgate.proxy.redaction import Redactor
from evalgate.proxy.upstream.interface import Call, Failure, Reply

DEEPEST_BODY = MAX_DEPTH - 10
"""A body nested deeper could not be read back from inside its line."""


def line_of(call: Call, result: Reply | Failure, redactor: Redactor, recorded_at: str) -> dict[str, Any]:
    """The sealed recording line of an answer, or of the failure a call ended with; secrets taken out.

    An answer whose body holds what JSON readers do not agree on (a number beyond 2**53, nesting without end) is kept without
    the body.
    """
    latency_ms = result.latency_ms if isinstance(result, Reply) else None
    response = _response(result, redactor)
    try:
        return sealed_line(call.request, response, key=call.key, latency_ms=latency_ms, recorded_at=recorded_at)
    except BadInput:
        response.pop("body", None)
        return sealed_line(call.request, response, key=call.key, latency_ms=latency_ms, recorded_at=recorded_at)


def _response(result: Reply | Failure, redactor: Redactor) -> dict[str, Any]:
    if isinstance(result, Failure):
        failed: dict[str, Any] = {"status": "error", "error": redactor.message(result.message)}
        if result.status is not None:
            failed["http_status"] = result.status
        if result.body is not None and not _deeper_than(result.body, DEEPEST_BODY):
            failed["body"] = redactor.value(result.body)
        return failed
    counts = {"prompt_tokens": result.prompt_tokens, "completion_tokens": result.completion_tokens}
    response: dict[str, Any] = {"status": "ok", "text": result.text, "finish": result.finish}
    response["usage"] = {name: count for name, count in counts.items() if count is not None}
    if result.body is not None and not _deeper_than(result.body, DEEPEST_BODY):
        response["body"] = result.body
    return redactor.response(response)


def _deeper_than(value: Any, levels: int) -> bool:
    if not isinstance(value, (dict, list)):
        return False
    items = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_deeper_than(item, levels - 1) for item in items)
