"""What the mock reads in a canonical request: who is asked, the last user message, the form of the answer, its limit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from evalgate.proxy.request import CONTENT_FIELD, RESPONSES

_LIMIT = {RESPONSES: "max_output_tokens"}


@dataclass(frozen=True, slots=True)
class Question:
    """One request, as far as the mock looks at it."""

    model: str
    last: str
    """The text of the last user message; without one that of the last message."""
    whole: str
    """All text that is sent."""
    form: Mapping[str, Any] | None
    """What a structured answer must look like: a JSON Schema, {} for any object, None for prose."""
    limit: int | None
    """Tokens of the answer at most."""


def question_of(request: Mapping[str, Any]) -> Question:
    """Read a canonical request of any endpoint."""
    endpoint, parameters = str(request["endpoint"]), request["parameters"]
    content = request[CONTENT_FIELD[endpoint]]
    messages: list[tuple[str | None, str]]
    messages = [(None, content)] if isinstance(content, str) else [_message(item) for item in content]
    instructions = parameters.get("instructions")
    if isinstance(instructions, str):
        messages.insert(0, ("system", instructions))
    users = [text for role, text in messages if role in ("user", None)]
    texts = [text for _, text in messages]
    last = (users or [text for text in texts if text] or [""])[-1]
    limit = parameters.get(_LIMIT.get(endpoint, "max_tokens"))
    usable = isinstance(limit, int) and not isinstance(limit, bool) and limit > 0
    return Question(str(request["model"]), last, "\n".join(texts), _form(parameters), limit if usable else None)


def _message(item: Any) -> tuple[str | None, str]:
    """Role and text of a message; text parts are joined, pictures and tool calls have none."""
    if not isinstance(item, Mapping):
        return None, item if isinstance(item, str) else ""
    content, role = item.get("content"), item.get("role")
    if isinstance(content, list):
        content = "".join(_texts(content))
    return str(role) if role is not None else "item", content if isinstance(content, str) else ""


def _texts(parts: list[Any]) -> Iterator[str]:
    for part in parts:
        if isinstance(part, Mapping) and isinstance(part.get("text"), str):
            yield part["text"]


def _form(parameters: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The form that is asked for: in Chat Completions under `response_format`, in Responses under `text.format`."""
    wanted: Any = parameters.get("response_format")
    if wanted is None and isinstance(parameters.get("text"), Mapping):
        wanted = parameters["text"].get("format")
    if not isinstance(wanted, Mapping) or wanted.get("type") not in ("json_object", "json_schema"):
        return None
    inner = wanted.get("json_schema")
    schema = inner.get("schema") if isinstance(inner, Mapping) else wanted.get("schema")
    return schema if isinstance(schema, Mapping) else {}
