"""What a command or a function answers: plain text, a small object, or a whole response of an OpenAI-compatible shape."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from evalgate.proxy.redaction import Redactor
from evalgate.proxy.upstream.interface import Call, Failure, FailureKind, Reply
from evalgate.proxy.upstream.wire import SHOWN, answer_of, parse_text

FIELDS = frozenset({"text", "finish", "prompt_tokens", "completion_tokens", "latency_ms"})


def reply_of_value(call: Call, value: Any, latency_ms: float) -> Reply | Failure:
    """An answer from a value: a text, `{"text": …}` with optional figures, or a response with `choices` or `output`."""
    if isinstance(value, str):
        return Reply(value, "stop", None, None, latency_ms)
    if not isinstance(value, Mapping):
        return Failure(FailureKind.PERMANENT, f"the answer is {type(value).__name__}, neither a text nor an object")
    if "choices" in value or "output" in value or value.get("error") is not None:
        answer = answer_of(call.endpoint, value)
        if isinstance(answer, str):
            return Failure(FailureKind.PERMANENT, answer)
        return Reply(answer.text, answer.finish, answer.prompt_tokens, answer.completion_tokens, latency_ms, dict(value))
    unknown = sorted(set(value) - FIELDS)
    if unknown or not isinstance(value.get("text"), str):
        said = f"unknown field {unknown[0]!r}" if unknown else "it has no text"
        return Failure(FailureKind.PERMANENT, f"the answer object cannot be read: {said}; known: {', '.join(sorted(FIELDS))}")
    prompt, completion = (_count(value.get(name)) for name in ("prompt_tokens", "completion_tokens"))
    own = value.get("latency_ms")
    latency = float(own) if isinstance(own, (int, float)) and not isinstance(own, bool) and 0 <= own < 1e12 else latency_ms
    return Reply(value["text"], str(value.get("finish") or "stop"), prompt, completion, latency)


def reply_of_text(call: Call, text: str, latency_ms: float) -> Reply | Failure:
    """An answer from what a program printed: JSON when it is an object of a known shape, else the text itself.

    One line feed at the end belongs to the printing, not to the answer.
    """
    try:
        value = parse_text(text)
    except ValueError:
        value = None
    if isinstance(value, Mapping) and (set(value) & {"text", "choices", "output", "error"}):
        return reply_of_value(call, value, latency_ms)
    return Reply(text.removesuffix("\n").removesuffix("\r"), "stop", None, None, latency_ms)


def cleaned(result: Reply | Failure, redactor: Redactor) -> Reply | Failure:
    """The result with a message that may be shown."""
    return replace(result, message=redactor.message(result.message)[:SHOWN]) if isinstance(result, Failure) else result


async def started(*words: str, **options: Any) -> asyncio.subprocess.Process:
    """Start a process that leads a session of its own.

    Raises: OSError.
    """
    starting = asyncio.ensure_future(asyncio.create_subprocess_exec(*words, start_new_session=True, **options))
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        # Broken off in the middle, asyncio would end the process alone and wait for what it started.
        with suppress(OSError):
            await ended(await starting)
        raise


def kill_group(process: asyncio.subprocess.Process) -> None:
    """End a process that leads a session of its own, and whatever it started."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


async def ended(process: asyncio.subprocess.Process) -> None:
    """End it, and wait until it is gone and its pipes are read out and closed."""
    kill_group(process)
    # Somebody who left the group may hold its output open for ever.
    with suppress(TimeoutError):
        await asyncio.wait_for(process.communicate(), 1.0)


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53 else None
