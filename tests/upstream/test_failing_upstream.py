"""F60, F61, F66: an upstream that fails for a while, for ever, or is not there. Few calls, good order, nothing lost."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
from pathlib import Path
from typing import Any

import pytest
from upstream_asking import ask, call, calls, gather, limits
from upstream_stub import Act, Request, Stub, answer, refused_port, share, status

from evalgate.core.errors import BadInput, ExitCode, Incomplete
from evalgate.core.settings import Upstream
from evalgate.proxy.recording import open_recording
from evalgate.proxy.upstream.breaker import ALIKE, Breaker
from evalgate.proxy.upstream.caller import UpstreamStopped
from evalgate.proxy.upstream.interface import Failure, FailureKind

KEY = "sk-canary-0123456789abcdef"


@pytest.mark.parametrize("code", [408, 409, 425, 500, 502, 503, 504, 520, 529])
def test_f60_a_burst_of_server_errors_is_outlived(code: int) -> None:
    with Stub(lambda request: status(code) if request.number <= 8 else answer(request)) as stub:
        asked = ask(calls(stub.url, 20), limits(attempts=5))
    assert len(asked.replies) == 20, asked.failures
    assert len(stub.requests) == 28
    assert asked.caller.retries == 8


@pytest.mark.parametrize("code", [500, 502, 503, 529])
def test_f60_attempts_are_bounded(code: int) -> None:
    with Stub(lambda request: status(code)) as stub:
        asked = ask(calls(stub.url, 1), limits(attempts=3))
    assert (asked.only.kind, asked.only.status) == (FailureKind.TRANSIENT, code)
    assert "after 3 attempts" in asked.only.message
    assert len(stub.requests) == 3


@pytest.mark.parametrize("code", [400, 401, 403, 404, 405, 410, 413, 418, 422, 431, 451, 501])
def test_f60_what_asking_again_cannot_change_is_asked_once(code: int) -> None:
    with Stub(lambda request: status(code)) as stub:
        asked = ask(calls(stub.url, 1))
    assert (asked.only.kind, asked.only.status) == (FailureKind.PERMANENT, code)
    assert len(stub.requests) == 1


@pytest.mark.parametrize("code", [400, 401, 403, 404, 422])
def test_f60_a_run_in_which_every_call_fails_alike_stops_early(code: int, tmp_path: Path) -> None:
    # Servers like to put a number of their own into such messages.
    own = {401, 403, 404}
    with Stub(lambda r: status(code, {"error": {"message": f"no, request {r.number if code in own else 7}"}})) as stub:
        done = gather(tmp_path / "tape", calls(stub.url, 400))
    assert isinstance(done.error, Incomplete)
    assert done.error.exit_code is ExitCode.INCOMPLETE
    assert len(stub.requests) <= ALIKE + 4, "as many as it takes to know, and those in flight"
    assert f"every call fails the same way: HTTP {code}: no, request" in done.said
    assert "0 new answers are recorded" in done.said
    assert "same command continues" in done.said
    assert len(done.recording) == 0, "a wrong set-up is no property of the requests"


def test_f60_single_bad_requests_do_not_stop_a_run_that_is_answered(tmp_path: Path) -> None:
    def script(request: Request) -> Act:
        return status(400) if request.content.endswith("7") else answer(request)

    with Stub(script) as stub:
        done = gather(tmp_path / "tape", calls(stub.url, 100))
    assert done.error is None
    assert done.found is not None
    assert (done.found.answered, done.found.failed) == (90, 10)
    assert len(stub.requests) == 100
    assert len(done.errors()) == 10
    assert all("HTTP 400" in said for said in done.errors())


def test_f60_failures_before_the_first_answer_are_recorded_once_it_came(tmp_path: Path) -> None:
    with Stub(lambda request: status(400) if request.number <= 3 else answer(request)) as stub:
        done = gather(tmp_path / "tape", calls(stub.url, 10), limits(concurrency=1))
    assert done.error is None
    assert (len(done.texts()), len(done.errors())) == (7, 3)


@pytest.mark.parametrize("length", [10, 2000])
@pytest.mark.parametrize("code", [429, 403])
def test_f60_a_quota_that_is_used_up_is_not_waited_for(code: int, length: int) -> None:
    error = {"error": {"message": "x" * length, "type": "insufficient_quota", "code": "insufficient_quota"}}
    with Stub(lambda request: status(code, error, {"Retry-After": "1"})) as stub:
        asked = ask(calls(stub.url, 1))
    assert asked.only.kind is FailureKind.PERMANENT
    assert len(stub.requests) == 1
    assert len(asked.only.message) < 500


@pytest.mark.parametrize(
    ("error", "requests"),
    [
        ({"message": "Rate limit reached"}, 2),
        ("Too Many Requests", 2),
        ({"code": "rate_limit_exceeded"}, 2),
        ({"message": "the model is overloaded"}, 2),
        ({"message": "internal"}, 2),
        ({}, 2),
        ([], 2),
        ({"code": "insufficient_quota", "message": "pay"}, 1),
    ],
)
def test_f54_an_error_under_http_200_is_never_an_answer(error: Any, requests: int, tmp_path: Path) -> None:
    def script(request: Request) -> Act:
        return answer(request, error=error) if request.number == 1 else answer(request, "fine")

    with Stub(script) as stub:
        done = gather(tmp_path / "tape", calls(stub.url, 1))
    assert len(stub.requests) == requests
    assert list(done.texts().values()) == (["fine"] if requests == 2 else [])


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>nginx</html>", b"\xff\xfe", b"{", b"null", b"[]", b"7", b'"text"', b'{"error": null}',
     b'{"error": {"message": null}}', b'{"message": "llama says no"}', b"x" * 200_000],
)  # fmt: skip
@pytest.mark.parametrize("code", [400, 500])
def test_f60_error_bodies_of_every_kind(body: bytes, code: int, tmp_path: Path) -> None:
    with Stub(lambda request: status(code, body) if request.content.endswith(" 0") else answer(request)) as stub:
        done = gather(tmp_path / "tape", calls(stub.url, 8), limits(attempts=2))
    assert done.error is None
    (said,) = done.errors()
    assert said.startswith(f"HTTP {code}: ")
    assert len(said) < 400


def test_f61_a_refused_connection_is_bounded_and_says_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    done = gather(tmp_path / "tape", calls(f"http://127.0.0.1:{refused_port()}/v1", 200))
    assert isinstance(done.error, UpstreamStopped)
    assert "does not recover: cannot connect to 127.0.0.1" in done.said
    assert "same command continues" in done.said
    assert KEY not in done.said
    assert len(done.recording) == 0


def test_f61_an_unknown_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    done = gather(tmp_path / "tape", calls("http://no-such-host.invalid/v1", 200))
    assert isinstance(done.error, UpstreamStopped)
    assert "cannot connect to no-such-host.invalid: Name or service not known" in done.said
    assert KEY not in done.said


def test_f61_tls_to_a_plain_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with socket.create_server(("127.0.0.1", 0)) as plain:
        import threading

        def refuse() -> None:
            connection, _ = plain.accept()
            connection.recv(100)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            connection.close()

        thread = threading.Thread(target=refuse)
        thread.start()
        failure = ask(calls(f"https://127.0.0.1:{plain.getsockname()[1]}/v1", 1), limits(attempts=1)).only
        thread.join()
    assert isinstance(failure, Failure)
    assert failure.message.startswith("cannot connect to 127.0.0.1: [SSL")
    assert not failure.maybe_billed
    assert KEY not in failure.message


def test_f61_a_certificate_that_nobody_knows(tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed: no certificate to test with")
    made = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-keyout",
        "k.pem",
        "-out",
        "c.pem",
        "-days",
        "2",
        "-subj",
        "/CN=x",
    ]
    subprocess.run(made, cwd=tmp_path, check=True, capture_output=True)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(tmp_path / "c.pem", tmp_path / "k.pem")
    with Stub(answer, tls=server) as stub:
        failure = ask(calls(stub.url, 1), limits(attempts=1)).only
    assert "certificate verify failed" in failure.message
    assert stub.requests == [], "the key would have been sent to anybody"


@pytest.mark.parametrize(
    "url",
    ["", "model", "127.0.0.1:80", "ftp://127.0.0.1/v1", "http://", "http:///v1", "http://127.0.0.1:99999/v1", "http://127.0.0.1:x/v1",
     "http://127.0.0.1:0/v1", "http://[::1/v1", "http://../v1", "http://" + "a" * 300 + "/v1", "file:///etc/passwd"],
)  # fmt: skip
def test_f61_what_is_no_address_is_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", url or "nothing")
    with pytest.raises(BadInput, match="is not the address of a server"):
        _ = ask([call(0, upstream=Upstream(base_url=url or None))]).only


@pytest.mark.parametrize(
    "url", ["http://user:secret-word@127.0.0.1/v1", "http://user@127.0.0.1/v1", "http://127.0.0.1/v1?key=secret-word"]
)
def test_f61_a_password_in_an_address_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(BadInput, match="must not hold a user") as caught:
        _ = ask(calls(url, 1)).only
    assert "secret-word" not in str(caught.value)


def test_f61_openai_itself_needs_a_key() -> None:
    with pytest.raises(BadInput, match="OpenAI is asked without a key") as caught:
        _ = ask([call(0, upstream=Upstream())]).only
    assert "OPENAI_API_KEY" in str(caught.value)


def test_f66_a_server_that_dies_is_bounded_and_nothing_is_lost_or_paid_twice(tmp_path: Path) -> None:
    folder, count = tmp_path / "tape", 80

    def dying(request: Request) -> Act:
        if request.number > 25:
            stub.die()
        return answer(request, delay=0.002)

    with Stub(dying) as stub:
        first = gather(folder, calls(stub.url, count))
    assert isinstance(first.error, UpstreamStopped), first.error
    assert f"{len(first.texts())} new answers are recorded" in first.said
    assert 20 <= len(first.texts()) <= 25
    durable = set(first.texts())

    with Stub(answer) as again:
        second = gather(folder, calls(again.url, count))
    assert second.error is None
    assert len(second.texts()) == count
    assert second.errors() == []
    asked = {one.key for one in calls("", count) if any(r.content == one.body["messages"][0]["content"] for r in again.requests)}
    assert not asked & durable, "a durable answer was asked for again"
    assert len(again.requests) == count - len(durable)


def test_f66_a_server_that_comes_back_in_time_is_waited_for() -> None:
    """The breaker's pauses are for this: many calls fail, then all is well."""
    with Stub(lambda request: Act((), "close") if 10 < request.number <= 24 else answer(request)) as stub:
        asked = ask(calls(stub.url, 60), limits(attempts=8))
    assert len(asked.replies) == 60, asked.failures


def test_f66_one_success_of_many_then_silence(tmp_path: Path) -> None:
    with Stub(lambda request: answer(request) if request.number == 1 else Act((), "close")) as stub:
        done = gather(tmp_path / "tape", calls(stub.url, 2000))
    assert isinstance(done.error, Incomplete)
    assert "does not recover: the server closed the connection without an answer" in done.said
    assert len(stub.requests) < 100
    assert len(done.texts()) == 1


def test_f66_a_resumed_run_records_what_the_whole_run_would(tmp_path: Path) -> None:
    """One request is refused for ever: whether the run was broken off before it or not changes nothing."""

    def script(request: Request) -> Act:
        return status(400) if request.content.endswith(" 19") else answer(request)

    with Stub(script) as stub:
        whole = gather(tmp_path / "whole", calls(stub.url, 20))
        gather(tmp_path / "parts", calls(stub.url, 19))
        parts = gather(tmp_path / "parts", calls(stub.url, 20))
    assert whole.error is None
    assert parts.error is None
    assert whole.errors() == parts.errors() != []
    assert whole.recording.digest == parts.recording.digest


def test_the_breaker_counts_only_failures_in_a_row() -> None:
    breaker, transient = Breaker(lambda: 0.0), Failure(FailureKind.TRANSIENT, "x")
    for _ in range(50):
        for _ in range(9):
            assert breaker.failed(transient) is None
        breaker.answered()
    assert breaker.stopped is None


@pytest.mark.parametrize("part", [0.2, 0.5])
def test_f60_random_failures_are_survived_with_few_calls(part: float) -> None:
    seen: dict[str, int] = {}
    with Stub(lambda request: status(500) if share(request, seen, part) else answer(request)) as stub:
        asked = ask(calls(stub.url, 100), limits(attempts=20, concurrency=8))
    assert len(asked.replies) == 100
    assert len(stub.requests) <= 100 / (1 - part) * 1.4


@pytest.mark.parametrize("name", ["write", "fsync"])
@pytest.mark.parametrize("after", [0, 1, 7])
def test_f16_a_disk_that_is_full_stops_the_run_and_the_same_command_continues(
    name: str, after: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be kept is not paid for: the run stops at once, and what was kept is not asked for again."""
    import os as real_os

    from evalgate.proxy import recording_writer

    class FullDisk:
        """The module `os`, with one function that fails from some call on."""

        used = 0

        def __getattr__(self, wanted: str) -> Any:
            if wanted != name:
                return getattr(real_os, wanted)

            def failing(descriptor: int, *given: Any) -> Any:
                FullDisk.used += 1
                if FullDisk.used > after:
                    raise OSError(28, "No space left on device")
                return getattr(real_os, name)(descriptor, *given)

            return failing

    monkeypatch.setattr(recording_writer, "os", FullDisk())
    with Stub(lambda request: answer(request, delay=0.002)) as stub:
        done = None
        try:
            done = gather(tmp_path / "tape", calls(stub.url, 300))
        except Incomplete as error:  # the last flush on the way out
            assert "No space left on device" in str(error)
        if done is not None:
            assert isinstance(done.error, Incomplete), done.error
            assert "No space left on device" in done.said
            assert "same command continues" in done.said
        assert len(stub.requests) < 250, "went on paying for what cannot be kept"
        monkeypatch.undo()
        first = len(stub.requests)
        found = open_recording(tmp_path / "tape", "tape", may_be_empty=True).exchanges()
        kept = {one.request["messages"][0]["content"] for one in found if one.status == "ok"}
        again = gather(tmp_path / "tape", calls(stub.url, 300))
    assert again.error is None
    assert len(again.texts()) == 300
    assert not {r.content for r in stub.requests[first:]} & kept


def test_f14_a_run_in_a_thread_of_its_own_leaves_signals_to_the_main_thread(tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with Stub(answer) as stub, ThreadPoolExecutor(1) as pool:
        done = pool.submit(gather, tmp_path / "tape", calls(stub.url, 20)).result(timeout=20)
    assert done.error is None
    assert len(done.texts()) == 20
