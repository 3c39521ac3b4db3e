"""Get the answers that a run needs, in every mode: afterwards there is a recording that answers, and all is as in replay."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path

from evalgate.core.credentials import secret_from_environment
from evalgate.core.errors import BadInput, Incomplete, Problem
from evalgate.core.progress import Reached, Watching
from evalgate.core.settings import Budget, GateSettings, Upstream
from evalgate.pipeline.judge_stage import judge_choices
from evalgate.pipeline.sources import ATTEMPT, Source, begin_attempt
from evalgate.proxy.exchange import line_digest
from evalgate.proxy.recording import Recording, open_recording, place_of_recording
from evalgate.proxy.recording_writer import RecordingWriter
from evalgate.proxy.redaction import Redactor
from evalgate.proxy.replay import Ask
from evalgate.proxy.request import request_key
from evalgate.proxy.segments import segment_names
from evalgate.proxy.upstream.collect import Collected, Collection, collect
from evalgate.proxy.upstream.http_provider import DEFAULT_KEY
from evalgate.proxy.upstream.interface import Call, ProviderContext
from evalgate.proxy.upstream.spending import Spending

KEPT_KEY_BYTES = 16
MIN_DEADLINE_S = 0.001


@dataclass(frozen=True, slots=True)
class Stage:
    """Requests that can be made once everything before them is answered."""

    asks: Callable[[Recording], Iterable[Ask]]
    """From what is recorded by then."""
    wanted: int
    """How many there are at most."""


def gather(source: Source, settings: GateSettings, stages: Sequence[Stage], answering: Watching) -> Source:
    """Ask for everything that is not answered yet, stage by stage; in replay for nothing.

    All stages together stay within the run's budget and deadline.

    Raises: BadInput when a provider cannot be used, Incomplete when it had to stop early, Interrupted, Terminated; whatever
        was answered is recorded.
    Side effects: calls providers, writes the recording.
    """
    if source.mode == "replay":
        return source
    told = begin_attempt(source)
    total, began = _Tally(sum(stage.wanted for stage in stages)), time.monotonic()
    with _no_empty_folder(source.folder), RecordingWriter(source.folder, source.name, durable=source.mode != "mock") as writer:
        if source.mode == "mock":
            _clear(source.folder)
        for stage in stages:
            left = _what_is_left(settings, total.found, time.monotonic() - began)
            _gather_stage(source, left, stage, writer, (total, answering))
        if source.mode == "refresh":
            _carry_over(source, settings, writer)
    told += tuple(str(problem) for problem in writer.repaired)
    return replace(source, known=total.known, collected=total.found, notices=told)


@dataclass(slots=True)
class _Tally:
    """What the stages came to so far."""

    wanted: int
    known: int = 0
    found: Collected = field(default_factory=Collected)

    @property
    def there(self) -> int:
        return self.known + self.found.answered

    def reached(self, there: int, known: int, spent: Collected | Spending) -> Reached:
        """How far this is, with what the present stage found recorded and has spent."""
        calls, usd = self.found.calls + spent.calls, self.found.usd + spent.usd
        tokens = sum(one.prompt_tokens + one.completion_tokens for one in (self.found, spent))
        return Reached(there, self.wanted, self.known + known, calls, tokens, usd)


def _gather_stage(
    source: Source, settings: GateSettings, stage: Stage, writer: RecordingWriter, told: tuple[_Tally, Watching]
) -> None:
    total, answering = told
    before = total.there
    missing = _Missing(source, settings, stage)
    calls = iter(missing)
    first = next(calls, None)

    def progress(done: int, spent: Spending) -> None:
        answering(total.reached(before + missing.known + done, missing.known, spent))

    # With nothing to ask for there is no need of an event loop, which opens a socket.
    found = Collected() if first is None else _collected(missing, chain((first,), calls), writer, progress)
    total.known += missing.known
    total.found = _together(total.found, found)
    answering(total.reached(total.there, 0, Collected()))
    if found.failed and (source.mode == "mock" or not (found.answered or missing.known)):
        mock = source.mode == "mock"
        said = f"{found.failed} requests have no mock answer" if mock else f"none of {found.failed} requests was answered"
        raise Incomplete([Problem(said, hint="see proxy.mock" if mock else "the same command asks again"), *found.failures])


def _collected(
    missing: _Missing, calls: Iterator[Call], writer: RecordingWriter, progress: Callable[[int, Spending], None]
) -> Collected:
    settings = missing.settings
    limits, budget = settings.proxy.limits, settings.proxy.budget
    context = ProviderContext(limits.concurrency, Redactor(), settings.proxy.mock, str(settings.root.absolute()))
    return collect(Collection(calls, limits, budget, context, progress, lambda: missing.known > 0), writer)


def _what_is_left(settings: GateSettings, spent: Collected, seconds: float) -> GateSettings:
    """The settings with what earlier stages left of budget and deadline."""
    proxy = settings.proxy
    tokens = spent.prompt_tokens + spent.completion_tokens
    budget = Budget(
        usd=None if proxy.budget.usd is None else max(0.0, proxy.budget.usd - spent.usd),
        calls=None if proxy.budget.calls is None else max(0, proxy.budget.calls - spent.calls),
        tokens=None if proxy.budget.tokens is None else max(0, proxy.budget.tokens - tokens),
    )
    limits = replace(proxy.limits, run_deadline_s=max(MIN_DEADLINE_S, proxy.limits.run_deadline_s - seconds))
    return replace(settings, proxy=replace(proxy, budget=budget, limits=limits))


def _together(one: Collected, other: Collected) -> Collected:
    names = {*one.served_models, *other.served_models}
    return Collected(
        wanted=one.wanted + other.wanted,
        answered=one.answered + other.answered,
        failed=one.failed + other.failed,
        failures=[*one.failures, *other.failures],
        calls=one.calls + other.calls,
        retries=one.retries + other.retries,
        prompt_tokens=one.prompt_tokens + other.prompt_tokens,
        completion_tokens=one.completion_tokens + other.completion_tokens,
        usd=one.usd + other.usd,
        served_models={n: one.served_models.get(n, set()) | other.served_models.get(n, set()) for n in sorted(names)},
    )


@contextmanager
def _no_empty_folder(folder: Path) -> Iterator[None]:
    """Who could not ask at all leaves no recording behind."""
    try:
        yield
    finally:
        with suppress(OSError):
            if [path.name for path in folder.iterdir()] == [ATTEMPT]:
                (folder / ATTEMPT).unlink()
            folder.rmdir()


def _carry_over(source: Source, settings: GateSettings, writer: RecordingWriter) -> None:
    """What other gates ask of the old recording is in the new one too, as it was."""
    place = place_of_recording(source.name, settings.root)
    if not place.is_dir():
        return
    writer.flush()
    fresh = open_recording(source.folder, source.name, may_be_empty=True)
    with suppress(BadInput):  # a damaged recording is refreshed like any other, and keeps standing beside the new one
        old = open_recording(place, source.name, may_be_empty=True)
        for key, line in old.lines():
            if key not in fresh:
                writer.append({**line, "digest": line_digest(line)})


def _clear(folder: Path) -> None:
    """A mock answers anew each time; the lock that is held stays."""
    for name in segment_names(folder):
        (folder / name).unlink()


class _Missing:
    """The calls that are still to be made, one by one; counts those that are answered already."""

    def __init__(self, source: Source, settings: GateSettings, stage: Stage) -> None:
        self.settings = settings
        self._mock = source.mode == "mock"
        self._recording = open_recording(source.folder, source.name, may_be_empty=True)
        self._asks = stage.asks(self._recording)
        self._redactor = Redactor()
        self.known = 0
        if not self._mock:
            _refuse_mocks(settings)
        for alias in settings.models:
            # Known before the first request is looked at: one that holds a key must not be sent, not even the first.
            secret_from_environment(self._upstream(alias).api_key_env or DEFAULT_KEY)

    def _upstream(self, alias: str) -> Upstream:
        return self.settings.upstreams.get(alias, Upstream())

    def __iter__(self) -> Iterator[Call]:
        seen: set[bytes] = set()
        for ask in self._asks:
            request = ask.request()
            key = request_key(request)
            short = bytes.fromhex(key)[:KEPT_KEY_BYTES]
            if short in seen or self._recording.answers(key):
                self.known += 1
                continue
            seen.add(short)
            body = ask.body()
            if self._redactor.holds_secret(body):
                where = f"case {ask.case_id}, {ask.arm}"
                hint = "a request is recorded as it is sent: take the secret out of the prompt or the dataset"
                raise BadInput("the request holds the value of a secret", where=where, hint=hint)
            model = replace(ask.model, provider="mock") if self._mock else ask.model
            yield Call(key, request, body, model, self._upstream(model.alias), ask.case_id, ask.arm)


def _refuse_mocks(settings: GateSettings) -> None:
    """Made-up answers are never recorded as those of a model: nobody could tell them apart later."""
    asked = [(choice.model, choice.place) for choice in (settings.baseline, settings.candidate)]
    asked += [(str(judge.parameters["model"]), judge.place) for judge in judge_choices(settings)]
    for alias, place in asked:
        if settings.models[alias].provider == "mock":
            hint = "use --mode mock, or name the provider that answers"
            raise BadInput(f"model {alias!r} is a mock: its answers would pass for real ones", where=place, hint=hint)
