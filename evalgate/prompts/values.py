"""What a prompt is once it has been read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from evalgate.core.values import JsonValue


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation; in a `Prompt` its content may hold placeholders."""

    role: str
    """`system`, `user` or `assistant`."""
    content: str


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
