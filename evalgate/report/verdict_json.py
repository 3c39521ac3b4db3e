"""The verdict document, as verdict.json holds it."""

from __future__ import annotations

from evalgate.core.canonical import pretty_json
from evalgate.core.record import RunRecord


def render_json(record: RunRecord) -> str:
    """The content of verdict.json, byte for byte."""
    return pretty_json(record.document)
