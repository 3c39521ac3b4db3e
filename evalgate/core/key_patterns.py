"""What the keys of well-known services look like: for redaction before a write, and for secrets inside datasets."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from evalgate.core.patterns import compile_pattern

KEY_PATTERNS = (
    ("openai_key", r"\bsk-[A-Za-z0-9_-]{16,}"),
    ("github_token", r"\b(?:gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{30,})"),
    ("aws_key", r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    ("google_key", r"\bAIza[A-Za-z0-9_-]{35}"),
    ("slack_token", r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}"),
    ("huggingface_token", r"\bhf_[A-Za-z0-9]{30,}"),
    ("bearer_token", r"\b[Bb]earer\s+[A-Za-z0-9._~+/-]{16,}=*"),
    ("json_web_token", r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}"),
    ("private_key", r"-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----[A-Za-z0-9+/=\s]*(?:-----END [A-Z ]{0,20}PRIVATE KEY-----)?"),
)
"""RE2, because a model or a stranger decides what they are held against: no text can make them slow."""
HAPHAZARD = re.compile(r"[0-9]|[A-Za-z0-9]{16}")
"""What a key has after its prefix, and words with hyphens (`sk-learn-compatible`) have not."""
_MARKS = (
    *("sk-", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "AKIA", "ASIA", "AIza", "xox", "hf_", "earer", "eyJ"),
    "PRIVATE KEY",
)
"""Every pattern needs one of these; looking for them first is fifty times faster."""


def may_hold_key(text: str) -> bool:
    """Whether a closer look is worth it."""
    return any(mark in text for mark in _MARKS)


@lru_cache(maxsize=1)
def any_key() -> Any:
    """All of them as one compiled pattern; the name of the group that matched is the kind."""
    return compile_pattern("|".join(f"(?P<{name}>{pattern})" for name, pattern in KEY_PATTERNS)).compiled
