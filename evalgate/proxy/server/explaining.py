"""Explain misses while serving: beside the event loop, all that wait in one pass over the recording."""

from __future__ import annotations

import asyncio
from collections import OrderedDict

from evalgate.core.errors import EvalgateError
from evalgate.proxy.nearest import Miss, explain_all
from evalgate.proxy.recording import Recording
from evalgate.proxy.server.interface import Asked

REMEMBERED = 256
AT_ONCE = 32


class Explainer:
    """Says what the nearest recorded request has that a missed one has not. Belongs to one event loop."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._told: OrderedDict[str, str] = OrderedDict()
        self._waiting: dict[str, tuple[Miss, asyncio.Future[str]]] = {}
        self._task: asyncio.Task[None] | None = None

    async def explain(self, asked: Asked) -> str:
        """The explanation; the same request is explained once."""
        if asked.key in self._told:
            return self._told[asked.key]
        if asked.key not in self._waiting:
            miss = Miss("", "", int(asked.request["sample"]), asked.request, "not recorded")
            self._waiting[asked.key] = miss, asyncio.get_running_loop().create_future()
        future = self._waiting[asked.key][1]
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work())
        return await asyncio.shield(future)

    async def _work(self) -> None:
        while self._waiting:
            group = {key: self._waiting[key] for key in list(self._waiting)[:AT_ONCE]}
            said = await asyncio.to_thread(_explained, [miss for miss, _ in group.values()], self._recording)
            for (key, (_, future)), text in zip(group.items(), said, strict=True):
                del self._waiting[key]
                self._told[key] = text
                if not future.done():
                    future.set_result(text)
            while len(self._told) > REMEMBERED:
                self._told.popitem(last=False)


def _explained(misses: list[Miss], recording: Recording) -> list[str]:
    try:
        return explain_all(misses, recording.requests())
    except (EvalgateError, ArithmeticError, AttributeError, LookupError, OSError, RuntimeError, TypeError, ValueError) as error:
        # The miss stands, whatever became of the recording or of its explanation.
        return [f"it cannot be explained: {type(error).__name__}: {error}" for _ in misses]
