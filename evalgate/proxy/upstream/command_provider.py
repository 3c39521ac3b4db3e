"""The provider `command`: the user's whole application as a program that reads a request and prints an answer."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from contextlib import suppress

from evalgate.core.errors import BadInput
from evalgate.core.settings import Upstream
from evalgate.proxy.upstream.interface import Call, Failure, FailureKind, ProviderContext, Reply
from evalgate.proxy.upstream.process_answer import reply_of_text

MAX_OUTPUT = 8 << 20
MAX_COMPLAINT = 1 << 20
SHOWN = 300


def make_command(upstream: Upstream, context: ProviderContext) -> CommandProvider:
    """The provider `command`.

    Raises: BadInput when no program is named or it cannot be found.
    """
    import shutil

    if not upstream.command:
        raise BadInput("provider command needs a command", hint="command: [python3, app.py]")
    program = upstream.command[0]
    beside = os.path.join(context.root, program)  # noqa: PTH118 - a word of the user's, perhaps no path at all
    if shutil.which(program) is None and not os.access(beside, os.X_OK):
        raise BadInput(f"the program {program!r} is not found", hint="write its path from the project folder, or install it")
    return CommandProvider(upstream.command, context)


class CommandProvider:
    """Starts the program once per request, in the project folder; no shell is involved."""

    def __init__(self, command: tuple[str, ...], context: ProviderContext) -> None:
        self._command, self._root, self._redactor = command, context.root, context.redactor

    async def ask(self, call: Call, attempt: int, timeout_s: float) -> Reply | Failure:
        """Give the request as JSON on standard input; take standard output as the answer."""
        started = time.monotonic()
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                cwd=self._root,
                start_new_session=True,
            )
        except OSError as error:
            return Failure(FailureKind.PERMANENT, f"the program cannot be started: {error.strerror}")
        given = json.dumps({**call.body, "sample": call.request["sample"]}, ensure_ascii=False).encode("utf-8")
        try:
            async with asyncio.timeout(timeout_s):
                out, complaint, _ = await asyncio.gather(
                    _read(process.stdout, MAX_OUTPUT + 1), _read(process.stderr, MAX_COMPLAINT), _give(process, given)
                )
                if len(out) > MAX_OUTPUT:
                    return Failure(FailureKind.PERMANENT, f"the program printed more than {MAX_OUTPUT >> 20} MiB")
                await process.wait()
        except TimeoutError:
            return Failure(FailureKind.TRANSIENT, f"the program gave no answer within {timeout_s:g} s", maybe_billed=True)
        finally:
            _end(process)
        if process.returncode != 0:
            said = self._redactor.message(complaint.decode("utf-8", "replace").strip()[-SHOWN:])
            return Failure(FailureKind.TRANSIENT, f"the program ended with {process.returncode}: {said}", maybe_billed=True)
        try:
            text = out.decode("utf-8")
        except UnicodeDecodeError:
            return Failure(FailureKind.PERMANENT, "the program printed bytes that are not UTF-8")
        return reply_of_text(call, text, round((time.monotonic() - started) * 1000, 3))

    async def close(self) -> None:
        """Nothing is kept between requests."""


async def _read(stream: asyncio.StreamReader | None, limit: int) -> bytes:
    """Everything up to the limit; a program that prints more is not read to its end."""
    assert stream is not None
    found = bytearray()
    while len(found) < limit:
        chunk = await stream.read(1 << 16)
        if not chunk:
            break
        found += chunk
    return bytes(found)


async def _give(process: asyncio.subprocess.Process, data: bytes) -> None:
    assert process.stdin is not None
    # A program need not read its request to answer.
    with suppress(BrokenPipeError, ConnectionResetError):
        process.stdin.write(data)
        await process.stdin.drain()
    process.stdin.close()


def _end(process: asyncio.subprocess.Process) -> None:
    """End the program and whatever it started."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
