"""The provider `python`: the user's whole application as a function, in processes of its own that can be ended."""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from collections.abc import Mapping

from evalgate.core.errors import BadInput
from evalgate.core.settings import Upstream
from evalgate.proxy.upstream.interface import Call, Failure, FailureKind, ProviderContext, Reply
from evalgate.proxy.upstream.process_answer import cleaned, ended, reply_of_value, started
from evalgate.proxy.upstream.wire import parse_text

MAX_LINE = 8 << 20
_NAME = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


def make_function(upstream: Upstream, context: ProviderContext) -> FunctionProvider:
    """The provider `python`.

    Raises: BadInput when the function is not named as `package.module:function`.
    """
    if not _NAME.fullmatch(upstream.function):
        raise BadInput(f"{upstream.function!r} is no function", hint="function: package.module:function")
    return FunctionProvider(upstream.function, upstream.processes, context)


class FunctionProvider:
    """Keeps up to `processes` workers; one that hangs or dies is ended, and another takes its place."""

    def __init__(self, function: str, processes: int, context: ProviderContext) -> None:
        self._function, self._root, self._redactor = function, context.root, context.redactor
        self._idle: list[asyncio.subprocess.Process] = []
        self._places = asyncio.Semaphore(processes)

    async def ask(self, call: Call, attempt: int, timeout_s: float) -> Reply | Failure:
        """Give the request to a worker and wait for its answer."""
        async with self._places:
            try:
                worker = self._idle.pop() if self._idle else await self._start()
            except OSError as error:
                return Failure(FailureKind.TRANSIENT, f"the function's process cannot be started: {error.strerror}")
            began = time.monotonic()
            line = json.dumps({**call.body, "sample": call.request["sample"]}, ensure_ascii=True) + "\n"
            healthy = False
            try:
                async with asyncio.timeout(timeout_s):
                    answer = await _asked(worker, line.encode("ascii"))
                healthy = answer is not None
            except TimeoutError:
                said = f"the function gave no answer within {timeout_s:g} s"
                return Failure(FailureKind.TRANSIENT, said, maybe_billed=True)
            except asyncio.LimitOverrunError:
                said = f"the function gave more than {MAX_LINE >> 20} MiB"
                return Failure(FailureKind.PERMANENT, said, maybe_billed=True)
            except (OSError, ValueError) as error:
                said = f"the function's answer cannot be read: {error}"
                return cleaned(Failure(FailureKind.TRANSIENT, said, maybe_billed=True), self._redactor)
            finally:
                await self._put_back(worker, healthy)
        return self._read(call, answer, round((time.monotonic() - began) * 1000, 3))

    async def close(self) -> None:
        """End all workers."""
        while self._idle:
            await ended(self._idle.pop())

    def _read(self, call: Call, answer: object, latency_ms: float) -> Reply | Failure:
        if not isinstance(answer, Mapping):
            return Failure(FailureKind.TRANSIENT, "the function's process died", maybe_billed=True)
        if "value" in answer:
            return cleaned(reply_of_value(call, answer["value"], latency_ms), self._redactor)
        kind = FailureKind.PERMANENT if answer.get("load") else FailureKind.TRANSIENT
        return cleaned(Failure(kind, f"the function failed: {answer.get('error')}", maybe_billed=True), self._redactor)

    async def _start(self) -> asyncio.subprocess.Process:
        return await started(
            sys.executable,
            "-m",
            "evalgate.proxy.upstream.function_worker",
            self._function,
            str(self._root),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=MAX_LINE,
        )

    async def _put_back(self, worker: asyncio.subprocess.Process, healthy: bool) -> None:
        if healthy:
            self._idle.append(worker)
        else:
            await ended(worker)


async def _asked(worker: asyncio.subprocess.Process, line: bytes) -> object:
    assert worker.stdin is not None
    assert worker.stdout is not None
    worker.stdin.write(line)
    await worker.stdin.drain()
    try:
        answer = await worker.stdout.readuntil(b"\n")
    except asyncio.IncompleteReadError:
        return None
    return parse_text(answer.decode("utf-8"))
