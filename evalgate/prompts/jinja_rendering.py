"""Render Jinja2 prompts in a process of their own that has little time, little memory and nothing to open."""

from __future__ import annotations

import atexit
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from evalgate.core.errors import BadInput, Incomplete
from evalgate.core.values import JsonValue
from evalgate.prompts.values import Message, Prompt

DEADLINE_SECONDS = 20.0
"""Of the clock on the wall: only for a machine that is busy; processor time is limited to half a second a rendering."""
_START = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from evalgate.prompts.jinja_worker import main; main()"
_LOCK = threading.Lock()


def render_jinja(prompt: Prompt, inputs: Mapping[str, JsonValue]) -> tuple[Message, ...]:
    """The messages of one case; a message is where the template has a role marker, never where a value looks like one.

    Raises: BadInput when the template fails on these values, or takes more than half a second or 512 MiB.
    """
    segments = [message.content for message in prompt.messages]
    absent = [item.name for item in prompt.declared or () if not item.required and item.name not in inputs]
    values = {name: inputs[name] for name in prompt.placeholders if name in inputs}
    with _LOCK:
        answer = _worker(os.getpid()).ask(segments, {"values": values, "absent": absent})
    if "error" in answer:
        hint = "give the input a value, or declare it as optional" if "undefined" in answer["error"] else None
        raise BadInput(f"prompt {prompt.reference} cannot be rendered: {answer['error']}", where=str(prompt.path), hint=hint)
    found = [Message(prompt.messages[index].role, text) for index, text in answer["segments"] if text]
    return tuple(
        Message(message.role, message.content.strip("\n"))
        for number, message in enumerate(found)
        if number or message.content.strip() or len(found) == 1
    )


@dataclass(slots=True)
class _Worker:
    """The process and what it has loaded."""

    process: subprocess.Popen[bytes] | None = None
    loaded: dict[tuple[str, ...], str] = field(default_factory=dict)
    waiting: bytes = b""

    def ask(self, segments: list[str], request: Mapping[str, Any]) -> dict[str, Any]:
        if self.process is not None and self.process.poll() is not None:
            self.stop()  # ended between two cases, by whoever ends processes on this machine
        if self.process is None:
            self.start()
        key = tuple(segments)
        if key not in self.loaded:
            name = str(len(self.loaded))
            answer = self.exchange({"load": name, "segments": segments})
            if "error" in answer:
                return answer
            self.loaded[key] = name
        return self.exchange({"render": self.loaded[key], **request})

    def start(self) -> None:
        path = json.dumps([entry for entry in sys.path if entry])
        # Nothing of the environment goes along: no key can end up in a prompt.
        self.process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-I", "-c", _START, path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "0"},
            cwd="/",
            start_new_session=True,
        )
        self.loaded, self.waiting = {}, b""
        atexit.register(self.stop)

    def exchange(self, request: Mapping[str, Any]) -> dict[str, Any]:
        assert self.process is not None and self.process.stdin is not None
        line, complete = b"", False
        try:
            body = json.dumps(request, allow_nan=False).encode() + b"\n"
            self.process.stdin.write(body)
            self.process.stdin.flush()
            line = self.line()
            complete = True
        except (BrokenPipeError, TimeoutError):
            complete = True
        except ValueError as error:
            complete = True
            return {"error": f"a value is not JSON: {error}"}
        finally:
            # Interrupted in between, an answer that nobody read would be taken for that of the next case.
            if not complete:
                self.stop()
        if not line:
            return {"error": self.ending()}
        answer: dict[str, Any] = json.loads(line)
        return answer

    def line(self) -> bytes:
        assert self.process is not None and self.process.stdout is not None
        source = self.process.stdout.fileno()
        until = time.monotonic() + DEADLINE_SECONDS
        parts = [self.waiting]
        while b"\n" not in parts[-1]:
            if not select.select([source], [], [], max(0.0, until - time.monotonic()))[0]:
                raise TimeoutError
            part = os.read(source, 1 << 20)
            if not part:
                return b""
            parts.append(part)
        line, _, self.waiting = b"".join(parts).partition(b"\n")
        return line

    def ending(self) -> str:
        """Why there is no answer; the process is gone afterwards."""
        assert self.process is not None
        try:
            code = self.process.wait(timeout=0.5)
        except subprocess.TimeoutExpired:
            code = None
        started = bool(self.loaded) or code == -signal.SIGPROF
        self.stop()
        if code == -signal.SIGPROF:
            return "it takes more than half a second of processor time"
        if code is None:
            raise Incomplete(f"a prompt was not rendered within {DEADLINE_SECONDS:.0f} s", hint="is the machine overloaded?")
        hint = "is memory short?" if started else "is jinja2 installed for this Python?"
        raise Incomplete(f"the process that renders Jinja2 prompts ended (code {code})", hint=hint)

    def stop(self) -> None:
        process, self.process = self.process, None
        atexit.unregister(self.stop)
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()


@lru_cache(maxsize=1)
def _worker(process_id: int) -> _Worker:
    """The worker of this process; a forked child makes its own."""
    return _Worker()
