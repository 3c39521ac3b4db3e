"""The provider `mock`: answers without asking anybody, with the bad days that were ordered."""

from __future__ import annotations

import asyncio

from evalgate.core.settings import MockChoice, Upstream
from evalgate.proxy.mock.answers import mock_reply
from evalgate.proxy.mock.failures import failure_of
from evalgate.proxy.mock.faults import FaultSchedule
from evalgate.proxy.upstream.interface import Call, Failure, FailureKind, ProviderContext, Reply

_SILENT = ("timeout", "slow")


def make_mock(upstream: Upstream, context: ProviderContext) -> MockProvider:
    """The provider `mock`, as the run's configuration has it."""
    choice = context.mock if isinstance(context.mock, MockChoice) else MockChoice()
    return MockProvider(choice)


class MockProvider:
    """Answers by rule or from the key; waits only when the mock is paced."""

    def __init__(self, choice: MockChoice) -> None:
        self._choice = choice
        self._faults = FaultSchedule(choice.faults)

    async def ask(self, call: Call, attempt: int, timeout_s: float) -> Reply | Failure:
        """One attempt."""
        fault = self._faults.next(call.key)
        if fault is not None:
            await self._wait(timeout_s if fault.kind in _SILENT else 0.0)
            return failure_of(fault, timeout_s)
        result = mock_reply(self._choice, call.request, call.key)
        if isinstance(result, Failure):
            return result
        late = self._choice.paced and result.latency_ms / 1000 > timeout_s
        await self._wait(min(timeout_s, result.latency_ms / 1000))
        if late:
            return Failure(FailureKind.TRANSIENT, f"no complete answer within {timeout_s:g} s", maybe_billed=True)
        return result

    async def close(self) -> None:
        """Nothing is open."""

    async def _wait(self, seconds: float) -> None:
        # even an answer at once lets others have their turn: progress, signals, the disk
        await asyncio.sleep(seconds if self._choice.paced else 0)
