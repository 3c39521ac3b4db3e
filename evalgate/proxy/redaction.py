"""Redaction before any write: known secrets everywhere, and what looks like a key in answers, errors and headers."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from evalgate.core.credentials import knows_secret_in, without_secrets
from evalgate.core.key_patterns import HAPHAZARD, any_key, may_hold_key
from evalgate.core.patterns import encodable

KEPT_HEADERS = ("content-type", "x-request-id", "openai-processing-ms", "openai-version", "retry-after", "retry-after-ms")
"""Response headers that may be kept; `x-ratelimit-*` too. Every other header is dropped, never masked."""
_URL_USER = re.compile(r"(?<=://)[^/\s@]{1,200}@")


class Redactor:
    """Takes secrets out of texts and JSON values; the same input always gives the same output."""

    def text(self, text: str) -> str:
        """A text without secrets: `[redacted]`, or `[redacted:KIND]` for what only looks like one."""
        text = without_secrets(text)
        return str(any_key().sub(_placeholder, encodable(text))) if may_hold_key(text) else text

    def message(self, text: str) -> str:
        """An error message without secrets and without user names in addresses."""
        return _URL_USER.sub("[redacted]@", self.text(text))

    def value(self, value: Any) -> Any:
        """A JSON value without secrets, keys of objects included; the value itself when there are none."""
        whole = json.dumps(value, ensure_ascii=False)
        # One search over all of it is many times faster than one for each text.
        return self._redacted(value) if may_hold_key(whole) or knows_secret_in(whole) else value

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


def _placeholder(match: Any) -> str:
    kind, found = str(match.lastgroup or "secret"), str(match.group())
    if kind == "openai_key" and not HAPHAZARD.search(found[3:]):
        return found  # words with hyphens, such as sk-learn-compatible
    return f"[redacted:{kind.replace('_', '-')}]"
