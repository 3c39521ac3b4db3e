"""F62: slow bytes, endless headers, hangs, resets. The deadline is over all of an attempt; nothing hangs, nothing is cut short."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from upstream_asking import ask, calls, gather, limits
from upstream_stub import Act, Request, Step, Stub, answer, completion, http, raw, words

from evalgate.proxy.upstream.interface import Failure, FailureKind, Reply

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def drops(data: bytes, every: float) -> Iterator[Step]:
    for at in range(len(data)):
        yield data[at : at + 1]
        yield every


def headers_without_end(every: float) -> Iterator[Step]:
    yield OK
    number = 0
    while True:
        number += 1
        yield f"X-{number}: y\r\n".encode()
        yield every


def whole(request: Request) -> bytes:
    return json.dumps(completion(request)).encode()


SLOW: dict[str, Callable[[Request], Act]] = {
    "one byte at a time": lambda r: Act(drops(http(200, whole(r)), 0.05)),
    "one byte of the body at a time": lambda r: Act([http(200, b"", length=len(whole(r))), *drops(whole(r), 0.05)]),
    "one byte of a chunk at a time": lambda r: Act([OK + b"Transfer-Encoding: chunked\r\n\r\n5000\r\n", *drops(whole(r), 0.05)]),
    "white space for ever": lambda r: Act([OK + b"Content-Length: 100000\r\n\r\n", *drops(b" " * 10_000, 0.01)]),
    "headers that never end": lambda r: Act(headers_without_end(0.02)),
    "no answer": lambda r: Act((), "hang"),
    "hang after the status": lambda r: Act((b"HTTP/1.1 200 OK\r\n",), "hang"),
    "hang after the headers": lambda r: Act((OK + b"Content-Length: 400\r\n\r\n",), "hang"),
    "hang before the last byte": lambda r: Act((http(200, whole(r)[:-1], length=len(whole(r))),), "hang"),
    "hang in an error": lambda r: Act((b"HTTP/1.1 500 Oops\r\nContent-Length: 400\r\n\r\n{",), "hang"),
    "hang after 100 continue": lambda r: Act((b"HTTP/1.1 100 Continue\r\n\r\n",), "hang"),
    "comments of a stream": lambda r: Act(
        [OK + b"Transfer-Encoding: chunked\r\n\r\n", *(s for _ in range(99) for s in (b"3\r\n: \n\r\n", 0.02))]
    ),
}


@pytest.mark.parametrize("name", SLOW)
def test_f62_the_deadline_of_an_attempt_is_over_all_of_it(name: str) -> None:
    with Stub(SLOW[name]) as stub:
        failure = ask(calls(stub.url, 1), limits(attempts=2, timeout_s=0.2)).only
    assert isinstance(failure, Failure)
    assert failure.message == "no complete answer within 0.2 s (after 2 attempts)"
    assert failure.maybe_billed, "the server may have done the work"
    assert len(stub.requests) == 2


@pytest.mark.parametrize("name", ["one byte at a time", "no answer", "headers that never end"])
def test_f62_the_deadline_of_a_call_is_over_all_attempts(name: str) -> None:
    with Stub(SLOW[name]) as stub:
        failure = ask(calls(stub.url, 1), limits(attempts=1000, timeout_s=0.15, deadline_s=0.5)).only
    assert isinstance(failure, Failure)
    assert len(stub.requests) <= 5


def test_f62_the_deadline_of_a_run_ends_it(tmp_path: Path) -> None:
    def script(request: Request) -> Act:
        return answer(request) if request.number <= 5 else Act((), "hang")

    with Stub(script) as stub:
        done = gather(tmp_path / "tape", calls(stub.url, 50), limits(run_deadline_s=0.3, timeout_s=0.3, attempts=1000))
    assert "proxy.run_deadline_s is 0.3: the run's deadline has passed" in done.said
    assert "5 new answers are recorded" in done.said
    assert len(done.texts()) == 5


def test_f62_headers_as_a_flood_are_cut_off() -> None:
    def flood(request: Request) -> Act:
        return Act((OK, *(b"".join(b"X-%d-%d: %s\r\n" % (i, j, b"y" * 50) for j in range(500)) for i in range(50))))

    with Stub(flood) as stub:
        failure = ask(calls(stub.url, 1), limits(attempts=1)).only
    assert failure.message == "the response is damaged: Too many headers received"


BROKEN: dict[str, Callable[[Request], Act]] = {
    "closed without an answer": lambda r: Act((), "close"),
    "reset without an answer": lambda r: Act((), "reset"),
    "closed in the status": lambda r: raw(b"HTTP/1.1 2"),
    "closed in the headers": lambda r: raw(OK),
    "closed in the body": lambda r: raw(http(200, whole(r)[:-5], length=len(whole(r)))),
    "reset in the body": lambda r: raw(http(200, whole(r)[:-5], length=len(whole(r))), 0.01, end="reset"),
    "closed before the last chunk": lambda r: raw(
        OK + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(whole(r)) + whole(r) + b"\r\n"
    ),
    "reset in a chunk": lambda r: raw(OK + b"Transfer-Encoding: chunked\r\n\r\nfff\r\n" + whole(r), 0.01, end="reset"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_f62_a_broken_connection_is_tried_again(name: str) -> None:
    with Stub(lambda r: BROKEN[name](r) if r.number == 1 else answer(r)) as stub:
        asked = ask(calls(stub.url, 1), limits(attempts=2))
    assert isinstance(asked.only, Reply)
    assert len(stub.requests) == 2
    assert stub.connections == 2, "a broken connection was used again"


@pytest.mark.parametrize("name", BROKEN)
def test_f62_a_connection_that_always_breaks_is_a_failure(name: str, tmp_path: Path) -> None:
    with Stub(lambda r: BROKEN[name](r) if r.content.endswith(" 3") else answer(r)) as stub:
        done = gather(tmp_path / "tape", calls(stub.url, 8), limits(attempts=2))
    assert done.error is None
    assert len(done.texts()) == 7
    (said,) = done.errors()
    assert said.startswith(("the server closed", "the connection broke", "the response is damaged")), said
    assert said.endswith("attempts)")


@pytest.mark.parametrize("end", ["close", "reset"])
def test_f62_a_kept_connection_that_was_dropped_is_replaced_at_once_and_is_no_failure(end: str) -> None:
    """Servers drop idle connections: the request on it goes over a new one, without using up an attempt."""
    with Stub(lambda r: Act((), end) if r.number == 2 else answer(r)) as stub:
        asked = ask(calls(stub.url, 3), limits(concurrency=1, attempts=1))
    assert len(asked.replies) == 3, asked.failures
    assert len(stub.requests) == 4
    assert (stub.connections, asked.caller.retries) == (3, 1), "the dropped one, a new one for the request, one for the rest"


@pytest.mark.parametrize("end", ["close", "reset"])
def test_f62_a_server_that_keeps_no_connection_but_says_it_does(end: str) -> None:
    with Stub(lambda r: Act((), end) if r.turn == 2 else answer(r)) as stub:
        asked = ask(calls(stub.url, 20), limits(concurrency=4, attempts=1))
    assert len(asked.replies) == 20, asked.failures
    assert len(stub.requests) <= 2 * 20


def test_f62_a_server_that_drops_every_connection_is_no_endless_loop() -> None:
    with Stub(lambda r: answer(r) if r.number == 1 else Act((), "close")) as stub:
        asked = ask(calls(stub.url, 2), limits(concurrency=1, attempts=3))
    assert len(asked.replies) == 1
    assert len(stub.requests) == 1 + 1 + 3, "one on the kept connection, then the attempts that are allowed"


def test_f62_connections_are_used_again() -> None:
    with Stub(answer) as stub:
        assert len(ask(calls(stub.url, 100), limits(concurrency=4)).replies) == 100
    assert stub.connections <= 4
    assert stub.peak <= 4


def test_f62_many_in_flight() -> None:
    with Stub(lambda r: answer(r, delay=0.05)) as stub:
        assert len(ask(calls(stub.url, 128), limits(concurrency=128)).replies) == 128
    assert stub.peak > 64


def test_f62_all_bad_days_at_once_end_with_every_answer_right(tmp_path: Path) -> None:
    """Each request meets one bad behaviour first and is answered then."""
    bad = [*BROKEN.values(), *(SLOW[n] for n in ("no answer", "hang before the last byte", "one byte at a time"))]
    seen: dict[str, int] = {}

    def script(request: Request) -> Act:
        number = int(request.content.split()[-1])
        seen[request.content] = seen.get(request.content, 0) + 1
        return bad[number % len(bad)](request) if seen[request.content] == 1 else answer(request)

    given = limits(concurrency=16, attempts=6, timeout_s=0.4)
    with Stub(script) as stub:
        done = gather(tmp_path / "tape", calls(stub.url, 66), given)
        expected = {words(r) for r in stub.requests}
    assert done.error is None
    assert done.errors() == []
    assert set(done.texts().values()) == expected
    assert len(done.texts()) == 66
    assert done.found is not None and done.found.retries >= 66


def test_a_failure_of_every_kind_is_of_use() -> None:
    """The same cause gives the same words: no addresses, no sizes, no time in them."""
    for name, script in BROKEN.items():
        found = set()
        for _ in range(2):
            with Stub(script) as stub:
                failure = ask(calls(stub.url, 1), limits(attempts=1)).only
                assert failure.kind is FailureKind.TRANSIENT
                found.add(failure.message)
        assert len(found) == 1, (name, found)
