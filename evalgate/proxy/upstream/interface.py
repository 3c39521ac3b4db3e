"""What a provider is given and what it gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from evalgate.core.settings import ModelChoice, Upstream

GROUP = "evalgate.providers"


@dataclass(frozen=True, slots=True)
class Call:
    """One request that is to be answered."""

    key: str
    request: Mapping[str, Any]
    """Canonical: what is recorded."""
    body: Mapping[str, Any]
    """As it goes over the wire: model, content and parameters under the user's own names; never streamed."""
    model: ModelChoice
    upstream: Upstream
    case_id: str = ""
    arm: str = ""

    @property
    def endpoint(self) -> str:
        """`chat/completions`, `responses` or `embeddings`."""
        return str(self.request["endpoint"])


@dataclass(frozen=True, slots=True)
class RateState:
    """What an upstream says about its limits in the headers of a response; None where it says nothing."""

    remaining_requests: int | None = None
    reset_requests_s: float | None = None
    remaining_tokens: int | None = None
    reset_tokens_s: float | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer."""

    text: str
    finish: str | None
    prompt_tokens: int | None
    completion_tokens: int | None
    latency_ms: float
    """Of the attempt that succeeded, by a monotonic clock."""
    body: Any = None
    """The whole response as it came, JSON."""
    rate: RateState = field(default_factory=RateState)


class FailureKind(StrEnum):
    """What may be done about a failure."""

    THROTTLED = "throttled"
    """Too many requests (429, or 503 with Retry-After): wait as told, then ask again."""
    TRANSIENT = "transient"
    """5xx, 408, 409, a broken connection, a damaged or cut answer, a time-out: ask again."""
    PERMANENT = "permanent"
    """Asking again would give the same: 400, 401, 403, 404, 422, an answer without content."""


@dataclass(frozen=True, slots=True)
class Failure:
    """No answer, and why."""

    kind: FailureKind
    message: str
    """One sentence for people, secrets already taken out; the same cause gives the same words."""
    status: int | None = None
    """HTTP status, when there was one."""
    retry_after_s: float | None = None
    """As the upstream asked, not yet capped."""
    body: Any = None
    """The error body (JSON or text), secrets taken out, at most 64 KiB."""
    rate: RateState = field(default_factory=RateState)
    maybe_billed: bool = False
    """Whether the upstream may have done the work (a time-out, a cut answer)."""
    fresh_connection: bool = False
    """A kept-alive connection was dropped before any byte: ask again at once, on a new one."""


class Provider(Protocol):
    """Whoever answers requests. One instance serves one upstream, from one event loop."""

    async def ask(self, call: Call, attempt: int, timeout_s: float) -> Reply | Failure:
        """One attempt; `attempt` counts from 0. Never raises for what the upstream does."""

    async def close(self) -> None:
        """Release connections and processes."""


class ProviderFactory(Protocol):
    """Makes a provider; what an entry point of `evalgate.providers` must be."""

    def __call__(self, upstream: Upstream, context: ProviderContext) -> Provider:
        """Raises: BadInput when the upstream cannot be used as configured."""


@dataclass(frozen=True, slots=True)
class ProviderContext:
    """What the run gives to its providers."""

    concurrency: int
    redactor: Any
    """`evalgate.proxy.redaction.Redactor`."""
    mock: Any = None
    """`evalgate.core.settings.MockChoice`."""
    root: str = "."
    """The project folder: where commands run and functions are found."""
