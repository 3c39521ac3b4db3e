"""A model server for tests that has bad days on request: plain asyncio over sockets, in a thread, on a free port.

A script, a function of the request, says what happens: `Act` is a row of bytes to send and seconds to wait, and how it ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

Step = bytes | float
"""Bytes are sent, a number of seconds is waited."""
REASONS = {200: "OK", 301: "Moved", 307: "Temporary Redirect", 400: "Bad Request", 429: "Too Many Requests", 500: "Oops"}


@dataclass
class Request:
    """What arrived."""

    number: int
    """Counts from 1."""
    connection: int
    turn: int
    """The how-manieth request of its connection, from 1."""
    path: str
    headers: dict[str, str]
    raw: bytes
    at: float = 0.0
    """When it had arrived, by the monotonic clock."""
    left: float | None = None
    """When the last byte of the answer was handed over."""
    status: int | None = None

    @property
    def body(self) -> Any:
        return json.loads(self.raw)

    @property
    def endpoint(self) -> str:
        return self.path.partition("/v1/")[2].partition("?")[0]

    @property
    def content(self) -> str:
        """The text of the last message."""
        body = self.body
        if self.endpoint == "chat/completions":
            return str(body["messages"][-1]["content"])
        found = body["input"]
        return found if isinstance(found, str) else str(found[-1].get("content") if isinstance(found[-1], dict) else found[-1])

    @property
    def identity(self) -> str:
        """Equal for equal bodies."""
        return hashlib.sha256(json.dumps(self.body, sort_keys=True).encode()).hexdigest()


@dataclass
class Act:
    """What the server does with a request."""

    steps: Iterable[Step] = ()
    end: str = "keep"
    """`keep` the connection, `close` it, `reset` it (RST), or `hang` until the client goes."""
    status: int | None = None
    paid: bool = False
    """Whether this is an answer that somebody pays for."""


Script = Callable[[Request], Act]


def http(status: int, body: bytes, headers: Mapping[str, str] | None = None, *, length: int | None = None) -> bytes:
    """A response; `length` tells a wrong Content-Length."""
    fields = {"Content-Type": "application/json", "Content-Length": str(len(body) if length is None else length)}
    given = {**fields, **(headers or {})}
    lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'X')}", *(f"{k}: {v}" for k, v in given.items())]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def words(request: Request) -> str:
    """A text that is the same for the same body."""
    return f"answer {request.identity[:12]}"


def completion(request: Request, text: Any = None, **changes: Any) -> dict[str, Any]:
    """A response body of the endpoint that was asked; `message` and `choice` replace parts of a chat answer."""
    said = words(request) if text is None else text
    model = changes.pop("model", request.body["model"])
    usage = changes.pop("usage", {"prompt_tokens": 11, "completion_tokens": 7})
    if request.endpoint == "responses":
        content = [{"type": "output_text", "text": said}]
        output = [{"type": "message", "role": "assistant", "content": content}]
        tokens = {"input_tokens": usage["prompt_tokens"], "output_tokens": usage["completion_tokens"]}
        return {
            "id": "r",
            "object": "response",
            "status": "completed",
            "model": model,
            "output": output,
            "usage": tokens,
            **changes,
        }
    if request.endpoint == "embeddings":
        data = [{"object": "embedding", "index": 0, "embedding": [0.5, -0.25]}]
        return {"object": "list", "model": model, "data": data, "usage": usage, **changes}
    message = {"role": "assistant", "content": said, **changes.pop("message", {})}
    choice = {"index": 0, "message": message, "finish_reason": "stop", **changes.pop("choice", {})}
    body = {"id": "c", "object": "chat.completion", "model": model, "choices": [choice], "usage": usage, **changes}
    return {name: value for name, value in body.items() if value is not None}


def answer(
    request: Request, text: Any = None, *, delay: float = 0.0, headers: Mapping[str, str] | None = None, **body: Any
) -> Act:
    """A good answer."""
    return Act((delay, http(200, json.dumps(completion(request, text, **body)).encode(), headers)), status=200, paid=True)


def status(code: int, body: Any = None, headers: Mapping[str, str] | None = None, *, delay: float = 0.0) -> Act:
    """An answer with a status; the body is an OpenAI error unless one is given."""
    given = {"error": {"message": f"status {code}", "type": "stub"}} if body is None else body
    data = given if isinstance(given, bytes) else json.dumps(given).encode()
    return Act((delay, http(code, data, headers)), status=code)


def raw(*steps: Step, end: str = "close") -> Act:
    """Whatever bytes."""
    return Act(steps, end)


@dataclass
class Stub:
    """The server, as a context manager. `requests` is what arrived, in order of arrival."""

    script: Script = answer
    tls: ssl.SSLContext | None = None
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    in_flight: int = 0
    peak: int = 0
    """Most requests at the same time."""
    port: int = 0

    def __enter__(self) -> Self:
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="stub", daemon=True)
        self._thread.start()
        assert self._started.wait(10), "the stub did not start"
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(10)
        assert not self._thread.is_alive(), "the stub did not end"

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}/v1"

    @property
    def paid(self) -> list[Request]:
        """Requests whose answer was handed over whole."""
        return [request for request in self.requests if request.status == 200 and request.left is not None]

    def counts(self) -> dict[str, int]:
        """Identity of a body → how often it was answered."""
        found: dict[str, int] = {}
        for request in list(self.paid):
            found[request.identity] = found.get(request.identity, 0) + 1
        return found

    def die(self) -> None:
        """Close the door and every connection; to be called by a script."""
        self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()

    async def _serve(self) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        listening = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = listening.getsockname()[1]
        self._server = await asyncio.start_server(self._accepted, sock=listening, ssl=self.tls)
        self._loop.set_exception_handler(lambda loop, context: None)  # broken connections are its business
        self._started.set()
        await self._over.wait()
        self.die()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Known from here on: a task that is cancelled before its first step would leave its connection open.
        self.connections += 1
        self._writers.add(writer)
        task = asyncio.get_running_loop().create_task(self._connected(reader, writer, self.connections))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        turn = 0
        try:
            end = "keep"
            while end == "keep":
                turn += 1
                request = await self._received(reader, number, turn)
                end = await self._answered(request, reader, writer)
            if end == "reset":
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()
        except (asyncio.IncompleteReadError, ConnectionError, OSError, asyncio.CancelledError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _received(self, reader: asyncio.StreamReader, connection: int, turn: int) -> Request:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        request = Request(len(self.requests) + 1, connection, turn, head[0].split(" ")[1], headers, body, time.monotonic())
        self.requests.append(request)
        return request

    async def _answered(self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
        self.in_flight += 1
        self.peak = max(self.peak, self.in_flight)
        try:
            act = self.script(request)
            for step in act.steps:
                if isinstance(step, bytes):
                    writer.write(step)
                    await writer.drain()
                elif step:
                    await asyncio.sleep(step)
            if act.end == "hang":
                await reader.read()
                return "close"
            request.status, request.left = act.status, time.monotonic()
            return act.end
        finally:
            self.in_flight -= 1


def share(request: Request, seen: dict[str, int], part: float) -> bool:
    """Whether this attempt belongs to a share of all attempts; decided by body and attempt, whatever the order."""
    attempt = seen[request.identity] = seen.get(request.identity, 0) + 1
    drawn = hashlib.sha256(f"{request.identity} {attempt}".encode()).digest()
    return int.from_bytes(drawn[:4], "big") / 2**32 < part


def refused_port() -> int:
    """A port on which nobody listens."""
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
