"""Faults of the mock: their schedule is counting and hashing, and each is the failure that the real thing would be."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalgate.core.settings import MockChoice, MockFault, ModelChoice, Upstream
from evalgate.proxy.mock.failures import failure_of
from evalgate.proxy.mock.faults import FaultSchedule
from evalgate.proxy.mock.provider import MockProvider, make_mock
from evalgate.proxy.redaction import Redactor
from evalgate.proxy.request import request_key, request_of_body
from evalgate.proxy.upstream.catalog import make_provider
from evalgate.proxy.upstream.interface import Call, Failure, FailureKind, ProviderContext, Reply

SLOW, RESET, LIMIT = MockFault("slow", every=3), MockFault("reset", rate=0.3), MockFault("rate_limit", first_attempts=2)


def test_no_faults() -> None:
    assert [FaultSchedule(()).next("k") for _ in range(5)] == [None] * 5


def test_every_counts_arrivals_whatever_their_key() -> None:
    schedule = FaultSchedule((SLOW,))
    assert [schedule.next(f"k{number % 2}") for number in range(7)] == [None, None, SLOW, None, None, SLOW, None]


def test_first_attempts_count_for_each_key() -> None:
    schedule = FaultSchedule((LIMIT,))
    assert [schedule.next(key) for key in "abaabb"] == [LIMIT, LIMIT, LIMIT, None, LIMIT, None]


def test_the_first_fault_that_is_due_wins() -> None:
    always = MockFault("timeout", every=1)
    schedule = FaultSchedule((SLOW, always, RESET))
    assert [schedule.next("k") for _ in range(3)] == [always, always, SLOW]


@given(st.permutations([key for key in "abcdefgh" for _ in range(4)]))
def test_a_rate_meets_the_same_attempts_in_every_order(order: list[str]) -> None:
    def faults(arrivals: list[str]) -> dict[str, list[bool]]:
        schedule, met = FaultSchedule((RESET,)), {key: [] for key in "abcdefgh"}  # type: ignore[var-annotated]
        for key in arrivals:
            met[key].append(schedule.next(key) is not None)
        return met

    assert faults(order) == faults(sorted(order))


@pytest.mark.parametrize("rate", [0.01, 0.3, 0.5, 0.99])
def test_a_rate_is_the_share_that_is_asked_for(rate: float) -> None:
    schedule = FaultSchedule((MockFault("reset", rate=rate),))
    met = sum(schedule.next(f"key {number % 5_000}") is not None for number in range(20_000))
    assert abs(met / 20_000 - rate) < 4 * (rate * (1 - rate) / 20_000) ** 0.5


def test_a_rate_of_one_meets_all_and_attempts_are_decided_apart() -> None:
    schedule = FaultSchedule((MockFault("reset", rate=1.0),))
    assert all(schedule.next(str(number)) for number in range(200))
    half = FaultSchedule((MockFault("reset", rate=0.5),))
    assert {half.next("k") is None for _ in range(50)} == {True, False}


def test_two_rates_draw_apart() -> None:
    second = MockFault("slow", rate=0.3)
    schedule = FaultSchedule((RESET, second))
    met = [schedule.next(str(number)) for number in range(10_000)]
    assert abs(met.count(RESET) / 10_000 - 0.3) < 0.02
    assert abs(met.count(second) / 10_000 - 0.7 * 0.3) < 0.02


THROTTLED, TRANSIENT, PERMANENT = FailureKind.THROTTLED, FailureKind.TRANSIENT, FailureKind.PERMANENT
KINDS = [
    (MockFault("rate_limit", every=1), THROTTLED, 429, False),
    (MockFault("rate_limit", every=1, retry_after_s=2.5), THROTTLED, 429, False),
    (MockFault("server_error", every=1), TRANSIENT, 500, False),
    (MockFault("server_error", every=1, status=503), TRANSIENT, 503, False),
    (MockFault("server_error", every=1, status=503, retry_after_s=1), THROTTLED, 503, False),
    (MockFault("server_error", every=1, status=408), TRANSIENT, 408, False),
    (MockFault("server_error", every=1, status=409), TRANSIENT, 409, False),
    (MockFault("server_error", every=1, status=429), THROTTLED, 429, False),
    (MockFault("server_error", every=1, status=400), PERMANENT, 400, False),
    (MockFault("server_error", every=1, status=401), PERMANENT, 401, False),
    (MockFault("server_error", every=1, status=404), PERMANENT, 404, False),
    (MockFault("server_error", every=1, status=422), PERMANENT, 422, False),
    (MockFault("timeout", every=1), TRANSIENT, None, True),
    (MockFault("slow", every=1), TRANSIENT, None, True),
    (MockFault("truncated", every=1), TRANSIENT, None, True),
    (MockFault("reset", every=1), TRANSIENT, None, True),
    (MockFault("error_body", every=1), TRANSIENT, 200, True),
]


@pytest.mark.parametrize(("fault", "kind", "status", "billed"), KINDS)
def test_faults_are_failures(fault: MockFault, kind: FailureKind, status: int | None, billed: bool) -> None:
    found = failure_of(fault, 30)
    assert (found.kind, found.status, found.maybe_billed) == (kind, status, billed)
    assert found.retry_after_s == fault.retry_after_s
    assert "a fault of the mock" in found.message
    assert (found.body is not None) is (status is not None)
    assert not found.fresh_connection


def call(text: str) -> Call:
    body = {"model": "m", "messages": [{"role": "user", "content": text}]}
    request = request_of_body("chat/completions", body)
    return Call(request_key(request), request, body, ModelChoice("a", "mock", "m"), Upstream())


def context(mock: Any) -> ProviderContext:
    return ProviderContext(4, Redactor(), mock)


def ask(choice: MockChoice, text: str = "hi", timeout_s: float = 5.0) -> Reply | Failure:
    return asyncio.run(MockProvider(choice).ask(call(text), 0, timeout_s))


def test_the_provider_answers_at_once_unless_paced() -> None:
    choice = MockChoice(latency_ms_median=3_000_000, latency_ms_p95=3_000_000)
    began = time.monotonic()
    reply = ask(choice, timeout_s=0.01)
    assert isinstance(reply, Reply)
    assert reply.latency_ms == 3_000_000
    assert isinstance(ask(MockChoice(faults=(MockFault("timeout", every=1),)), timeout_s=3000), Failure)
    assert time.monotonic() - began < 60


def test_a_paced_provider_waits_and_runs_out_of_time() -> None:
    choice = MockChoice(latency_ms_median=60, latency_ms_p95=60, paced=True)
    began = time.monotonic()
    assert isinstance(ask(choice), Reply)
    assert time.monotonic() - began >= 0.059
    late = ask(choice, timeout_s=0.01)
    assert isinstance(late, Failure)
    assert (late.kind, late.maybe_billed) == (FailureKind.TRANSIENT, True)
    began = time.monotonic()
    assert isinstance(ask(MockChoice(faults=(MockFault("slow", every=1),), paced=True), timeout_s=0.05), Failure)
    assert time.monotonic() - began >= 0.049


def test_even_an_answer_at_once_lets_others_have_their_turn() -> None:
    async def run() -> int:
        turns = 0

        async def other() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        task = asyncio.create_task(other())
        provider = MockProvider(MockChoice())
        for _ in range(10):
            await provider.ask(call("hi"), 0, 5)
        task.cancel()
        await provider.close()
        return turns

    assert asyncio.run(run()) >= 9


def test_whoever_retries_is_answered() -> None:
    async def run() -> list[str]:
        provider = MockProvider(MockChoice(faults=(LIMIT,)))
        found = [await provider.ask(call("hi"), attempt, 5) for attempt in range(3)]
        return [type(one).__name__ for one in found]

    assert asyncio.run(run()) == ["Failure", "Failure", "Reply"]


def test_the_factory_takes_the_choice_of_the_run() -> None:
    choice = MockChoice(otherwise="echo")
    for provider in (make_mock(Upstream(), context(choice)), make_provider("mock", Upstream(), context(choice))):
        reply = asyncio.run(provider.ask(call("echo me"), 0, 5))
        assert isinstance(reply, Reply)
        assert reply.text == "echo me"
    assert isinstance(asyncio.run(make_mock(Upstream(), context(None)).ask(call("x"), 0, 5)), Reply)


def test_a_miss_is_a_failure_of_the_provider() -> None:
    found = ask(MockChoice(otherwise="miss"), "what now")
    assert isinstance(found, Failure)
    assert found.kind is FailureKind.PERMANENT
    assert "'what now'" in found.message
