"""`evalgate recording import`: answers that somebody already has, into a recording; all of a file or nothing of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evalgate.config.foreign_yaml import read_foreign_yaml
from evalgate.core.credentials import secret_from_environment
from evalgate.core.errors import BadInput, Incomplete, Problem
from evalgate.core.files import parse_line, read_text
from evalgate.core.strict_json import parse_json
from evalgate.pipeline.recording_gates import read_gate
from evalgate.pipeline.recording_outputs import read_gate_outputs
from evalgate.pipeline.recording_staging import CONFLICT_HINT, SHOWN_PROBLEMS, Entry, Staging
from evalgate.pipeline.recordings import Named, place_in_file, wanted_recording
from evalgate.proxy.exchange import Exchange
from evalgate.proxy.recording import Recording, open_recording
from evalgate.proxy.recording_writer import RecordingWriter
from evalgate.proxy.transfer.guess import BATCH, FORMATS, LINES, OUTPUTS, PROMPTFOO, VCR, guess_format
from evalgate.proxy.transfer.interface import Entries, Reason
from evalgate.proxy.transfer.lines import read_lines
from evalgate.proxy.transfer.openai_batch import read_batch
from evalgate.proxy.transfer.promptfoo import Override, read_promptfoo
from evalgate.proxy.transfer.vcr import read_cassette
from evalgate.proxy.upstream.wire import parse_body

SCHEMA = "evalgate.recording-import/1"
MAX_JSON = 256 << 20


@dataclass(frozen=True, slots=True)
class Import:
    """What is to be imported, and what the user says about it."""

    source: Path
    into: str
    root: Path
    format: str | None = None
    """None: told from the file."""
    requests: Path | None = None
    """`openai-batch`: the input file of the batch."""
    config: Path | None = None
    """`outputs`: the gate whose requests the outputs answer."""
    variant: str | None = None
    sample: int = 0
    override: Override = field(default_factory=Override)
    """`promptfoo`."""
    repeats: bool = False
    """Whether a request that stands in the file several times becomes sample 0, 1, 2 … in the order of the file."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import came to."""

    recording: str
    format: str
    imported: int
    present: int
    """Exchanges that were recorded already, with the same answer."""
    counts: Mapping[Reason, int]
    redacted: int
    skipped: tuple[Problem, ...]
    """The first of what was not taken, with reasons."""
    repaired: tuple[Problem, ...]

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "schema": SCHEMA,
            "recording": self.recording,
            "format": self.format,
            "imported": self.imported,
            "already_there": self.present,
            "errors": self.counts[Reason.ERROR],
            "unusable": self.counts[Reason.UNUSABLE],
            "unanswered": self.counts[Reason.UNANSWERED],
            "redacted": self.redacted,
            "skipped": [{"where": p.where, "message": p.message} for p in self.skipped],
            "repaired": [{"where": p.where, "message": p.message} for p in self.repaired],
        }


def import_file(task: Import) -> Imported:
    """Read a foreign file and append what it holds.

    Raises: BadInput when the file is malformed, or answers a recorded request differently: nothing is written then.
        Incomplete when nothing in the file is an answer, or the disk refuses.
    Side effects: writes the recording.
    """
    named = wanted_recording(task.into, task.root)
    kind = task.format or guess_format(task.source)
    _check(task, kind)
    secret_from_environment("OPENAI_API_KEY")
    with closing(Staging(None if kind == LINES else kind, repeats=task.repeats)) as staging:
        staging.take_all(_entries(task, kind))
        if not staging.entries:
            raise Incomplete([Problem("nothing in the file is an answer", str(task.source)), *staging.skipped])
        written, repaired = _append(staging, named)
        present = len(staging.entries) - written + staging.same
        return Imported(named.name, kind, written, present, staging.counts, staging.redacted, tuple(staging.skipped), repaired)


def override(model: str | None, parameters: Sequence[str]) -> Override:
    """What the command line says about requests: `KEY=VALUE`, where the value is JSON or else a text.

    Raises: BadInput for a parameter without a name.
    """
    found: dict[str, Any] = {}
    for parameter in parameters:
        name, equals, text = parameter.partition("=")
        if not equals or not name.strip() or name in found:
            hint = "such as --parameter temperature=0, each name once"
            raise BadInput(f"{parameter[:80]!r} is not KEY=VALUE", where="--parameter", hint=hint)
        try:
            found[name] = parse_json(text)
        except ValueError:
            found[name] = text
    return Override(model, found)


def _check(task: Import, kind: str) -> None:
    """Refuse options that would be ignored, and the lack of those that are needed."""
    if kind not in FORMATS:
        raise BadInput(f"format {kind!r} is unknown", where="--format", hint=", ".join(FORMATS))
    needed: dict[str, dict[str, Any]] = {
        BATCH: {"--requests": task.requests},
        OUTPUTS: {"--config": task.config, "--variant": task.variant},
    }
    given = {
        "--requests": (task.requests is not None, BATCH),
        "--config": (task.config is not None, OUTPUTS),
        "--variant": (task.variant is not None, OUTPUTS),
        "--sample": (task.sample != 0, OUTPUTS),
        "--model": (task.override.model is not None, PROMPTFOO),
        "--parameter": (bool(task.override.parameters), PROMPTFOO),
    }
    problems = [Problem(f"format {kind} needs {name}") for name, value in needed.get(kind, {}).items() if value is None]
    problems += [Problem(f"{name} goes with format {fits}") for name, (set_, fits) in given.items() if set_ and kind != fits]
    if task.repeats and kind in (OUTPUTS, LINES):
        problems.append(Problem(f"--repeats does not go with format {kind}"))
    if problems:
        raise BadInput(problems)


def _entries(task: Import, kind: str) -> Entries:
    shown = str(task.source)
    if kind == BATCH:
        assert task.requests is not None
        return read_batch(task.source, task.requests)
    if kind == PROMPTFOO:
        return read_promptfoo(_json(task.source), shown, task.override)
    if kind == VCR:
        is_yaml = task.source.suffix.lower() in (".yaml", ".yml")
        return read_cassette(read_foreign_yaml(task.source) if is_yaml else _json(task.source), shown)
    if kind == OUTPUTS:
        assert task.config is not None
        assert task.variant is not None
        return read_gate_outputs(task.source, read_gate(task.config), task.variant, task.sample)
    return read_lines(task.source)


def _json(path: Path) -> Any:
    """A JSON document; half a character at the end of a cut answer becomes U+FFFD."""
    data = read_text(path, str(path), MAX_JSON).encode("utf-8")
    try:
        return parse_line(data, str(path))
    except BadInput as error:
        if "surrogate" not in str(error):
            raise
    return parse_body(data)


def _append(staging: Staging, named: Named) -> tuple[int, tuple[Problem, ...]]:
    """Append what is new; everything is compared before the first line is written."""
    with RecordingWriter(named.folder, named.name) as writer:
        recording = open_recording(named.folder, named.name, may_be_empty=True)
        new = _new(staging.entries, recording)
        for entry, line in staging.lines():
            if entry.key in new:
                writer.append(line)
        return writer.written, writer.repaired


def _new(entries: list[Entry], recording: Recording) -> set[str]:
    """Keys of the entries to write.

    Raises: BadInput naming both places, when a recorded request is answered differently.
    """
    new: set[str] = set()
    problems: list[Problem] = []
    for entry in entries:
        place = recording.index.find(entry.key)
        if place is None or (place.is_error and not entry.is_error):
            new.add(entry.key)
        elif not entry.is_error:
            known = recording.lookup(entry.key)
            assert known is not None
            if known.answer_digest() != entry.answer:
                said = f"another answer to the request that {place_in_file(recording, place)} already answers"
                problems.append(Problem(said, entry.where, f"{CONFLICT_HINT}; recorded is {_shown(known)}"))
        if len(problems) >= SHOWN_PROBLEMS:
            break
    if problems:
        raise BadInput(problems)
    return new


def _shown(exchange: Exchange) -> str:
    usage = f"{exchange.prompt_tokens} and {exchange.completion_tokens} tokens"
    return f"{exchange.text[:80]!r} with finish {exchange.finish}, {usage}"
