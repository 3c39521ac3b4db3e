"""Put a prompt together once its file has been read: the digest of its meaning, the variables it uses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalgate.core.canonical import digest
from evalgate.core.errors import BadInput, Problem
from evalgate.prompts.template import PLACEHOLDER, optional_values, placeholders_of, stray_braces
from evalgate.prompts.values import Input, Message, Prompt


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a prompt comes from."""

    reference: str
    path: Path
    format: str


@dataclass(frozen=True, slots=True)
class Body:
    """The messages of a prompt before anything is filled in."""

    messages: tuple[Message, ...]
    lines: tuple[int, ...] = ()
    engine: str = "plain"
    placeholders: tuple[str, ...] | None = None
    """Variables of a template with logic; None: those of `{{name}}`."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of the model besides the messages."""

    parameters: Mapping[str, Any]
    output_schema: Mapping[str, Any] | None = None


def assemble(origin: Origin, body: Body, request: Request, declared: tuple[Input, ...] | None = None) -> Prompt:
    """The prompt with the digest of its meaning: messages, parameters, output schema, template language and defaults.

    Raises: BadInput when no message is left, or a value cannot be written as JSON.
    """
    if not body.messages:
        raise BadInput("the prompt is empty", where=f"{origin.path}:1", hint="write the message for the model into it")
    meaning: dict[str, Any] = {
        "messages": [{"role": message.role, "content": message.content} for message in body.messages],
        "parameters": request.parameters,
        "output_schema": request.output_schema,
    }
    if body.engine != "plain":
        meaning["engine"] = body.engine
    optional = optional_values(declared)
    if optional:
        meaning["optional"] = optional
    try:
        identity = digest(meaning)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"the prompt cannot be written as JSON: {error}", where=str(origin.path)) from error
    names = placeholders_of(body.messages) if body.placeholders is None else body.placeholders
    return Prompt(
        origin.reference,
        origin.path,
        body.messages,
        request.parameters,
        names,
        identity,
        output_schema=request.output_schema,
        format=origin.format,
        engine=body.engine,
        declared=declared,
        lines=body.lines,
    )


def stray_problems(messages: Iterable[Message], lines: Iterable[int], name: str) -> list[Problem]:
    """Double braces that are no placeholders, in the messages of a prompt without logic."""
    return [
        problem
        for message, line in zip(messages, lines, strict=True)
        for problem in stray_braces(message.content, f"{name}:{line}")
    ]


def is_logic_less(text: str, reserved: frozenset[str]) -> bool:
    """Whether a template has nothing but `{{name}}`; names that are words of its language count as logic."""
    rest = PLACEHOLDER.sub(lambda match: "" if _plain_name(match.group(1), reserved) else match.group(), text)
    return not any(mark in rest for mark in ("{{", "{%", "{#"))


def _plain_name(name: str, reserved: frozenset[str]) -> bool:
    return name.isidentifier() and name not in reserved
