"""`evalgate recording verify`: the proof that every line of a recording is right, or everything that is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from evalgate.core.errors import BadInput, Problem
from evalgate.pipeline.recordings import SHOWN_PROBLEMS, Named, torn_tails, unsealed_lines
from evalgate.proxy.key_index import IndexBuilder
from evalgate.proxy.recording import open_recording
from evalgate.proxy.segments import digest_segments
from evalgate.proxy.transfer.scan import scan_lines

SCHEMA = "evalgate.recording-verification/1"
_TORN_HINT = "it is cut off and kept aside when something is next recorded or imported"


@dataclass(frozen=True, slots=True)
class Proof:
    """What a verification found."""

    recording: str
    exchanges: int
    errors: int
    segments: int
    unsealed_lines: int
    """Lines without a digest: an edit of their answers would not be noticed."""
    digest: str
    problems: tuple[Problem, ...] = ()
    """Everything that is wrong; empty when the recording is right."""


def verify_recording(named: Named) -> Proof:
    """Prove every line from scratch, whatever an index says."""
    try:
        torn = torn_tails(named)
        recording = open_recording(named.folder, named.name, fresh=True)
        unsealed = sum(unsealed_lines(named, torn).values())
    except BadInput as error:
        return Proof(named.name, 0, 0, 0, 0, "", _every_problem(named) or error.problems)
    index = recording.index
    return Proof(named.name, index.count, index.errors, len(index.segments), unsealed, recording.digest)


def verified(proofs: Sequence[Proof]) -> dict[str, Any]:
    """Proofs without problems, as JSON."""
    names = ("recording", "exchanges", "errors", "segments", "unsealed_lines", "digest")
    return {"schema": SCHEMA, "recordings": [{name: getattr(proof, name) for name in names} for proof in proofs]}


def _every_problem(named: Named) -> tuple[Problem, ...]:
    """Every line that is wrong, and every key with two answers."""
    problems: list[Problem] = []
    segments = digest_segments(named.folder, named.name)
    torn = torn_tails(named)
    builder = IndexBuilder(named.name)
    for number, segment in enumerate(segments):
        shown = f"{named.name}/{segment.name}"
        for found in scan_lines(named.folder / segment.name, shown, torn.get(segment.name)):
            if isinstance(found, Problem):
                problems.append(found)
            else:
                builder.add(number, found.line, found.exchange)
        if segment.name in torn:
            said = f"the last line was torn: {segment.size - torn[segment.name]} bytes are no record"
            problems.append(Problem(said, f"{shown}:{_line_number(named, segment.name, torn[segment.name])}", _TORN_HINT))
    try:
        builder.image(segments)
    except BadInput as error:
        problems += error.problems
    more = len(problems) - SHOWN_PROBLEMS
    return (*problems[:SHOWN_PROBLEMS], *([Problem(f"and {more} more problems", named.name)] if more > 0 else ()))


def _line_number(named: Named, segment: str, offset: int) -> int:
    with (named.folder / segment).open("rb") as handle:
        return handle.read(offset).count(b"\n") + 1
