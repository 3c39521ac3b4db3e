"""How close recording comes to the ideal: `python benchmarks/record_speed.py`.

A server on loopback answers every chat request after 50 ms. 2,000 different requests are asked with 32 and with 128 in
flight, each answer written and made durable, and the wall time is held against the ideal (requests x 50 ms / in flight).
With the `openai` package installed in this Python, its async client does the same beside it (nothing recorded).
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import json
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

from evalgate.core.settings import Budget, CallLimits, ModelChoice, Upstream
from evalgate.proxy.recording_writer import RecordingWriter
from evalgate.proxy.redaction import Redactor
from evalgate.proxy.replay import Ask
from evalgate.proxy.request import request_key
from evalgate.proxy.upstream.collect import Collection, collect
from evalgate.proxy.upstream.interface import Call, ProviderContext

DELAY_S = 0.05
BODY = json.dumps(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 0,
        "model": "m",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Forty words. " * 20}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 60, "completion_tokens": 40, "total_tokens": 100},
    }
).encode()
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY)


class _Server(asyncio.Protocol):
    """The least that answers: a length, a wait, an answer."""

    def __init__(self) -> None:
        self.data = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.data += data
        head, found, body = self.data.partition(b"\r\n\r\n")
        if not found:
            return
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        if len(body) >= length:
            self.data = body[length:]
            asyncio.get_running_loop().call_later(DELAY_S, self.transport.write, ANSWER)  # type: ignore[attr-defined]


def serve(pipe: Connection) -> None:
    """Run the server in a process of its own."""

    async def run() -> None:
        server = await asyncio.get_running_loop().create_server(_Server, "127.0.0.1", 0, backlog=1024)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


def calls(count: int, port: int) -> Iterator[Call]:
    """Different requests of about 40 words."""
    upstream = Upstream(f"http://127.0.0.1:{port}/v1", "EVALGATE_BENCHMARK_NO_KEY")
    model = ModelChoice("m", "openai", "m", {"temperature": 0, "max_tokens": 64})
    for number in range(count):
        text = f"Question {number}: " + "which of these words is the odd one out " * 4
        ask = Ask(f"c{number}", "baseline", model, (("user", text),), model.parameters)
        request = ask.request()
        yield Call(request_key(request), request, ask.body(), model, upstream, ask.case_id, ask.arm)


def evalgate_once(count: int, in_flight: int, port: int) -> None:
    """Collect into a new recording on disk."""
    with tempfile.TemporaryDirectory() as folder, RecordingWriter(Path(folder) / "tape", "tape") as writer:
        context = ProviderContext(in_flight, Redactor())
        limits = CallLimits(concurrency=in_flight)
        found = collect(Collection(calls(count, port), limits, Budget(), context, lambda done, spent: None), writer)
        if found.answered != count or writer.written != count:
            raise SystemExit(f"{found.answered} answers of {count}")


def openai_once(count: int, in_flight: int, port: int) -> None:
    """The same requests through AsyncOpenAI; nothing is recorded."""
    import openai

    async def run() -> None:
        client = openai.AsyncOpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="none")
        pending = calls(count, port)

        async def worker() -> None:
            for call in pending:
                await client.chat.completions.create(**call.body)

        await asyncio.gather(*(worker() for _ in range(in_flight)))
        await client.close()

    asyncio.run(run())


def main() -> None:
    """Print one line per client and number in flight."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--requests", type=int, default=2_000)
    arguments.add_argument("--runs", type=int, default=3)
    options = arguments.parse_args()
    here, there = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(there,), daemon=True)
    server.start()
    there.close()  # or a server that cannot start would be waited for for ever
    port = here.recv()
    clients = {"evalgate, recording": evalgate_once}
    if importlib.util.find_spec("openai"):
        clients["openai async, nothing kept"] = openai_once
    evalgate_once(64, 32, port)
    for in_flight in (32, 128):
        ideal = options.requests * DELAY_S / in_flight
        for name, once in clients.items():
            ratios, cpu = [], []
            for _ in range(options.runs):
                before, started = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
                once(options.requests, in_flight, port)
                ratios.append((time.perf_counter() - started) / ideal)
                after = resource.getrusage(resource.RUSAGE_SELF)
                cpu.append((after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / options.requests * 1000)
            shown = ", ".join(f"{ratio:.2f}" for ratio in sorted(ratios))
            print(f"{in_flight:4} in flight  {name:28} wall / ideal {shown}   CPU ms per request {min(cpu):.2f}-{max(cpu):.2f}")
    server.terminate()


if __name__ == "__main__":
    main()
