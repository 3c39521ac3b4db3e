"""One recorded exchange: a request with its response, as a line of a recording."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evalgate.core.canonical import MAX_SAFE_INTEGER, canonical_parsed
from evalgate.core.errors import BadInput, Problem
from evalgate.proxy.request import CONTENT_FIELD, EMBEDDINGS, request_key

LINE_VERSION = 1
FIELDS = frozenset({"v", "key", "request", "response", "latency_ms", "recorded_at", "digest"})


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
    body: Any = None
    """The provider's whole response, when it was kept."""
    recorded_at: str | None = None
    redacted: bool = False
    """Whether something that is or looks like a secret was taken out of the text before it was written."""
    sealed: bool = False
    """Whether the line carries a digest of itself, so that an edit by hand is noticed."""

    def answer_digest(self, *, timed: bool = False) -> bytes:
        """32 bytes over what the exchange answers: text (or vectors), finish and usage, or the error; `timed`: latency too."""
        content: list[Any] = [self.status, self.text, self.finish, self.prompt_tokens, self.completion_tokens, self.error]
        if timed:
            content.append(None if self.latency_ms is None else repr(self.latency_ms))
        if self.redacted:
            content.append("redacted")
        further = _further(self.body)
        if further:
            content.append(further)
        if self.request.get("endpoint") == EMBEDDINGS and isinstance(self.body, Mapping):
            content.append(self.body.get("data"))
        return hashlib.sha256(canonical_parsed(content)).digest()


def _further(body: Any) -> list[Any]:
    """What a chat answer says beyond its first text: other choices, tool calls."""
    choices = body.get("choices") if isinstance(body, Mapping) else None
    found: list[Any] = []
    for number, choice in enumerate(choices if isinstance(choices, list) else []):
        message = choice.get("message") if isinstance(choice, Mapping) else None
        if isinstance(message, Mapping):
            calls = message.get("tool_calls")
            if calls or number:
                found.append([number, message.get("content") if number else None, calls])
    return found


def parse_exchange(value: Any, where: str) -> Exchange:
    """Read one recording line.

    Raises: BadInput when the line is of another version, lacks or adds a field, its key is not the key of its request
        (the request was edited after it was recorded), or its digest is not that of its content (the answer was).
    """
    if not isinstance(value, Mapping) or value.get("v") != LINE_VERSION or isinstance(value["v"], bool):
        found = value.get("v") if isinstance(value, Mapping) else None
        raise BadInput(f"recording line of version {found!r}, this evalgate reads version 1", where=where)
    unknown = sorted(str(name)[:40] for name in value if name not in FIELDS)
    if unknown:
        hint = f"known: {', '.join(sorted(FIELDS))}"
        raise BadInput(f"unknown field {unknown[0]!r} in a recording line", where=where, hint=hint)
    request, response = value.get("request"), value.get("response")
    if not isinstance(request, Mapping) or not isinstance(response, Mapping):
        raise BadInput("recording line without request or response", where=where)
    key = _key(request, where)
    if value.get("key") != key:
        hint = "the request was edited after it was recorded; record it again"
        raise BadInput("the key is not the key of the request", where=where, hint=hint)
    if "digest" in value and value["digest"] != line_digest(value):
        hint = "the line was edited after it was recorded; take it from version control again, or record it again"
        raise BadInput("the digest of the line is not that of its content", where=where, hint=hint)
    return _exchange(value, key, request, response, where)


def line_digest(line: Mapping[str, Any]) -> str:
    """SHA-256 over the canonical JSON of a line without its digest: spacing, key order and line ends do not matter.

    Raises: BadInput when the line holds a number beyond what JSON readers agree on.
    """
    try:
        return hashlib.sha256(canonical_parsed({k: v for k, v in line.items() if k != "digest"})).hexdigest()
    except ValueError as error:
        raise BadInput(f"the line cannot be digested: {error}") from error


def sealed_line(
    request: Mapping[str, Any], response: Mapping[str, Any], *, key: str, latency_ms: float | None, recorded_at: str | None
) -> dict[str, Any]:
    """A recording line with its digest, ready to be written."""
    line: dict[str, Any] = {"v": LINE_VERSION, "key": key, "request": request, "response": response}
    if latency_ms is not None:
        line["latency_ms"] = latency_ms
    if recorded_at is not None:
        line["recorded_at"] = recorded_at
    line["digest"] = line_digest(line)
    return line


def _key(request: Mapping[str, Any], where: str) -> str:
    field = CONTENT_FIELD.get(str(request.get("endpoint")), "messages")
    content, parameters = request.get(field, []), request.get("parameters", {})
    if field == "messages" and not (isinstance(content, list) and all(isinstance(message, Mapping) for message in content)):
        raise BadInput("the messages of a request are a list of objects", where=where)
    if field == "input" and not isinstance(content, (str, list)):
        raise BadInput("the input of a request is a text or a list", where=where)
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
    body, recorded_at = response.get("body"), value.get("recorded_at")
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
        body=body,
        recorded_at=recorded_at if isinstance(recorded_at, str) else None,
        redacted=response.get("redacted") is True,
        sealed="digest" in value,
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
