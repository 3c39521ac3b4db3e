"""Redaction before any write: known secrets everywhere, and what looks like a key in answers, errors and headers."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from evalgate.core.credentials import knows_secret_in, without_secrets
from evalgate.core.patterns import compile_pattern, encodable

KEPT_HEADERS = ("content-type", "x-request-id", "openai-processing-ms", "openai-version", "retry-after", "retry-after-ms")
"""Response headers that may be kept; `x-ratelimit-*` too. Every other header is dropped, never masked."""
_PATTERNS = (
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
"""RE2, because a model decides what they are held against: no answer can make them slow."""
_HAPHAZARD = re.compile(r"[0-9]|[A-Za-z0-9]{16}")
_MARKS = (
    *("sk-", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "AKIA", "ASIA", "AIza", "xox", "hf_", "earer", "eyJ"),
    "PRIVATE KEY",
)
"""Every pattern needs one of these; looking for them first is fifty times faster."""
_URL_USER = re.compile(r"(?<=://)[^/\s@]{1,200}@")


class Redactor:
    """Takes secrets out of texts and JSON values; the same input always gives the same output."""

    def text(self, text: str) -> str:
        """A text without secrets: `[redacted]`, or `[redacted:KIND]` for what only looks like one."""
        text = without_secrets(text)
        return str(_any_pattern().sub(_placeholder, encodable(text))) if _may_hold_key(text) else text

    def message(self, text: str) -> str:
        """An error message without secrets and without user names in addresses."""
        return _URL_USER.sub("[redacted]@", self.text(text))

    def value(self, value: Any) -> Any:
        """A JSON value without secrets, keys of objects included; the value itself when there are none."""
        whole = json.dumps(value, ensure_ascii=False)
        # One search over all of it is many times faster than one for each text.
        return self._redacted(value) if _may_hold_key(whole) or knows_secret_in(whole) else value

    def response(self, response: Mapping[str, Any]) -> dict[str, Any]:
        """A response as it may be recorded. When something was taken out of its text, it is marked `redacted`.

        What was taken out is still evidence: a gate that looks for leaks must not pass because there is nothing to see.
        """
        kept: dict[str, Any] = dict(self.value(response))
        if kept.get("text") != response.get("text"):
            kept["redacted"] = True
        return kept

    def _redacted(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.text(str(name)): self._redacted(item) for name, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._redacted(item) for item in value]
        return value

    def headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """The headers that may be kept, lower case, without secrets."""
        kept = {name.lower(): value for name, value in headers.items()}
        return {n: self.text(v) for n, v in sorted(kept.items()) if n in KEPT_HEADERS or n.startswith("x-ratelimit-")}

    def holds_secret(self, value: Any) -> bool:
        """Whether a JSON value holds a known secret: such a request must not be sent, because it would be recorded."""
        if isinstance(value, str):
            return knows_secret_in(value)
        if isinstance(value, Mapping):
            return any(self.holds_secret(name) or self.holds_secret(item) for name, item in value.items())
        return isinstance(value, (list, tuple)) and any(self.holds_secret(item) for item in value)


def _may_hold_key(text: str) -> bool:
    return any(mark in text for mark in _MARKS)


def _placeholder(match: Any) -> str:
    kind, found = str(match.lastgroup or "secret"), str(match.group())
    if kind == "openai_key" and not _HAPHAZARD.search(found[3:]):
        return found  # words with hyphens, such as sk-learn-compatible
    return f"[redacted:{kind.replace('_', '-')}]"


@lru_cache(maxsize=1)
def _any_pattern() -> Any:
    return compile_pattern("|".join(f"(?P<{name}>{pattern})" for name, pattern in _PATTERNS)).compiled
