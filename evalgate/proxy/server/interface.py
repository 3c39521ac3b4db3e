"""What the server asks of whoever answers, and what it is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from evalgate.core.settings import MockFault
from evalgate.proxy.exchange import Exchange
from evalgate.proxy.upstream.interface import Call, Failure, Reply

NOT_FOUND = "recording_not_found"
"""Code of a miss; the same in every mode, so that an application can tell it from all other errors."""
RECORDING, UPSTREAM, MOCK = "recording", "upstream", "mock"


@dataclass(frozen=True, slots=True)
class Asked:
    """One request of a client, read and keyed."""

    key: str
    request: Mapping[str, Any]
    """Canonical."""
    body: Mapping[str, Any]
    """As the client sent it."""
    stream: bool = False
    include_usage: bool = False

    @property
    def endpoint(self) -> str:
        """`chat/completions`, `responses` or `embeddings`."""
        return str(self.request["endpoint"])


@dataclass(frozen=True, slots=True)
class Answered:
    """The exchange that answers, and where it came from."""

    exchange: Exchange
    source: str
    """`recording`, `upstream` or `mock`."""
    fault: MockFault | None = None
    """What the mock is to do to this answer on its way."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """No answer: an error in the shape that OpenAI's clients read."""

    status: int
    message: str
    code: str | None = None
    kind: str = "invalid_request_error"
    """The `type` of the error body."""
    param: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    noted: str = ""
    """One line for the operator of the server; empty: nothing to note."""
    closes: bool = False
    """Whether the connection is closed, because the rest of the request is not read."""


class Answerer(Protocol):
    """Whoever answers requests. Belongs to one event loop."""

    mode: str

    async def answer(self, asked: Asked) -> Answered | Refusal:
        """Raises: BadInput or Incomplete when the recording cannot be used any more."""

    def exchanges(self) -> int:
        """How many answers are at hand; 0 where they are made up."""

    async def models(self) -> tuple[str, ...]:
        """The names of the models that can be asked for."""

    async def close(self, grace_s: float) -> None:
        """Finish what is running within the grace and make everything durable.

        Raises: Incomplete when the disk refuses.
        """


class Caller(Protocol):
    """What asks the upstream: attempts, waits and limits inside."""

    async def answer(self, call: Call) -> Reply | Failure:
        """Raises: BadInput or Incomplete when no call makes sense."""

    async def close(self) -> None:
        """Release connections."""
