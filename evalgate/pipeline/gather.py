"""Get the answers that a run needs, in every mode: afterwards there is a recording that answers, and all is as in replay."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

from evalgate.core.canonical import digest
from evalgate.core.credentials import secret_from_environment
from evalgate.core.errors import BadInput, Incomplete, Problem
from evalgate.core.settings import GateSettings, Upstream
from evalgate.proxy.recording import open_recording, place_of_recording, recording_folder
from evalgate.proxy.recording_writer import RecordingWriter
from evalgate.proxy.redaction import Redactor
from evalgate.proxy.replay import Ask
from evalgate.proxy.request import request_key
from evalgate.proxy.segments import digest_segments, seal_of, segment_names
from evalgate.proxy.upstream.collect import Collected, Collection, collect
from evalgate.proxy.upstream.interface import Call, ProviderContext

REFRESHED = ".refresh"
KEPT_KEY_BYTES = 16
Answering = Callable[[int, int], None]
"""Called with (answers there, answers wanted)."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where the answers of a run stand."""

    folder: Path
    name: str
    """The recording's name, or the mode where nothing is kept."""
    evidence: str
    """What the verdict rests on: `replay` (a recording, whoever made it and when), `mock` or `live`."""
    mode: str
    known: int = 0
    """Requests that were answered already."""
    collected: Collected | None = None

    def facts(self) -> dict[str, Any]:
        """How the answers came, for run.json."""
        if self.collected is None:
            return {"mode": self.mode}
        found = self.collected
        return {
            "mode": self.mode,
            "collection": {
                "known": self.known,
                "answered": found.answered,
                "failed": found.failed,
                "calls": found.calls,
                "retries": found.retries,
                "prompt_tokens": found.prompt_tokens,
                "completion_tokens": found.completion_tokens,
                "usd": round(found.usd, 6),
                "served_models": {name: sorted(names) for name, names in sorted(found.served_models.items())},
            },
        }


def source_of(settings: GateSettings, identity: dict[str, Any], scratch: Path) -> Source:
    """Where the answers will stand; `identity` tells a live run that continues from another one.

    Raises: BadInput when replay has no recording.
    """
    proxy, root = settings.proxy, settings.root
    match proxy.mode:
        case "replay":
            return Source(recording_folder(proxy.recording, root, proxy.place), proxy.recording, "replay", "replay")
        case "record":
            return Source(place_of_recording(proxy.recording, root, proxy.place), proxy.recording, "replay", "record")
        case "refresh":
            place = place_of_recording(proxy.recording, root, proxy.place)
            return Source(place.with_name(place.name + REFRESHED), proxy.recording, "replay", "refresh")
        case "mock" | "live":
            folder = scratch / f".answers-{proxy.mode}-{digest(identity).removeprefix('sha256:')[:12]}"
            return Source(folder, proxy.mode, proxy.mode, proxy.mode)
        case mode:
            raise BadInput(f"mode {mode!r} is unknown", where=proxy.place, hint="replay, record, refresh, mock or live")


def gather(source: Source, settings: GateSettings, asks: Iterable[Ask], wanted: int, answering: Answering) -> Source:
    """Ask for everything that is not answered yet; in replay for nothing.

    Raises: BadInput when a provider cannot be used, Incomplete when it had to stop early, Interrupted, Terminated; whatever
        was answered is recorded.
    Side effects: calls providers, writes the recording.
    """
    if source.mode == "replay":
        return source
    with _no_empty_folder(source.folder), RecordingWriter(source.folder, source.name, durable=source.mode != "mock") as writer:
        if source.mode == "mock":
            _clear(source.folder)
        missing = _Missing(source, settings, asks)
        calls = iter(missing)
        first = next(calls, None)
        # With nothing to ask for there is no need of an event loop, which opens a socket.
        found = Collected() if first is None else _collected(missing, chain((first,), calls), writer, answering, wanted)
    answering(missing.known + found.answered, wanted)
    if found.failed and (source.mode == "mock" or not (found.answered or missing.known)):
        mock = source.mode == "mock"
        said = f"{found.failed} requests have no mock answer" if mock else f"none of {found.failed} requests was answered"
        raise Incomplete([Problem(said, hint="see proxy.mock" if mock else "the same command asks again"), *found.failures])
    return replace(source, known=missing.known, collected=found)


def _collected(
    missing: _Missing, calls: Iterator[Call], writer: RecordingWriter, answering: Answering, wanted: int
) -> Collected:
    settings = missing.settings
    limits, budget = settings.proxy.limits, settings.proxy.budget
    context = ProviderContext(limits.concurrency, Redactor(), settings.proxy.mock, str(settings.root.absolute()))

    def progress(done: int) -> None:
        answering(missing.known + done, wanted)

    return collect(Collection(calls, limits, budget, context, progress, lambda: missing.known > 0), writer)


@contextmanager
def _no_empty_folder(folder: Path) -> Iterator[None]:
    """Who could not ask at all leaves no recording behind."""
    try:
        yield
    finally:
        with suppress(OSError):
            folder.rmdir()


def _clear(folder: Path) -> None:
    """A mock answers anew each time; the lock that is held stays."""
    for name in segment_names(folder):
        (folder / name).unlink()


def conclude(source: Source) -> None:
    """After the verdict stands: a refreshed recording takes its place, answers that are not kept are removed.

    The recording that was replaced is kept beside it as `<name>.<first digits of its digest>`.
    """
    if source.mode in ("mock", "live"):
        shutil.rmtree(source.folder, ignore_errors=True)
    if source.mode != "refresh":
        return
    place = source.folder.with_name(source.name)
    try:
        if place.exists():
            # By its bytes, not by what it answers: a damaged one is refreshed like any other.
            old = seal_of(digest_segments(place, source.name)).removeprefix("sha256:")[:8]
            aside = place.with_name(f"{source.name}.{old}")
            number = 1
            while aside.exists():
                number += 1
                aside = place.with_name(f"{source.name}.{old}-{number}")
            if (place / "provenance.json").is_file():
                shutil.copyfile(place / "provenance.json", source.folder / "provenance-before.json")
            place.rename(aside)
        source.folder.rename(place)
    except OSError as error:
        hint = f"the new answers stand in {source.folder}; the same command continues"
        raise Incomplete(Problem(f"the recording cannot be replaced: {error.strerror}", str(place), hint)) from error


class _Missing:
    """The calls that are still to be made, one by one; counts those that are answered already."""

    def __init__(self, source: Source, settings: GateSettings, asks: Iterable[Ask]) -> None:
        self.settings, self._asks = settings, asks
        self._mock = source.mode == "mock"
        self._recording = open_recording(source.folder, source.name, may_be_empty=True)
        self._redactor = Redactor()
        self.known = 0
        for alias in settings.models:
            # Known before the first request is looked at: one that holds a key must not be sent, not even the first.
            secret_from_environment(self._upstream(alias).api_key_env)

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
