"""What a prompt file says of its own use, for those who answer for it: no part of what the model is asked."""

from __future__ import annotations

from collections.abc import Mapping

from evalgate.core.document import Document
from evalgate.core.errors import Problem
from evalgate.prompts.values import Prompt

USES = ("intended_use", "out_of_scope_uses", "owner", "materiality_tier", "known_limitations")
"""Keys of `metadata` that reports print for an auditor, in their order."""


def use_faults(document: Document) -> list[Problem]:
    """What is wrong with the `metadata` of a parsed prompt file; its other keys are whatever somebody finds worth knowing."""
    metadata = document.value.get("metadata", {})
    if not isinstance(metadata, Mapping):
        return [Problem("metadata must be a mapping", document.place("metadata"), "metadata: {owner: …, intended_use: …}")]
    return [
        Problem(f"metadata.{key} must be a text", document.place("metadata", key), "write one text, in quotes if need be")
        for key in USES
        if key in metadata and not isinstance(metadata[key], str)
    ]


def stated_use(prompt: Prompt) -> dict[str, str]:
    """What the prompt says of its use: key of `USES` → text; what it does not say is missing."""
    told = {key: prompt.metadata.get(key) for key in USES} | {"owner": prompt.owner}
    return {key: text.strip() for key, text in told.items() if isinstance(text, str) and text.strip()}
