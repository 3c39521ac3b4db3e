"""`evalgate recording export`: plain JSON lines, of the recording itself or of the outputs of one variant."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from evalgate.core.canonical import json_line
from evalgate.core.errors import BadInput, Incomplete, Problem
from evalgate.core.refusal import refused
from evalgate.core.values import Output, Status
from evalgate.pipeline.recording_gates import Gate
from evalgate.pipeline.recordings import Named, line_at
from evalgate.proxy.exchange import sealed_line
from evalgate.proxy.nearest import Miss
from evalgate.proxy.recording import Recording, open_recording
from evalgate.proxy.replay import replay

SHOWN_CASES = 20


def exported_lines(named: Named) -> Iterator[str]:
    """The exchanges that count, as sealed recording lines in the order of their keys.

    Imported elsewhere they make a recording with the same digest.

    Raises: BadInput when the recording is damaged, before the first line.
    """
    recording = open_recording(named.folder, named.name)
    return (json_line(_sealed(line_at(recording, recording.index.place(at)))) for at in range(len(recording)))


def exported_outputs(named: Named, gate: Gate, variant: str, sample: int = 0) -> Iterator[str]:
    """One line a case in the order of the dataset, as `evalgate compare` reads it.

    A recorded error is a lost answer there too: `output` is null, and `error` says why.

    Raises: BadInput when the recording is damaged, Incomplete naming the cases that it does not answer; both before the
        first line.
    """
    recording = open_recording(named.folder, named.name)
    misses = [f"case {ask.case_id}" for ask in gate.asks_for(variant, sample) if isinstance(replay(ask, recording), Miss)]
    if misses:
        raise Incomplete(unanswered(misses, named.name, f"evalgate run {gate.config} --mode record"))
    return _outputs(recording, gate, variant, sample)


def unanswered(cases: list[str], recording: str, command: str) -> list[Problem]:
    """The problem that a recording does not answer some cases, the first of them named."""
    count = f"{len(cases)} requests are" if len(cases) > 1 else "1 request is"
    hint = f"record what is missing: {command}; or restore the prompt, model and data"
    problems = [Problem(f"{count} not answered by the recording", recording, hint)]
    problems += [Problem("is not recorded", case) for case in cases[:SHOWN_CASES]]
    if len(cases) > SHOWN_CASES:
        problems.append(Problem(f"{len(cases) - SHOWN_CASES} more requests are not answered"))
    return problems


def write_lines(path: Path, lines: Iterable[str], recording: Named) -> int:
    """Write an export so that the file is absent or complete; gives the number of lines.

    Raises: BadInput when the file would become a segment of the recording itself, Incomplete when the disk refuses.
    """
    if path.resolve().is_relative_to(recording.folder.resolve()):
        hint = "choose a file outside of it"
        raise BadInput("the export would stand in the recording itself", where=str(path), hint=hint)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    count = 0
    try:
        with temporary.open("w", encoding="utf-8", newline="\n") as handle:
            for line in lines:
                handle.write(line)
                count += 1
            handle.flush()
            os.fsync(handle.fileno())
        temporary.replace(path)
    except OSError as error:
        raise refused(error, path) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
    return count


def _sealed(line: Any) -> dict[str, Any]:
    recorded_at = line.get("recorded_at")
    return sealed_line(
        line["request"],
        line["response"],
        key=line["key"],
        latency_ms=line.get("latency_ms"),
        recorded_at=recorded_at if isinstance(recorded_at, str) else None,
    )


def _outputs(recording: Recording, gate: Gate, variant: str, sample: int) -> Iterator[str]:
    for ask in gate.asks_for(variant, sample):
        answer = replay(ask, recording)
        if isinstance(answer, Miss):
            raise Incomplete("the recording changed meanwhile", where=recording.name, hint="run again")
        yield json_line({"id": ask.case_id, **_fields(answer)})


def _fields(answer: Output) -> dict[str, Any]:
    if answer.status is Status.ERROR:
        return {"output": None, "error": answer.error}
    return {
        "output": answer.text,
        "latency_ms": answer.latency_ms,
        "prompt_tokens": answer.prompt_tokens,
        "completion_tokens": answer.completion_tokens,
        "finish": answer.finish,
    }
