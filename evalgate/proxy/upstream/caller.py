"""Get one answer, whatever it takes within the limits: attempts, waits, deadlines, budget, breaker."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass, field, replace

from evalgate.core.errors import Incomplete
from evalgate.core.settings import Budget, CallLimits, Upstream
from evalgate.proxy.upstream.breaker import Breaker
from evalgate.proxy.upstream.catalog import make_provider
from evalgate.proxy.upstream.interface import Call, Failure, FailureKind, Provider, ProviderContext, Reply
from evalgate.proxy.upstream.limiter import BACKOFF_CAP_S, BACKOFF_S, Limiter
from evalgate.proxy.upstream.spending import Spending

THROTTLED_ATTEMPTS = 20
"""How often a call may be told to wait; each time it waits as told."""


class UpstreamStopped(Incomplete):
    """No further call makes sense."""


@dataclass(slots=True)
class _Lane:
    """Everything that calls to one upstream share."""

    provider: Provider
    limiter: Limiter
    breaker: Breaker = field(default_factory=Breaker)


@dataclass(slots=True)
class _Progress:
    """Where one call stands."""

    deadline: float | None = None
    """By the monotonic clock, from the first attempt on: waiting in the queue of a busy run is no fault of the call."""
    last: Failure | None = None
    took_s: float = 0.0
    """The last attempt, by the clock: a provider may report another latency."""
    attempts: int = 0
    failures: int = 0
    throttles: int = 0
    fresh_tried: bool = False


class Caller:
    """Answers calls for all upstreams of a run. Belongs to one event loop."""

    def __init__(self, limits: CallLimits, budget: Budget, context: ProviderContext) -> None:
        self._limits, self._context = limits, context
        self._lanes: dict[tuple[str, Upstream, str], _Lane] = {}
        self.spending = Spending(budget)
        self.retries = 0
        """Attempts that were not the first of their call."""
        self.asking = 0
        """Attempts that a provider is answering now."""
        self.halted = False
        """Once set, no further attempt begins."""
        # Jitter decides when something is asked, never what comes out.
        self._random = random.Random()  # noqa: S311

    async def answer(self, call: Call) -> Reply | Failure:
        """An answer, or the failure with which the last allowed attempt ended.

        Raises: BadInput when the provider cannot be used as configured, BudgetReached, UpstreamStopped.
        """
        lane = self._lane(call)
        at = _Progress()
        while True:
            result = await self._attempt(lane, call, at)
            if isinstance(result, Reply):
                lane.limiter.answered(at.took_s, result.rate)
                lane.breaker.answered()
                return result
            at.last = result
            wait = self._wait_s(lane, result, at)
            if wait is None:
                return _concluded(result, at)
            if wait:
                await asyncio.sleep(wait)

    async def close(self) -> None:
        """Release everything."""
        await asyncio.gather(*(lane.provider.close() for lane in self._lanes.values()), return_exceptions=True)

    async def _attempt(self, lane: _Lane, call: Call, at: _Progress) -> Reply | Failure:
        reserve = self.spending.estimate(call)
        await lane.limiter.acquire(self.spending.expected_tokens(reserve))
        result: Reply | Failure | None = None
        try:
            self._refuse_if_stopped(lane, call)
            at.deadline = at.deadline or time.monotonic() + self._limits.deadline_s
            if time.monotonic() >= at.deadline and at.last is not None:
                return replace(at.last, kind=FailureKind.PERMANENT, message=f"{at.last.message}; no answer before the deadline")
            while not self.spending.reserve(reserve):
                await self.spending.settled()
                self._refuse_if_stopped(lane, call)
            self.asking += 1
            started = time.monotonic()
            try:
                left = max(0.001, min(self._limits.timeout_s, at.deadline - started))
                result = await lane.provider.ask(call, at.attempts, left)
            finally:
                at.took_s = time.monotonic() - started
                self.asking -= 1
                self.spending.settle(call, reserve, result)
        finally:
            lane.limiter.release()
        self.retries += at.attempts > 0
        at.attempts += 1
        return result

    def _refuse_if_stopped(self, lane: _Lane, call: Call) -> None:
        if self.halted or lane.breaker.stopped is not None:
            raise UpstreamStopped(lane.breaker.stopped or "the run was stopped", where=f"model {call.model.alias}")

    def _wait_s(self, lane: _Lane, failure: Failure, at: _Progress) -> float | None:
        """Seconds to wait before the next attempt; None: there is none."""
        if failure.fresh_connection and not at.fresh_tried:
            at.fresh_tried = True
            return 0.0
        pause = lane.breaker.failed(failure)
        if pause is not None:
            lane.limiter.pause(pause)
        if failure.kind is FailureKind.PERMANENT:
            return None
        if failure.kind is FailureKind.THROTTLED:
            at.throttles += 1
            lane.limiter.throttled(failure.retry_after_s, failure.rate)
            if at.throttles >= THROTTLED_ATTEMPTS:
                return None
            # With Retry-After the limiter holds everybody back; without it this call also waits for itself.
            wait = 0.0 if failure.retry_after_s is not None else self._backoff_s(at.throttles)
        else:
            at.failures += 1
            lane.limiter.strained()
            if at.failures >= self._limits.attempts:
                return None
            asked = min(failure.retry_after_s or 0.0, BACKOFF_CAP_S)
            wait = max(asked, self._backoff_s(at.failures))
        return None if at.deadline is not None and time.monotonic() + wait >= at.deadline else wait

    def _backoff_s(self, failures: int) -> float:
        """Full jitter: anything from nothing to a bound that doubles.

        Source: M. Brooker, Exponential Backoff And Jitter, AWS Architecture Blog, 2015.
        """
        return self._random.uniform(0, min(BACKOFF_CAP_S, 2 * BACKOFF_S * 2**failures))

    def _lane(self, call: Call) -> _Lane:
        key = (call.model.provider, call.upstream, call.model.alias if call.model.provider != "openai" else "")
        lane = self._lanes.get(key)
        if lane is None:
            provider = make_provider(call.model.provider, call.upstream, self._context)
            limits = self._limits
            if call.model.provider in ("command", "python"):
                limits = replace(limits, concurrency=min(limits.concurrency, call.upstream.processes))
            lane = self._lanes[key] = _Lane(provider, Limiter(limits))
        return lane


def _concluded(failure: Failure, at: _Progress) -> Failure:
    times = f" (after {at.attempts} attempts)" if at.attempts > 1 else ""
    return replace(failure, message=failure.message + times)
