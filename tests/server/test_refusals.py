"""What the server refuses, and in which words."""

from __future__ import annotations

import http.client
import json
import socket
from typing import Any

import pytest

from evalgate.core.errors import BadInput
from evalgate.core.strict_json import parse_json
from evalgate.proxy.server.access import access_for, is_loopback
from evalgate.proxy.server.interface import Asked, Refusal
from evalgate.proxy.server.reading import parse_asked
from evalgate.proxy.server.running import base_url, bound

ASK: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Name a colour."}]}
TOKEN = "test-token-of-the-proxy-0123456789"


@pytest.fixture
def server(replaying, make_line):
    return replaying(make_line("chat/completions", ASK, {"text": "Blue."}), max_body=2000)


@pytest.fixture
def guarded(replaying, make_line):
    return replaying(make_line("chat/completions", ASK, {"text": "Blue."}), spends=True)


@pytest.mark.parametrize(
    "given",
    [None, "", "Bearer", "Bearer ", "Bearer x", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Bearer {TOKEN.upper()}",
     f"Bearer  {TOKEN} {TOKEN}", "Bearer \xe9\xff"],
)  # fmt: skip
def test_the_token_is_needed(guarded, given) -> None:
    for method, path, body in (("POST", "/v1/chat/completions", ASK), ("GET", "/models", None), ("GET", "/nowhere", None)):
        got = guarded.ask(method, path, body, {"Authorization": given})
        assert (got.status, got.error["code"]) == (401, "invalid_api_key")
        assert got.headers["www-authenticate"] == "Bearer"
        assert TOKEN not in got.data.decode()
    assert guarded.ask("GET", "/health", headers={"Authorization": given}).status == 200


def test_the_right_token_opens(guarded) -> None:
    for given in (f"Bearer {TOKEN}", f"bearer {TOKEN}", f"BEARER  {TOKEN}"):
        assert guarded.chat(ASK, {"Authorization": given}).status == 200


def test_two_tokens_are_none(guarded) -> None:
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\nAuthorization: Bearer {TOKEN}\r\n"
    assert guarded.raw(f"{head}Content-Length: 0\r\n\r\n".encode()).error["code"] == "invalid_api_key"


def test_a_refused_token_does_not_wait_for_the_body(guarded) -> None:
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost:{guarded.port}\r\nContent-Length: 1000000\r\n\r\n"
    with socket.create_connection(("127.0.0.1", guarded.port), timeout=30) as plain:
        plain.sendall(head.encode())
        assert b" 401 " in plain.recv(4096)


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:80", "localhost.", "127.0.0.2", "127.0.0.1.evil.example", "localhost:80:80", "localhost:x", "a@localhost", "", " ", "[::2]",
     "::1", "0.0.0.0", "127.1", "2130706433", "localhost/", "xn--localhost", "[::1", "localhost:123456"],
)  # fmt: skip
def test_a_foreign_host_is_refused(server, host) -> None:
    got = server.chat(ASK, {"Host": host})
    assert (got.status, got.error["code"]) == (403, "host_not_allowed")
    assert server.ask("GET", "/health", headers={"Host": host}).status == 403


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1", "127.0.0.1:65535", "[::1]:8080", "[::1]"])
def test_its_own_host_is_served(server, host) -> None:
    assert server.chat(ASK, {"Host": host}).status == 200


def test_no_host_or_two_are_refused(server) -> None:
    for hosts in ("", "Host: localhost\r\nHost: localhost\r\n"):
        assert server.raw(f"GET /health HTTP/1.1\r\n{hosts}\r\n".encode()).status == 400
    assert server.raw(b"GET /health HTTP/1.0\r\n\r\n").error["code"] == "host_missing"


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost", ""])
def test_web_pages_are_refused(server, origin) -> None:
    for method, path, body in (
        ("POST", "/v1/chat/completions", ASK),
        ("OPTIONS", "/v1/chat/completions", None),
        ("GET", "/health", None),
    ):
        got = server.ask(method, path, body, {"Origin": origin})
        assert (got.status, got.error["code"]) == (403, "origin_not_allowed")
        assert not [name for name in got.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    "line",
    ["GET http://evil.example/health HTTP/1.1", "GET http://127.0.0.1/health HTTP/1.1", "CONNECT evil.example:443 HTTP/1.1", "OPTIONS * HTTP/1.1",
     "POST https://api.openai.com/v1/chat/completions HTTP/1.1"],
)  # fmt: skip
def test_it_is_no_proxy_to_elsewhere(server, line) -> None:
    got = server.raw(f"{line}\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
    assert (got.status, got.error["code"]) == (400, "invalid_url")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [("GET", "/", 404, "unknown_url"), ("POST", "/v1/completions", 404, "unknown_url"), ("POST", "/v1/chat/completions/", 404, "unknown_url"),
     ("POST", "/v2/chat/completions", 404, "unknown_url"), ("GET", "/v1/responses/resp_1", 404, "unknown_url"), ("GET", "/v1//models", 404, "unknown_url"),
     ("GET", "/v1/chat/completions", 405, "method_not_allowed"), ("PUT", "/v1/embeddings", 405, "method_not_allowed"),
     ("DELETE", "/v1/models/m", 405, "method_not_allowed"), ("OPTIONS", "/v1/responses", 405, "method_not_allowed"), ("POST", "/health", 405, "method_not_allowed"),
     ("GET", "/v1/models/%2e%2e%2fetc%2fpasswd", 404, "model_not_found"), ("GET", "/v1/files", 404, "unknown_url")],
)  # fmt: skip
def test_unknown_paths_and_methods(server, method, path, status, code) -> None:
    got = server.ask(method, path, b"" if method in ("POST", "PUT") else None)
    assert (got.status, got.error["code"]) == (status, code)
    if status == 405:
        assert got.headers["allow"]


@pytest.mark.parametrize(
    "media",
    ["text/plain", "multipart/form-data; boundary=x", "text/json", "application/jsonx", "", "application/json; charset=latin-1",
     "application/json; charset=utf-16", "garbage"],
)  # fmt: skip
def test_other_media_types_are_refused(server, media) -> None:
    got = server.chat(ASK, {"Content-Type": media})
    assert (got.status, got.error["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    "media",
    [
        None,
        "application/json",
        "application/x-www-form-urlencoded",
        "Application/JSON",
        "application/json; charset=UTF-8",
        "application/problem+json",
    ],
)
def test_json_or_nothing_is_read(server, media) -> None:
    assert server.chat(ASK, {"Content-Type": media}).status == 200


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "gzip, identity"])
def test_compressed_bodies_are_refused(server, coding) -> None:
    assert server.chat(ASK, {"Content-Encoding": coding}).status == 415


def test_large_bodies_are_refused_before_and_while_they_come(server) -> None:
    large = {**ASK, "user": "x" * 3000}
    assert (server.chat(large).status, server.chat(large).error["code"]) == (413, "request_too_large")
    chunk = b"7d0\r\n" + b" " * 2000 + b"\r\n"
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert server.raw(head + chunk * 3 + b"0\r\n\r\n").error["code"] == "request_too_large"
    fits = json.dumps(ASK).encode().ljust(2000)
    assert server.chat(fits).status == 200
    assert server.chat(fits + b" ").status == 413


def test_a_header_without_end_is_refused(server) -> None:
    got = server.raw(b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 10_000 + b"\r\n\r\n")
    assert got is None or got.status == 400


@pytest.mark.parametrize(
    "data",
    [b"", b" ", b"{", b"[1]", b'"text"', b"null", b"1", b"\xff", b"\xef\xbb\xbf{}", b'{"model": "m", "model": "n"}', b'{"a": NaN}', b'{"a": 1e999}',
     b'{"a": "\\ud800"}', b"{} {}", b"{'a': 1}", b"[" * 1500, b'{"a": ' * 200 + b"1" + b"}" * 200, b'{"a": 1,}', b'{"a": ' + b"9" * 1900 + b"}"],
    ids=range(19),
)  # fmt: skip
def test_what_is_not_strict_json_is_refused(server, data) -> None:
    got = server.chat(data)
    assert got.status == 400
    assert got.error["code"] in ("invalid_json", "invalid_value")


@pytest.mark.parametrize(
    ("endpoint", "body", "param"),
    [("chat/completions", {}, "model"), ("chat/completions", {"model": 1, "messages": []}, "model"), ("chat/completions", {"model": "", "messages": []}, "model"),
     ("chat/completions", {"model": "m"}, "messages"), ("chat/completions", {"model": "m", "messages": "x"}, "messages"),
     ("chat/completions", {"model": "m", "messages": ["x"]}, "messages"), ("chat/completions", {"model": "m", "messages": [{"content": "x"}]}, "messages"),
     ("chat/completions", {"model": "m", "input": "x"}, "messages"), ("responses", {"model": "m"}, "input"), ("responses", {"model": "m", "input": 5}, "input"),
     ("responses", {"model": "m", "messages": []}, "input"), ("embeddings", {"model": "m", "input": {"a": 1}}, "input"),
     ("embeddings", {"model": "m", "input": "x", "stream": True}, "stream"), ("chat/completions", {**ASK, "stream": "yes"}, "stream"),
     ("chat/completions", {**ASK, "stream": 1}, "stream"), ("chat/completions", {**ASK, "stream_options": [1]}, "stream_options"),
     ("chat/completions", {**ASK, "max_tokens": 5, "max_completion_tokens": 6}, "max_completion_tokens"), ("chat/completions", {**ASK, "seed": 2**60}, None)],
)  # fmt: skip
def test_bodies_of_another_shape_are_refused(server, endpoint, body, param) -> None:
    got = server.ask("POST", f"/v1/{endpoint}", body)
    assert (got.status, got.error["type"]) == (400, "invalid_request_error")
    assert got.error["code"] in ("invalid_value", "invalid_type")
    assert got.error["param"] == param


def test_broken_framing_does_not_stop_the_server(server) -> None:
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
    server.raw(head + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n")
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as plain:
        plain.sendall(head + b"Content-Length: 50\r\n\r\n{")
    server.raw(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
    server.raw(head + b"Content-Length: -1\r\n\r\n")
    assert server.chat(ASK).status == 200


def test_one_connection_serves_many_requests_after_a_refusal(server) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    for path, status in (("/v1/models", 200), ("/nowhere", 404), ("/v1/models", 200)):
        connection.request("GET", path)
        response = connection.getresponse()
        response.read()
        assert response.status == status
    connection.close()


def test_while_ending_nothing_new_is_taken(server) -> None:
    server.loop.call_soon_threadsafe(server.desk.ending.set)
    while not server.desk.ending.is_set():
        pass
    got = server.chat(ASK)
    assert (got.status, got.error["code"]) == (503, "shutting_down")


def test_a_bug_is_an_error_in_the_known_shape(server, monkeypatch) -> None:
    async def broken(asked: Asked) -> None:
        raise KeyError("Bearer abcdefghijklmnopqrstuvwxyz")

    monkeypatch.setattr(server.desk.answerer, "answer", broken)
    got = server.chat(ASK)
    assert (got.status, got.error["code"], got.error["message"]) == (500, "internal_error", "internal error: KeyError")
    assert server.lines == ["internal error: KeyError: '[redacted:bearer-token]'"]


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("localhost", True), ("LocalHost", True), ("::1", True), ("[::1]", True), ("0.0.0.0", False), ("::", False),
     ("192.0.2.1", False), ("example.org", False), ("localhost.example.org", False), ("", False)],
)  # fmt: skip
def test_the_token_is_always_needed_off_the_loopback(host, loopback) -> None:
    assert is_loopback(host) is loopback
    access = access_for(host, TOKEN, spends=False)
    assert access.token_needed is not loopback
    assert (access.denies(()) is None) is loopback
    assert access_for(host, TOKEN, spends=True).token_needed


def test_a_server_for_all_addresses_knows_its_names() -> None:
    access = access_for("0.0.0.0", TOKEN, spends=False)
    name = socket.gethostname().lower()
    for host, address in (
        (name, "192.0.2.7"),
        ("192.0.2.7:80", "192.0.2.7"),
        ("localhost:80", "127.0.0.1"),
        ("[2001:db8::7]:80", "2001:db8::7"),
    ):
        assert access.refuses((host,), False, address) is None
    for host in ("192.0.2.8", "0.0.0.0", "example.org", ""):
        assert isinstance(access.refuses((host,), False, "192.0.2.7"), Refusal)


@pytest.mark.parametrize("host", ["no-such-host.invalid", "256.1.1.1", "192.0.2.1", "a b", "é" * 70])
def test_an_address_that_cannot_be_bound_is_named(host) -> None:
    with pytest.raises(BadInput, match="cannot listen"):
        bound(host, 0)


def test_a_port_that_is_taken_is_named() -> None:
    with bound("127.0.0.1", 0) as first:
        first.listen()
        with pytest.raises(BadInput, match=rf"port {first.getsockname()[1]}"):
            bound("localhost", first.getsockname()[1])
        assert base_url("0.0.0.0", first) == base_url("localhost", first) == f"http://127.0.0.1:{first.getsockname()[1]}/v1"
        assert base_url("::1", first).startswith("http://[::1]:")


def test_parsing_agrees_with_strict_json() -> None:
    data = json.dumps({**ASK, "stream": True, "stream_options": {"include_usage": True}}).encode()
    asked = parse_asked("chat/completions", data)
    assert isinstance(asked, Asked)
    assert (asked.stream, asked.include_usage, asked.endpoint) == (True, True, "chat/completions")
    assert asked.body == parse_json(data.decode())
    assert asked.request["parameters"] == {}
