"""The provider `command`: the user's whole application as a program that reads a request and prints an answer."""

from __future__ import annotations

import asyncio
import json
import os
import time
from contextlib import suppress

from evalgate.core.errors import BadInput
from evalgate.core.settings import Upstream
from evalgate.proxy.upstream.interface import Call, Failure, FailureKind, ProviderContext, Reply
from evalgate.proxy.upstream.process_answer import cleaned, ended, kill_group, reply_of_text, started

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
    # A word without a folder is looked for among the installed programs first, as everywhere.
    found = shutil.which(program) if program == os.path.basename(program) else None  # noqa: PTH119 - a word of the user's
    found = found or shutil.which(os.path.abspath(os.path.join(context.root, program)))  # noqa: PTH100, PTH118
    if found is None:
        raise BadInput(f"the program {program!r} is not found", hint="write its path from the project folder, or install it")
    return CommandProvider((found, *upstream.command[1:]), context)


class CommandProvider:
    """Starts the program once per request, in the project folder; no shell is involved."""

    def __init__(self, command: tuple[str, ...], context: ProviderContext) -> None:
        self._command, self._root, self._redactor = command, context.root, context.redactor

    async def ask(self, call: Call, attempt: int, timeout_s: float) -> Reply | Failure:
        """Give the request as JSON on standard input; take standard output as the answer."""
        began = time.monotonic()
        try:
            process = await started(
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                cwd=self._root,
            )
        except OSError as error:
            return Failure(FailureKind.PERMANENT, f"the program cannot be started: {error.strerror}")
        given = json.dumps({**call.body, "sample": call.request["sample"]}, ensure_ascii=False).encode("utf-8")
        try:
            async with asyncio.timeout(timeout_s):
                out, complaint, _ = await asyncio.gather(_output(process), _complaint(process), _give(process, given))
                if out is not None:
                    await process.wait()
        except TimeoutError:
            return Failure(FailureKind.TRANSIENT, f"the program gave no answer within {timeout_s:g} s", maybe_billed=True)
        finally:
            await ended(process)
        if out is None:
            said = f"the program printed more than {MAX_OUTPUT >> 20} MiB"
            return Failure(FailureKind.PERMANENT, said, maybe_billed=True)
        if process.returncode != 0:
            # Secrets are taken out before anything is cut, so that no half of one is left at the cut.
            said = self._redactor.message(complaint.decode("utf-8", "replace").strip())[-SHOWN:]
            return Failure(FailureKind.TRANSIENT, f"the program ended with {process.returncode}: {said}", maybe_billed=True)
        try:
            text = out.decode("utf-8")
        except UnicodeDecodeError:
            return Failure(FailureKind.PERMANENT, "the program printed bytes that are not UTF-8", maybe_billed=True)
        return cleaned(reply_of_text(call, text, round((time.monotonic() - began) * 1000, 3)), self._redactor)

    async def close(self) -> None:
        """Nothing is kept between requests."""


async def _output(process: asyncio.subprocess.Process) -> bytes | None:
    """Everything the program prints; None when it is too much, and the program is ended."""
    assert process.stdout is not None
    found = bytearray()
    while chunk := await process.stdout.read(1 << 16):
        found += chunk
        if len(found) > MAX_OUTPUT:
            kill_group(process)
            return None
    return bytes(found)


async def _complaint(process: asyncio.subprocess.Process) -> bytes:
    """The end of what the program complains; read to the last, or it would wait for its reader."""
    assert process.stderr is not None
    found = bytearray()
    while chunk := await process.stderr.read(1 << 16):
        found += chunk
        del found[:-MAX_COMPLAINT]
    return bytes(found)


async def _give(process: asyncio.subprocess.Process, data: bytes) -> None:
    assert process.stdin is not None
    # A program need not read its request to answer.
    with suppress(BrokenPipeError, ConnectionResetError):
        process.stdin.write(data)
        await process.stdin.drain()
    process.stdin.close()
