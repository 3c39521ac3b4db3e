"""The process in which a user's function answers: `python -m evalgate.proxy.upstream.function_worker MODULE:FUNCTION ROOT`.

One JSON line in, one JSON line out. Whatever the function prints goes to standard error, so that it cannot be taken for an
answer; whatever it raises comes back as words.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import json
import os
import signal
import sys
import threading
from queue import Queue
from typing import Any


def main() -> None:
    """Answer requests until standard input ends."""
    reference, root = sys.argv[1:3]
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", newline="\n")
    os.dup2(2, 1)
    requests = _requests()
    os.chdir(root)
    sys.path.insert(0, root)
    function: Any = None
    while True:
        line = requests.get()
        try:
            function = function or _loaded(reference)
        except Exception as error:  # noqa: BLE001 - a user's module: whatever is wrong with it is told
            _say(answers, {"error": f"cannot be loaded: {type(error).__name__}: {error}", "load": True})
            continue
        _say(answers, _answer(function, json.loads(line)))


def _requests() -> Queue[str]:
    """The requests, on a channel that neither the function nor a program it starts can read by accident.

    When they end, so do this process and whatever it started: nobody waits for the answer any more.
    """
    source = os.fdopen(os.dup(0), encoding="utf-8", newline="\n")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    found: Queue[str] = Queue()

    def read() -> None:
        for line in source:
            found.put(line)
        if os.getpgrp() == os.getpid():
            os.killpg(os.getpid(), signal.SIGKILL)
        os._exit(0)

    threading.Thread(target=read, daemon=True).start()
    return found


def _answer(function: Any, request: dict[str, Any]) -> dict[str, Any]:
    try:
        value = function(request)
        if inspect.isawaitable(value):
            value = asyncio.run(_awaited(value))
        json.dumps(value, allow_nan=False)
    except Exception as error:  # noqa: BLE001 - a user's function: whatever it raises is no answer
        return {"error": f"{type(error).__name__}: {error}"}
    return {"value": value}


async def _awaited(value: Any) -> Any:
    return await value


def _loaded(reference: str) -> Any:
    module, _, name = reference.partition(":")
    return getattr(importlib.import_module(module), name)


def _say(answers: Any, message: dict[str, Any]) -> None:
    answers.write(json.dumps(message) + "\n")
    answers.flush()


if __name__ == "__main__":
    main()
