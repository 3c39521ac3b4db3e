"""Read what an OpenAI-compatible server sends: answers, errors, limits. What is not an answer never becomes one.

Source: OpenAI API reference (Chat Completions, Responses, Embeddings); the differences of llama.cpp's server are known.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evalgate.core.canonical import MAX_SAFE_INTEGER, json_line
from evalgate.core.strict_json import parse_json
from evalgate.proxy.request import EMBEDDINGS, RESPONSES
from evalgate.proxy.upstream.interface import FailureKind

SHOWN = 300
_TRANSIENT_STATUS = frozenset({408, 409, 425, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529})
_OVER_LIMIT = ("rate_limit", "rate limit", "too many requests", "overloaded", "insufficient_quota")


@dataclass(frozen=True, slots=True)
class Answer:
    """The part of a response body that counts."""

    text: str
    finish: str | None
    prompt_tokens: int | None
    completion_tokens: int | None


def parse_body(data: bytes) -> Any:
    """The JSON of a response body.

    Raises: ValueError when it is not strict JSON in UTF-8; a text cut in the middle is not.
    """
    return parse_text(data.decode("utf-8"))


def parse_text(text: str) -> Any:
    """Strict JSON, but for lone surrogates: a text cut inside an emoji is an answer that was paid for.

    The half character becomes U+FFFD.

    Raises: ValueError.
    """
    try:
        return parse_json(text)
    except ValueError as error:
        if str(error) != "lone surrogate in a text":
            raise
    return parse_json(json.dumps(_whole_characters(json.loads(text))))


def _whole_characters(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(value, Mapping):
        return {_whole_characters(name): _whole_characters(item) for name, item in value.items()}
    return [_whole_characters(item) for item in value] if isinstance(value, list) else value


def answer_of(endpoint: str, body: Any) -> Answer | str:
    """The answer in a response body, or why there is none.

    An answer without content is none: no choices, null content, an error under HTTP 200. An empty text is an answer.
    """
    if not isinstance(body, Mapping):
        return "the response is not a JSON object"
    if body.get("error") is not None:
        return f"the response holds an error: {error_text(body)}"
    if endpoint == EMBEDDINGS:
        return _embeddings(body)
    return _response(body) if endpoint == RESPONSES else _chat(body)


def error_text(body: Any) -> str:
    """What an error body says, on one line; the known shapes of OpenAI, llama.cpp and plain text.

    Whole: who shows it takes secrets out first and cuts it afterwards, so that no half of a secret is left at the cut.
    """
    error = body.get("error", body) if isinstance(body, Mapping) else body
    if isinstance(error, Mapping):
        message, code = error.get("message"), error.get("code") or error.get("type")
        error = f"{message} ({code})" if code is not None and message is not None else message or code or "without a message"
    return " ".join(str(error).split())


def kind_of_status(status: int, body: Any, *, retry_after: bool) -> FailureKind:
    """What an HTTP status that is not 200 means for the next attempt."""
    if status == 429 or (status in (503, 529) and retry_after):
        # A quota that is used up answers 429 too; no waiting helps against it.
        return FailureKind.PERMANENT if "insufficient_quota" in error_text(body) else FailureKind.THROTTLED
    return FailureKind.TRANSIENT if status in _TRANSIENT_STATUS or status > 504 else FailureKind.PERMANENT


def kind_of_error_body(body: Any) -> FailureKind:
    """What an error under HTTP 200 means for the next attempt."""
    said = error_text(body).lower()
    if "insufficient_quota" in said:
        return FailureKind.PERMANENT
    return FailureKind.THROTTLED if any(word in said for word in _OVER_LIMIT) else FailureKind.TRANSIENT


def _chat(body: Mapping[str, Any]) -> Answer | str:
    choices = body.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], Mapping):
        return "the response has no choices"
    choice = choices[0]
    message, finish = choice.get("message"), choice.get("finish_reason")
    if not isinstance(message, Mapping):
        return "the response has no message"
    text = _text_of_message(message)
    if text is None:
        return f"the answer has no content (finish_reason {finish})"
    prompt, completion = _usage(body, "prompt_tokens", "completion_tokens")
    return Answer(text, None if finish is None else str(finish), prompt, completion)


def _text_of_message(message: Mapping[str, Any]) -> str | None:
    """Content; else the refusal; else the tool calls as JSON: what the application would act on."""
    content = message.get("content")
    if isinstance(content, list):
        content = "".join(_part_text(part) for part in content if isinstance(part, Mapping))
    calls = message.get("tool_calls")
    if isinstance(calls, list) and calls and not content:
        return json_line(calls).rstrip("\n")
    if isinstance(content, str):
        return content
    refusal = message.get("refusal")
    return refusal if isinstance(refusal, str) else None


def _response(body: Mapping[str, Any]) -> Answer | str:
    status, output = body.get("status"), body.get("output")
    if status in ("failed", "cancelled", "queued", "in_progress"):
        return f"the response is {status}: {error_text(body.get('error') or body.get('incomplete_details') or {})}"
    if not isinstance(output, list):
        return "the response has no output"
    texts: list[str] = []
    calls: list[Any] = []
    for item in output:
        if not isinstance(item, Mapping):
            return "an output item of the response is not an object"
        if item.get("type") == "message" and isinstance(item.get("content"), list):
            texts += [_part_text(part) for part in item["content"] if isinstance(part, Mapping)]
        elif str(item.get("type", "")).endswith("_call"):
            calls.append(item)
    if not texts and not calls:
        return f"the response has no content (status {status})"
    details = body.get("incomplete_details")
    reason = details.get("reason") if isinstance(details, Mapping) else None
    finish = "stop" if status in (None, "completed") else {"max_output_tokens": "length"}.get(str(reason), str(reason or status))
    prompt, completion = _usage(body, "input_tokens", "output_tokens")
    return Answer("".join(texts) or json_line(calls).rstrip("\n"), finish, prompt, completion)


def _part_text(part: Mapping[str, Any]) -> str:
    return str(part.get("text") or part.get("refusal") or "")


def _embeddings(body: Mapping[str, Any]) -> Answer | str:
    data = body.get("data")
    if not isinstance(data, list) or not data or not all(isinstance(item, Mapping) and item.get("embedding") for item in data):
        return "the response has no embeddings"
    prompt, completion = _usage(body, "prompt_tokens", "completion_tokens")
    return Answer("", "stop", prompt, completion)


def _usage(body: Mapping[str, Any], prompt: str, completion: str) -> tuple[int | None, int | None]:
    usage = body.get("usage")
    if not isinstance(usage, Mapping):
        return None, None
    return _count(usage.get(prompt)), _count(usage.get(completion))


def _count(value: Any) -> int | None:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if whole and 0 <= value <= MAX_SAFE_INTEGER else None
