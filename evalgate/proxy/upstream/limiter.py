"""One limiter per upstream: calls in flight, requests and tokens per minute, and what the upstream itself asks for.

The window of calls in flight shrinks when the upstream says 429 and grows with every answer. After a pause calls are
spread over one answer's time, so that a pause never ends in a burst.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable

from evalgate.core.settings import CallLimits
from evalgate.proxy.upstream.interface import RateState

RETRY_AFTER_CAP_S = 120.0
"""A longer Retry-After is not believed: the run's own deadlines decide."""
BACKOFF_S = 0.25
BACKOFF_CAP_S = 30.0
GUESSED_LATENCY_S = 0.5
"""What an answer is reckoned to take until one has come."""
SHRINK = 0.7
GROWTH = 0.5


class Limiter:
    """Lets calls through when the upstream can take them, first come, first served. Belongs to one event loop."""

    def __init__(self, limits: CallLimits, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits, self._clock = limits, clock
        self._window = float(limits.concurrency)
        self._in_flight = 0
        self._freed = asyncio.Event()
        self._turnstile = asyncio.Lock()
        self._paused_until = self._last_launch = self._strained_until = 0.0
        self._paced_calls = 0
        self._streak = 0
        self._latency_s = GUESSED_LATENCY_S
        self._requests = _Bucket(limits.requests_per_minute, clock)
        self._tokens = _Bucket(limits.tokens_per_minute, clock)
        # Jitter decides when something is asked, never what comes out.
        self._random = random.Random()  # noqa: S311

    @property
    def window(self) -> int:
        """Calls that may be in flight now."""
        return max(1, int(self._window))

    async def acquire(self, tokens: int) -> None:
        """Wait for a place; `tokens` is what the call may use at most."""
        async with self._turnstile:
            while True:
                if self._in_flight >= self.window:
                    self._freed.clear()
                    await self._freed.wait()
                    continue
                delay = self._delay_s(tokens)
                if delay <= 0:
                    break
                await asyncio.sleep(delay)
            self._in_flight += 1
            self._last_launch = self._clock()
            self._paced_calls = max(0, self._paced_calls - 1)
            self._requests.take(1)
            self._tokens.take(tokens)

    def release(self) -> None:
        """Give the place back."""
        self._in_flight -= 1
        self._freed.set()

    def answered(self, latency_s: float, rate: RateState) -> None:
        """An answer came: grow, and heed what the headers say is left."""
        self._latency_s += 0.2 * (latency_s - self._latency_s)
        self._window = min(float(self._limits.concurrency), self._window + GROWTH)
        self._streak = 0
        self._freed.set()
        self._heed(rate)

    def throttled(self, retry_after_s: float | None, rate: RateState) -> None:
        """The upstream said 429: shrink once per pause, and let nobody through before it is over."""
        now = self._clock()
        if now >= self._paused_until:
            self._window = max(1.0, self._window * SHRINK)
            self._streak += 1
        if retry_after_s is not None:
            wait = min(retry_after_s, RETRY_AFTER_CAP_S)
            wait += self._random.uniform(0, 0.05 * wait + 0.02)
        else:
            wait = self._random.uniform(0, min(BACKOFF_CAP_S, BACKOFF_S * 2**self._streak))
        self.pause(wait)
        self._heed(rate)

    def strained(self) -> None:
        """A time-out or a failure of the upstream: ask for less at once, at most every second."""
        now = self._clock()
        if now >= self._strained_until:
            self._window = max(1.0, self._window * SHRINK)
            self._strained_until = now + 1.0

    def pause(self, seconds: float) -> None:
        """Let nobody through for a while; afterwards one by one."""
        self._paused_until = max(self._paused_until, self._clock() + seconds)
        self._paced_calls = self.window

    def _heed(self, rate: RateState) -> None:
        waits = [
            reset
            for left, reset in (
                (rate.remaining_requests, rate.reset_requests_s),
                (rate.remaining_tokens, rate.reset_tokens_s),
            )
            if left is not None and left <= 0 and reset is not None
        ]
        if waits:
            self.pause(min(max(waits), RETRY_AFTER_CAP_S))

    def _delay_s(self, tokens: int) -> float:
        now = self._clock()
        due = self._paused_until
        if self._paced_calls:
            due = max(due, self._last_launch + self._latency_s / self.window)
        return max(due - now, self._requests.delay_s(1), self._tokens.delay_s(tokens))


class _Bucket:
    """An allowance per minute that fills evenly; a second's worth (at least one call) may be used at once."""

    def __init__(self, per_minute: float | None, clock: Callable[[], float]) -> None:
        self._per_second = None if per_minute is None else per_minute / 60
        self._clock = clock
        self._at = clock()
        self._left = max(1.0, self._per_second or 0.0)

    def delay_s(self, amount: float) -> float:
        """Seconds until `amount` may be taken; more than the bucket ever holds may be taken when it is full."""
        if self._per_second is None:
            return 0.0
        self._fill()
        wanted = min(amount, max(1.0, self._per_second))
        return max(0.0, (wanted - self._left) / self._per_second)

    def take(self, amount: float) -> None:
        if self._per_second is not None:
            self._fill()
            self._left -= amount

    def _fill(self) -> None:
        assert self._per_second is not None
        now = self._clock()
        self._left = min(max(1.0, self._per_second), self._left + (now - self._at) * self._per_second)
        self._at = now
