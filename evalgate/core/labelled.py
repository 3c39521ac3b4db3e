"""Outputs that people have labelled: what a detector is measured on."""

from __future__ import annotations

from dataclasses import dataclass

from evalgate.core.values import Case, Output


@dataclass(frozen=True, slots=True)
class LabelledSpan:
    """A stretch of a text that people say violates."""

    type: str
    start: int
    """Offset of the first character."""
    end: int
    """Offset after the last character; never the same as `start`."""


@dataclass(frozen=True, slots=True)
class LabelledOutput:
    """One output with what people said about it; either `spans` or `violating` is known."""

    output: Output
    case: Case
    """Its id, and the other columns of its row as fields and inputs."""
    spans: tuple[LabelledSpan, ...] | None
    violating: bool | None


def label_text(value: object) -> str:
    """A label as text: `true` of JSON and of CSV, 1 and 1.0 are the same."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip().casefold()
