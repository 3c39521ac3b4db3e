"""What the headers of a response say about waiting: Retry-After in all its forms, and the limits that are left.

Source: RFC 9110, section 10.2.3; OpenAI's rate-limit headers (durations such as `6m0s` or `12ms`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from evalgate.proxy.upstream.interface import RateState

_DURATION = re.compile(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?\Z")


def retry_after_s(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds to wait as the server asks: `retry-after-ms`, or `retry-after` in seconds or as an HTTP date.

    Absurd values (negative, not a number) count as not given; the caller caps large ones.
    """
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    text = (headers.get("retry-after") or "").strip()
    seconds = _number(text)
    if seconds is not None or not text:
        return seconds
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    date = date if date.tzinfo is not None else date.replace(tzinfo=UTC)
    return max(0.0, (date - now).total_seconds())


def rate_state(headers: Mapping[str, str]) -> RateState:
    """The limits that an upstream tells of."""
    return RateState(
        remaining_requests=_whole(headers.get("x-ratelimit-remaining-requests")),
        reset_requests_s=duration_s(headers.get("x-ratelimit-reset-requests")),
        remaining_tokens=_whole(headers.get("x-ratelimit-remaining-tokens")),
        reset_tokens_s=duration_s(headers.get("x-ratelimit-reset-tokens")),
    )


def duration_s(text: str | None) -> float | None:
    """Seconds of a duration such as `1h2m3s`, `12ms`, or a plain number."""
    if not text:
        return None
    plain = _number(text)
    if plain is not None:
        return plain
    found = _DURATION.match(text.strip())
    if not found or not any(found.groups()):
        return None
    hours, minutes, seconds, milliseconds = (float(part or 0) for part in found.groups())
    return hours * 3600 + minutes * 60 + seconds + milliseconds / 1000


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None


def _whole(text: str | None) -> int | None:
    value = _number(text)
    return None if value is None else int(min(value, 2**53))
