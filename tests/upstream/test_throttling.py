"""F59: 429 in every form. Everybody waits as told, nobody rushes back, everything completes, and calls stay few."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from upstream_asking import Asked, ask, calls, gather, limits
from upstream_stub import Act, Request, Stub, answer, share, status

from evalgate.proxy.upstream import caller as caller_module
from evalgate.proxy.upstream.headers import duration_s, rate_state, retry_after_s
from evalgate.proxy.upstream.interface import Failure, FailureKind, Reply

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
CAP_S = 0.3
"""What conftest makes of RETRY_AFTER_CAP_S."""


class Watched:
    """A provider that notes when each attempt began and what it came to."""

    log: list[tuple[float, float, Any]]

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    async def ask(self, call: Any, attempt: int, timeout_s: float) -> Reply | Failure:
        began = time.monotonic()
        result: Reply | Failure = await self._inner.ask(call, attempt, timeout_s)
        Watched.log.append((began, time.monotonic(), result))
        return result

    async def close(self) -> None:
        await self._inner.close()


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> list[tuple[float, float, Any]]:
    """(began, ended, result) of every attempt, by the client's own clock."""
    make = caller_module.make_provider
    monkeypatch.setattr(caller_module, "make_provider", lambda *given: Watched(make(*given)))
    Watched.log = []
    return Watched.log


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": " 7 "}, 7.0),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": "1000000000"}, 1e9),
        ({"retry-after": format_datetime(NOW + timedelta(seconds=90), usegmt=True)}, 90.0),
        ({"retry-after": "Sunday, 01-Mar-26 12:00:30 GMT"}, 30.0),
        ({"retry-after": format_datetime(NOW - timedelta(days=1), usegmt=True)}, 0.0),
        ({"retry-after": "Sun, 01 Mar 2026 12:01:00 -0000"}, 60.0),
        ({"retry-after-ms": "250"}, 0.25),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after-ms": "soon", "retry-after": "9"}, 9.0),
        ({}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "1e999"}, None),
        ({"retry-after": "Sun, 99 Mar 2026 12:01:00 GMT"}, None),
        ({"retry-after": "Sun, 01 Mar 99999 12:01:00 GMT"}, None),
        ({"retry-after": "Sun, 01 Mar 2026 12:01:00 +9999"}, None),
        ({"retry-after": "\x00\xff"}, None),
    ],
)
def test_f59_every_form_of_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_s(headers, NOW) == (None if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("6m0s", 360.0), ("12ms", 0.012), ("1h2m3s", 3723.0), ("1.5s", 1.5), ("7", 7.0), ("1s500ms", 1.5),
     ("", None), ("s", None), ("soon", None), ("-1s", None), ("5 m", None), ("1s1h", None)],
)  # fmt: skip
def test_durations_of_rate_limit_headers(text: str, seconds: float | None) -> None:
    assert duration_s(text) == (None if seconds is None else pytest.approx(seconds))


def test_absurd_limits_in_headers_count_as_not_said() -> None:
    said = rate_state({"x-ratelimit-remaining-requests": "-3", "x-ratelimit-remaining-tokens": "many"})
    assert (said.remaining_requests, said.remaining_tokens) == (None, None)


def once(act: Callable[[Request], Act]) -> Callable[[Request], Act]:
    """The first request is treated as said, all others are answered."""
    return lambda request: act(request) if request.number == 1 else answer(request)


def told(value: str | None) -> Callable[[Request], Act]:
    headers = {} if value is None else {"Retry-After": value}
    return once(lambda request: status(429, None, headers))


@pytest.mark.parametrize("value", ["1000000000", "1", "99999999999999999999"])
def test_f59_a_long_retry_after_is_honoured_up_to_the_cap(value: str, log: list[Any]) -> None:
    with Stub(told(value)) as stub:
        asked = ask(calls(stub.url, 1))
    assert isinstance(asked.only, Reply)
    (_, refused, _), (again, _, _) = log
    assert again - refused >= CAP_S, "asked again before the (capped) Retry-After was over"


def test_f59_a_date_is_honoured_like_seconds(log: list[Any]) -> None:
    when = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    with Stub(told(when)) as stub:
        asked = ask(calls(stub.url, 1))
    assert isinstance(asked.only, Reply)
    assert log[1][0] - log[0][1] >= CAP_S


@pytest.mark.parametrize("value", [None, "-1", "garbage", "nan", "0", "Thu, 01 Jan 1970 00:00:00 GMT"])
def test_f59_without_a_usable_retry_after_it_is_asked_again_after_a_jittered_pause(value: str | None) -> None:
    with Stub(told(value)) as stub:
        asked = ask(calls(stub.url, 6))
    assert len(asked.replies) == 6
    assert len(stub.requests) == 7


@pytest.mark.parametrize("code", [503, 529])
def test_f59_an_overloaded_server_that_says_how_long_is_a_throttle(code: int, log: list[Any]) -> None:
    with Stub(once(lambda request: status(code, None, {"Retry-After": "1"}))) as stub:
        asked = ask(calls(stub.url, 1), limits(attempts=1))
    assert isinstance(asked.only, Reply), "it counted as a failure although it was told to wait"
    assert log[0][2].kind is FailureKind.THROTTLED
    assert log[1][0] - log[0][1] >= CAP_S


def pauses_kept(log: list[tuple[float, float, Any]], wait: float) -> None:
    """After a 429 with Retry-After no attempt begins until it is over."""
    for _, refused, result in log:
        if isinstance(result, Failure) and result.retry_after_s is not None:
            early = [began - refused for began, _, _ in log if refused < began < refused + min(wait, CAP_S)]
            assert not early, f"asked {early[0]:.3f} s after a 429 that said {wait} s"


def thirty_percent(count: int, concurrency: int, wait: str) -> tuple[Asked, Stub]:
    seen: dict[str, int] = {}

    def script(request: Request) -> Act:
        refused = share(request, seen, 0.3)
        return status(429, None, {"Retry-After-Ms": wait}) if refused else answer(request, delay=0.003)

    with Stub(script) as stub:
        return ask(calls(stub.url, count), limits(concurrency=concurrency)), stub


def test_f59_thirty_percent_of_429_complete_with_few_calls_and_kept_pauses(log: list[Any]) -> None:
    asked, stub = thirty_percent(150, 16, "20")
    assert len(asked.replies) == 150, asked.failures[:1]
    ratio = len(stub.requests) / 150
    assert ratio <= 1.6, f"{ratio:.2f} calls for each one that was needed"
    assert len(log) == asked.caller.spending.calls == len(stub.requests)
    pauses_kept(log, 0.02)


def test_f59_what_arrives_after_a_429_was_on_its_way_already() -> None:
    """The same by the server's clock: between a 429 and its end arrives at most what was in flight."""
    seen: dict[str, int] = {}
    sent: list[float] = []

    def script(request: Request) -> Act:
        if not share(request, seen, 0.2):
            return answer(request, delay=0.003)
        sent.append(time.monotonic())
        return status(429, None, {"Retry-After": "1"})

    with Stub(script) as stub:
        asked = ask(calls(stub.url, 40), limits(concurrency=8))
    assert len(asked.replies) == 40
    for moment in sent:
        during = [r for r in stub.requests if moment < r.at < moment + CAP_S * 0.9]
        # Twice as many would be there in a hundredth of the pause if it were not kept.
        assert len(during) <= 24, f"{len(during)} requests arrived during a pause, 8 may be in flight"


def test_f59_no_burst_after_a_pause(log: list[Any]) -> None:
    """A storm of 429 for everybody in flight; afterwards calls come one by one and never faster than before."""
    width, answering = 16, 0.02
    storm: list[float] = []

    def script(request: Request) -> Act:
        if request.number >= 40 and (not storm or request.at < storm[0] + answering):
            storm.append(request.at)
            return status(429, None, {"Retry-After": "1"}, delay=answering)
        return answer(request, delay=answering)

    with Stub(script) as stub:
        asked = ask(calls(stub.url, 120), limits(concurrency=width))
    assert len(asked.replies) == 120
    assert len(storm) >= width / 2
    refused = [ended for _, ended, result in log if isinstance(result, Failure)]
    over = max(refused) + CAP_S
    begins = sorted(began for began, _, _ in log)

    def peak(times: list[float]) -> int:
        return max(sum(1 for t in times if at <= t < at + answering) for at in times)

    before = peak([t for t in begins if t < min(refused)])
    after = [t for t in begins if t >= over]
    assert peak(after) <= before
    rush = sum(1 for t in after if t < after[0] + answering / 2)
    assert rush <= width / 2, f"{rush} of {width} came back within half an answer's time"


def test_f59_for_ever_429_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caller_module, "THROTTLED_ATTEMPTS", 4)
    with Stub(lambda request: status(429)) as stub:
        asked = ask(calls(stub.url, 3))
    assert [f.kind for f in asked.failures] == [FailureKind.THROTTLED] * 3
    assert len(stub.requests) == 12
    assert "after 4 attempts" in asked.failures[0].message


def test_f59_for_ever_429_ends_with_the_deadline_of_the_call() -> None:
    with Stub(lambda request: status(429, None, {"Retry-After": "1"})) as stub:
        asked = ask(calls(stub.url, 3), limits(deadline_s=0.5))
    assert len(asked.failures) == 3
    assert len(stub.requests) <= 9


def test_f59_a_recording_holds_no_429(tmp_path: Any) -> None:
    seen: dict[str, int] = {}
    with Stub(lambda r: status(429, None, {"Retry-After-Ms": "5"}) if share(r, seen, 0.3) else answer(r)) as stub:
        done = gather(tmp_path / "tape", calls(stub.url, 60))
    assert done.error is None
    assert done.found is not None and done.found.answered == 60
    assert (len(done.texts()), done.errors()) == (60, [])
    assert done.progress[-1] == 60


@pytest.mark.parametrize(
    "headers",
    [
        {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "200ms"},
        {"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "0.2"},
        {"X-RateLimit-Remaining-Tokens": "0", "X-RateLimit-Reset-Tokens": "9h"},
    ],
)
def test_limits_told_in_headers_are_heeded_before_a_429_comes(headers: dict[str, str], log: list[Any]) -> None:
    script = once(lambda request: answer(request, headers=headers))
    with Stub(script) as stub:
        asked = ask(calls(stub.url, 4), limits(concurrency=1))
    assert len(asked.replies) == 4
    assert log[1][0] - log[0][1] >= 0.2


def test_limits_that_are_not_used_up_do_not_slow_anything(log: list[Any]) -> None:
    plenty = {"x-ratelimit-remaining-requests": "59", "x-ratelimit-reset-requests": "1h"}
    with Stub(lambda request: answer(request, headers=plenty)) as stub:
        assert len(ask(calls(stub.url, 20)).replies) == 20
