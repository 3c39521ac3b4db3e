"""What a reader of a foreign format gives: requests with their answers, and what cannot be used with the reason."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeAlias

from evalgate.core.errors import BadInput
from evalgate.proxy.request import ENDPOINTS, request_of_body
from evalgate.proxy.upstream.wire import Answer, answer_of

_EARLIEST, _LATEST = 946_684_800, 4_102_444_800
"""Years 2000 and 2100: a number outside is no time of a model's answer."""


class Reason(StrEnum):
    """Why something was not taken."""

    ERROR = "error"
    """The call failed; an error is never an answer."""
    UNUSABLE = "unusable"
    """It is no exchange with a model, or lacks what makes one."""
    UNANSWERED = "unanswered"
    """A request without any answer."""


@dataclass(frozen=True, slots=True)
class Found:
    """One request with its answer."""

    where: str
    """`file:line` or the place inside the file."""
    request: Mapping[str, Any]
    """Canonical."""
    response: Mapping[str, Any]
    """As it is recorded, secrets not yet taken out."""
    latency_ms: float | None = None
    recorded_at: str | None = None


@dataclass(frozen=True, slots=True)
class Skipped:
    """One entry that is not taken, and why."""

    where: str
    reason: Reason
    message: str


Entries: TypeAlias = "Iterator[Found | Skipped]"
"""What a reader yields; it raises BadInput when the file itself is malformed."""


def endpoint_of(url: str) -> str | None:
    """The endpoint that a URL or path names, or None."""
    path = url.partition("?")[0].partition("#")[0].rstrip("/")
    return next((endpoint for endpoint in ENDPOINTS if path.endswith("/" + endpoint)), None)


def found_in_bodies(endpoint: str, asked: Any, answered: Any, where: str) -> Found | Skipped:
    """One exchange from the two JSON bodies of an HTTP call."""
    if not isinstance(asked, Mapping):
        return Skipped(where, Reason.UNUSABLE, "the body of the request is not a JSON object")
    try:
        request = request_of_body(endpoint, asked)
    except BadInput as error:
        return Skipped(where, Reason.UNUSABLE, f"the request cannot be used: {error.problems[0].message}")
    answer = answer_of(endpoint, answered)
    if isinstance(answer, str):
        return Skipped(where, Reason.ERROR, answer)
    return Found(where, request, response_of(answer, answered), recorded_at=answered_at(answered))


def response_of(answer: Answer, body: Any = None) -> dict[str, Any]:
    """An answer in the form in which it is recorded."""
    counts = {"prompt_tokens": answer.prompt_tokens, "completion_tokens": answer.completion_tokens}
    response: dict[str, Any] = {"status": "ok", "text": answer.text, "finish": answer.finish}
    response["usage"] = {name: count for name, count in counts.items() if count is not None}
    if body is not None:
        response["body"] = body
    return response


def answered_at(body: Any) -> str | None:
    """When a provider answered, as its response body says, or None."""
    if not isinstance(body, Mapping):
        return None
    value = body.get("created", body.get("created_at"))
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not _EARLIEST <= value <= _LATEST:
        return None
    return datetime.fromtimestamp(value, UTC).isoformat(timespec="seconds")
