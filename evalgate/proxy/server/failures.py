"""What a client is told when the upstream did not answer, in the shape and with the status that it would have seen."""

from __future__ import annotations

import math
from collections.abc import Mapping

from evalgate.core.errors import EvalgateError
from evalgate.proxy.server.interface import Asked, Refusal
from evalgate.proxy.upstream.interface import Failure, FailureKind

THROTTLED, BAD_GATEWAY, UNAVAILABLE, TIMED_OUT = 429, 502, 503, 504
_LATE = ("no complete answer within", "no answer within")
"""How the failures of the upstream speak of time that ran out."""
MAX_RETRY_AFTER_S = 3600.0


def refusal_of(failure: Failure, asked: Asked) -> Refusal:
    """The upstream's status, or 502 or 504 where there was none; its own `type`, `param` and `code` where it named them."""
    status = _status(failure)
    said = failure.body.get("error") if isinstance(failure.body, Mapping) else None
    named = said if isinstance(said, Mapping) else {}
    return Refusal(
        status,
        failure.message,
        _text(named.get("code")) or ("upstream_timeout" if status == TIMED_OUT else "upstream_failed"),
        _text(named.get("type")) or "upstream_error",
        _text(named.get("param")),
        _waiting(failure.retry_after_s),
        noted=f"upstream: {asked.endpoint} {asked.request['model']} {asked.key[:12]}: {failure.message}",
    )


def upstream_unusable(error: EvalgateError) -> Refusal:
    """The upstream cannot be asked at all."""
    said = str(error.problems[0])
    return Refusal(UNAVAILABLE, said, "upstream_unusable", "upstream_error", noted=f"upstream: {said}")


def not_stored(error: EvalgateError) -> Refusal:
    """The upstream answered, and the disk refused: an answer that is not stored is not given."""
    said = str(error.problems[0])
    return Refusal(500, said, "recording_failed", "server_error", noted=f"not recorded: {said}")


def _status(failure: Failure) -> int:
    if failure.status is not None and 400 <= failure.status <= 599:
        return failure.status
    if failure.kind is FailureKind.THROTTLED:
        return THROTTLED
    return TIMED_OUT if failure.message.startswith(_LATE) else BAD_GATEWAY


def _waiting(seconds: float | None) -> dict[str, str]:
    if seconds is None or not math.isfinite(seconds) or seconds < 0:
        return {}
    capped = min(seconds, MAX_RETRY_AFTER_S)
    return {"retry-after": str(math.ceil(capped)), "retry-after-ms": str(math.ceil(capped * 1000))}


def _text(value: object) -> str | None:
    return None if value is None else str(value)[:200]
