"""Where the answers of a run stand, and how a recording that was made anew takes the place of the old one."""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from evalgate.core.canonical import digest, pretty_json
from evalgate.core.errors import BadInput, Incomplete, Problem
from evalgate.core.files import write_whole
from evalgate.core.lock import locked
from evalgate.core.refusal import refused
from evalgate.core.settings import GateSettings
from evalgate.core.strict_json import parse_json
from evalgate.proxy.recording import place_of_recording, recording_folder, refreshed_folder
from evalgate.proxy.recording_writer import LOCK
from evalgate.proxy.segments import digest_segments, seal_of
from evalgate.proxy.upstream.collect import Collected

ATTEMPT = "attempt.json"
OLDEST_ATTEMPT = timedelta(hours=24)
"""An interrupted `refresh` or `live` run is continued within a day; after that its answers are old, not new."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where the answers of a run stand."""

    folder: Path
    name: str
    """The recording's name, or the mode where nothing is kept."""
    evidence: str
    """What the verdict rests on: `replay` (a recording, whoever made it and when), `mock` or `live`."""
    mode: str
    identity: str = ""
    """Digest of everything that makes another run another one, how the models are reached included."""
    known: int = 0
    """Requests that were answered already."""
    collected: Collected | None = None
    notices: tuple[str, ...] = field(default_factory=tuple)
    """What the user should hear: repaired tails, answers of an earlier attempt."""

    def facts(self) -> dict[str, Any]:
        """How the answers came, for run.json."""
        if self.collected is None:
            return {"mode": self.mode}
        found = self.collected
        return {
            "mode": self.mode,
            "notices": list(self.notices),
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
    """Where the answers will stand; `scratch` is for those that are not kept.

    Raises: BadInput when replay has no recording, Incomplete when the disk refuses.
    Side effects: completes a refresh that was interrupted while it put its recording in place.
    """
    proxy, root, whole = settings.proxy, settings.root, digest(identity)
    if proxy.mode == "replay":
        return Source(recording_folder(proxy.recording, root, proxy.place), proxy.recording, "replay", "replay", whole)
    if proxy.mode in ("mock", "live"):
        folder = scratch / f".answers-{proxy.mode}-{whole.removeprefix('sha256:')[:12]}"
        return Source(folder, proxy.mode, proxy.mode, proxy.mode, whole)
    place = place_of_recording(proxy.recording, root, proxy.place)
    if proxy.mode == "refresh":
        return Source(refreshed_folder(place), proxy.recording, "replay", "refresh", whole)
    if proxy.mode != "record":
        raise BadInput(f"mode {proxy.mode!r} is unknown", where=proxy.place, hint="replay, record, refresh, mock or live")
    _finish_swap(place)
    return Source(place, proxy.recording, "replay", "record", whole)


def begin_attempt(source: Source) -> tuple[str, ...]:
    """Continue the interrupted attempt of a `refresh` or `live` run when it is the same and young; else begin a new one.

    Answers of another set-up, or of yesterday, are not what the user asked for now: they are put aside.

    Returns: what to tell the user.
    Side effects: writes `attempt.json` into the folder; renames the folder of an attempt that is not continued.
    """
    if source.mode not in ("refresh", "live"):
        return ()
    told: tuple[str, ...] = ()
    if source.folder.is_dir():
        found = _attempt(source.folder)
        started = str(found.get("started", ""))
        if found.get("identity") == source.identity and (found.get("complete") is True or _is_young(started)):
            return (f"answers of the attempt that began at {started} are used again; it was interrupted",)
        place = source.folder.with_name(source.name)
        aside = _free(source.folder.with_name(source.folder.name + ".old"))
        try:
            if source.mode == "refresh":
                # Complete, and its place made free already: it is the recording, and a new refresh begins after it.
                _finish_swap(place)
            if source.folder.is_dir():
                source.folder.rename(aside)
        except OSError as error:
            raise refused(error, source.folder, "cannot be put aside") from error
        if aside.is_dir():
            told = (f"an interrupted attempt with another set-up, or older than a day, is put aside as {aside.name}",)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    write_whole(source.folder / ATTEMPT, pretty_json({"identity": source.identity, "started": now, "complete": False}))
    return told


def conclude(source: Source) -> None:
    """After the verdict stands: a refreshed recording takes its place, answers that are not kept are removed.

    The recording that was replaced is kept beside it as `<name>.<first digits of its digest>`.

    Raises: Incomplete when somebody is recording into the old one, or the disk refuses; nothing is lost then.
    """
    if source.mode in ("mock", "live"):
        shutil.rmtree(source.folder, ignore_errors=True)
    if source.mode != "refresh":
        return
    place = source.folder.with_name(source.name)
    attempt = {**_attempt(source.folder), "complete": True}
    write_whole(source.folder / ATTEMPT, pretty_json(attempt))
    try:
        if place.exists():
            _put_aside(place, source)
        _finish_swap(place)
    except OSError as error:
        hint = f"the new answers stand in {source.folder}; the same command continues"
        raise Incomplete(Problem(f"the recording cannot be replaced: {error.strerror}", str(place), hint)) from error
    except BadInput as error:
        hint = "wait for it; the same command continues"
        raise Incomplete([Problem(p.message, p.where, hint) for p in error.problems]) from error


def _put_aside(place: Path, source: Source) -> None:
    # By its bytes, not by what it answers: a damaged one is refreshed like any other.
    old = seal_of(digest_segments(place, source.name)).removeprefix("sha256:")[:8]
    aside = _free(place.with_name(f"{source.name}.{old}"))
    with locked(place / LOCK, "wait for whoever records into it"):
        if (place / "provenance.json").is_file():
            shutil.copyfile(place / "provenance.json", source.folder / "provenance-before.json")
        place.rename(aside)
        (aside / LOCK).unlink(missing_ok=True)


def _finish_swap(place: Path) -> None:
    """Rename a refreshed recording that is complete to the place that was made free for it."""
    folder = refreshed_folder(place)
    if not place.exists() and _attempt(folder).get("complete") is True:
        folder.rename(place)
        (place / ATTEMPT).unlink(missing_ok=True)


def _attempt(folder: Path) -> dict[str, Any]:
    with suppress(OSError, ValueError):
        found = parse_json((folder / ATTEMPT).read_text(encoding="utf-8"))
        if isinstance(found, dict):
            return found
    return {}


def _is_young(started: str) -> bool:
    try:
        return abs(datetime.now(UTC) - datetime.fromisoformat(started)) <= OLDEST_ATTEMPT
    except (ValueError, TypeError):
        return False


def _free(path: Path) -> Path:
    """The path, or with the first number behind it under which nothing stands yet."""
    number, free = 1, path
    while free.exists():
        number += 1
        free = path.with_name(f"{path.name}-{number}")
    return free
