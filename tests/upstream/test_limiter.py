"""The limiter by a clock of its own: allowances per minute, pauses, the window of calls in flight. No test waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest
from upstream_asking import limits

from evalgate.core.settings import CallLimits
from evalgate.proxy.upstream import limiter as limiter_module
from evalgate.proxy.upstream.interface import RateState
from evalgate.proxy.upstream.limiter import Limiter


class Clock:
    """Time that passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += max(seconds, 1e-6)
        await asyncio.sleep(0)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(limiter_module, "asyncio", SimpleNamespace(Event=asyncio.Event, Lock=asyncio.Lock, sleep=made.sleep))
    monkeypatch.setattr(limiter_module, "RETRY_AFTER_CAP_S", 120.0)
    return made


def run(made: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(made())


def launches(clock: Clock, given: CallLimits, count: int, tokens: int = 1) -> list[float]:
    """When each of many calls was let through, when answers take no time."""
    times: list[float] = []

    async def go() -> None:
        limiter = Limiter(given, clock)
        for _ in range(count):
            await limiter.acquire(tokens)
            times.append(clock.now)
            limiter.release()

    asyncio.run(go())
    return times


def most_within(times: list[float], span: float) -> int:
    return max(sum(1 for t in times if at <= t < at + span) for at in times)


@pytest.mark.parametrize("per_minute", [1, 30, 60, 600, 6000])
def test_requests_per_minute_are_never_exceeded(clock: Clock, per_minute: int) -> None:
    times = launches(
        clock, limits(concurrency=64, requests_per_minute=float(per_minute)), 3 * per_minute if per_minute < 600 else 900
    )
    burst = max(1, per_minute // 60)
    for span in (1.0, 10.0, 60.0):
        assert most_within(times, span - 1e-6) <= per_minute / 60 * span + burst, f"in {span} s"
    assert times[-1] - times[0] <= len(times) * 60 / per_minute, "slower than allowed"


@pytest.mark.parametrize(("per_minute", "tokens"), [(6000, 50), (6000, 1), (600, 40), (60, 500)])
def test_tokens_per_minute_are_never_exceeded(clock: Clock, per_minute: int, tokens: int) -> None:
    times = launches(clock, limits(concurrency=64, tokens_per_minute=float(per_minute)), 200, tokens)
    for count in range(2, len(times)):
        spent, took = (count - 1) * tokens, times[count - 1] - times[0]
        assert spent <= per_minute / 60 * took + max(tokens, per_minute / 60) + 1e-6, f"{spent} tokens in {took} s"


def test_no_limit_means_no_wait(clock: Clock) -> None:
    assert set(launches(clock, limits(), 500)) == {1000.0}


def test_first_come_first_served(clock: Clock) -> None:
    order: list[int] = []

    async def go() -> None:
        limiter = Limiter(limits(concurrency=2, requests_per_minute=600.0), clock)

        async def one(number: int) -> None:
            await limiter.acquire(1)
            order.append(number)
            await asyncio.sleep(0)
            limiter.release()

        await asyncio.gather(*(one(number) for number in range(50)))

    run(go)
    assert order == list(range(50))


def test_never_more_in_flight_than_allowed(clock: Clock) -> None:
    peak = flying = 0

    async def go() -> None:
        limiter = Limiter(limits(concurrency=5), clock)

        async def one() -> None:
            nonlocal peak, flying
            await limiter.acquire(1)
            flying += 1
            peak = max(peak, flying)
            await asyncio.sleep(0.001)
            flying -= 1
            limiter.release()

        await asyncio.gather(*(one() for _ in range(60)))

    run(go)
    assert peak == 5


def test_nobody_passes_during_a_pause_and_then_one_by_one(clock: Clock) -> None:
    times: list[float] = []

    async def go() -> None:
        limiter = Limiter(limits(concurrency=8), clock)
        for _ in range(50):
            limiter.answered(1.0, RateState())
        limiter.throttled(10.0, RateState())
        started = clock.now

        async def one() -> None:
            await limiter.acquire(1)
            times.append(clock.now - started)
            limiter.release()

        await asyncio.gather(*(one() for _ in range(20)))

    run(go)
    assert 10.0 <= times[0] <= 10.6, "jitter goes at most a twentieth above what was asked"
    spaces = [later - first for first, later in pairwise(times[:5])]
    assert min(spaces) > 0.15, f"an answer takes 1 s and 5 may be in flight: {spaces}"


def test_many_refusals_at_once_shrink_the_window_once(clock: Clock) -> None:
    async def go() -> None:
        limiter = Limiter(limits(concurrency=32), clock)
        for _ in range(32):
            limiter.throttled(5.0, RateState())
        assert limiter.window == 22
        clock.now += 200
        limiter.throttled(5.0, RateState())
        assert limiter.window == 15

    run(go)


def test_the_window_never_closes_and_grows_back(clock: Clock) -> None:
    async def go() -> None:
        limiter = Limiter(limits(concurrency=8), clock)
        for _ in range(40):
            clock.now += 500
            limiter.throttled(1.0, RateState())
        assert limiter.window == 1
        for _ in range(40):
            limiter.answered(0.1, RateState())
        assert limiter.window == 8

    run(go)


@pytest.mark.parametrize("asked", [1e9, 1e300, 500.0])
def test_a_pause_is_capped(clock: Clock, asked: float) -> None:
    async def go() -> None:
        limiter = Limiter(limits(), clock)
        limiter.throttled(asked, RateState())
        await limiter.acquire(1)
        assert 1120.0 <= clock.now <= 1000 + 120 * 1.06

    run(go)


@pytest.mark.parametrize(
    ("rate", "waits"),
    [
        (RateState(0, 30.0, None, None), 30.0),
        (RateState(None, None, 0, 40.0), 40.0),
        (RateState(0, 30.0, 0, 40.0), 40.0),
        (RateState(0, 1e9, None, None), 120.0),
        (RateState(1, 30.0, 1, 40.0), 0.0),
        (RateState(0, None, 0, None), 0.0),
        (RateState(None, 30.0, None, 40.0), 0.0),
    ],
)
def test_what_headers_say_is_left(clock: Clock, rate: RateState, waits: float) -> None:
    async def go() -> None:
        limiter = Limiter(limits(), clock)
        limiter.answered(0.1, rate)
        await limiter.acquire(1)
        assert clock.now - 1000 == pytest.approx(waits)

    run(go)


def test_who_gives_up_waiting_takes_no_place(clock: Clock) -> None:
    async def go() -> None:
        limiter = Limiter(limits(concurrency=1), clock)
        await limiter.acquire(1)
        waiting = [asyncio.create_task(limiter.acquire(1)) for _ in range(3)]
        await asyncio.sleep(0)
        for task in waiting[:2]:
            task.cancel()
        await asyncio.gather(*waiting[:2], return_exceptions=True)
        limiter.release()
        await asyncio.wait_for(waiting[2], 1)
        limiter.release()
        await asyncio.wait_for(limiter.acquire(1), 1)

    run(go)
