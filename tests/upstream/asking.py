"""Ask a stub through `Caller` or `collect`, as a run would, with small limits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from evalgate.core.errors import EvalgateError
from evalgate.core.settings import Budget, CallLimits, ModelChoice, Upstream
from evalgate.proxy.recording import Recording, open_recording
from evalgate.proxy.recording_writer import RecordingWriter
from evalgate.proxy.redaction import Redactor
from evalgate.proxy.replay import Ask
from evalgate.proxy.request import EMBEDDINGS, request_key, request_of_body
from evalgate.proxy.upstream.caller import Caller
from evalgate.proxy.upstream.collect import Collected, Collection, collect
from evalgate.proxy.upstream.interface import Call, Failure, ProviderContext, Reply

MODEL = ModelChoice("m", "openai", "model-1", {"temperature": 0, "max_tokens": 20})
LIMITS = CallLimits(concurrency=4, attempts=3, timeout_s=10.0, deadline_s=25.0, run_deadline_s=30.0)


def call(number: int = 0, url: str = "", *, model: ModelChoice = MODEL, upstream: Upstream | None = None, text: str = "") -> Call:
    """One call; equal numbers give equal requests."""
    said = text or f"question {number}"
    to = upstream or Upstream(base_url=url)
    if model.endpoint == EMBEDDINGS:
        body = {"model": model.name, "input": [said]}
        request = request_of_body(EMBEDDINGS, body)
        return Call(request_key(request), request, body, model, to, f"c{number}", "candidate")
    ask = Ask(f"c{number}", "candidate", model, (("user", said),), model.parameters)
    request = ask.request()
    return Call(request_key(request), request, ask.body(), model, to, f"c{number}", "candidate")


def calls(url: str, count: int, **changes: Any) -> list[Call]:
    return [call(number, url, **changes) for number in range(count)]


@dataclass
class Asked:
    """What calls came to."""

    results: list[Any]
    """A reply, a failure, or the error that was raised, for each call."""
    caller: Caller

    @property
    def replies(self) -> list[Reply]:
        return [one for one in self.results if isinstance(one, Reply)]

    @property
    def failures(self) -> list[Failure]:
        return [one for one in self.results if isinstance(one, Failure)]

    @property
    def errors(self) -> list[BaseException]:
        return [one for one in self.results if isinstance(one, BaseException)]

    @property
    def only(self) -> Any:
        (one,) = self.results
        if isinstance(one, BaseException):
            raise one
        return one


def context(root: Path | str = ".", concurrency: int = 4) -> ProviderContext:
    return ProviderContext(concurrency, Redactor(), None, str(root))


def ask(
    wanted: Iterable[Call],
    limits: CallLimits = LIMITS,
    budget: Budget | None = None,
    *,
    root: Path | str = ".",
    prepare: Callable[[Caller], object] = lambda caller: None,
) -> Asked:
    """Ask for everything at the same time, as the limits allow."""

    async def run() -> Asked:
        caller = Caller(limits, budget or Budget(), context(root, limits.concurrency))
        prepare(caller)
        try:
            return Asked(await asyncio.gather(*(caller.answer(one) for one in wanted), return_exceptions=True), caller)
        finally:
            await caller.close()

    return asyncio.run(run())


@dataclass
class Gathered:
    """What a collection came to."""

    recording: Recording
    found: Collected | None
    error: EvalgateError | None
    progress: list[int] = field(default_factory=list)

    @property
    def said(self) -> str:
        assert self.error is not None, "nothing was raised"
        return str(self.error)

    def texts(self) -> dict[str, str]:
        return {one.key: one.text for one in self.recording.exchanges() if one.status == "ok"}

    def errors(self) -> list[str]:
        return [str(one.error) for one in self.recording.exchanges() if one.status == "error"]


def gather(
    folder: Path, wanted: Iterable[Call], limits: CallLimits = LIMITS, budget: Budget | None = None, *, root: Path | str = "."
) -> Gathered:
    """Collect what the folder does not answer yet, as `evalgate run --mode record` would."""
    known = open_recording(folder, "tape", may_be_empty=True)
    progress: list[int] = []
    answered: list[str] = []

    def missing() -> Iterator[Call]:
        for one in wanted:
            if known.answers(one.key):
                answered.append(one.key)
            else:
                yield one

    found, error = None, None
    with RecordingWriter(folder, "tape") as writer:
        given = context(root, limits.concurrency)
        collection = Collection(
            missing(), limits, budget or Budget(), given, lambda done, spent: progress.append(done), lambda: bool(answered)
        )
        try:
            found = collect(collection, writer)
        except EvalgateError as stopped:
            error = stopped
    return Gathered(open_recording(folder, "tape", may_be_empty=True), found, error, progress)


def limits(**changes: Any) -> CallLimits:
    return replace(LIMITS, **changes)
