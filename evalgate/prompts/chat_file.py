"""Read a chat prompt: a JSON list of `{"role": …, "content": …}`, as promptfoo and the APIs of the providers write it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evalgate.core.errors import BadInput, Problem
from evalgate.core.plugins import suggestion
from evalgate.core.strict_json import parse_json
from evalgate.prompts.assemble import Body, Origin, Request, assemble
from evalgate.prompts.template import stray_braces
from evalgate.prompts.values import Message, Prompt

ROLES = ("system", "user", "assistant")
_HINT = '[{"role": "user", "content": "…"}]'


def parse_chat(text: str, path: Path, *, reference: str) -> Prompt:
    """Make a prompt of the text of a chat file. `content` is a text, or a list of text parts, which become lines.

    Raises: BadInput with every problem at once.
    """
    try:
        value = parse_json(text.removeprefix("\ufeff"))
    except ValueError as error:
        line = getattr(error, "lineno", 1)
        raise BadInput(f"not valid JSON: {error}", where=f"{path}:{line}", hint=_HINT) from error
    return chat_prompt(value, Origin(reference, path, "chat"), f"{path}")


def chat_prompt(value: Any, origin: Origin, where: str) -> Prompt:
    """Make a prompt of a list of messages.

    Raises: BadInput with every problem at once.
    """
    if not isinstance(value, list) or not value:
        raise BadInput("a chat prompt is a list of messages", where=where, hint=_HINT)
    problems: list[Problem] = []
    messages = tuple(_message(item, f"{where}, message {number}", problems) for number, item in enumerate(value, start=1))
    if problems:
        raise BadInput(problems)
    return assemble(origin, Body(messages), Request({}))


def _message(item: Any, where: str, problems: list[Problem]) -> Message:
    if not isinstance(item, Mapping):
        problems.append(Problem("a message must be an object with role and content", where, _HINT))
        return Message("", "")
    problems += [
        Problem(f"unknown key {key!r}", where, "a message has role and content") for key in item if key not in ("role", "content")
    ]
    role, content = item.get("role"), _content(item.get("content"), where, problems)
    if role not in ROLES:
        said = f"unknown role {role!r}" if "role" in item else "a message needs a role"
        problems.append(Problem(said, where, suggestion(str(role), ROLES)))
    problems.extend(stray_braces(content, where))
    return Message(str(role), content)


def texts_of_parts(content: list[Any]) -> tuple[str, ...]:
    """The texts of a message that is written as a list of parts; what is no text part is left out."""
    return tuple(part["text"] for part in content if _is_text_part(part))


def _is_text_part(part: Any) -> bool:
    return isinstance(part, Mapping) and part.get("type") == "text" and isinstance(part.get("text"), str) and len(part) == 2


def _content(content: Any, where: str, problems: list[Problem]) -> str:
    if isinstance(content, list):
        if not all(_is_text_part(part) for part in content):
            problems.append(Problem("a part of a message must be a text", where, '{"type": "text", "text": "…"}'))
        content = "\n".join(texts_of_parts(content))
    if not isinstance(content, str) or not content.strip():
        said = "the content of a message is empty" if isinstance(content, str) else "the content of a message must be a text"
        problems.append(Problem(said, where, _HINT))
        return ""
    return content
