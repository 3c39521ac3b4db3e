"""What a fault of the mock is to a caller: the same failure that the real thing would be over HTTP."""

from __future__ import annotations

from typing import Any

from evalgate.core.settings import MockFault
from evalgate.proxy.upstream.interface import Failure, FailureKind
from evalgate.proxy.upstream.wire import error_text, kind_of_error_body, kind_of_status

_BROKEN = {
    "truncated": "the response is not JSON: it was cut in the middle (a fault of the mock)",
    "reset": "the connection broke: it was reset (a fault of the mock)",
}


def failure_of(fault: MockFault, timeout_s: float) -> Failure:
    """The failure that a fault leads to; `timeout_s` is the time an attempt has."""
    if fault.kind == "rate_limit":
        return _refused(fault, 429, "Rate limit reached (a fault of the mock)", "requests", "rate_limit_exceeded")
    if fault.kind == "server_error":
        return _refused(fault, fault.status, "The server had an error (a fault of the mock)", "server_error", None)
    if fault.kind == "error_body":
        body = _error("The server had an error (a fault of the mock)", "server_error", None)
        message = f"the response holds an error: {error_text(body)}"
        return Failure(kind_of_error_body(body), message, 200, body=body, maybe_billed=True)
    # slow bytes end like silence: the answer is not complete in time
    said = _BROKEN.get(fault.kind, f"no complete answer within {timeout_s:g} s (a fault of the mock)")
    return Failure(FailureKind.TRANSIENT, said, maybe_billed=True)


def _refused(fault: MockFault, status: int, message: str, kind: str, code: str | None) -> Failure:
    body = _error(message, kind, code)
    meaning = kind_of_status(status, body, retry_after=fault.retry_after_s is not None)
    return Failure(meaning, f"HTTP {status}: {error_text(body)}", status, fault.retry_after_s, body)


def _error(message: str, kind: str, code: str | None) -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}
