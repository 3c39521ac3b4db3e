"""F65, F67, F68: the environment's proxies, the order of answers, and clocks that jump."""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from upstream_asking import ask, call, calls, gather, limits
from upstream_stub import Act, Request, Stub, answer, refused_port, status, words

from evalgate.core.errors import BadInput
from evalgate.core.settings import Upstream
from evalgate.proxy.upstream import http_provider
from evalgate.proxy.upstream.addresses import is_loopback
from evalgate.proxy.upstream.interface import Failure, FailureKind, Reply

PASSWORD = "proxy-password-1"
KEY = "sk-canary-0123456789abcdef"


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY"])
def test_f67_a_model_on_this_machine_is_asked_directly(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, f"http://127.0.0.1:{refused_port()}")
    with Stub(answer) as stub:
        assert isinstance(ask(calls(stub.url, 1)).only, Reply)
        assert isinstance(ask(calls(stub.url.replace("127.0.0.1", "localhost"), 1)).only, Reply)
    assert [r.headers["host"].partition(":")[0] for r in stub.requests] == ["127.0.0.1", "localhost"]


@pytest.mark.parametrize(
    ("host", "local"),
    [("127.0.0.1", True), ("127.1.2.3", True), ("::1", True), ("localhost", True),
     ("10.0.0.1", False), ("127.0.0.1.example", False), ("localhost.example", False), ("", False), ("0x7f.1", False)],
)  # fmt: skip
def test_f67_what_this_machine_is(host: str, local: bool) -> None:
    assert is_loopback(host) is local


def test_f67_a_model_elsewhere_is_asked_through_the_proxy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The proxy's own password goes to the proxy; passwords of ~/.netrc go nowhere, and the key stays what it is."""
    (tmp_path / "netrc").write_text("default login somebody password netrc-password\n", encoding="utf-8")
    (tmp_path / "netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("MODEL_KEY", KEY)
    with Stub(answer) as proxy:
        monkeypatch.setenv("http_proxy", f"http://me:{PASSWORD}@127.0.0.1:{proxy.port}")
        reply = ask(calls("http://model.example/v1", 1, upstream=Upstream("http://model.example/v1", "MODEL_KEY"))).only
    assert isinstance(reply, Reply), reply
    (request,) = proxy.requests
    assert request.path == "http://model.example/v1/chat/completions"
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert "proxy-authorization" in request.headers


def test_f67_no_proxy_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    with Stub(answer) as proxy:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("no_proxy", "model.invalid")
        failure = ask(calls("http://model.invalid/v1", 1), limits(attempts=1)).only
    assert isinstance(failure, Failure)
    assert failure.message.startswith("cannot connect to model.invalid")
    assert proxy.requests == []


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_f61_a_proxy_that_is_not_there(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{scheme}_proxy", f"http://me:{PASSWORD}@127.0.0.1:{refused_port()}")
    failure = ask(calls(f"{scheme}://model.example/v1", 1), limits(attempts=1)).only
    assert failure.message.startswith("cannot connect to the proxy: ")
    assert PASSWORD not in failure.message


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_f61_a_proxy_that_wants_another_password(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with Stub(lambda r: status(407, b"who are you", {"Proxy-Authenticate": "Basic"})) as proxy:
        monkeypatch.setenv(f"{scheme}_proxy", f"http://me:{PASSWORD}@127.0.0.1:{proxy.port}")
        failure = ask(calls(f"{scheme}://model.example/v1", 1)).only
    assert failure.kind is FailureKind.PERMANENT
    assert "HTTP 407" in failure.message
    assert PASSWORD not in failure.message
    assert len(proxy.requests) == 1


@pytest.mark.parametrize(
    "proxy", [f"me:{PASSWORD}@127.0.0.1:3128", f"socks5://me:{PASSWORD}@127.0.0.1:1", f"http://me:{PASSWORD}@127.0.0.1:x"]
)
def test_f67_a_proxy_that_cannot_be_used_is_said_without_its_password(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", proxy)
    with pytest.raises(BadInput, match="the proxy that https_proxy names cannot be used") as caught:
        _ = ask(calls("https://model.example/v1", 1)).only
    assert PASSWORD not in str(caught.value)


def test_f67_every_alias_goes_to_its_own_server_with_its_own_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY_A", "sk-aaaaaaaaaaaaaaaaaaaa")
    monkeypatch.setenv("KEY_B", "sk-bbbbbbbbbbbbbbbbbbbb")
    with Stub(answer) as one, Stub(answer) as two:
        to = [Upstream(base_url=one.url, api_key_env="KEY_A"), Upstream(base_url=two.url, api_key_env="KEY_B")]
        asked = ask([call(n, upstream=to[n % 2]) for n in range(20)])
    assert len(asked.replies) == 20
    assert {r.headers["authorization"] for r in one.requests} == {"Bearer sk-aaaaaaaaaaaaaaaaaaaa"}
    assert {r.headers["authorization"] for r in two.requests} == {"Bearer sk-bbbbbbbbbbbbbbbbbbbb"}
    assert {int(r.content.split()[-1]) % 2 for r in one.requests} == {0}


def test_one_bad_server_does_not_slow_the_other() -> None:
    """Each upstream has a limiter and a breaker of its own."""
    with Stub(answer) as good, Stub(lambda r: status(429, None, {"Retry-After": "1"})) as bad:
        asked = ask([*calls(good.url, 30), call(99, bad.url)], limits(deadline_s=1.0, concurrency=2))
        last_good = max(r.at for r in good.requests)
    assert len(asked.replies) == 30
    assert last_good < bad.requests[-1].at


def test_f65_the_order_of_answers_changes_nothing(tmp_path: Path) -> None:
    """20 orders, and ids of answers that belong to somebody else: joined by our own key."""
    digests, texts = set(), set()
    for seed in range(20):
        chance = random.Random(seed)

        def script(request: Request, chance: random.Random = chance) -> Act:
            return answer(
                request, delay=chance.uniform(0, 0.01), id=f"chatcmpl-{chance.randrange(5)}", created=chance.randrange(9)
            )

        with Stub(script) as stub:
            done = gather(tmp_path / str(seed), calls(stub.url, 40), limits(concurrency=16))
            expected = {r.content: words(r) for r in stub.requests}
        assert done.error is None
        given = {one.key: expected[one.body["messages"][0]["content"]] for one in calls("", 40)}
        assert done.texts() == given, f"seed {seed}: an answer belongs to another request"
        digests.add(done.recording.digest)
        texts.add(tuple(sorted(done.texts().items())))
    assert len(digests) == len(texts) == 1


def test_f65_the_same_request_twice_in_a_row_is_two_calls_and_one_answer_each() -> None:
    with Stub(lambda r: answer(r, f"answer {r.number}")) as stub:
        asked = ask([call(1, stub.url), call(1, stub.url)], limits(concurrency=1))
    assert sorted(reply.text for reply in asked.replies) == ["answer 1", "answer 2"]


@pytest.mark.parametrize("skew", [timedelta(days=1), -timedelta(days=1), timedelta(days=20_000), -timedelta(days=20_000)])
def test_f68_a_clock_that_jumps(skew: timedelta, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The wall clock dates a recording and reads Retry-After dates; durations never depend on it."""
    real = time.time

    class Jumping(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return datetime(2026, 1, 1, tzinfo=UTC) + skew

    monkeypatch.setattr(http_provider, "datetime", Jumping)
    monkeypatch.setattr("evalgate.proxy.upstream.collect.datetime", Jumping)
    monkeypatch.setattr(time, "time", lambda: real() + skew.total_seconds())
    date = format_datetime(datetime(2026, 1, 1, tzinfo=UTC), usegmt=True)
    with Stub(lambda r: status(429, None, {"Retry-After": date}) if r.number == 1 else answer(r)) as stub:
        done = gather(tmp_path / "tape", calls(stub.url, 5))
    assert done.error is None
    found = list(done.recording.exchanges())
    assert len(found) == 5
    assert all(one.latency_ms is not None and 0 <= one.latency_ms < 60_000 for one in found)


def test_f68_nothing_of_the_time_is_in_what_a_recording_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digests = set()
    for year in (1970, 2026, 2038):

        class Then(datetime):
            @classmethod
            def now(cls, tz: object = None, year: int = year) -> datetime:  # type: ignore[override]
                return datetime(year, 1, 19, 3, 14, 8, tzinfo=UTC)

        monkeypatch.setattr("evalgate.proxy.upstream.collect.datetime", Then)
        with Stub(answer) as stub:
            digests.add(gather(tmp_path / str(year), calls(stub.url, 3)).recording.digest)
    assert len(digests) == 1
