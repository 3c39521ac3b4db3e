"""What is known of common model families, as data. A family that is not listed is not judged.

Vendors change their limits; where to look them up:
    OpenAI reasoning models: https://platform.openai.com/docs/guides/reasoning (temperature, top_p and penalties refused)
    OpenAI model pages: https://platform.openai.com/docs/models (context windows, snapshots, aliases)
    Anthropic: https://docs.anthropic.com/en/api/messages and .../en/docs/about-claude/models (no seed, no penalties)
    Google: https://ai.google.dev/gemini-api/docs/models (context windows, version names)
    Open weights: the model cards (`max_position_embeddings`)
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Family:
    """Models that share their limits."""

    pattern: str
    """Held against the name without its publisher, in lower case."""
    context: int
    """Tokens of prompt and answer together."""
    refused: tuple[str, ...] = ()
    """Request parameters, by wire name, that the models do not take."""
    pinned: str = ""
    """What the name of a fixed snapshot holds; empty: the name means one set of weights anyway."""


_SAMPLING = ("temperature", "top_p", "frequency_penalty", "presence_penalty", "stop")
_DATED = r"-\d{4}-\d{2}-\d{2}$"
FAMILIES: tuple[Family, ...] = (
    Family(r"gpt-5-chat", 128_000, (), _DATED),
    Family(r"gpt-5(-mini|-nano|-pro|-codex)?(-\d{4}-\d{2}-\d{2})?$", 400_000, _SAMPLING, _DATED),
    Family(r"gpt-5\.\d", 400_000, (), _DATED),
    Family(r"o1-mini|o1-preview", 128_000, _SAMPLING, _DATED),
    Family(r"o[134](-mini|-pro)?(-\d{4}-\d{2}-\d{2})?$", 200_000, _SAMPLING, _DATED),
    Family(r"gpt-4\.1", 1_047_576, (), _DATED),
    Family(r"gpt-4o|chatgpt-4o|gpt-4-turbo", 128_000, (), _DATED),
    Family(r"gpt-4-32k", 32_768, (), r"-\d{4}$"),
    Family(r"gpt-4(-\d{4})?$", 8_192, (), r"-\d{4}$"),
    Family(r"gpt-3\.5-turbo", 16_385, (), r"-\d{4}$"),
    Family(r"claude", 200_000, ("seed", "frequency_penalty", "presence_penalty"), r"[-@]\d{8}"),
    Family(r"gemini-(1\.5|2|3)", 1_048_576, (), r"-\d{3}$|-\d{2}-\d{4}$|-\d{2}-\d{2}$"),
    Family(r"(meta-)?llama-?3\.[123]", 128_000),
    Family(r"(meta-)?llama-?3(-|$)", 8_192),
    Family(r"mistral-7b", 32_768),
    Family(r"smollm2?-", 8_192),
    Family(r"qwen2\.5", 32_768),
    Family(r"phi-3(\.5)?-mini", 128_000),
)
_COMPILED = tuple((re.compile(family.pattern), family) for family in FAMILIES)


def bare_name(model: str) -> str:
    """`openai/gpt-4o` → `gpt-4o`: without publisher, in lower case."""
    return model.rsplit("/", 1)[-1].strip().lower()


def family_of(model: str) -> Family | None:
    """The family a model belongs to; None when it is not listed."""
    name = bare_name(model)
    return next((family for pattern, family in _COMPILED if pattern.match(name)), None)


def unpinned(model: str) -> bool:
    """Whether a name may mean another model tomorrow."""
    name = bare_name(model)
    if not name or "@sha256:" in model:
        return False
    if re.search(r"(?:^|[-:@])latest$", name):
        return True
    family = family_of(name)
    return family is not None and bool(family.pinned) and re.search(family.pinned, name) is None
