"""A caller that starts anew: a server outlives the bad hour of its upstream, and the mistakes of its clients."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from evalgate.proxy.server.interface import Caller
from evalgate.proxy.upstream.caller import UpstreamStopped
from evalgate.proxy.upstream.interface import Call, Failure, Reply


@dataclass(slots=True)
class _Line:
    """A caller and the calls that are on it."""

    caller: Caller
    calls: int = 0


class RenewedCaller:
    """Replaces a caller whose circuit breaker has given up.

    A run is right to stop when every call fails the same way; a server whose client sent five wrong requests is not.
    """

    def __init__(self, make: Callable[[], Caller]) -> None:
        self._make = make
        self._line = _Line(make())

    async def answer(self, call: Call) -> Reply | Failure:
        """Raises: BadInput or Incomplete when a fresh caller also refuses to call."""
        line = self._line
        try:
            return await self._on(line, call)
        except UpstreamStopped:
            if line is self._line:
                self._line = _Line(self._make())
        return await self._on(self._line, call)

    async def close(self) -> None:
        """Release connections."""
        await self._line.caller.close()

    async def _on(self, line: _Line, call: Call) -> Reply | Failure:
        line.calls += 1
        try:
            return await line.caller.answer(call)
        finally:
            line.calls -= 1
            if line is not self._line and not line.calls:
                await line.caller.close()
