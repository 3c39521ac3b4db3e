"""A server on a free port in a thread of its own, recordings to serve, and plain HTTP to ask with."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from evalgate.core.canonical import json_line
from evalgate.core.errors import EvalgateError
from evalgate.core.settings import Upstream
from evalgate.proxy.exchange import sealed_line
from evalgate.proxy.recording import open_recording
from evalgate.proxy.recording_writer import RecordingWriter
from evalgate.proxy.redaction import Redactor
from evalgate.proxy.request import request_key, request_of_body
from evalgate.proxy.server.access import access_for
from evalgate.proxy.server.answerers import RecordAnswerer, ReplayAnswerer
from evalgate.proxy.server.app import Desk
from evalgate.proxy.server.interface import Answerer
from evalgate.proxy.server.running import bound, started
from evalgate.proxy.upstream.interface import Call, Failure, Reply

TOKEN = "test-token-of-the-proxy-0123456789"


@dataclass(frozen=True)
class Got:
    """A response as it came."""

    status: int
    headers: dict[str, str]
    data: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.data)

    @property
    def error(self) -> dict[str, Any]:
        error = self.json["error"]
        assert set(self.json) == {"error"}
        assert set(error) == {"message", "type", "param", "code"}
        assert error["code"] is None or isinstance(error["code"], str)
        assert self.headers["x-should-retry"] == "false"
        return error

    @property
    def events(self) -> list[tuple[str | None, Any]]:
        """(event name, data) of a stream; every event must be whole."""
        text = self.data.decode("utf-8")
        assert text.endswith("\n\n")
        found = []
        for block in text[:-2].split("\n\n"):
            fields = dict(line.split(": ", 1) for line in block.split("\n"))
            assert set(fields) <= {"event", "data"}
            found.append((fields.get("event"), fields["data"] if fields["data"] == "[DONE]" else json.loads(fields["data"])))
        return found


@dataclass
class Server:
    """A server that runs."""

    desk: Desk
    port: int
    lines: list[str]
    loop: asyncio.AbstractEventLoop

    def ask(self, method: str, path: str, body: Any = None, headers: dict[str, str | None] | None = None) -> Got:
        """One request; a body that is no bytes is sent as JSON; a header of None is left out."""
        data = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
        sent: dict[str, str | None] = {"Host": f"127.0.0.1:{self.port}"}
        sent |= {"Content-Type": "application/json"} if data is not None else {}
        sent |= {"Content-Length": str(len(data))} if data is not None else {}
        sent |= headers or {}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in sent.items():
                if value is not None:
                    connection.putheader(name, value)
            connection.endheaders(data)
            response = connection.getresponse()
            return Got(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()

    def chat(self, body: Any, headers: dict[str, str | None] | None = None) -> Got:
        return self.ask("POST", "/v1/chat/completions", body, headers)

    def raw(self, data: bytes) -> Got | None:
        """Bytes to the server, and its response; None when it closes without one."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as plain:
            plain.sendall(data)
            response = http.client.HTTPResponse(plain)
            try:
                response.begin()
                return Got(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
            except (http.client.HTTPException, ConnectionError):
                return None
            finally:
                response.close()


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """Start servers; each is ended with the test."""
    running: list[tuple[asyncio.AbstractEventLoop, threading.Thread, asyncio.Event]] = []

    def start(make: Callable[[], Answerer], *, host: str = "127.0.0.1", spends: bool = False, max_body: int = 1 << 20) -> Server:
        made, ready = bound("127.0.0.1", 0), threading.Event()
        state: dict[str, Any] = {}

        async def run() -> None:
            lines: list[str] = []
            desk = Desk(make(), access_for(host, TOKEN, spends=spends), max_body, lines.append)
            runner = await started(desk, made)
            stop = asyncio.Event()
            state.update(desk=desk, lines=lines, loop=asyncio.get_running_loop(), stop=stop)
            ready.set()
            await stop.wait()
            await runner.cleanup()
            # A test whose disk refuses hears of it in another way.
            with suppress(EvalgateError):
                await desk.answerer.close(1.0)

        thread = threading.Thread(target=lambda: asyncio.run(run()))
        thread.start()
        assert ready.wait(30)
        running.append((state["loop"], thread, state["stop"]))
        return Server(state["desk"], made.getsockname()[1], state["lines"], state["loop"])

    yield start
    for loop, _, stop in running:
        loop.call_soon_threadsafe(stop.set)
    for _, thread, _ in running:
        thread.join(30)
        assert not thread.is_alive()


def line(endpoint: str, body: dict[str, Any], response: dict[str, Any], sample: int = 0, **rest: Any) -> dict[str, Any]:
    """A recording line for a body as a client sends it."""
    request = request_of_body(endpoint, body, sample)
    extra = {"latency_ms": 12.5, "recorded_at": "2026-09-01T00:00:00+00:00", **rest}
    return sealed_line(request, {"status": "ok", "text": "", "finish": "stop", **response}, key=request_key(request), **extra)


@pytest.fixture
def make_line() -> Callable[..., dict[str, Any]]:
    return line


@pytest.fixture
def store(tmp_path: Path) -> Callable[..., Path]:
    """Write lines as a recording."""

    def write(*lines: dict[str, Any], name: str = "rec") -> Path:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        (folder / "0001.jsonl").write_text("".join(json_line(each) for each in lines), encoding="utf-8")
        return folder

    return write


@pytest.fixture
def replaying(serve: Callable[..., Server], store: Callable[..., Path]) -> Callable[..., Server]:
    """A server that replays these lines."""

    def start(*lines: dict[str, Any], **options: Any) -> Server:
        recording = open_recording(store(*lines), "rec")
        return serve(lambda: ReplayAnswerer(recording, Redactor()), **options)

    return start


@dataclass
class Upstreams:
    """A caller that answers with what a function gives, and notes what it was asked."""

    give: Callable[[Call], Reply | Failure]
    calls: list[Call] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)
    closed: bool = False

    async def answer(self, call: Call) -> Reply | Failure:
        self.calls.append(call)
        while not self.gate.is_set():
            await asyncio.sleep(0.005)
        return self.give(call)

    async def close(self) -> None:
        self.closed = True


@pytest.fixture
def recording(serve: Callable[..., Server], tmp_path: Path) -> Iterator[Callable[..., tuple[Server, Upstreams]]]:
    """A server that records from a caller made for the test."""
    held = []

    def start(give: Callable[[Call], Reply | Failure], name: str = "rec", gated: bool = False) -> tuple[Server, Upstreams]:
        upstream = Upstreams(give)
        if not gated:
            upstream.gate.set()
        writer = RecordingWriter(tmp_path / name, name).__enter__()
        held.append(writer)
        opened = open_recording(tmp_path / name, name, may_be_empty=True)
        server = serve(lambda: RecordAnswerer(opened, writer, upstream, Upstream(base_url="http://127.0.0.1:9/v1")), spends=True)
        return server, upstream

    yield start
    for writer in held:
        writer.__exit__(None, None, None)


@dataclass
class Program:
    """A running `evalgate proxy`."""

    process: subprocess.Popen[str]
    base: str
    token: str

    def ask(self, body: Any, token: str | None = None) -> tuple[int, bytes, dict[str, str]]:
        headers = {"Authorization": f"Bearer {token or self.token}", "Content-Type": "application/json"}
        return self._http("POST", "/v1/chat/completions", json.dumps(body), headers)

    def get(self, path: str) -> Any:
        return json.loads(self._http("GET", path, None, {})[1])

    def _http(self, method: str, path: str, data: str | None, headers: dict[str, str]) -> tuple[int, bytes, dict[str, str]]:
        host, port = re.fullmatch(r"http://(127\.0\.0\.1):(\d+)/v1", self.base).groups()
        connection = http.client.HTTPConnection(host, int(port), timeout=30)
        try:
            connection.request(method, path, data, headers)
            got = connection.getresponse()
            return got.status, got.read(), {k.lower(): v for k, v in got.getheaders()}
        finally:
            connection.close()

    def end(self, number: int) -> tuple[int, str, str]:
        """Exit code, and what was printed after the start."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=30)
        return self.process.returncode, out, err


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Callable[..., Program]]:
    running: list[subprocess.Popen[str]] = []

    def start(*arguments: str, env: dict[str, str] | None = None) -> Program:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("OPENAI_")}
        process = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "evalgate", "proxy", *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path, env={**kept, **(env or {})},
        )  # fmt: skip
        running.append(process)
        assert process.stdout is not None
        first = process.stdout.readline()
        if not first:
            raise AssertionError(process.communicate()[1])
        base = re.fullmatch(r"OPENAI_BASE_URL=(http://127\.0\.0\.1:\d+/v1)\n", first).group(1)
        if "--token-env" in arguments:
            return Program(process, base, TOKEN)
        second = process.stdout.readline()
        return Program(process, base, re.fullmatch(r"OPENAI_API_KEY=([A-Za-z0-9_-]{40,})\n", second).group(1))

    yield start
    for process in running:
        if process.poll() is None:
            process.kill()
        with suppress(ValueError):
            process.communicate(timeout=30)
