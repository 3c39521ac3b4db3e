"""What a prompt is once it has been read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from evalgate.core.values import JsonValue


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation; in a `Prompt` its content may hold placeholders."""

    role: str
    """`system`, `user` or `assistant`."""
    content: str


@dataclass(frozen=True, slots=True)
class Input:
    """A variable that a prompt file declares."""

    name: str
    schema: Mapping[str, JsonValue] = field(default_factory=dict)
    """JSON Schema of its values; empty: any."""
    required: bool = True
    default: JsonValue = None
    description: str = ""
    example: JsonValue = None
    line: int | None = None
    """Line of the declaration."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt as a variant uses it: messages with placeholders, and what is asked of the model."""

    reference: str
    """As the configuration names it: `recommend@2`, or a path."""
    path: Path
    messages: tuple[Message, ...]
    parameters: Mapping[str, JsonValue]
    """Request parameters by their wire names: `max_tokens`, `temperature`, `response_format` …"""
    placeholders: tuple[str, ...]
    """Names of the variables, each once, in order of first use."""
    digest: str
    """Digest of messages, parameters and output schema: the meaning of the file, not its bytes."""
    description: str = ""
    output_schema: Mapping[str, JsonValue] | None = None
    """JSON Schema that an answer should satisfy, when the prompt declares one."""
    format: str = "github"
    """`github`, `prompty`, `prompty-v1`, `dotprompt`, `text`, `chat`."""
    engine: str = "plain"
    """Template language: `plain` (`{{name}}` only), `jinja2`, `mustache`, `handlebars`."""
    declared: tuple[Input, ...] | None = None
    """Variables the file declares; None where its format declares none."""
    name: str = ""
    owner: str = ""
    version: str = ""
    model: str = ""
    """The model it was written for, as the file says."""
    metadata: Mapping[str, JsonValue] = field(default_factory=dict)
    """Whatever else the file says about itself."""
    test_data: tuple[Mapping[str, JsonValue], ...] = ()
    """Sample inputs in the file."""
    lines: tuple[int, ...] = ()
    """Line of the file on which the content of each message begins; empty where unknown."""
