"""Who answers: the recording alone, or the upstream through the recording."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from itertools import islice

from evalgate.core.canonical import json_line
from evalgate.core.errors import EvalgateError
from evalgate.core.files import parse_line
from evalgate.core.settings import ModelChoice, Upstream
from evalgate.proxy.exchange import Exchange, parse_exchange
from evalgate.proxy.recording import Recording
from evalgate.proxy.recording_writer import GroupCommit, RecordingWriter
from evalgate.proxy.redaction import Redactor
from evalgate.proxy.server.explaining import Explainer
from evalgate.proxy.server.failures import not_stored, refusal_of, upstream_unusable
from evalgate.proxy.server.interface import NOT_FOUND, RECORDING, UPSTREAM, Answered, Asked, Caller, Refusal
from evalgate.proxy.server.reading import sent_body
from evalgate.proxy.upstream.interface import Call, Failure
from evalgate.proxy.upstream.lines import line_of

LISTED_FROM = 20_000
"""Exchanges that are looked at for the list of models; keys are digests, so that the first ones are a fair sample."""


class ReplayAnswerer:
    """Answers from a recording or not at all."""

    mode = "replay"

    def __init__(self, recording: Recording, redactor: Redactor) -> None:
        self._recording, self._redactor = recording, redactor
        self._explainer = Explainer(recording)
        self._models: asyncio.Task[tuple[str, ...]] | None = None

    async def answer(self, asked: Asked) -> Answered | Refusal:
        """The recorded exchange; a recorded error is no answer."""
        exchange = self._recording.lookup(asked.key)
        if exchange is None:
            return self._refused(asked, f"this request is not recorded: {await self._explainer.explain(asked)}")
        if exchange.status != "ok":
            return self._refused(asked, f"only an error is recorded for this request: {exchange.error}")
        return Answered(exchange, RECORDING)

    def exchanges(self) -> int:
        """Exchanges of the recording."""
        return len(self._recording)

    async def models(self) -> tuple[str, ...]:
        """Models that were asked; read once."""
        if self._models is None:
            self._models = asyncio.create_task(asyncio.to_thread(models_of, self._recording))
        return await asyncio.shield(self._models)

    async def close(self, grace_s: float) -> None:
        """Nothing is open."""

    def _refused(self, asked: Asked, said: str) -> Refusal:
        said = self._redactor.message(said)
        hint = f"record it with: evalgate proxy --mode record --recording {self._recording.name}"
        noted = f"miss: {asked.endpoint} {asked.request['model']} {asked.key[:12]}: {said}"
        return Refusal(404, f"{said} ({hint})", NOT_FOUND, noted=noted)


class RecordAnswerer:
    """Answers from a recording; what it lacks is asked upstream once, stored durably, and answered from the store.

    Made inside the event loop that it serves.
    """

    mode = "record"

    def __init__(self, recording: Recording, writer: RecordingWriter, caller: Caller, upstream: Upstream) -> None:
        self._recording, self._caller, self._upstream = recording, caller, upstream
        self._redactor = Redactor()
        self._commit = GroupCommit(writer)
        self._fresh: dict[str, bytes] = {}
        """Key → line, for what was recorded since the recording was opened."""
        self._running: dict[str, asyncio.Task[Answered | Refusal]] = {}
        self._listed: asyncio.Task[tuple[str, ...]] | None = None
        self._new_models: set[str] = set()
        self._broken: EvalgateError | None = None
        """Why the disk refused: nothing more is paid for that could not be kept."""

    async def answer(self, asked: Asked) -> Answered | Refusal:
        """The recorded exchange, or a new one; a request that is on its way already is not asked a second time."""
        if asked.key in self._fresh:
            return Answered(_exchange(self._fresh[asked.key]), RECORDING)
        if self._recording.answers(asked.key):
            exchange = self._recording.lookup(asked.key)
            assert exchange is not None
            return Answered(exchange, RECORDING)
        if self._redactor.holds_secret(asked.body):
            said = "the request holds a secret that this proxy was given; it is neither sent nor recorded"
            return Refusal(400, said, "secret_in_request", noted=f"refused: {asked.key[:12]} holds a known secret")
        if self._broken is not None:
            return not_stored(self._broken)
        task = self._running.get(asked.key)
        if task is None:
            task = self._running[asked.key] = asyncio.create_task(self._ask(asked))
            task.add_done_callback(lambda _: self._running.pop(asked.key, None))
        # The client may go away; what was asked is paid for and is recorded.
        return await asyncio.shield(task)

    def exchanges(self) -> int:
        """Answers at hand, those of this session included."""
        return len(self._recording) + sum(key not in self._recording for key in self._fresh)

    async def models(self) -> tuple[str, ...]:
        """Models that were asked."""
        if self._listed is None:
            self._listed = asyncio.create_task(asyncio.to_thread(models_of, self._recording))
        return tuple(sorted({*await asyncio.shield(self._listed), *self._new_models}))

    async def close(self, grace_s: float) -> None:
        """Wait for calls on their way, break off what takes longer, and make everything durable."""
        running = set(self._running.values())
        if running:
            _, late = await asyncio.wait(running, timeout=grace_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await self._caller.close()
        await self._commit.close()
        if self._broken is not None:
            raise self._broken

    async def _ask(self, asked: Asked) -> Answered | Refusal:
        model = str(asked.request["model"])
        call = Call(asked.key, asked.request, sent_body(asked), _choice(model, asked.endpoint), self._upstream)
        try:
            await self._commit.room()
            result = await self._caller.answer(call)
        except EvalgateError as error:
            return upstream_unusable(error)
        if isinstance(result, Failure):
            return refusal_of(result, asked)
        line = line_of(call, result, self._redactor, datetime.now(UTC).isoformat(timespec="milliseconds"))
        try:
            await self._commit.add(line)
        except EvalgateError as error:
            self._broken = error
            return not_stored(error)
        stored = json_line(line).encode("utf-8")
        self._fresh[asked.key] = stored
        self._new_models.add(model)
        # As replay will read it: the same bytes now and later.
        return Answered(_exchange(stored), UPSTREAM)


def models_of(recording: Recording) -> tuple[str, ...]:
    """The names of the models of a recording, in order."""
    with suppress(EvalgateError):
        return tuple(sorted({str(request.get("model")) for _, request in islice(recording.requests(), LISTED_FROM)}))
    return ()


def _exchange(line: bytes) -> Exchange:
    return parse_exchange(parse_line(line, "recorded just now"), "recorded just now")


def _choice(model: str, endpoint: str) -> ModelChoice:
    return ModelChoice(alias=model, provider="openai", name=model, endpoint=endpoint)
